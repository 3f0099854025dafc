// Object passing: objects with texts and lists are packed, sent, and built up again.
//
// Concept   Such an object holds addresses, which mean nothing to another rank. Serialization puts
//           out what stands there, and the receiver builds an equal object from it. How long that
//           gets depends on the object, so the receiver looks before it makes room.
// Shows     boost::archive::binary_oarchive, binary_iarchive, MPI_Send, MPI_Mprobe, MPI_Mrecv
// Python    mpi4py comm.send, comm.recv
// Run       mpirun -np 4 object_passing --notes 2000
// You see   an object's own memory brings no text; packed, equal objects arrive
// Next      gather collects plain numbers; nonblocking works while the message travels

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int root = 0;
constexpr int tag = 7;

using Bytes = std::string;

struct Diary {
  std::string station;
  std::vector<std::string> notes;
  bool operator==(const Diary&) const = default;

  void serialize(auto& archive, unsigned /*version*/) {  // out or in, as the archive is
    (archive & station) & notes;
  }
};

// Ranks of one job have the same program, so an archive needs no header, and knows no pointers.
constexpr unsigned flags = boost::archive::no_header | boost::archive::no_tracking;

Bytes pack(const auto& object) {
  std::stringbuf buffer(std::ios::out);
  boost::archive::binary_oarchive(buffer, flags) << object;
  return std::move(buffer).str();
}

/// Nothing if the bytes are not all of an object.
template <class Object>
std::optional<Object> unpack(Bytes bytes) {
  std::stringbuf buffer(std::move(bytes), std::ios::in);
  Object object{};
  try {
    boost::archive::binary_iarchive(buffer, flags) >> object;
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return object;
}

void send(const Bytes& bytes, int to) {
  MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, to, tag, MPI_COMM_WORLD);
}

/// A message of any length.
Bytes receive(int from) {
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  MPI_Mprobe(from, tag, MPI_COMM_WORLD, &message, &status);  // looks, and keeps it for us
  int size = 0;
  MPI_Get_count(&status, MPI_BYTE, &size);
  Bytes bytes(size, ' ');
  MPI_Mrecv(bytes.data(), size, MPI_BYTE, &message, MPI_STATUS_IGNORE);
  return bytes;
}

/// Wrong on purpose: not what the object says, but where that lies. Elsewhere, something else does.
Bytes copy_memory(const Diary& diary) {
  return {reinterpret_cast<const char*>(&diary), sizeof diary};
}

bool names_a_hill(const Bytes& bytes) {
  return bytes.find("hill") != Bytes::npos;
}

using Way = Bytes(const Diary& diary);

/// The messages of all ranks, on the root, in the order of the ranks.
std::vector<Bytes> collect(const pdc::mpi::Session& mpi, const Diary& mine, Way& way) {
  auto work = mpi.lane().work("packs");
  const Bytes bytes = way(mine);
  work.end();
  if (mpi.rank() != root) {
    send(bytes, root);
    return {};
  }
  std::vector<Bytes> messages{bytes};
  for (int from = 1; from < mpi.size(); ++from) {
    messages.push_back(receive(from));
    if (!names_a_hill(messages.back())) pdc::fault("no text");
  }
  return messages;
}

/// Of another length for each rank.
Diary diary_of(int rank, int notes) {
  const auto count = static_cast<std::size_t>(notes) + static_cast<std::size_t>(rank);
  return {fmt::format("the weather station on hill {}", rank), {count, "a heron"}};
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"notes", 2000, "notes in a diary", {0, 10'000}}});
  mpi.need_ranks(2);
  const int ranks = mpi.size(), notes = program.integer("notes");
  const Diary mine = diary_of(mpi.rank(), notes);

  const auto as_it_lies = program.scene("as it lies", collect, mpi, mine, copy_memory);
  const auto packed = program.scene("packed", collect, mpi, mine, pack<Diary>);

  if (mpi.rank() == root) {
    const auto lying = std::ranges::count_if(as_it_lies, names_a_hill);
    const auto told = std::ranges::count_if(packed, names_a_hill);
    int equal = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      if (unpack<Diary>(packed.at(rank)) == diary_of(rank, notes)) ++equal;
    }
    pdc::check(lying == 0, "the memory of an object brings none of its text",
               "{} of {} texts, {} bytes", lying, ranks, as_it_lies[0].size());
    pdc::check(told == ranks, "a packed object brings its text", "{} of {} texts", told, ranks);
    pdc::check(equal == ranks, "every object that is unpacked equals the one that was packed",
               "{} of {} objects", equal, ranks);
    const Bytes cut = packed[0].substr(0, packed[0].size() - 1);
    pdc::check(!unpack<Diary>(cut), "of a message that is cut short no object is made");
  }
  return program.finish();
}
