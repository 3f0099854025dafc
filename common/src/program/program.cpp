// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "end/complain.hpp"
#include "end/deadline.hpp"
#include "end/end.hpp"
#include "pdc/deadline.hpp"
#include "picture/arena.hpp"
#include "program/options.hpp"
#include "run/run.hpp"
#include "run/world.hpp"
#include "speak/print.hpp"
#include "speak/report.hpp"
#include "speak/show.hpp"
#include "speak/verdict.hpp"

namespace pdc {

using detail::run;

namespace {

/// main has returned, or somebody called exit(), and finish() has not said that a claim failed.
void end_without_finish() {
  if (run().verdict_due && !detail::is_child()) detail::end_program(1, detail::verdict());
}

}  // namespace

Program::Program(int argc, char** argv, std::initializer_list<Option> options) {
  if (run().output_closed) refuse("write to standard output: it is closed");
  signal(SIGPIPE, SIG_IGN);  // a write to a pipe that nobody reads is an error with a message, not
                             // a silent death
  std::atexit(end_without_finish);
  detail::read_options(argc, argv, options);
  if (detail::arena == nullptr) detail::make_arena();  // an MPI session has made it already
  detail::catch_signal();
  set_deadline(std::chrono::duration<double>(run().deadline));
  run().title_due = !run().summary.empty();
  if (detail::world().gather == nullptr)
    detail::print_title();  // MPI: too few ranks may yet be refused
}

int Program::integer(std::string_view option) const {
  return detail::option_value<int>(option);
}
double Program::real(std::string_view option) const {
  return detail::option_value<double>(option);
}
bool Program::flag(std::string_view option) const {
  return detail::option_value<bool>(option);
}
const std::string& Program::word(std::string_view option) const {
  return detail::option_value<std::string>(option);
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
