// SPDX-License-Identifier: MIT
#include "end/exception.hpp"

#include <fmt/core.h>

#include <boost/interprocess/exceptions.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>

#include "end/end.hpp"
#include "pdc/refuse.hpp"

namespace pdc::detail {
namespace {

constexpr std::errc no_threads = std::errc::resource_unavailable_try_again;

/// What to do about it, where that can be said.
struct Advice {
  std::errc error;
  const char* text;
};
constexpr Advice advices[] = {
    {no_threads, "out of threads, processes or memory: ask for fewer"},
    {std::errc::not_enough_memory, "ask for less"},
    {std::errc::too_many_files_open, "raise the limit: ulimit -n"},
    {std::errc::too_many_files_open_in_system, "close other programs"},
    {std::errc::no_space_on_device, "make room there"},
    {std::errc::address_not_available, "is that address one of this machine's?"},
    {std::errc::network_unreachable, "is there a network, the loopback interface at least?"}};

[[noreturn]] void refuse(std::string what, const std::error_code& error) {
  const std::string reason = error.message();
  // std::thread names no call, and Asio names it so.
  if (error == no_threads && (what == reason || what == "thread: " + reason))
    what = "start a thread: " + reason;
  for (const Advice& advice : advices) {
    if (error == advice.error) what += fmt::format(" ({})", advice.text);
  }
  pdc::refuse(what);
}

/// Boost says in which line of Boost it was, too.
std::string without_place(const boost::system::system_error& error) {
  const std::string what = error.what();
  return what.substr(0, what.size() - error.code().what().size()) + error.code().message();
}

/// oneTBB throws that without a type of its own.
bool has_no_threads(const std::runtime_error& error) {
  return typeid(error) == typeid(std::runtime_error) &&
         std::string_view(error.what()).ends_with(std::make_error_code(no_threads).message());
}

[[noreturn]] void fail(std::string_view what) {
  end_program(1, fmt::format("[failed] an exception escaped{}", what));
}

}  // namespace

void end_by_exception() {
  try {
    if (std::current_exception() == nullptr) end_program(1, "std::terminate was called");
    std::rethrow_exception(std::current_exception());
  } catch (const std::system_error& error) {
    refuse(error.what(), error.code());
  } catch (const boost::system::system_error& error) {
    const auto& kind = error.code().default_error_condition().category();
    if (kind == boost::system::generic_category()) refuse(without_place(error), error.code());
    fail(": " + without_place(error));  // the end of a stream, for example
  } catch (const boost::interprocess::interprocess_exception& error) {
    if (error.get_native_error() == 0) fail(fmt::format(": {}", error.what()));
    pdc::refuse(
        fmt::format("make shared memory in /dev/shm: {} (a tmpfs with room has to be there "
                    "that this user may write to)",
                    error.what()));
  } catch (const std::bad_alloc&) {
    pdc::refuse("no memory left: ask for less");
  } catch (const std::runtime_error& error) {
    if (has_no_threads(error)) refuse(error.what(), std::make_error_code(no_threads));
    fail(fmt::format(": {}", error.what()));
  } catch (const std::exception& error) {
    fail(fmt::format(": {}", error.what()));
  } catch (...) {
    fail("");
  }
}

}  // namespace pdc::detail
