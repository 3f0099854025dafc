// Map reduce: many processes count the words of one text, each word in one place.
//
// Concept   Mappers cut the pieces of a text into words, and reducers count them. In between is
//           the shuffle: the hash of a word chooses its reducer, so a word always comes to the
//           same one. If a mapper dies, its piece is dealt out again, and what it had sent of it
//           comes twice: so a reducer counts one share of each piece, the first.
// Shows     co_spawn, async_read, async_write, channel, try_send, as_tuple, std::map, std::set
// Python    collections.Counter, Counter.update; PySpark's reduceByKey
// Run       map_reduce --mappers 3 --reducers 2
// You see   words in two results, words that count twice, and the counts of one process
// Next      mandelbrot_async has results that nobody sums up; two_phase_commit lets processes agree

// SPDX-License-Identifier: MIT
#include "word_farm.hpp"

#include "pdc/program.hpp"

#include <signal.h>
#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using boost::system::error_code;

namespace {

/// The same in every process and on every machine, as std::hash need not be (FNV-1a).
std::uint32_t hash(std::string_view word) {
  std::uint32_t value = 2166136261;
  for (const char letter : word) value = (value ^ static_cast<unsigned char>(letter)) * 16777619;
  return value;
}

std::size_t by_word(std::string_view word, std::size_t, std::size_t reducers) {
  return hash(word) % reducers;
}

/// Wrong on purpose: a reducer gets all words of a piece, and not all pieces of a word.
std::size_t by_piece(std::string_view, std::size_t piece, std::size_t reducers) {
  return piece % reducers;
}

/// Only the first share of a piece.
bool count_first(std::set<char>& counted, char piece) {
  return counted.insert(piece).second;
}

/// Wrong on purpose: what is sent again counts again.
bool count_each(std::set<char>& counted, char piece) {
  if (!counted.insert(piece).second) pdc::fault("counts twice");
  return true;
}

}  // namespace

std::vector<Share> map_piece(char piece, const Job& job) {
  std::vector<Share> shares(job.reducers, Share{piece, ""});
  std::istringstream words{std::string(pieces.at(piece))};
  for (std::string word; words >> word;)
    shares[job.route(word, piece, shares.size())].words += word + ' ';
  return shares;
}

Counts reduce_shares(const pdc::Descriptor& socket, Rule* counts, const pdc::Lane& lane) {
  std::set<char> counted;
  Counts result;
  while (const std::optional<Share> share = receive(socket, lane)) {
    if (!counts(counted, share->piece)) continue;
    std::istringstream words(share->words);
    for (std::string word; words >> word;) ++result[word];
  }
  return result;
}

/// One for each mapper. A piece that is lost with its mapper goes back to the others.
asio::awaitable<void> deal_out(Farm& farm, Socket mapper) {
  constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
  for (;;) {
    const auto [is_closed, piece] = co_await farm.to_do.async_receive(as_tuple);
    if (is_closed) co_return;  // all pieces are done
    ++farm.dealt_out;
    char answer = piece;
    co_await asio::async_write(mapper, asio::buffer(&answer, 1), as_tuple);  // the read fails, too
    const auto [is_lost, size] =
        co_await asio::async_read(mapper, asio::buffer(&answer, 1), as_tuple);
    if (is_lost) {
      pdc::mark("a mapper is lost");
      farm.to_do.try_send(error_code(), piece);
      co_return;
    }
    ++farm.done;
    if (farm.done == pieces.size()) farm.to_do.close();
  }
}

namespace {

Counts count_serially() {
  Counts counts;
  for (const std::string_view piece : pieces) {
    std::istringstream words{std::string(piece)};
    for (std::string word; words >> word;) ++counts[word];
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv, {{"mappers", 3, "one is killed", {2, 8}}, {"reducers", 2, "processes", {2, 8}}});
  const int mappers = program.integer("mappers"), reducers = program.integer("reducers");
  const Job each_piece{mappers, reducers, by_piece, count_first};
  const Job each_share{mappers, reducers, by_word, count_each};
  const Job right{mappers, reducers, by_word, count_first};
  const Result split = program.scene("a reducer for each piece", count_words, each_piece);
  const Result twice = program.scene("a reducer for each word", count_words, each_share);
  const Result once = program.scene("and each share counts once", count_words, right);
  const Counts serial = count_serially();

  pdc::check(split.lines > serial.size(),
             "where a piece chooses the reducer, words stand in several results",
             "{} lines for {} words", split.lines, serial.size());
  pdc::check(once.lines == serial.size(),
             "where a word chooses the reducer, it stands in one result", "{} lines for {} words",
             once.lines, serial.size());
  pdc::check(once.first.signal == SIGKILL && once.dealt_out == pieces.size() + 1,
             "a mapper was killed with a piece in hand, and another did it",
             "{} pieces, dealt out {} times", pieces.size(), once.dealt_out);
  pdc::check(twice.words > all_words,
             "if each share counts, what the killed mapper had sent counts twice", "{} words of {}",
             twice.words, all_words);
  pdc::check(once.counts == serial,
             "if a share counts once for each piece, the counts are those of one process",
             "{} words", once.words);
  return program.finish();
}
