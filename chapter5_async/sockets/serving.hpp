// SPDX-License-Identifier: MIT
#pragma once

#include "line_limits.hpp"

#include "pdc/program.hpp"

#include <functional>

/// The peer is named by its address. One host may have all IPv6 addresses that begin with the same 64
/// bits, so they are one peer.
using Take = std::function<void(Socket client, const std::string& peer)>;

/// Accepts clients until SIGINT or SIGTERM comes, and hands each to `take`. Then it has the
/// server end, and returns when that has; a second signal ends the process at once.
void serve(asio::io_context& loop, const asio::ip::tcp::endpoint& here, Server& server,
           const Take& take);

/// The options --line, --time and --silence.
Limits limits_in(const pdc::Program& program);

/// So many connections can be open, each with its descriptor; the limit is raised as far as it goes.
int count_descriptors();
