// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"

#include <fmt/core.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "end/complain.hpp"
#include "end/end.hpp"
#include "gather.hpp"
#include "ledger.hpp"
#include "pdc/print.hpp"
#include "pdc/process.hpp"
#include "pdc/refuse.hpp"
#include "recorder.hpp"
#include "run/run.hpp"
#include "run/world.hpp"

namespace pdc::mpi {
namespace detail {
namespace {

std::optional<Lane> own_lane;
MPI_Comm quiet_comm = MPI_COMM_NULL;
int launched = 1;  // processes, as the launcher says

/// All ranks' records on rank 0, in rank 0's time.
pdc::detail::Recording gather(pdc::detail::Recording mine) {
  const std::int64_t offset = clock_offset().ns;
  for (auto& bar : mine.bars) {
    bar.begin += offset;
    bar.end += offset;
    bar.posted += offset;
  }
  for (auto& lane : mine.lanes) lane.process = pdc::detail::world().rank;
  std::vector<int> lanes;
  std::vector<int> bars;
  pdc::detail::Recording all;
  all.lanes = gather_parts(mine.lanes, lanes);
  all.bars = gather_parts(mine.bars, bars);
  PMPI_Reduce(&mine.dropped, &all.dropped, 1, MPI_UINT32_T, MPI_SUM, 0, quiet());
  std::size_t bar = 0;
  std::uint32_t lane = 0;
  for (std::size_t rank = 0; bar < all.bars.size();
       lane += static_cast<std::uint32_t>(lanes[rank++])) {
    for (int i = 0; i < bars[rank]; ++i, ++bar) {
      if (all.bars[bar].lane != pdc::detail::none) all.bars[bar].lane += lane;
    }
  }
  return all;
}

void finalize() {
  int done = 0;
  PMPI_Finalized(&done);
  if (done == 0) MPI_Finalize();
}

void meet() {
  PMPI_Barrier(quiet());
}

int agree(int status) {
  int highest = status;
  PMPI_Allreduce(&status, &highest, 1, MPI_INT, MPI_MAX, quiet());
  return highest;
}

void abort(int status) {
  PMPI_Abort(MPI_COMM_WORLD, status);
}

/// How many processes the launcher has started. The nearest one knows: srun may have started mpirun.
/// MPI_Init changes the environment: so this is for before it.
int count_launched() {
  for (const char* size : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    if (const char* value = std::getenv(size)) return std::atoi(value);
  }
  return 1;
}

std::string library() {
  char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  PMPI_Get_library_version(version, &length);
  const std::string text(version, static_cast<std::size_t>(length));
  return text.substr(0, text.find_first_of(",\n"));
}

/// A failed MPI call: MPI's own text, then the end of all ranks.
void on_error(MPI_Comm*, int* code, ...) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  PMPI_Error_string(*code, text, &length);
  refuse(fmt::format("rank {}: {}", pdc::detail::world().rank,
                     std::string_view(text, static_cast<std::size_t>(length))));
}

void on_window_error(MPI_Win*, int* code, ...) {
  on_error(nullptr, code);
}

void on_file_error(MPI_File*, int* code, ...) {
  on_error(nullptr, code);
}

}  // namespace

MPI_Comm quiet() noexcept {
  return quiet_comm;
}

const Lane* lane() noexcept {
  return own_lane ? &*own_lane : nullptr;
}

void end_with_mpirun() {
  const bool by_mpirun = std::getenv("OMPI_COMM_WORLD_RANK") != nullptr;
  if (by_mpirun) posix(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
  launched = count_launched();
}

/// Open MPI 4 would take osc/rdma first, in which MPI_Win_create fails over TCP and
/// MPI_Compare_and_swap crashes on one host. Debian leaves out osc/ucx, and its library does not go
/// with AddressSanitizer. For shared file pointers, which no page has, sharedfp/sm makes a semaphore
/// that a killed rank leaves behind. What the environment says already stays.
void choose_components() {
#if defined(OMPI_MAJOR_VERSION) && OMPI_MAJOR_VERSION == 4
  const int keep = 0;
  setenv("OMPI_MCA_osc", "^rdma,ucx", keep);
  setenv("OMPI_MCA_sharedfp", "individual", keep);
#endif
}

void allow_loopback() {
  ifaddrs* interfaces = nullptr;
  if (getifaddrs(&interfaces) != 0) return;
  bool has_network = false;
  for (const ifaddrs* one = interfaces; one != nullptr; one = one->ifa_next) {
    const bool has_address = one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET;
    if (has_address && (one->ifa_flags & IFF_LOOPBACK) == 0) has_network = true;
  }
  freeifaddrs(interfaces);
  const int keep = 0;  // what the user has chosen
  if (!has_network) setenv("OMPI_MCA_btl_tcp_if_include", "lo", keep);
}

/// Several processes that are alone each: none of them would notice.
void refuse_wrong_launcher() {
  if (pdc::detail::world().size > 1 || launched == 1) return;
  pdc::detail::complain(
      fmt::format("{} processes were started, but each is alone in its world: the mpirun is not "
                  "that of {}; use that one's",
                  launched, library()));
  pdc::detail::leave_together(3);
}

void window_made(MPI_Win window) {
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  PMPI_Win_create_errhandler(on_window_error, &handler);
  PMPI_Win_set_errhandler(window, handler);
  PMPI_Errhandler_free(&handler);
}

void file_opened(MPI_File file, int result) {
  if (result != MPI_SUCCESS) on_error(nullptr, &result);
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  PMPI_File_create_errhandler(on_file_error, &handler);
  PMPI_File_set_errhandler(file, handler);
  PMPI_Errhandler_free(&handler);
}

void begin_recording() {
  int level = MPI_THREAD_SINGLE;
  PMPI_Query_thread(&level);
  several_threads = level == MPI_THREAD_MULTIPLE;
  auto& world = pdc::detail::world();
  PMPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
  world_rank = world.rank;
  PMPI_Comm_size(MPI_COMM_WORLD, &world.size);
  world.gather = gather;
  world.audit = audit;
  world.meet = meet;
  world.gather_texts = gather_texts;
  world.agree = agree;
  world.leave = finalize;
  world.abort = abort;
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  PMPI_Comm_create_errhandler(on_error, &handler);
  PMPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
  PMPI_Comm_set_errhandler(MPI_COMM_SELF, handler);
  PMPI_Errhandler_free(&handler);
  PMPI_Comm_dup(MPI_COMM_WORLD, &quiet_comm);
  if (pdc::detail::arena == nullptr) pdc::detail::make_arena();
  own_lane = Lane("rank {}", world.rank);
  all_called.expect(communicator_id(MPI_COMM_WORLD), world.size);
  refuse_wrong_launcher();
}

void end_recording() noexcept {
  own_lane.reset();
  PMPI_Comm_free(&quiet_comm);
  pdc::detail::world().gather = nullptr;
  pdc::detail::world().audit = nullptr;
  pdc::detail::world().meet = nullptr;
  pdc::detail::world().gather_texts = nullptr;
  pdc::detail::world().agree = nullptr;
  pdc::detail::world().abort = nullptr;
}

}  // namespace detail

Session::Session(int& argc, char**& argv) {
  int is_initialized = 0;
  PMPI_Initialized(&is_initialized);
  if (is_initialized == 0) MPI_Init(&argc, &argv);
  rank_ = pdc::detail::world().rank;
  size_ = pdc::detail::world().size;
}

Session::~Session() {
  detail::finalize();
}

const Lane& Session::lane() const noexcept {
  return *detail::lane();
}

void Session::need_ranks(int least) const {
  if (size_ >= least) return;
  const std::string& name = pdc::detail::run().name;
  if (rank_ == 0) {
    pdc::detail::complain(fmt::format("needs at least {} ranks and has {}: mpirun -np {} {}", least,
                                      size_, least, name));
  }
  pdc::detail::leave_together(2);
}

void say_by_rank(const std::string& line) {
  for (const std::string& text : detail::gather_texts(line))
    if (pdc::detail::world().rank == 0) say("{}", text);
}

std::string audit() {
  return detail::audit();
}

CallsIn::CallsIn(const Lane& lane) : before_(std::exchange(detail::lane_of_thread, &lane)) {}

CallsIn::~CallsIn() {
  detail::lane_of_thread = before_;
}

}  // namespace pdc::mpi
