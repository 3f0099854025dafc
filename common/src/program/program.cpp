// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <stdexcept>

#include "pdc/deadline.hpp"
#include "run/run.hpp"

namespace pdc {
namespace detail {

Run& run() {
  static Run instance;
  return instance;
}

namespace json = boost::json;

namespace {

json::array json_claims() {
  json::array claims;
  for (const Claim& c : run().claims) {
    claims.push_back(json::object{{"claim", c.text}, {"evidence", c.evidence}, {"holds", c.holds}});
  }
  return claims;
}

}  // namespace

std::string json_report() {
  const Run& r = run();
  json::object options;
  for (const Option& option : r.options) {
    std::visit([&](const auto& value) { options[option.name] = json::value_from(value); },
               option.value);
  }
  json::array measurements;
  for (const Measurement& m : r.measurements) {
    measurements.push_back(json::object{{"name", m.name}, {"value", m.value}, {"unit", m.unit}});
  }
  const bool holds = std::ranges::all_of(r.claims, &Claim::holds);
  const json::object report{{"name", r.name},          {"chapter", r.chapter},
                            {"options", options},      {"measurements", measurements},
                            {"claims", json_claims()}, {"all_claims_hold", holds}};
  return json::serialize(report) + "\n";
}

namespace {

/// main has returned, or somebody called exit(), and finish() has not said that a claim failed.
void end_without_finish() {
  if (run().verdict_due && !is_child()) end_program(1, verdict());
}

/// Rank 0 hears and prints what failed on the others. Collective.
void gather_failures() {
  const bool on_rank_0 = world().rank == 0;
  std::vector<Claim>& claims = run().claims;
  const std::string mine = on_rank_0 ? "" : json::serialize(json_claims());
  for (const std::string& theirs : world().gather_texts(mine)) {
    if (theirs.empty()) continue;
    const json::value report = json::parse(theirs);
    for (const json::value& failed : report.as_array()) {
      const Claim claim{json::value_to<std::string>(failed.at("claim")),
                        json::value_to<std::string>(failed.at("evidence")), false};
      const auto known = std::ranges::find(claims, claim.text, &Claim::text);
      if (known == claims.end()) {
        claims.push_back(claim);
      } else if (known->holds) {
        *known = claim;
      } else {
        continue;  // it has failed here as well, and that has been printed
      }
      if (run().output != Output::json) write_out(claim_line(claim) + "\n");
    }
  }
}

}  // namespace
}  // namespace detail

using detail::run;

Page::Page(std::string_view name, std::string_view chapter, std::string_view header) {
  std::set_terminate(detail::end_by_exception);
  detail::reset_inherited();  // now, before MPI_Init opens descriptors and starts threads
  run().name = name;
  run().chapter = chapter;
  run().header = header;
  const std::string_view first = header.substr(0, header.find('\n'));
  run().summary = first.substr(first.find(": ") + 2);
  if (run().summary.ends_with('.')) run().summary.pop_back();
}

Program::Program(int argc, char** argv, std::initializer_list<Option> options) {
  if (run().output_closed) refuse("write to standard output: it is closed");
  signal(SIGPIPE, SIG_IGN);  // a write to a pipe that nobody reads is an error with a message, not
                             // a silent death
  std::atexit(detail::end_without_finish);
  detail::read_options(argc, argv, options);
  if (detail::arena == nullptr) detail::make_arena();  // an MPI session has made it already
  detail::catch_signal();
  set_deadline(std::chrono::duration<double>(run().deadline));
  run().title_due = !run().summary.empty();
  if (detail::world().gather == nullptr)
    detail::print_title();  // MPI: too few ranks may yet be refused
}

namespace {
template <class Value>
const Value& option_value(std::string_view name) {
  for (const Option& option : run().options) {
    if (option.name == name && std::holds_alternative<Value>(option.value))
      return std::get<Value>(option.value);
  }
  throw std::logic_error(fmt::format("no option --{} of that kind was declared", name));
}
}  // namespace

int Program::integer(std::string_view option) const {
  return option_value<int>(option);
}
double Program::real(std::string_view option) const {
  return option_value<double>(option);
}
bool Program::flag(std::string_view option) const {
  return option_value<bool>(option);
}
const std::string& Program::word(std::string_view option) const {
  return option_value<std::string>(option);
}

void Program::reject(std::string_view why) const {
  detail::reject(why);
}

void Program::report(std::string_view name, double value, std::string_view unit) {
  const std::lock_guard lock(run().mutex);
  run().measurements.push_back({std::string(name), value, std::string(unit)});
}

Program::Scene::Scene(std::string_view title) {
  if (detail::world().meet != nullptr) detail::world().meet();  // so that the lanes begin together
  say("\n{}", title);
  run().scene = title;
  detail::set_main_act(title);
  run().scene_first_record = detail::arena.load()->records.load();
  run().dropped_before_scene = detail::arena.load()->dropped.load();
}

Program::Scene::~Scene() {
  detail::Run& r = run();
  detail::Recording recording = detail::read_arena(r.scene_first_record);
  recording.dropped -= r.dropped_before_scene;
  if (detail::world().gather != nullptr) recording = detail::world().gather(std::move(recording));
  if (detail::is_narrator()) {
    detail::Picture& picture =
        r.pictures.emplace_back(detail::assemble(r.scene, std::move(recording)));
    if (r.output == detail::Output::text) detail::print_chart(picture);
  }
  detail::set_main_act(fmt::format("main(), after the scene '{}'", r.scene));
  tell_progress();
  r.scene.clear();
}

int Program::finish() {
  detail::Run& r = run();
  if (detail::world().audit != nullptr) {
    const std::string unsettled = detail::world().audit();
    if (!unsettled.empty())
      check(false, "MPI's requests, objects and calls are settled", "{}", unsettled);
  }
  if (detail::world().gather_texts != nullptr) detail::gather_failures();
  const bool holds = std::ranges::all_of(r.claims, &detail::Claim::holds);
  if (detail::is_narrator()) {
    if (r.claims.empty()) detail::end_program(1, "[failed] the program made no claim");
    detail::write_pictures();
    if (r.output == detail::Output::json) {
      detail::write_out(detail::json_report());
    } else if (holds) {
      detail::write_out("all claims hold\n");
    }
    if (!holds) detail::complain(detail::verdict());
  }
  r.verdict_due = false;
  const int status = holds ? 0 : 1;
  // The other ranks stay here until rank 0 is through: a job some of whose ranks are in MPI_Finalize already may
  // hang when another one aborts it.
  return detail::world().agree != nullptr ? detail::world().agree(status) : status;
}

}  // namespace pdc
