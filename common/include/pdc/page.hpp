// SPDX-License-Identifier: MIT
#pragma once

namespace pdc {

/// What a program knows of its own page; made from the source file by pdc_program() of the build, and
/// compiled once for each program: so this header includes nothing.
/// Requires: one object a process, made before main; the texts outlive it, as literals do.
class Page {
 public:
  Page(const char* name, const char* chapter, const char* header);
};

}  // namespace pdc
