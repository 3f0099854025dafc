// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <concepts>
#include <string>
#include <type_traits>

#include "pdc/timeline.hpp"

/// RAII over MPI. The calls themselves, with buffer, count, type, tag and communicator, stand in
/// the pages.
///
/// Linking pdc::mpi also records: wrappers in MPI's profiling interface (PMPI) put every send,
/// receive and collective into the timeline of rank 0's picture, clocks aligned, with no line in
/// the page. They also keep accounts: what is not settled when Program::finish() is called is a
/// failed claim that names the calls (a request under way, a communicator, type, group, window or
/// operation that is not freed, a message that nobody received, collective calls that differ
/// between ranks). With PDC_MPI_SYNCHRONOUS=1 in the environment every standard send waits for its
/// receive. Errors: an MPI call that fails ends all ranks with status 3 and MPI's own text; so does
/// MPI_Init when the mpirun of another MPI has started several processes, each of which is alone.
namespace pdc::mpi {

/// MPI from MPI_Init to MPI_Finalize. Made first thing in main, before pdc::Program; one a process.
/// Thread safety: one thread at a time calls MPI.
class Session {
 public:
  Session(int& argc, char**& argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank() const noexcept { return rank_; }  // in MPI_COMM_WORLD
  int size() const noexcept { return size_; }

  /// This rank's row of the picture, the one that the MPI calls are recorded in.
  const Lane& lane() const noexcept;

  /// Ends all ranks with status 2 and one line when there are fewer. Collective. Requires: after
  /// pdc::Program.
  void need_ranks(int least) const;

 private:
  int rank_ = 0;
  int size_ = 1;
};

/// The MPI datatype of an arithmetic C++ type.
template <class T>
requires std::is_arithmetic_v<T> MPI_Datatype type() {
  if constexpr (std::same_as<T, bool>) return MPI_CXX_BOOL;
  if constexpr (std::same_as<T, char>) return MPI_CHAR;
  if constexpr (std::same_as<T, float>) return MPI_FLOAT;
  if constexpr (std::same_as<T, double>) return MPI_DOUBLE;
  if constexpr (std::integral<T> && sizeof(T) == 1)
    return std::signed_integral<T> ? MPI_INT8_T : MPI_UINT8_T;
  if constexpr (std::integral<T> && sizeof(T) == 2)
    return std::signed_integral<T> ? MPI_INT16_T : MPI_UINT16_T;
  if constexpr (std::integral<T> && sizeof(T) == 4)
    return std::signed_integral<T> ? MPI_INT32_T : MPI_UINT32_T;
  if constexpr (std::integral<T> && sizeof(T) == 8)
    return std::signed_integral<T> ? MPI_INT64_T : MPI_UINT64_T;
}

/// Prints every rank's line, in rank order, through rank 0. Collective over MPI_COMM_WORLD; not in
/// the picture.
void say_by_rank(const std::string& line);

}  // namespace pdc::mpi
