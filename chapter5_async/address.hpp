// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/program.hpp"

#include <fmt/core.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>

/// What its option --address says. Errors: ends the program with status 2 if that is no IP address.
inline boost::asio::ip::address address_in(const pdc::Program& program) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(program.word("address"), error);
  if (error)
    program.reject(fmt::format("--address '{}' is no IP address", program.word("address")));
  return address;
}

/// Whom a connection is counted for: one host may have all IPv6 addresses that begin with the same 64
/// bits, so they are one peer.
inline boost::asio::ip::address peer_of(const boost::asio::ip::address& address) {
  if (address.is_v4() || address.to_v6().is_v4_mapped()) return address;
  return boost::asio::ip::network_v6(address.to_v6(), 64).network();
}
