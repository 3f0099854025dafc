// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/sync/interprocess_semaphore.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>

/// A ring of slots between one sender and one receiver, which may be processes: it lies in memory
/// that both share. Each side copies first, and then says so: else the receiver would read what is
/// not there yet, or the sender overwrite what has not been read.
/// Thread safety: put() by one at a time, and get() by one at a time. Errors: none; who waits for a
/// side that has died waits for ever.
class Ring {
 public:
  static constexpr std::size_t slots = 16, slot_size = 64 << 10;

  /// Copies the bytes into slots; waits while none is free.
  void send(std::span<const char> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += slot_size) {
      const auto part = bytes.subspan(at, std::min(slot_size, bytes.size() - at));
      put([&](char* slot) { std::ranges::copy(part, slot); });
    }
  }

  /// Fills all the bytes. Requires: as many were sent with one call.
  void receive(std::span<char> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += slot_size) {
      const auto part = bytes.subspan(at, std::min(slot_size, bytes.size() - at));
      get([&](const char* slot) { std::copy_n(slot, part.size(), part.begin()); });
    }
  }

  /// Waits for a free slot; calls fill(char*) with it, which must not throw.
  void put(const auto& fill) {
    take(free_);
    fill(slot_[put_ % slots].data());
    ++put_;
    full_.post();
  }

  /// Waits for the oldest full slot; calls empty(const char*) with it, which must not throw.
  void get(const auto& empty) {
    take(full_);
    empty(slot_[got_ % slots].data());
    ++got_;
    free_.post();
  }

 private:
  using Semaphore = boost::interprocess::interprocess_semaphore;

  static void take(Semaphore& semaphore) {
    for (int i = 0; i < 100; ++i) {  // mostly the other side is about to be done
      if (semaphore.try_wait()) return;
      sched_yield();
    }
    while (!is_posted(semaphore)) continue;
  }

  /// Sleeps until the kernel wakes this side, which takes longer. False if a signal handler ran.
  static bool is_posted(Semaphore& semaphore) {
    try {
      semaphore.wait();
      return true;
    } catch (const boost::interprocess::interprocess_exception& error) {
      if (error.get_native_error() != EINTR) throw;
      return false;
    }
  }

  std::array<std::array<char, slot_size>, slots> slot_ = {};
  alignas(64) Semaphore free_{slots};  // a cache line each
  alignas(64) Semaphore full_{0};
  alignas(64) std::size_t put_ = 0;
  alignas(64) std::size_t got_ = 0;
};
