// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <boost/preprocessor/repetition/enum.hpp>
#include <boost/preprocessor/repetition/enum_params.hpp>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "ledger.hpp"
#include "recorder.hpp"
#include "requests.hpp"

/// What wrappers of one kind have in common. Each function template here is a kind of call: given a
/// call's name, its PMPI_ twin and its arguments, it records, tells the ledger and calls the twin.
/// PDC_WRAP makes a wrapper of it. A kind finds what it needs where MPI's calls have it: a new handle
/// or the communicator is the last argument, the root stands before the communicator.
namespace pdc::mpi::detail {

template <class Function>
struct Signature;
template <class... Parameters>
struct Signature<int(Parameters...)> {
  template <std::size_t place>
  using Parameter = std::tuple_element_t<place, std::tuple<Parameters...>>;
};

/// PDC_WRAP(Bcast, 5, rooted<Collective::root_gives>) defines MPI_Bcast, which has five parameters,
/// as a call of that kind. Their types are taken from PMPI_Bcast; a wrong number does not compile.
/// For use in this namespace, within extern "C".
#define PDC_WRAP(name, count, ...)                                                       \
  int MPI_##name(BOOST_PP_ENUM(count, PDC_PARAMETER, PMPI_##name)) {                     \
    return __VA_ARGS__(Name(#name), PMPI_##name, BOOST_PP_ENUM_PARAMS(count, argument)); \
  }
#define PDC_PARAMETER(repetition, place, pmpi) \
  Signature<decltype(pmpi)>::Parameter<place> argument##place

/// The last argument, or with 1 the last but one, with 2 the one before.
template <std::size_t from_end, class... Arguments>
auto argument(Arguments... arguments) {
  return std::get<sizeof...(Arguments) - 1 - from_end>(std::tie(arguments...));
}

/// How many requests stand behind all else: one, if a call only begins what another completes.
template <class... Arguments>
constexpr std::size_t requests_behind =
    std::is_same_v<decltype(argument<0>(std::declval<Arguments>()...)), MPI_Request*> ? 1 : 0;

/// Calls the twin; what only begins is under way then.
template <class... Arguments>
int call_or_begin(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  const int result = pmpi(arguments...);
  if constexpr (requests_behind<Arguments...> == 1) request_begun(*argument<0>(arguments...), name);
  return result;
}

/// Drawn, and no more.
template <Kind kind, class... Arguments>
int span(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  const Call call(kind, name);
  return pmpi(arguments...);
}

/// A message sent, by a call that blocks or, with a request, only begins.
template <class... Request>
int send(Name name, int (*pmpi)(const void*, int, MPI_Datatype, int, int, MPI_Comm, Request...),
         const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
         Request... request) {
  Call call(Kind::send, name);
  call.sends(comm, to, tag);
  const int result = call_or_begin(name, pmpi, data, count, type, to, tag, comm, request...);
  if (result != MPI_SUCCESS) call.sends_nothing(comm, to, tag);
  return result;
}

/// As send(); which twin is called is settled when the program runs: see synchronous().
template <auto synchronous_pmpi, class... Arguments>
int standard_send(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  return send(name, synchronous() ? synchronous_pmpi : pmpi, arguments...);
}

/// A collective call without a root: all need all, or with Collective::loose some of the others.
template <pdc::detail::Collective kind, Kind drawn = Kind::receive, class... Arguments>
int rootless(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  Call call(drawn, name);
  call.collective(argument<requests_behind<Arguments...>>(arguments...), kind);
  return call_or_begin(name, pmpi, arguments...);
}

/// One in which one rank, the root, gives to all or takes from all.
template <pdc::detail::Collective kind, class... Arguments>
int rooted(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  constexpr std::size_t requests = requests_behind<Arguments...>;
  const MPI_Comm comm = argument<requests>(arguments...);
  const int root = argument<requests + 1>(arguments...);
  const bool takes = is_root(comm, root) == (kind == pdc::detail::Collective::root_takes);
  Call call(takes ? Kind::receive : Kind::send, name);
  call.collective(comm, kind, root);
  return call_or_begin(name, pmpi, arguments...);
}

/// An object made, to be freed before the program's end. Neither is drawn.
template <Object kind, class... Arguments>
int make(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  const int result = pmpi(arguments...);
  object_made(kind, number_of(*argument<0>(arguments...)), name.text);
  return result;
}

/// Of the communicator that is the first argument.
template <class... Rest>
int make_communicator(Name name, int (*pmpi)(MPI_Comm, Rest...), MPI_Comm of, Rest... rest) {
  const int result = make<Object::communicator>(name, pmpi, of, rest...);
  if (result == MPI_SUCCESS) communicator_made(of, *argument<0>(rest...));
  return result;
}

template <Object kind, class Handle>
int free(Name, int (*pmpi)(Handle*), Handle* handle) {
  object_freed(kind, number_of(*handle));
  return pmpi(handle);
}

/// Accesses to a window, the last argument, belong in epochs.
template <class... Arguments>
int begin_epoch(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  object_made(Object::epoch, number_of(argument<0>(arguments...)), name.text);
  return span<Kind::wait>(name, pmpi, arguments...);
}

/// What is done only when the epoch has ended; outside of any, that is never.
inline void accessed(Name name, std::uint64_t window) {
  object_made(Object::access, window, name.text);
  if (!is_there(Object::epoch, window) && !is_there(Object::fenced, window))
    objects_lost(Object::access, window);
}
template <Kind kind, class... Arguments>
int access(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  accessed(name, number_of(argument<0>(arguments...)));
  return span<kind>(name, pmpi, arguments...);
}

template <class... Arguments>
int end_epoch(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  const std::uint64_t window = number_of(argument<0>(arguments...));
  objects_freed(Object::access, window);
  object_freed(Object::epoch, window);
  return span<Kind::wait>(name, pmpi, arguments...);
}

/// Ends one of all ranks, and begins the next.
inline int fence(Name name, int (*pmpi)(int, MPI_Win), int assertion, MPI_Win window) {
  objects_freed(Object::access, number_of(window));
  objects_freed(Object::fenced, number_of(window));
  objects_freed(Object::shared, number_of(window));
  object_made(Object::fenced, number_of(window), name.text);
  return span<Kind::wait>(name, pmpi, assertion, window);
}

/// The other side of an epoch that begins with MPI_Win_start.
inline int expose(Name name, int (*pmpi)(MPI_Group, int, MPI_Win), MPI_Group group, int assertion,
                  MPI_Win window) {
  object_made(Object::exposure, number_of(window), name.text);
  return pmpi(group, assertion, window);
}
inline int end_exposure(Name name, int (*pmpi)(MPI_Win), MPI_Win window) {
  objects_freed(Object::exposure, number_of(window));
  return span<Kind::wait>(name, pmpi, window);
}

template <class... Arguments>
int make_window(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  const int result = make<Object::window>(name, pmpi, arguments...);
  window_made(*argument<0>(arguments...));
  return result;
}

/// What ranks read and write in place has to be put in order: by MPI_Win_sync, or by a fence.
template <class... Arguments>
int make_shared_window(Name name, int (*pmpi)(Arguments...), Arguments... arguments) {
  const int result = make_window(name, pmpi, arguments...);
  object_made(Object::shared, number_of(*argument<0>(arguments...)), name.text);
  return result;
}
inline int sync(Name name, int (*pmpi)(MPI_Win), MPI_Win window) {
  accessed(name, number_of(window));
  objects_freed(Object::shared, number_of(window));
  return pmpi(window);
}

/// What has not ended by then never will, although another window may get the handle.
inline int free_window(Name name, int (*pmpi)(MPI_Win*), MPI_Win* window) {
  objects_freed(Object::fenced, number_of(*window));
  for (const Object kind : {Object::access, Object::exposure, Object::epoch, Object::shared})
    objects_lost(kind, number_of(*window));
  return free<Object::window>(name, pmpi, window);
}

}  // namespace pdc::mpi::detail
