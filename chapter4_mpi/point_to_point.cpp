// Point to point: send, receive, and how a receive chooses its message.
//
// Concept   A message goes from one rank to one other. A receive names the source and the tag that
//           it wants, or takes any; of those from one rank that fit, it gets the one sent first.
//           How long a message is can be seen before it is taken: MPI_Probe looks at it.
// Shows     MPI_Isend, MPI_Send, MPI_Wait, MPI_Recv, MPI_ANY_TAG, MPI_ANY_SOURCE, MPI_Probe,
//           MPI_Get_count
// Python    mpi4py comm.send, comm.recv, comm.Probe, Status.Get_count
// Run       mpirun -np 4 point_to_point --longest 12
// You see   by any tag temperatures are taken for pressures, by their tags none is; logs of any
//           length come whole, whichever is there first
// Next      deadlock_avoidance lets all send first; nonblocking computes meanwhile

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr int temperature_tag = 1;
constexpr int pressure_tag = 2;
constexpr int log_tag = 3;

struct Weather {
  int temperature, pressure;
  bool operator==(const Weather&) const = default;
};

Weather weather_at(int station) {
  return {20 + station, 1000 + station};
}

using Log = std::vector<int>;

/// The values are consecutive, and how many there are only the station knows.
Log log_of(int station, int longest) {
  Log log(1 + std::int64_t{5} * station * longest / 12 % longest);
  std::iota(log.begin(), log.end(), 1000 * station);
  return log;
}

void play_work(const pdc::Lane& lane, const char* what, int time) {
  const auto work = lane.work("{}", what);
  std::this_thread::sleep_for(std::chrono::milliseconds(time));  // plays the work
}

/// Every rank but 0 is a station: it sends its temperature first, then its pressure.
void send_weather(const pdc::mpi::Session& mpi) {
  const Weather weather = weather_at(mpi.rank());
  play_work(mpi.lane(), "temperature", 2);
  MPI_Request sent = MPI_REQUEST_NULL;
  MPI_Isend(&weather.temperature, 1, MPI_INT, 0, temperature_tag, MPI_COMM_WORLD, &sent);
  play_work(mpi.lane(), "pressure", 3 * mpi.rank());
  MPI_Send(&weather.pressure, 1, MPI_INT, 0, pressure_tag, MPI_COMM_WORLD);
  MPI_Wait(&sent, MPI_STATUS_IGNORE);  // not sooner: rank 0 may take the second before the first
}

/// Rank 0 wants the pressure of each station, then its temperature. Returns what it takes for them.
std::vector<Weather> read_stations(const pdc::mpi::Session& mpi, int tag_of_pressure,
                                   int tag_of_temperature) {
  if (mpi.rank() != 0) {
    send_weather(mpi);
    return {};
  }
  std::vector<Weather> read;
  for (int from = 1; from < mpi.size(); ++from) {
    Weather got{};
    MPI_Recv(&got.pressure, 1, MPI_INT, from, tag_of_pressure, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (got.pressure == weather_at(from).temperature) pdc::fault("°C for hPa");
    MPI_Recv(&got.temperature, 1, MPI_INT, from, tag_of_temperature, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    pdc::say("station {}: {} hPa, {} °C", from, got.pressure, got.temperature);
    read.push_back(got);
  }
  return read;
}

/// From whichever station comes next. Returns the logs in the order of the stations.
std::vector<Log> take_logs(const pdc::mpi::Session& mpi, int longest) {
  if (mpi.rank() != 0) {
    play_work(mpi.lane(), "writes its log", 1 + 5 * mpi.rank() % 7);
    const Log log = log_of(mpi.rank(), longest);
    MPI_Send(log.data(), static_cast<int>(log.size()), MPI_INT, 0, log_tag, MPI_COMM_WORLD);
    return {};
  }
  std::vector<Log> logs(mpi.size() - 1);
  for (int i = 1; i < mpi.size(); ++i) {
    MPI_Status status;
    MPI_Probe(MPI_ANY_SOURCE, log_tag, MPI_COMM_WORLD, &status);  // looks, and leaves it there
    const int from = status.MPI_SOURCE;
    int count = 0;
    MPI_Get_count(&status, MPI_INT, &count);
    Log log(count);
    MPI_Recv(log.data(), count, MPI_INT, from, log_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    pdc::say("station {}: {} numbers", from, count);
    logs[from - 1] = log;
  }
  return logs;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv,
                       {{"longest", 12, "numbers that a log can have at most", {1, 100'000}}});
  mpi.need_ranks(2);
  const int longest = program.integer("longest");

  // Wrong on purpose: of two messages that both fit, a receive gets the one sent first.
  const auto by_any =
      program.scene("two messages, by any tag", read_stations, mpi, MPI_ANY_TAG, MPI_ANY_TAG);
  const auto by_tag =
      program.scene("by their tags", read_stations, mpi, pressure_tag, temperature_tag);
  const auto logs = program.scene("any source, any length", take_logs, mpi, longest);

  if (mpi.rank() == 0) {
    std::vector<Weather> right, swapped;
    std::vector<Log> written;
    for (int station = 1; station < mpi.size(); ++station) {
      const Weather weather = weather_at(station);
      right.push_back(weather);
      swapped.push_back({weather.pressure, weather.temperature});
      written.push_back(log_of(station, longest));
    }
    pdc::check(by_any == swapped, "by any tag, what a station sent first is taken for its pressure",
               "{} stations", by_any.size());
    pdc::check(by_tag == right,
               "by their tags, pressure and temperature of every station are right", "{} stations",
               by_tag.size());
    pdc::check(logs == written, "by probing first, each log of unknown length comes whole",
               "{} logs", logs.size());
  }
  return program.finish();
}
