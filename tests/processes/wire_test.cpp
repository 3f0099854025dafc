// SPDX-License-Identifier: MIT
#include "wire.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace {

namespace json = boost::json;

/// A wire, and the bare other end of its socket.
struct Ends {
  explicit Ends(std::size_t limit = Wire::longest) {
    int ends[2];
    pdc::posix(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
    wire = std::make_unique<Wire>(pdc::Descriptor(ends[0]), limit);
    peer = pdc::Descriptor(ends[1]);
  }
  void put(std::string_view bytes) const {
    ASSERT_EQ(send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  std::string receive() const {
    const auto message = wire->receive();
    return message ? json::serialize(*message) : "the end";
  }
  std::string fault() const {
    try {
      return "no fault, but " + receive();
    } catch (const BadMessage& bad) {
      return bad.what();
    }
  }

  std::unique_ptr<Wire> wire;
  pdc::Descriptor peer;
};

TEST(Wire, CarriesAMessageThereAndBack) {
  Ends ends;
  Wire other(std::move(ends.peer));
  const json::value message = {{"name", "Zoë\n\"x\""}, {"list", {1, -2.5, nullptr, true}}};
  other.send(message);
  EXPECT_EQ(ends.wire->receive(), message);
  ends.wire->send(message);
  EXPECT_EQ(other.receive(), message);
}

TEST(Wire, ALineIsAMessage) {
  Ends ends;
  ends.wire->send({{"a", "b\nc"}});
  char bytes[64];
  const ssize_t size = recv(ends.peer.get(), bytes, sizeof bytes, 0);
  EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(size)), "{\"a\":\"b\\nc\"}\n");
}

TEST(Wire, AMessageMayComeInManyPieces) {
  const Ends ends;
  for (const char byte : std::string_view("{\"a\": 1}")) {
    ends.put({&byte, 1});
    EXPECT_TRUE(ends.wire->fill());
    EXPECT_FALSE(ends.wire->take());
  }
  ends.put("\n[2]\n");
  EXPECT_EQ(ends.receive(), "{\"a\":1}");
  EXPECT_EQ(ends.receive(), "[2]");
}

TEST(Wire, ManyMessagesMayComeInOnePiece) {
  const Ends ends;
  ends.put("1\n\"two\"\n[3]\n");
  EXPECT_TRUE(ends.wire->fill());
  EXPECT_EQ(ends.wire->take(), json::value(1));
  EXPECT_EQ(ends.wire->take(), json::value("two"));
  EXPECT_EQ(ends.wire->take(), json::parse("[3]"));
  EXPECT_FALSE(ends.wire->take());
}

TEST(Wire, FillWaitsForNothing) {
  const Ends ends;
  EXPECT_TRUE(ends.wire->fill());
  EXPECT_FALSE(ends.wire->take());
}

TEST(Wire, MessagesThatFillTheSocketComeWhole) {
  Ends ends(1'000'000);
  Wire other(std::move(ends.peer), 1'000'000);
  const json::value message(std::string(900'000, 'x'));
  const std::jthread sending([&] {
    for (int i = 0; i < 3; ++i) other.send(message);
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ends.wire->receive(), message);
}

TEST(Wire, WhatIsNotJsonIsAFaultOfThatLineAlone) {
  const Ends ends;
  for (const char* bad : {"", "{", "{}}", "hello", "1 2", "\"\xff\"", "\"\xc0\xaf\"",
                          "\"\xed\xa0\x80\"", "{\"a\":\"\xf0\x9f\"}"}) {
    ends.put(std::string(bad) + "\n[1]\n");
    EXPECT_EQ(ends.fault().substr(0, 8), "not JSON") << bad;
    EXPECT_EQ(ends.receive(), "[1]") << bad;
  }
  ends.put(std::string("\"\0\"\n[1]\n", 8));
  EXPECT_EQ(ends.fault().substr(0, 8), "not JSON");
  EXPECT_EQ(ends.receive(), "[1]");
}

TEST(Wire, TooDeepIsAFault) {
  const Ends ends;
  ends.put(std::string(1000, '[') + std::string(1000, ']') + "\n[1]\n");
  EXPECT_EQ(ends.fault().substr(0, 8), "not JSON");
  EXPECT_EQ(ends.receive(), "[1]");
}

TEST(Wire, AMessageOfTheLimitIsTaken) {
  Ends ends(10);
  const std::string fits = "\"12345678\"";  // 10 bytes
  ends.put(fits + "\n" + fits + "\n");
  EXPECT_EQ(ends.receive(), fits);
  EXPECT_EQ(ends.receive(), fits);
  EXPECT_NO_THROW(ends.wire->send(json::parse(fits)));
}

TEST(Wire, ALongerOneIsAFaultOfThatLineAlone) {
  const Ends ends(10);
  ends.put("\"123456789\"\n[1]\n");
  EXPECT_EQ(ends.fault(), "longer than 10 bytes");
  EXPECT_EQ(ends.receive(), "[1]");
}

TEST(Wire, AnEndlessLineIsAFaultOnceAndIsNotKept) {
  const Ends ends(10);
  const std::string piece(4096, 'x');
  ends.put(piece);
  EXPECT_EQ(ends.fault(), "longer than 10 bytes");
  for (int i = 0; i < 5; ++i) {
    ends.put(piece);
    EXPECT_TRUE(ends.wire->fill());
    EXPECT_FALSE(ends.wire->take());
  }
  ends.put("x\n[1]\n");
  EXPECT_EQ(ends.receive(), "[1]");
}

TEST(Wire, WhatIsTooLongIsNotSent) {
  const Ends ends(10);
  EXPECT_THROW(ends.wire->send("123456789"), BadMessage);
  char byte = 0;
  EXPECT_EQ(recv(ends.peer.get(), &byte, 1, MSG_DONTWAIT), -1);
}

TEST(Wire, TheEndOfTheStreamIsNoMessage) {
  Ends ends;
  ends.put("[1]\n");
  ends.peer.close();
  EXPECT_EQ(ends.receive(), "[1]");
  EXPECT_EQ(ends.receive(), "the end");
  EXPECT_FALSE(ends.wire->fill());
}

TEST(Wire, HalfAMessageAtTheEndIsNone) {
  Ends ends;
  ends.put("[1]\n[2]");
  ends.peer.close();
  EXPECT_EQ(ends.receive(), "[1]");
  EXPECT_EQ(ends.receive(), "the end");
}

TEST(Wire, APeerThatIsGoneIsAnErrorAndNoSignal) {
  Ends ends;
  ends.peer.close();
  try {
    ends.wire->send(1);
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::broken_pipe);
  }
}

TEST(Wire, APeerThatLeavesWithoutReadingIsAnError) {
  Ends ends;
  ends.wire->send(1);
  ends.peer.close();
  EXPECT_THROW(ends.wire->receive(), std::system_error);
}

}  // namespace
