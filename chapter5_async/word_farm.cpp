// SPDX-License-Identifier: MIT
#include "word_farm.hpp"

#include "pdc/coroutine.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <sstream>
#include <thread>

using pdc::posix;

namespace {

constexpr std::size_t most_bytes = 4096;  // of a share, or of a result

struct Pair {
  pdc::Descriptor here, there;
  explicit Pair(int type) {
    std::array<int, 2> ends;
    posix(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
    here = pdc::Descriptor(ends[0]);
    there = pdc::Descriptor(ends[1]);
  }
};

/// A message: all of it, or none.
void send(const pdc::Descriptor& socket, const std::string& text) {
  posix(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), "send");
}

std::string take(const pdc::Descriptor& socket) {
  std::string text(most_bytes, '\0');
  const ssize_t size = TEMP_FAILURE_RETRY(recv(socket.get(), text.data(), text.size(), 0));
  text.resize(static_cast<std::size_t>(posix(size, "recv")));
  return text;
}

void work(const pdc::Lane& lane, char piece) {
  const auto bar = lane.work("piece {}", int{piece});
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays more text
}

void map_pieces(const pdc::Descriptor& coordinator, const std::vector<Pair>& reducers,
                const Job& job, const pdc::Lane& lane, bool dies) {
  char piece = 0;
  while (TEMP_FAILURE_RETRY(read(coordinator.get(), &piece, 1)) == 1) {
    work(lane, piece);
    const std::vector<Share> shares = map_piece(piece, job);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (shares[i].words.empty()) continue;
      auto bar = lane.send("{} for reducer {}", int{piece}, i);
      send(reducers[i].there, std::string(1, piece) + shares[i].words);
      bar.end();
      if (dies) raise(SIGKILL);
    }
    posix(TEMP_FAILURE_RETRY(write(coordinator.get(), &piece, 1)), "write");
  }
}

void reduce(const pdc::Descriptor& socket, Rule* counts, const pdc::Lane& lane) {
  std::string result;
  for (const auto& [word, count] : reduce_shares(socket, counts, lane))
    result += fmt::format("{} {} ", word, count);
  send(socket, result);
}

Counts read_counts(const std::string& text) {
  Counts counts;
  std::istringstream words(text);
  std::string word;
  int count = 0;
  while (words >> word >> count) counts[word] = count;
  return counts;
}

}  // namespace

std::optional<Share> receive(const pdc::Descriptor& socket, const pdc::Lane& lane) {
  const std::string text = take(socket);
  if (text == "end") return {};
  const auto bar = lane.receive("{} for {}", int{text[0]}, lane.name());
  return Share{text[0], text.substr(1)};
}

Result count_words(const Job& job) {
  std::vector<pdc::Lane> mapper_lanes, reducer_lanes;
  for (int i = 0; i < job.mappers; ++i) mapper_lanes.push_back(pdc::Lane("mapper {}", i));
  for (int i = 0; i < job.reducers; ++i) reducer_lanes.push_back(pdc::Lane("reducer {}", i));
  std::vector<Pair> mappers, reducers;
  std::vector<pdc::Child> mapping, reducing;
  for (int i = 0; i < job.reducers; ++i) {
    Pair& pair = reducers.emplace_back(SOCK_SEQPACKET);
    reducing.emplace_back([&] { reduce(pair.here, job.counts, reducer_lanes[i]); });
    pair.here.close();  // here and below: so that a lost process is noticed
  }
  for (int i = 0; i < job.mappers; ++i) {
    Pair& pair = mappers.emplace_back(SOCK_STREAM);
    mapping.emplace_back([&] { map_pieces(pair.here, reducers, job, mapper_lanes[i], i == 0); });
    pair.here.close();
  }

  Farm farm;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    farm.to_do.try_send(boost::system::error_code(), static_cast<char>(i));
  for (const Pair& mapper : mappers) {
    Socket socket(farm.loop, asio::local::stream_protocol(), posix(dup(mapper.there.get()), "dup"));
    asio::co_spawn(farm.loop, deal_out(farm, std::move(socket)), pdc::rethrow);
  }
  farm.loop.run();

  Result result;
  for (const Pair& mapper : mappers) shutdown(mapper.there.get(), SHUT_RDWR);  // it ends
  for (const Pair& reducer : reducers) {
    send(reducer.there, "end");
    for (const auto& [word, count] : read_counts(take(reducer.there))) {
      ++result.lines;
      result.words += count;
      result.counts[word] += count;
    }
  }
  result.dealt_out = farm.dealt_out;
  result.first = mapping.front().wait();
  return result;
}
