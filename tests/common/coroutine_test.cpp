// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <stdexcept>

namespace {

namespace asio = boost::asio;

asio::awaitable<void> fail() {
  co_await asio::post(asio::use_awaitable);
  throw std::runtime_error("disk full");
}

asio::awaitable<int> answer(int& answers) {
  co_await asio::post(asio::use_awaitable);
  co_return ++answers;
}

TEST(Rethrow, WhatACoroutineThrowsComesOutOfTheLoop) {
  asio::io_context loop;
  asio::co_spawn(loop, fail(), pdc::rethrow);
  EXPECT_THROW(loop.run(), std::runtime_error);
}

TEST(Rethrow, TheOthersGoOnWhenTheLoopIsRunAgain) {
  asio::io_context loop;
  int answers = 0;
  asio::co_spawn(loop, fail(), pdc::rethrow);
  asio::co_spawn(loop, answer(answers), pdc::rethrow);  // with a result, which is dropped
  asio::co_spawn(loop, fail(), pdc::rethrow);
  EXPECT_THROW(loop.run(), std::runtime_error);
  EXPECT_THROW(loop.run(), std::runtime_error);
  loop.run();
  EXPECT_EQ(answers, 1);
}

TEST(Rethrow, HoldsWithinAnotherHandler) {
  asio::io_context loop;
  bool went_on = false;
  asio::co_spawn(loop, fail(), [&](std::exception_ptr error) {
    pdc::rethrow(error);
    went_on = true;
  });
  EXPECT_THROW(loop.run(), std::runtime_error);
  EXPECT_FALSE(went_on);
}

}  // namespace
