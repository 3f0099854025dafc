// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/program.hpp"

#include <fmt/core.h>
#include <boost/asio/ip/address.hpp>

/// What its option --address says. Errors: ends the program with status 2 if that is no IP address.
inline boost::asio::ip::address address_in(const pdc::Program& program) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(program.word("address"), error);
  if (error)
    program.reject(fmt::format("--address '{}' is no IP address", program.word("address")));
  return address;
}
