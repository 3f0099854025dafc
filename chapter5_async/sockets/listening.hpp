// SPDX-License-Identifier: MIT
#pragma once

#include "../address.hpp"

#include "pdc/deadline.hpp"
#include "pdc/program.hpp"
#include "pdc/refuse.hpp"

#include <fmt/core.h>
#include <boost/asio.hpp>

#include <chrono>
#include <cstdio>

/// Where --address and --port say. Errors: ends the program with status 2 if that is no IP address.
inline boost::asio::ip::tcp::endpoint endpoint_in(const pdc::Program& program) {
  return {address_in(program), static_cast<unsigned short>(program.integer("port"))};
}

/// Listens there, tells it in one line, and takes the deadline away: what serves does so until it is
/// told to end. Errors: ends the program with status 3 when it cannot.
inline boost::asio::ip::tcp::acceptor listen(boost::asio::io_context& loop,
                                             const boost::asio::ip::tcp::endpoint& wanted) {
  namespace asio = boost::asio;
  using asio::ip::tcp;
  tcp::acceptor acceptor(loop);
  boost::system::error_code error;
  acceptor.open(wanted.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(wanted, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    const bool in_use = error == asio::error::address_in_use || error == asio::error::access_denied;
    pdc::refuse(fmt::format("bind {} port {}: {}; choose another --{}",
                            wanted.address().to_string(), wanted.port(), error.message(),
                            in_use ? "port" : "address"));
  }
  pdc::set_deadline(std::chrono::seconds(0));
  const tcp::endpoint here = acceptor.local_endpoint();
  fmt::print("listening on {} port {}\n", here.address().to_string(), here.port());
  std::fflush(stdout);
  return acceptor;
}
