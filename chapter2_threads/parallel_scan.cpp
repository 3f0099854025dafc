// Parallel scan: the running sum, which looks serial and is not.
//
// Concept   Each running sum needs the one before it. Still they can be shared out in blocks: scan
//           each block as if nothing stood before it, then add to it what does. The price is
//           the second pass: two threads gain nothing, and four half of the time.
// Shows     std::inclusive_scan, std::span, std::jthread
// Python    itertools.accumulate, numpy.cumsum
// Run       parallel_scan --numbers 1048576 --threads 4
// You see   one thread; blocks that know nothing of those before them; two passes, all sums right
// Next      pipeline keeps items in order; reduce scans over MPI ranks

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <chrono>
#include <cstdint>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

/// A part of the numbers, which become their running sums in place.
struct Block {
  std::span<std::int64_t> sums;
  pdc::Lane lane;
  std::int64_t before = 0;  // the sum of all blocks before this one
  std::int64_t additions = 0;
};

/// The first pass: as if nothing stood before the block.
void scan(Block& block) {
  const auto add = [&](std::int64_t a, std::int64_t b) {
    ++block.additions;
    return a + b;
  };
  std::inclusive_scan(block.sums.begin(), block.sums.end(), block.sums.begin(), add);
}

/// The second pass.
void add_what_stands_before(Block& block) {
  for (std::int64_t& sum : block.sums) {
    ++block.additions;
    sum = block.before + sum;
  }
}

/// A thread for each block.
void pass_over(std::span<Block> blocks, const char* name, void (*pass)(Block&)) {
  std::vector<std::jthread> threads;
  for (Block& block : blocks) {
    threads.emplace_back([&block, name, pass] {
      const auto work = block.lane.work("{}", name);
      std::this_thread::sleep_for(block.sums.size() * 60ns);  // plays harder additions
      pass(block);
    });
  }
}  // ~jthread joins each: a pass is over when all blocks are done

/// Wrong on purpose if there is more than one block: each forgets those before it.
void scan_blocks(std::span<Block> blocks) {
  pass_over(blocks, "scans", scan);
}

void scan_in_two_passes(std::span<Block> blocks) {
  pass_over(blocks, "scans", scan);
  for (std::size_t i = 1; i < blocks.size(); ++i)
    blocks[i].before = blocks[i - 1].before + blocks[i - 1].sums.back();
  pass_over(blocks.subspan(1), "adds", add_what_stands_before);  // before the first stands nothing
}

struct Seen {
  std::int64_t right = 0;  // running sums of k numbers that are k (k + 1) / 2
  std::int64_t additions = 0;
};

/// Of the numbers 1, 2, 3, ...
Seen watch(void (*scan_all)(std::span<Block>), std::size_t n, std::size_t threads) {
  std::vector<std::int64_t> sums(n);
  std::iota(sums.begin(), sums.end(), 1);  // before the scan they are the numbers
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < threads; ++i) {
    const std::size_t first = n * i / threads;
    const std::size_t last = n * (i + 1) / threads;
    blocks.push_back({std::span(sums).subspan(first, last - first), pdc::Lane("block {}", i)});
  }
  scan_all(blocks);
  Seen seen;
  for (std::size_t k = 1; k <= n; ++k) {
    if (sums[k - 1] == static_cast<std::int64_t>(k * (k + 1) / 2)) ++seen.right;
  }
  for (const Block& block : blocks) seen.additions += block.additions;
  if (seen.right < std::ssize(sums)) pdc::fault("sums too small");
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"numbers", 1 << 20, "numbers to add up", {1024, 8'000'000}},
                        {"threads", 4, "threads, each with a block", {2, 64}}});
  const std::int64_t n = program.integer("numbers"), threads = program.integer("threads");

  const Seen serial = program.scene("one thread", watch, scan_blocks, n, 1);
  const Seen apart = program.scene("each block for itself", watch, scan_blocks, n, threads);
  const Seen both = program.scene("in two passes", watch, scan_in_two_passes, n, threads);

  const std::int64_t first_block = n / threads;
  pdc::check(apart.right == first_block,
             "scanned each for itself, only the first block has the right sums", "{} of {}",
             apart.right, n);
  pdc::check(both.right == n, "in two passes, every running sum of k numbers is k (k + 1) / 2",
             "{} of {}", both.right, n);
  pdc::check(serial.additions == n - 1 && both.additions == 2 * n - threads - first_block,
             "the second pass adds once more to every number outside the first block",
             "{} additions, one thread {}", both.additions, serial.additions);
  return program.finish();
}
