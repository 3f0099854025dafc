// SPDX-License-Identifier: MIT
#pragma once

#include <exception>

/// How a coroutine that nobody awaits ends: with its exception heard. Needs no Asio.
namespace pdc {

/// In the place of asio::detached, which drops every exception without a word: what the coroutine
/// did not catch comes out of io_context::run(), and ends a program that does not catch it there.
///
///     asio::co_spawn(loop, serve(client), pdc::rethrow);
///     asio::co_spawn(loop, ask(server), [&](std::exception_ptr error, int answer) {
///       pdc::rethrow(error);
///       ...
///     });
///
/// Where an end by cancellation is the normal one, the coroutine catches it itself
/// (asio::error::operation_aborted) and nothing else with it. Guarantees: after an exception run()
/// may be called again, and goes on with the others. Thread safety: any. On a thread_pool an
/// exception that comes out here ends the program at once. A result is dropped. Errors: as said.
inline constexpr auto rethrow = [](std::exception_ptr error, auto&&...) {
  if (error) std::rethrow_exception(error);
};

}  // namespace pdc
