// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/mpi.hpp"

/// The session that main() of an MPI test has made. Every rank runs every test; rank 0 reports, and
/// a failure on any rank is the failure of all.
const pdc::mpi::Session& session();
