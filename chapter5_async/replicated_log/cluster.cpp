// SPDX-License-Identifier: MIT
#include "cluster.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

using pdc::posix;
using raft::Node;

int Evidence::answered() const {
  return static_cast<int>(std::ranges::count_if(
      history, [](const Operation& operation) { return operation.returned != never; }));
}

int Evidence::most_leaders() const {
  std::size_t most = 0;
  for (const auto& [term, nodes] : leaders) most = std::max(most, nodes.size());
  return static_cast<int>(most);
}

Command put(int client, int number) {
  return {client, number, true, 0, number};
}

Command get(int client, int number) {
  return {client, number, false, 0, 0};
}

Cluster::Cluster(int nodes, raft::CommitRule rule, unsigned seed, Drawn drawn)
    : rule_(rule), is_drawn_(drawn == Drawn::yes), random_(seed), sides_(nodes, 0) {
  if (is_drawn_) clients_ = pdc::Lane("client");
  for (Node node = 0; node < nodes; ++node) {
    nodes_.push_back({open_file(), {}});
    if (is_drawn_) nodes_[node].lane = pdc::Lane("node {}", node);
  }
  for (Node node = 0; node < nodes; ++node) start(node);
}

Cluster::~Cluster() {
  for (const Process& node : nodes_)
    if (node.child) ::kill(node.child->pid(), SIGKILL);
}

void Cluster::start(Node node) {
  Process& at = nodes_[node];
  if (at.child) return;
  repair_disk(node);
  std::array<int, 2> ends{};
  posix(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  at.socket = pdc::Descriptor(ends[0]);
  pdc::Descriptor its_end(ends[1]);
  const auto seed = static_cast<unsigned>(random_());
  at.child.emplace([&] {
    at.socket.close();
    live(its_end, at.file, {node, static_cast<int>(nodes_.size()), file(node), rule_, seed});
  });
}

void Cluster::kill(Node node) {
  if (!is_up(node)) return;
  posix(::kill(nodes_[node].child->pid(), SIGKILL), "kill");
  bury(node, 0, SIGKILL);
  ++seen_.kills;
  if (is_drawn_) pdc::mark("killed");
}

/// Any other end is not of this program's making.
void Cluster::bury(Node node, int status, int signal) {
  Process& at = nodes_[node];
  const pdc::Exit end = at.child->wait();
  if (end.status == disk_is_full && status != disk_is_full)  // it is: the machine's own limit
    throw std::system_error(EFBIG, std::generic_category(), "write");
  if (end.status != status || end.signal != signal)
    pdc::require(false, "no node ends unless it is killed or its disk is full", "{}", end.text());
  at.child.reset();
  at.role = raft::Role::follower;
  at.reign.reset();
}

void Cluster::fill_disk(Node node, int room) {
  Process& at = nodes_[node];
  if (!at.child) return;
  struct stat file {};
  posix(fstat(at.file.get(), &file), "fstat");
  rlimit limit{};
  posix(prlimit(at.child->pid(), RLIMIT_FSIZE, nullptr, &limit), "prlimit");
  limit.rlim_cur = static_cast<rlim_t>(file.st_size + room);
  posix(prlimit(at.child->pid(), RLIMIT_FSIZE, &limit, nullptr), "prlimit");
  at.is_full = true;
}

void Cluster::repair_disk(Node node) {
  Process& at = nodes_[node];
  at.is_full = false;
  if (!at.child) return;  // the next one has the limit of this program
  rlimit limit{};
  posix(getrlimit(RLIMIT_FSIZE, &limit), "getrlimit");
  posix(prlimit(at.child->pid(), RLIMIT_FSIZE, &limit, nullptr), "prlimit");
}

void Cluster::split(std::vector<int> sides) {
  if (std::ranges::adjacent_find(sides, std::not_equal_to()) != sides.end()) ++seen_.partitions;
  sides_ = std::move(sides);
}

void Cluster::after(int ticks, std::function<void()> what) {
  plan_.emplace(now_ + ticks, std::move(what));
}

void Cluster::pass() {
  ++now_;
  if (is_drawn_) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays the time
  while (!plan_.empty() && plan_.begin()->first <= now_) {
    const auto what = plan_.extract(plan_.begin());
    what.mapped()();
  }
}

void Cluster::settle() {
  while (!plan_.empty()) pass();
}

void Cluster::ask(Node node, const Command& command) {
  request(node, command);
  settle();
}

void Cluster::elect(Node node) {
  for (int i = 0; i < 3 && role(node) != raft::Role::leader; ++i) {
    const raft::Term before = nodes_[node].term;
    while (is_up(node) && nodes_[node].term == before) tick(node);
    settle();
  }
}

void Cluster::beat(Node leader) {
  for (int i = 0; i < raft::Raft::heartbeat; ++i) tick(leader);
  settle();
}

/// `nobody` is a client.
const std::optional<pdc::Lane>& Cluster::lane(Node node) const {
  return node == raft::nobody ? clients_ : nodes_[node].lane;
}

bool Cluster::is_cut_off(Node from, Node to) const {
  if (to == raft::nobody) return false;
  return !is_up(to) || (from != raft::nobody && sides_[from] != sides_[to]);
}

/// On its way it may be lost, or come twice, or be overtaken.
void Cluster::carry(const std::string& what, Node from, Node to, std::function<void()> arrive) {
  const int number = ++carried_;
  if (lane(from) && !what.empty()) const auto sent = lane(from)->send("{} #{}", what, number);
  int copies = choose(100) < weather_.drop ? 0 : 1;
  if (choose(100) < weather_.drop) ++copies;
  for (int i = 0; i < copies; ++i)
    after(1 + choose(weather_.delay), [=, this] {
      if (is_cut_off(from, to)) return;
      if (lane(to) && !what.empty())
        const auto received = lane(to)->receive("{} #{}", what, number);
      arrive();
    });
}

void Cluster::request(Node node, const Command& command) {
  const std::pair key(command.client, command.number);
  if (asked_.try_emplace(key, commands_.size()).second) {
    commands_.push_back(command);
    seen_.history.push_back({command.is_put, command.key, command.value, ++moment_});
  }
  carry(command.is_put ? fmt::format("put {}", command.value) : "get", raft::nobody, node,
        [=, this] {
          step(node, {{}, {command}});
        });
}

void Cluster::hear(const Answer& answer) {
  Operation& operation = seen_.history[asked_.at({answer.client, answer.number})];
  if (operation.returned != never) return;  // it was told before
  operation.returned = ++moment_;
  operation.value = answer.value;
}

bool Cluster::is_answered(const Command& command) const {
  const auto place = asked_.at({command.client, command.number});
  return seen_.history[place].returned != never;
}

void Cluster::step(Node node, const Input& input) {
  const Process& at = nodes_[node];
  if (!at.child) return;
  const std::string text = send(at.socket, to_text(input)) ? receive(at.socket) : "";
  if (!text.empty()) return note(node, to_report(text));
  if (at.is_full) ++seen_.full_disks;
  bury(node, at.is_full ? disk_is_full : 0, 0);
}

/// Without a name it is not drawn.
std::string name_of(const raft::Message& message) {
  switch (message.kind) {
    case raft::Kind::request_vote:
      return "vote?";
    case raft::Kind::vote:
      return message.success ? "yes" : "no";
    case raft::Kind::append_entries:
      return message.entries.empty() ? "" : "entries";
    case raft::Kind::appended:
      return message.success ? "written" : "missing";
  }
  return "";
}

void Cluster::note(Node node, const Report& report) {
  Process& at = nodes_[node];
  if (report.role == raft::Role::leader) {
    seen_.leaders[report.term].insert(node);
    if (at.lane && !at.reign) at.reign.emplace(at.lane->hold("leader of term {}", report.term));
  } else {
    at.reign.reset();
  }
  at.role = report.role;
  at.term = report.term;
  for (raft::Index index = report.first; const raft::Entry& entry : report.executed) {
    const auto [place, is_first] = seen_.executed.try_emplace(index, entry.command);
    if (!is_first && place->second != entry.command) ++seen_.disagreements;
    ++index;
  }
  for (const raft::Message& message : report.sent) {
    const bool is_news = message.kind != raft::Kind::appended ||
                         std::exchange(at.appended, message.index) != message.index;
    carry(is_news ? name_of(message) : "", node, message.to, [=, this] {
      step(message.to, {{message}, {}});
    });
  }
  for (const Answer& answer : report.answers)
    carry("done", node, raft::nobody, [=, this] { hear(answer); });
}

int Cluster::count_lost() const {
  std::map<std::string, std::size_t> copies;
  for (const Process& node : nodes_) {
    std::set<std::string> commands;
    for (const raft::Entry& entry : read_file(node.file).log) commands.insert(entry.command);
    for (const std::string& command : commands) ++copies[command];
  }
  int lost = 0;
  for (std::size_t i = 0; i < commands_.size(); ++i)
    if (seen_.history[i].returned != never && 2 * copies[to_text(commands_[i])] <= nodes_.size())
      ++lost;
  return lost;
}

Evidence Cluster::evidence() const {
  Evidence evidence = seen_;
  evidence.lost = count_lost();
  return evidence;
}
