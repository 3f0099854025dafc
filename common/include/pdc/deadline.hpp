// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

/// Ends a stuck program, and says what every lane was doing.
namespace pdc {

/// Sets the time without progress after which this process ends with status 4. A line for each open
/// bar of each lane says since when it holds, waits for or does what, the enclosing ones first; and
/// one says which scene the main thread is in, unless a lane of its name (main; with MPI that of its
/// rank) has something open. Program sets it from --deadline; a page that needs a longer or a shorter
/// one may set it again; zero takes it away, for what serves until it is told to end.
///
/// How: a POSIX timer and a signal (SIGRTMIN), not a thread, so that a program may fork; the
/// handler uses only what is safe in one. Forked children do not inherit the timer: they end with
/// their parent. Errors: ends the program with status 3 when the timer cannot be made.
void set_deadline(std::chrono::duration<double> from_now);

/// The deadline begins anew: something has come further that may take long on a slow machine. The end
/// of a scene and each run that is timed tell it. What never comes that far still ends by the
/// deadline.
/// Thread safety: any thread, any forked child.
void tell_progress() noexcept;

}  // namespace pdc
