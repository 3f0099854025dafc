// Object passing: objects with texts and lists are packed, sent, and built up again.
//
// Concept   Such an object holds addresses, which mean nothing to another rank. Serialization puts
//           out what stands there. Plain members need none of it: a datatype says where they lie.
// Shows     common_oarchive, MPI_Mprobe, MPI_Mrecv, MPI_Gatherv, MPI_Type_create_struct
// Python    mpi4py comm.send, comm.recv, comm.gather
// Run       mpirun -np 4 object_passing --notes 2000
// You see   an object's own memory brings no text; packed, equal objects arrive, at their price
// Next      gather collects plain numbers; nonblocking works while the message travels

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <boost/archive/detail/common_iarchive.hpp>
#include <boost/archive/detail/common_oarchive.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using pdc::mpi::Session;
using Bytes = std::string;
constexpr int tag = 7;

struct Diary {
  std::string station;
  std::vector<std::string> notes;
  bool operator==(const Diary&) const = default;
  void serialize(auto& both, unsigned /*version*/) { (both & station) & notes; }  // out, or in
  /// Wrong on purpose: not what it says, but where that lies. Who looks there elsewhere is lost.
  Bytes memory() const { return {reinterpret_cast<const char*>(this), sizeof *this}; }
};

struct Sighting {  // and a gap, so that the next one's weight lies right
  double weight;
  int day;
  void serialize(auto& both, unsigned /*version*/) { (both & weight) & day; }
};

/// Ready-made archives serve files too: a header, a stream, a table of what has been pointed to.
/// To a small object that is most of the time, so this one has none, and memory that is used again.
struct Packer : boost::archive::detail::common_oarchive<Packer> {
  explicit Packer(Bytes& to) : bytes(to) { bytes.clear(); }
  Bytes& save(const auto& n) { return bytes.append(reinterpret_cast<const char*>(&n), sizeof n); }
  void save(const std::string& text) { save(text.size()).append(text); }
  Bytes& bytes;
};

struct Unpacker : boost::archive::detail::common_iarchive<Unpacker> {
  explicit Unpacker(std::string_view from) : rest(from) {}
  std::string_view take(std::size_t size) {
    if (size > rest.size()) throw std::runtime_error("the message is too short for its object");
    rest.remove_prefix(size);
    return {rest.data() - size, size};
  }
  void load(auto& n) { take(sizeof n).copy(reinterpret_cast<char*>(&n), sizeof n); }
  void load(std::string& text) {
    std::size_t size = 0;
    load(size);
    text = take(size);
  }
  std::string_view rest;
};

/// From one rank to another: any object as bytes, or, below, one of plain members by its datatype.
void pass(const Session& mpi, int from, int to, const auto& out, auto& in, Bytes& bytes) {
  if (mpi.rank() == from) {
    const auto work = mpi.lane().work("packs");
    Packer(bytes) << out;
    MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, to, tag, MPI_COMM_WORLD);
  } else if (mpi.rank() == to) {
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    int size = 0;
    MPI_Mprobe(from, tag, MPI_COMM_WORLD, &message, &status);  // looks, and keeps it for us
    MPI_Get_count(&status, MPI_BYTE, &size);
    bytes.resize(static_cast<std::size_t>(size));
    MPI_Mrecv(bytes.data(), size, MPI_BYTE, &message, MPI_STATUS_IGNORE);
    const auto work = mpi.lane().work("unpacks {} bytes", size);
    Unpacker(bytes) >> in;
  }
}

void pass(const Session& mpi, int from, int to, const auto& out, auto& in, MPI_Datatype type) {
  if (mpi.rank() == from) MPI_Send(&out, 1, type, to, tag, MPI_COMM_WORLD);
  if (mpi.rank() == to) MPI_Recv(&in, 1, type, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/// From rank 0 to the last, from each to the next, and back to rank 0; returns what came.
template <class Object>
Object pass_round(const Session& mpi, int ranks, const Object& object, auto&& how) {
  Object came{};
  for (int rank = 0; rank < ranks; ++rank)
    pass(mpi, rank, (rank + 1) % ranks, rank == 0 ? object : came, came, how);
  return came;
}

/// On the root: an object of each rank, in the order of the ranks.
template <class Object>
std::vector<Object> gather(const Session& mpi, const Object& object) {
  Bytes bytes;
  Packer(bytes) << object;
  const int size = static_cast<int>(bytes.size());
  std::vector<int> sizes(static_cast<std::size_t>(mpi.size())), places(sizes);
  MPI_Gather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
  std::exclusive_scan(sizes.begin(), sizes.end(), places.begin(), 0);
  Bytes all(static_cast<std::size_t>(places.back() + sizes.back()), ' ');  // elsewhere 0
  MPI_Gatherv(bytes.data(), size, MPI_BYTE, all.data(), sizes.data(), places.data(), MPI_BYTE, 0,
              MPI_COMM_WORLD);
  const auto work = mpi.rank() == 0 ? mpi.lane().work("unpacks all") : pdc::Span();
  std::vector<Object> objects(mpi.rank() == 0 ? sizes.size() : 0);
  for (std::size_t i = 0; i < objects.size(); ++i)
    Unpacker(std::string_view(all).substr(static_cast<std::size_t>(places[i]))) >> objects[i];
  return objects;
}

/// Where the members of a Sighting lie, and how far it is to the next one. To be freed.
MPI_Datatype make_type() {
  const std::vector<MPI_Aint> places{offsetof(Sighting, weight), offsetof(Sighting, day)};
  const std::vector types{MPI_DOUBLE, MPI_INT};
  MPI_Datatype members = MPI_DATATYPE_NULL, type = MPI_DATATYPE_NULL;
  MPI_Type_create_struct(2, std::vector{1, 1}.data(), places.data(), types.data(), &members);
  MPI_Type_create_resized(members, 0, sizeof(Sighting), &type);
  MPI_Type_commit(&type);
  MPI_Type_free(&members);
  return type;
}

/// Says how long it takes there and back. Returns what came back by datatype, the last time.
Sighting compare(const Session& mpi, const Sighting& mine) {
  MPI_Datatype type = make_type();
  Bytes bytes;
  Sighting came{};
  const auto as_object = [&] { pass_round(mpi, 2, mine, bytes); };
  const auto by_datatype = [&] { came = pass_round(mpi, 2, mine, type); };
  const auto times = pdc::time_in_turns({{"", 2, as_object}, {"", 2, by_datatype}}, 501);
  MPI_Barrier(MPI_COMM_WORLD);  // here all but ranks 0 and 1 wait
  pdc::say("\na record there and back as an object  {:>8}", pdc::time_text(times[0].median));
  pdc::say("                     by its datatype  {:>8}", pdc::time_text(times[1].median));
  MPI_Type_free(&type);
  return came;
}

}  // namespace

int main(int argc, char** argv) {
  const Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"notes", 2000, "notes in a diary", {0, 10'000}}});
  mpi.need_ranks(2);
  std::vector<Diary> all;  // of different lengths
  for (int i = 0; i < mpi.size(); ++i)
    all.push_back({fmt::format("the station on hill {}", i),
                   {static_cast<std::size_t>(program.integer("notes") + i), "a heron"}});
  const Diary& mine = all[static_cast<std::size_t>(mpi.rank())];

  const auto memory = program.scene("as they lie, to rank 0", gather<Bytes>, mpi, mine.memory());
  const auto gathered = program.scene("packed, to rank 0", gather<Diary>, mpi, mine);
  const Diary passed = program.scene("packed, from rank to rank", pass_round<Diary, Bytes>, mpi,
                                     mpi.size(), all[0], Bytes());
  const Sighting record = compare(mpi, {1.5, 3});

  if (mpi.rank() == 0) {
    pdc::check(std::accumulate(memory.begin(), memory.end(), Bytes()).find("hill") == Bytes::npos,
               "with the objects' own memory came no text", "{} bytes of each", memory[0].size());
    pdc::check(gathered == all, "gathered, each comes as an equal, in the order of the ranks");
    pdc::check(passed == all[0], "passed on by all, one comes back as an equal");
    pdc::check(record.weight == 1.5 && record.day == 3, "a record arrives whole by its datatype");
  }
  return program.finish();
}
