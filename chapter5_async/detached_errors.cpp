// Detached errors: what a coroutine throws that nobody awaits is lost, unless a handler hears it.
//
// Concept   An exception goes to whoever awaits the coroutine. If nobody does, it goes to the
//           handler that co_spawn was given. asio::detached is one that takes it and does nothing:
//           the program goes on as if all were well. A handler may throw it on, then it comes out
//           of run(); or it tells the owner of the work, who decides what is to be done.
// Shows     co_spawn, asio::detached, std::exception_ptr, std::rethrow_exception, io_context::run
// Python    asyncio.create_task, Task.add_done_callback, loop.set_exception_handler
// Run       detached_errors --files 4
// You see   a full disk that nobody hears of; one that run() tells of; a file saved elsewhere
// Next      nursery awaits what it has started, and so hears of its errors

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr int blocks = 3;               // of a file
constexpr int unlucky = 1;              // the file whose disk
constexpr int room_of_a_full_disk = 1;  // has room for one block only
using Texts = std::vector<std::string>;

struct Backup {
  asio::io_context loop;
  int saved = 0;             // files, with all their blocks
  Texts heard = {};          // what came out of run()
  int saved_when_heard = 0;  // files that were saved at that moment
  Texts told = {};           // what the owner was told
};

asio::awaitable<void> save(Backup& backup, int file, int room, pdc::Lane lane) {
  for (int block = 0; block < blocks; ++block) {
    if (block == room) {
      pdc::mark("disk full");
      throw std::runtime_error(fmt::format("no room for file {}", file));
    }
    {
      const auto work = lane.work("block {}", block);
      std::this_thread::sleep_for(3ms);  // plays the disk
    }
    co_await asio::post(asio::use_awaitable);  // the others have their turn
  }
  ++backup.saved;
}

/// Instead of asio::detached: what the coroutine throws comes out of run().
void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

/// Wrong on purpose: who is to hear of it when the disk is full?
void save_detached(Backup& backup, int file, int room, pdc::Lane lane) {
  asio::co_spawn(backup.loop, save(backup, file, room, lane), asio::detached);
}

void save_or_throw(Backup& backup, int file, int room, pdc::Lane lane) {
  asio::co_spawn(backup.loop, save(backup, file, room, lane), rethrow);
}

/// The owner hears which file it is, and why, and decides: save it on a disk that has room.
void save_or_tell(Backup& backup, int file, int room, pdc::Lane lane) {
  asio::co_spawn(backup.loop, save(backup, file, room, lane),
                 [&backup, file, lane](std::exception_ptr error) {
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& why) {
                     backup.told.push_back(why.what());
                   }
                   save_or_throw(backup, file, blocks, lane);
                 });
}

void back_up(Backup& backup, int files, decltype(save_detached)* start) {
  for (int file = 0; file < files; ++file) {
    const int room = file == unlucky ? room_of_a_full_disk : blocks;
    start(backup, file, room, pdc::Lane(pdc::task, "file {}", file));
  }
  while (!backup.loop.stopped()) {
    try {
      backup.loop.run();  // after an exception it may be called again, and goes on with the others
    } catch (const std::exception& error) {
      backup.heard.push_back(error.what());
      backup.saved_when_heard = backup.saved;
    }
  }
  if (backup.heard.empty() && backup.saved < files) pdc::fault("all is well?");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"files", 4, "files, a disk for each", {2, 32}}});
  const int files = program.integer("files");
  const Texts no_room = {"no room for file 1"};
  Backup detached, thrown, told;

  program.scene("detached", back_up, detached, files, save_detached);
  program.scene("thrown on", back_up, thrown, files, save_or_throw);
  program.scene("told to the owner", back_up, told, files, save_or_tell);

  pdc::check(detached.heard.empty(), "detached, the exception is lost: run() throws nothing", "{}",
             detached.heard.size());
  pdc::check(detached.saved == files - 1,
             "detached, the program goes on as if all were well, and a file is missing",
             "{} of {} saved", detached.saved, files);
  pdc::check(thrown.heard == no_room,
             "thrown on by its handler, the exception comes out of run(), once", "{}",
             pdc::join(thrown.heard));
  pdc::check(!thrown.heard.empty() && thrown.saved_when_heard == 0,
             "it comes out of run() while the other files are under way", "{} of {} saved",
             thrown.saved_when_heard, files);
  pdc::check(thrown.saved == files - 1,
             "called again after the exception, run() goes on with the other files",
             "{} of {} saved", thrown.saved, files);
  pdc::check(told.told == no_room, "told to the owner, the exception says which file it is, once",
             "{}", pdc::join(told.told));
  pdc::check(told.saved == files && told.heard.empty(),
             "an owner who is told saves the file elsewhere, and nothing is missing",
             "{} of {} saved", told.saved, files);
  return program.finish();
}
