// SPDX-License-Identifier: MIT
/// The very manager of the program `manager`, with clients that do what they should not.

#define main manager_main  // its page is a whole program
#include "manager.cpp"
#undef main

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <limits>

namespace {

namespace fs = std::filesystem;

/// The manager, and one client of it.
class ManagerTest : public testing::Test {
 protected:
  ManagerTest() {
    int ends[2];
    pdc::posix(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
    served_ = pdc::Descriptor(ends[0]);
    client_ = pdc::Descriptor(ends[1]);
  }

  void send_request(const std::string& request) {
    const ssize_t size = send(client_.get(), request.data(), request.size(), MSG_DONTWAIT);
    ASSERT_EQ(size, std::ssize(request)) << "there has to be room for it";
  }
  bool serve_it() { return serve(served_.get(), data_, lane_); }
  json::object receive_answer() {
    std::array<char, longest> answer;
    const ssize_t size = recv(client_.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    return json::parse({answer.data(), static_cast<std::size_t>(pdc::posix(size, "recv"))})
        .as_object();
  }
  void expect_error(const std::string& request) {
    const json::object before = data_;
    send_request(request);
    EXPECT_TRUE(serve_it()) << request;
    EXPECT_TRUE(receive_answer().contains("error")) << request;
    EXPECT_EQ(data_, before) << request;
  }

  const std::string get_ = R"({"do": "get", "key": "counter"})";
  json::object data_ = {{"counter", std::numeric_limits<std::int64_t>::max()}};
  pdc::Descriptor served_, client_;
  pdc::Lane lane_{"manager"};
};

TEST_F(ManagerTest, AnswersARequest) {
  send_request(get_);
  EXPECT_TRUE(serve_it());
  EXPECT_EQ(receive_answer().at("result"), data_.at("counter"));
}

TEST_F(ManagerTest, WaitsForNoRequest) {
  EXPECT_TRUE(serve_it());
}

TEST_F(ManagerTest, AnswersWhatMakesNoSenseByAnErrorAndChangesNothing) {
  expect_error("{");
  expect_error("[]");
  expect_error(R"({"do": "get"})");
  expect_error(R"({"do": "get", "key": "other"})");
  expect_error(R"({"do": "dance", "key": "counter", "value": 0})");
  expect_error(R"({"do": "add", "key": "counter", "value": "one"})");
}

TEST_F(ManagerTest, DoesNotAddBeyondTheLargestNumber) {
  expect_error(R"({"do": "add", "key": "counter", "value": 1})");
}

TEST_F(ManagerTest, TakesTheLongestRequest) {
  send_request(get_ + std::string(longest - get_.size(), ' '));
  EXPECT_TRUE(serve_it());
  EXPECT_TRUE(receive_answer().contains("result"));
}

TEST_F(ManagerTest, ShutsOutAClientWhoseRequestIsTooLong) {
  send_request(get_ + std::string(longest - get_.size() + 1, ' '));
  EXPECT_FALSE(serve_it());
}

TEST_F(ManagerTest, ShutsOutAClientThatReadsNoAnswers) {
  constexpr int most = 1'000'000;  // there is room for hundreds
  int requests = 0;
  do {
    send_request(get_);
    ++requests;
  } while (!HasFatalFailure() && serve_it() && requests < most);
  EXPECT_LT(requests, most);
}

TEST_F(ManagerTest, OutlivesAClientThatGoesBeforeItsAnswer) {
  send_request(get_);
  client_.close();
  EXPECT_FALSE(serve_it());
}

std::int64_t count_sockets() {
  return std::ranges::count_if(fs::directory_iterator("/proc/self/fd"),
                               [](const auto& entry) { return fs::is_socket(entry.status()); });
}

TEST(RunManager, LetsAClientHaveNoSocketButItsOwn) {
  constexpr int clients = 3;
  const std::int64_t before = count_sockets();
  const std::int64_t all = run_manager(clients, [](int manager, const pdc::Lane& lane) {
    ask(manager, lane, "add", "counter", count_sockets());
  });
  EXPECT_EQ(all, clients * (before + 1));
}

}  // namespace
