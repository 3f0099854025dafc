// SPDX-License-Identifier: MIT
#include "recorder.hpp"

/// Wrappers in MPI's profiling interface, as point_to_point.cpp: the collective calls.
using pdc::Kind;
using pdc::detail::Collective;
using pdc::mpi::detail::Call;
using pdc::mpi::detail::Name;
using pdc::mpi::detail::rank_in;

namespace {

/// A collective call in which one rank gives to all or takes from all.
class Rooted : public Call {
 public:
  Rooted(Name name, Collective kind, int root, MPI_Comm comm)
      : Call(kind_here(kind, root, comm), name) {
    collective(comm, kind, root);
  }

 private:
  static Kind kind_here(Collective kind, int root, MPI_Comm comm) {
    return (rank_in(comm) == root) == (kind == Collective::root_gives) ? Kind::send : Kind::receive;
  }
};

/// One in which everybody needs everybody.
class Mutual : public Call {
 public:
  Mutual(Name name, MPI_Comm comm, Kind kind = Kind::receive) : Call(kind, name) {
    collective(comm, Collective::all);
  }
};

/// One in which a rank needs some of the others: no waiting is told apart.
class Loose : public Call {
 public:
  Loose(Name name, MPI_Comm comm) : Call(Kind::receive, name) {
    collective(comm, Collective::loose);
  }
};

}  // namespace

extern "C" {

int MPI_Barrier(MPI_Comm comm) {
  const Mutual call("Barrier", comm, Kind::wait);
  return PMPI_Barrier(comm);
}

int MPI_Bcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  const Rooted call("Bcast", Collective::root_gives, root, comm);
  return PMPI_Bcast(data, count, type, root, comm);
}

int MPI_Scatter(const void* out, int out_count, MPI_Datatype out_type, void* in, int in_count,
                MPI_Datatype in_type, int root, MPI_Comm comm) {
  const Rooted call("Scatter", Collective::root_gives, root, comm);
  return PMPI_Scatter(out, out_count, out_type, in, in_count, in_type, root, comm);
}

int MPI_Scatterv(const void* out, const int counts[], const int places[], MPI_Datatype out_type,
                 void* in, int in_count, MPI_Datatype in_type, int root, MPI_Comm comm) {
  const Rooted call("Scatterv", Collective::root_gives, root, comm);
  return PMPI_Scatterv(out, counts, places, out_type, in, in_count, in_type, root, comm);
}

int MPI_Gather(const void* out, int out_count, MPI_Datatype out_type, void* in, int in_count,
               MPI_Datatype in_type, int root, MPI_Comm comm) {
  const Rooted call("Gather", Collective::root_takes, root, comm);
  return PMPI_Gather(out, out_count, out_type, in, in_count, in_type, root, comm);
}

int MPI_Gatherv(const void* out, int out_count, MPI_Datatype out_type, void* in, const int counts[],
                const int places[], MPI_Datatype in_type, int root, MPI_Comm comm) {
  const Rooted call("Gatherv", Collective::root_takes, root, comm);
  return PMPI_Gatherv(out, out_count, out_type, in, counts, places, in_type, root, comm);
}

int MPI_Reduce(const void* out, void* in, int count, MPI_Datatype type, MPI_Op op, int root,
               MPI_Comm comm) {
  const Rooted call("Reduce", Collective::root_takes, root, comm);
  return PMPI_Reduce(out, in, count, type, op, root, comm);
}

int MPI_Allreduce(const void* out, void* in, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm) {
  const Mutual call("Allreduce", comm);
  return PMPI_Allreduce(out, in, count, type, op, comm);
}

int MPI_Allgather(const void* out, int out_count, MPI_Datatype out_type, void* in, int in_count,
                  MPI_Datatype in_type, MPI_Comm comm) {
  const Mutual call("Allgather", comm);
  return PMPI_Allgather(out, out_count, out_type, in, in_count, in_type, comm);
}

int MPI_Allgatherv(const void* out, int out_count, MPI_Datatype out_type, void* in,
                   const int counts[], const int places[], MPI_Datatype in_type, MPI_Comm comm) {
  const Mutual call("Allgatherv", comm);
  return PMPI_Allgatherv(out, out_count, out_type, in, counts, places, in_type, comm);
}

int MPI_Alltoall(const void* out, int out_count, MPI_Datatype out_type, void* in, int in_count,
                 MPI_Datatype in_type, MPI_Comm comm) {
  const Mutual call("Alltoall", comm);
  return PMPI_Alltoall(out, out_count, out_type, in, in_count, in_type, comm);
}

int MPI_Alltoallv(const void* out, const int out_counts[], const int out_places[],
                  MPI_Datatype out_type, void* in, const int in_counts[], const int in_places[],
                  MPI_Datatype in_type, MPI_Comm comm) {
  const Mutual call("Alltoallv", comm);
  return PMPI_Alltoallv(out, out_counts, out_places, out_type, in, in_counts, in_places, in_type,
                        comm);
}

int MPI_Scan(const void* out, void* in, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  const Loose call("Scan", comm);
  return PMPI_Scan(out, in, count, type, op, comm);
}

int MPI_Exscan(const void* out, void* in, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  const Loose call("Exscan", comm);
  return PMPI_Exscan(out, in, count, type, op, comm);
}

int MPI_Reduce_scatter_block(const void* out, void* in, int count, MPI_Datatype type, MPI_Op op,
                             MPI_Comm comm) {
  const Mutual call("Reduce_scatter_block", comm);
  return PMPI_Reduce_scatter_block(out, in, count, type, op, comm);
}

int MPI_Neighbor_allgather(const void* out, int out_count, MPI_Datatype out_type, void* in,
                           int in_count, MPI_Datatype in_type, MPI_Comm comm) {
  const Loose call("Neighbor_allgather", comm);
  return PMPI_Neighbor_allgather(out, out_count, out_type, in, in_count, in_type, comm);
}

int MPI_Neighbor_alltoall(const void* out, int out_count, MPI_Datatype out_type, void* in,
                          int in_count, MPI_Datatype in_type, MPI_Comm comm) {
  const Loose call("Neighbor_alltoall", comm);
  return PMPI_Neighbor_alltoall(out, out_count, out_type, in, in_count, in_type, comm);
}

}  // extern "C"
