// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/print.hpp"
#include "pdc/process.hpp"
#include "pdc/timeline.hpp"

#include <array>
#include <cstddef>
#include <string>

/// A program that keeps a journal, for the page journal: it is killed, and started again.

constexpr std::array payments = {"rent 700", "tea 3", "shoes 90", "milk 2"};
inline const std::string all = pdc::join(payments, "\n") + '\n';

/// One life of the program, which ends by itself or is killed.
struct Run {
  int journal;
  std::size_t end;    // it is killed once the journal has this many bytes
  std::size_t& told;  // in shared memory: how many payments the client knows of
  pdc::Lane client, lane;
};

using TakeUp = std::string (*)(int journal);
using Finish = void (*)(const Run&, std::size_t payment);

// In journal.cpp:
pdc::Descriptor open_journal();
std::string read_all(int journal);

/// The program is killed, and started again. Returns what is in its journal in the end.
std::string kill_at(std::size_t end, TakeUp take_up, Finish finish);

/// Kills it once at each length of the journal. Returns how often that did not end as `all`.
std::size_t count_losses(TakeUp take_up, Finish finish);

void tell(const Run& run, std::size_t done);  // the client
