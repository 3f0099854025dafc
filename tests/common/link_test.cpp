// SPDX-License-Identifier: MIT
#include "pdc/link.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pdc/coroutine.hpp"

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

constexpr const char* secret = "what only they know";
constexpr int patient = 1000, impatient = 2;  // heartbeats

/// One end: what it has heard, and why it was over.
struct End {
  std::shared_ptr<pdc::Link> link;
  std::vector<json::object> heard = {};
  std::string why = {};

  /// Until it is over; then it hangs up.
  asio::awaitable<void> talk(std::string_view with, json::object hello = {}) {
    const pdc::Link::Take take = [this](const json::object& message) {
      if (!message.contains("alive")) heard.push_back(message);
      if (message.contains("bad")) throw pdc::BrokenProtocol("it said a bad word");
    };
    why = co_await link->talk(with, hello, take);
    link->close();
  }
};

class Links : public testing::Test {
 protected:
  Links() {
    tcp::acceptor acceptor(loop_, {asio::ip::address_v4::loopback(), 0});
    there_.connect(acceptor.local_endpoint());
    here_ = acceptor.accept();
  }

  End server(int silent_after = patient) {
    return {std::make_shared<pdc::Link>(std::move(here_), pdc::Side::server, silent_after)};
  }
  End client(int silent_after = patient) {
    return {std::make_shared<pdc::Link>(std::move(there_), pdc::Side::client, silent_after)};
  }

  /// In the place of a client: these bytes, and nothing else.
  std::string why_it_ends(const std::string& bytes, int silent_after = patient) {
    End end = server(silent_after);
    asio::write(there_, asio::buffer(bytes));
    end.link->start_beating([link = end.link] {
      if (link->is_silent()) link->close();
    });
    asio::co_spawn(loop_, end.talk(secret), pdc::rethrow);
    loop_.run();
    return end.why;
  }

  asio::io_context loop_;
  tcp::socket here_{loop_}, there_{loop_};
};

TEST_F(Links, HandOnWhatTheOtherEndSendsInItsOrder) {
  End one = server(), other = client();
  asio::co_spawn(loop_, one.talk(secret), pdc::rethrow);
  asio::co_spawn(loop_, other.talk(secret, {{"hello", "it is me"}}), pdc::rethrow);
  while (one.heard.empty()) loop_.run_one();
  for (int i = 0; i < 100; ++i) one.link->send({{"number", i}});
  one.link->close("that is all");
  loop_.run();
  EXPECT_EQ(one.heard, std::vector<json::object>({{{"hello", "it is me"}}}));
  ASSERT_EQ(other.heard.size(), 101U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(other.heard[i], json::object({{"number", i}}));
  EXPECT_EQ(other.heard.back(), json::object({{"error", "that is all"}}));
  EXPECT_FALSE(one.link->is_open());
}

TEST_F(Links, BelieveNobodyWithAnotherSecret) {
  End one = server(), other = client();
  asio::co_spawn(loop_, one.talk(secret), pdc::rethrow);
  asio::co_spawn(loop_, other.talk("what they do not know", {{"hello", "a"}}), pdc::rethrow);
  loop_.run();
  EXPECT_NE(one.why.find("code is wrong"), std::string::npos) << one.why;
  EXPECT_TRUE(one.heard.empty());
}

TEST_F(Links, EndWhenWhoTakesAMessageSaysThatItIsBad) {
  End one = server(), other = client();
  asio::co_spawn(loop_, one.talk(secret), pdc::rethrow);
  asio::co_spawn(loop_, other.talk(secret, {{"bad", 1}}), pdc::rethrow);
  loop_.run();
  EXPECT_EQ(one.why, "it said a bad word");
}

TEST_F(Links, TakeNoLongLineBeforeTheyHaveGreeted) {
  EXPECT_EQ(why_it_ends(std::string(1025, 'x')), "a line is too long");
}

TEST_F(Links, TakeNoGreetingThatIsNone) {
  EXPECT_EQ(why_it_ends("{\"challenge\":\"short\"}\n"), "no challenge");
}

TEST_F(Links, SayWhyWhatComesIsNoMessage) {
  EXPECT_NE(why_it_ends("what is this?\n"), "");
}

TEST_F(Links, CountAnEndAsSilentWhoseLineHasNoEnd) {
  EXPECT_EQ(why_it_ends("{\"challenge\":", impatient), "it says nothing");
}

TEST_F(Links, HangUpOnWhoDoesNotReadTheLastLine) {
  End one = server(impatient);
  one.link->start_beating([] {});
  while (one.link->is_open()) {  // more than the system keeps for somebody who does not read
    for (int i = 0; i < 1000; ++i) one.link->send({{"filler", std::string(10'000, 'x')}});
    one.link->close("the last one");
  }
  loop_.run();
  EXPECT_FALSE(one.link->socket().is_open());
}

TEST_F(Links, SayThatTheyLive) {
  End one = server(impatient), other = client(impatient);
  int beats = 0;
  one.link->start_beating([&] {
    EXPECT_FALSE(one.link->is_silent());
    if (++beats == 3 * impatient) one.link->close();
  });
  other.link->start_beating([] {});
  asio::co_spawn(loop_, one.talk(secret), pdc::rethrow);
  asio::co_spawn(loop_, other.talk(secret), pdc::rethrow);
  loop_.run();
  EXPECT_EQ(beats, 3 * impatient);
}

TEST(Beats, AreCountedFromSeconds) {
  EXPECT_EQ(pdc::beats_in(0.5), 5);
  EXPECT_EQ(pdc::beats_in(20), 200);
}

}  // namespace
