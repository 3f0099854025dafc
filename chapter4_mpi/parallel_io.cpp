// Parallel io: all ranks write one file together, each number at its own place.
//
// Concept   A file has one place 0, and ranks that all begin there write over each other. By
//           MPI_File_set_view each rank sees only the places of the file that are its own, one after
//           the other, however they lie. MPI_File_write_all writes for all in one call, so that MPI
//           can join what lies side by side. The file does not tell who has written what.
// Shows     MPI_File_open, MPI_File_write_at, MPI_File_set_view, MPI_File_write_all,
//           MPI_File_read_at_all, MPI_File_close, MPI_Type_vector, MPI_Comm_split_type
// Python    mpi4py MPI.File.Open, fh.Write_at, fh.Set_view, fh.Write_all, fh.Read_at_all
// Run       mpirun -np 4 parallel_io --numbers 6
// You see   at place 0 the file has 6 of 23 numbers, through views 23, each at its place
// Next      scatter_gather deals out numbers in turn, too, by messages from one rank

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <ranges>
#include <string>
#include <vector>

namespace {

using Part = std::vector<int>;

constexpr int root = 0;
constexpr MPI_Offset number_size = sizeof(int);

/// A file in the root's memory, without a name: it goes with the root. Made by all together.
class MemoryFile {
 public:
  explicit MemoryFile(bool is_root)
      : file_(is_root ? pdc::posix(memfd_create("numbers", MFD_CLOEXEC), "memfd_create") : -1) {
    std::array<int, 2> place{getpid(), file_.get()};
    MPI_Bcast(place.data(), 2, MPI_INT, root, MPI_COMM_WORLD);
    path_ = fmt::format("/proc/{}/fd/{}", place[0], place[1]);
  }

  const std::string& path() const { return path_; }

 private:
  pdc::Descriptor file_;  // of the root only
  std::string path_;
};

/// Opened by all ranks together, and closed so.
class File {
 public:
  explicit File(const std::string& path) {
    MPI_File_open(MPI_COMM_WORLD, path.c_str(), MPI_MODE_RDWR, MPI_INFO_NULL, &file_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { MPI_File_close(&file_); }

  MPI_File get() const { return file_; }

 private:
  MPI_File file_ = MPI_FILE_NULL;
};

/// Wrong on purpose: all parts begin at place 0. Which one is left, nobody knows.
void write_at_start(const pdc::mpi::Session&, const File& file, const Part& part) {
  MPI_File_write_at(file.get(), 0, part.data(), int(part.size()), MPI_INT, MPI_STATUS_IGNORE);
}

void write_through_view(const pdc::mpi::Session& mpi, const File& file, const Part& part) {
  const int size = static_cast<int>(part.size());
  MPI_Datatype own = MPI_DATATYPE_NULL;
  MPI_Type_vector(size, 1, mpi.size(), MPI_INT, &own);  // every p-th place
  MPI_Type_commit(&own);
  MPI_File_set_view(file.get(), mpi.rank() * number_size, MPI_INT, own, "native", MPI_INFO_NULL);
  MPI_File_write_all(file.get(), part.data(), size, MPI_INT, MPI_STATUS_IGNORE);
  MPI_Type_free(&own);
}

using Write = void (*)(const pdc::mpi::Session&, const File&, const Part&);
struct Found {
  int numbers, in_place;  // number i belongs at place i
};

/// A rank has every p-th number. The last rank has one less: numbers seldom divide by the ranks.
Found write_file(const pdc::mpi::Session& mpi, const std::string& path, int numbers,
                 Write write_part) {
  Part part(mpi.rank() < mpi.size() - 1 ? numbers : numbers - 1);
  for (int i = 0; i < static_cast<int>(part.size()); ++i) part[i] = mpi.rank() + i * mpi.size();
  {
    const File file(path);
    write_part(mpi, file, part);
  }
  MPI_Barrier(MPI_COMM_WORLD);  // ~File has closed it here, and need not wait for the others
  std::ifstream in(path, std::ios::binary);  // as a program without MPI reads it
  Found found{};
  for (int number = 0; in.read(reinterpret_cast<char*>(&number), number_size);) {
    if (number == found.numbers) ++found.in_place;
    ++found.numbers;
  }
  pdc::say("{} numbers, {} in place", found.numbers, found.in_place);
  if (mpi.rank() == root && found.in_place < found.numbers) pdc::fault("written over");
  return found;
}

/// Each rank reads a block: numbers that all ranks have written.
bool read_block(const pdc::mpi::Session& mpi, const std::string& path, int all) {
  const std::int64_t ranks = mpi.size(), rank = mpi.rank();
  const int first = int(rank * all / ranks), end = int((rank + 1) * all / ranks);
  Part block(end - first);
  const File file(path);
  MPI_File_read_at_all(file.get(), first * number_size, block.data(), end - first, MPI_INT,
                       MPI_STATUS_IGNORE);
  pdc::mpi::say_by_rank(fmt::format("rank {}: {} to {}", rank, block.front(), block.back()));
  return std::ranges::equal(block, std::views::iota(first, end));
}

bool is_one_host(const pdc::mpi::Session& mpi) {
  MPI_Comm host = MPI_COMM_NULL;
  int size = 0;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
  MPI_Comm_size(host, &size);
  MPI_Comm_free(&host);
  return size == mpi.size();
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"numbers", 6, "numbers of each rank", {2, 100'000}}});
  const int numbers = program.integer("numbers"), all = mpi.size() * numbers - 1;
  mpi.need_ranks(2);  // alone, a rank writes over nobody
  if (!is_one_host(mpi)) program.reject("the file is in one host's memory: start all ranks there");
  const MemoryFile over(mpi.rank() == root), apart(mpi.rank() == root);
  const Found lost =
      program.scene("at place 0", write_file, mpi, over.path(), numbers, write_at_start);
  const Found kept =
      program.scene("through views", write_file, mpi, apart.path(), numbers, write_through_view);
  const bool is_right = program.scene("in blocks", read_block, mpi, apart.path(), all);

  pdc::check(lost.numbers == numbers, "all written at place 0, one part is left", "{} of {}",
             lost.numbers, all);
  pdc::check(kept.in_place == all, "written through views, each number is at its place", "{} of {}",
             kept.in_place, all);
  pdc::check(is_right, "read in blocks, each rank has the numbers of its block");
  return program.finish();
}
