// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

/// What socket_server.cpp answers to a line: {"sum":[1,2,3]} has the answer {"sum":6},
/// {"add":[[1,2],[3,4]]} has {"add":[4,6]}, all else {"error":"..."}. Adds the answer, a line too, to
/// the others. Requires: the line ends with its '\n'; one thread calls it.
void answer(std::string_view line, std::string& answers);
