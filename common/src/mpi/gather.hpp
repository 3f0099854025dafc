// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include "run/world.hpp"

namespace pdc::mpi::detail {

/// MPI_COMM_WORLD's ranks among themselves: no message or collective call of the program can be taken
/// for one of the layer's. From MPI_Init to MPI_Finalize.
MPI_Comm quiet() noexcept;

/// All ranks' elements on rank 0, in rank order; `counts` says how many each rank gave. Collective;
/// not recorded. Requires: T may be copied as bytes.
template <class T>
std::vector<T> gather_parts(const std::vector<T>& mine, std::vector<int>& counts) {
  const auto& world = pdc::detail::world();
  MPI_Datatype type = MPI_DATATYPE_NULL;
  PMPI_Type_contiguous(sizeof(T), MPI_BYTE, &type);
  PMPI_Type_commit(&type);
  const int count = static_cast<int>(mine.size());
  counts.assign(static_cast<std::size_t>(world.size), 0);
  PMPI_Gather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, quiet());
  std::vector<int> places(counts.size(), 0);
  for (std::size_t i = 1; i < counts.size(); ++i) places[i] = places[i - 1] + counts[i - 1];
  std::vector<T> all(world.rank == 0 ? static_cast<std::size_t>(places.back() + counts.back()) : 0);
  PMPI_Gatherv(mine.data(), count, type, all.data(), counts.data(), places.data(), type, 0,
               quiet());
  PMPI_Type_free(&type);
  return all;
}

/// Every rank's text on rank 0, in rank order; elsewhere an empty one for each. As gather_parts().
inline std::vector<std::string> gather_texts(const std::string& mine) {
  std::vector<int> lengths;
  const std::vector<char> all = gather_parts(std::vector<char>(mine.begin(), mine.end()), lengths);
  std::vector<std::string> texts(lengths.size());
  auto next = all.begin();
  for (std::size_t rank = 0; rank < texts.size() && !all.empty(); next += lengths[rank++])
    texts[rank].assign(next, next + lengths[rank]);
  return texts;
}

}  // namespace pdc::mpi::detail
