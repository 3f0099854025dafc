// SPDX-License-Identifier: MIT
#include "ledger.hpp"

/// Wrappers in MPI's profiling interface, as point_to_point.cpp: what makes and frees
/// communicators, types, groups, windows and operations. They are not drawn; the ledger knows at
/// the end which of them are left.
using pdc::mpi::detail::number_of;
using pdc::mpi::detail::Object;

namespace {

template <class Handle>
int made(Object kind, const char* call, int result, const Handle* handle, Handle none) {
  if (*handle != none) pdc::mpi::detail::object_made(kind, number_of(*handle), call);
  return result;
}

template <class Handle>
int freed(Object kind, int (*pmpi_free)(Handle*), Handle* handle) {
  pdc::mpi::detail::object_freed(kind, number_of(*handle));
  return pmpi_free(handle);
}

int made_comm(const char* call, int result, const MPI_Comm* comm) {
  return made(Object::communicator, call, result, comm, MPI_Comm(MPI_COMM_NULL));
}
int made_type(const char* call, int result, const MPI_Datatype* type) {
  return made(Object::type, call, result, type, MPI_Datatype(MPI_DATATYPE_NULL));
}
int made_group(const char* call, int result, const MPI_Group* group) {
  return made(Object::group, call, result, group, MPI_Group(MPI_GROUP_NULL));
}
int made_window(const char* call, int result, const MPI_Win* window) {
  return made(Object::window, call, result, window, MPI_Win(MPI_WIN_NULL));
}
int made_operation(const char* call, int result, const MPI_Op* operation) {
  return made(Object::operation, call, result, operation, MPI_Op(MPI_OP_NULL));
}

}  // namespace

extern "C" {

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm* out) {
  return made_comm("Comm_dup", PMPI_Comm_dup(comm, out), out);
}
int MPI_Comm_split(MPI_Comm comm, int colour, int key, MPI_Comm* out) {
  return made_comm("Comm_split", PMPI_Comm_split(comm, colour, key, out), out);
}
int MPI_Comm_split_type(MPI_Comm comm, int by, int key, MPI_Info info, MPI_Comm* out) {
  return made_comm("Comm_split_type", PMPI_Comm_split_type(comm, by, key, info, out), out);
}
int MPI_Comm_create(MPI_Comm comm, MPI_Group group, MPI_Comm* out) {
  return made_comm("Comm_create", PMPI_Comm_create(comm, group, out), out);
}
int MPI_Cart_create(MPI_Comm comm, int dimensions, const int size[], const int periodic[],
                    int reorder, MPI_Comm* out) {
  return made_comm("Cart_create", PMPI_Cart_create(comm, dimensions, size, periodic, reorder, out),
                   out);
}
int MPI_Cart_sub(MPI_Comm comm, const int remains[], MPI_Comm* out) {
  return made_comm("Cart_sub", PMPI_Cart_sub(comm, remains, out), out);
}
int MPI_Dist_graph_create_adjacent(MPI_Comm comm, int in, const int sources[],
                                   const int source_weights[], int out, const int targets[],
                                   const int target_weights[], MPI_Info info, int reorder,
                                   MPI_Comm* made) {
  return made_comm("Dist_graph_create_adjacent",
                   PMPI_Dist_graph_create_adjacent(comm, in, sources, source_weights, out, targets,
                                                   target_weights, info, reorder, made),
                   made);
}
int MPI_Comm_free(MPI_Comm* comm) {
  return freed(Object::communicator, PMPI_Comm_free, comm);
}
int MPI_Comm_disconnect(MPI_Comm* comm) {
  return freed(Object::communicator, PMPI_Comm_disconnect, comm);
}

int MPI_Type_contiguous(int count, MPI_Datatype of, MPI_Datatype* type) {
  return made_type("Type_contiguous", PMPI_Type_contiguous(count, of, type), type);
}
int MPI_Type_vector(int count, int length, int stride, MPI_Datatype of, MPI_Datatype* type) {
  return made_type("Type_vector", PMPI_Type_vector(count, length, stride, of, type), type);
}
int MPI_Type_create_hvector(int count, int length, MPI_Aint stride, MPI_Datatype of,
                            MPI_Datatype* type) {
  return made_type("Type_create_hvector", PMPI_Type_create_hvector(count, length, stride, of, type),
                   type);
}
int MPI_Type_indexed(int count, const int lengths[], const int places[], MPI_Datatype of,
                     MPI_Datatype* type) {
  return made_type("Type_indexed", PMPI_Type_indexed(count, lengths, places, of, type), type);
}
int MPI_Type_create_struct(int count, const int lengths[], const MPI_Aint places[],
                           const MPI_Datatype of[], MPI_Datatype* type) {
  return made_type("Type_create_struct", PMPI_Type_create_struct(count, lengths, places, of, type),
                   type);
}
int MPI_Type_create_subarray(int dimensions, const int sizes[], const int part[],
                             const int starts[], int order, MPI_Datatype of, MPI_Datatype* type) {
  return made_type("Type_create_subarray",
                   PMPI_Type_create_subarray(dimensions, sizes, part, starts, order, of, type),
                   type);
}
int MPI_Type_create_resized(MPI_Datatype of, MPI_Aint begin, MPI_Aint extent, MPI_Datatype* type) {
  return made_type("Type_create_resized", PMPI_Type_create_resized(of, begin, extent, type), type);
}
int MPI_Type_dup(MPI_Datatype of, MPI_Datatype* type) {
  return made_type("Type_dup", PMPI_Type_dup(of, type), type);
}
int MPI_Type_free(MPI_Datatype* type) {
  return freed(Object::type, PMPI_Type_free, type);
}

int MPI_Comm_group(MPI_Comm comm, MPI_Group* group) {
  return made_group("Comm_group", PMPI_Comm_group(comm, group), group);
}
int MPI_Group_incl(MPI_Group of, int count, const int ranks[], MPI_Group* group) {
  return made_group("Group_incl", PMPI_Group_incl(of, count, ranks, group), group);
}
int MPI_Group_excl(MPI_Group of, int count, const int ranks[], MPI_Group* group) {
  return made_group("Group_excl", PMPI_Group_excl(of, count, ranks, group), group);
}
int MPI_Group_free(MPI_Group* group) {
  return freed(Object::group, PMPI_Group_free, group);
}

int MPI_Win_create(void* base, MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm,
                   MPI_Win* window) {
  return made_window("Win_create", PMPI_Win_create(base, size, unit, info, comm, window), window);
}
int MPI_Win_allocate(MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void* base,
                     MPI_Win* window) {
  return made_window("Win_allocate", PMPI_Win_allocate(size, unit, info, comm, base, window),
                     window);
}
int MPI_Win_allocate_shared(MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void* base,
                            MPI_Win* window) {
  return made_window("Win_allocate_shared",
                     PMPI_Win_allocate_shared(size, unit, info, comm, base, window), window);
}
int MPI_Win_free(MPI_Win* window) {
  return freed(Object::window, PMPI_Win_free, window);
}

int MPI_Op_create(MPI_User_function* function, int commutes, MPI_Op* operation) {
  return made_operation("Op_create", PMPI_Op_create(function, commutes, operation), operation);
}
int MPI_Op_free(MPI_Op* operation) {
  return freed(Object::operation, PMPI_Op_free, operation);
}

}  // extern "C"
