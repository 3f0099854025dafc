// SPDX-License-Identifier: MIT
#include "pdc/secret.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <string>

namespace {

constexpr const char* secret = "what only they know";

/// A file of its own, which goes with the test.
class File {
 public:
  explicit File(const std::string& content, mode_t mode = 0600) {
    close(mkstemp(name_.data()));
    std::ofstream(name_) << content;
    chmod(name_.c_str(), mode);
  }
  ~File() { std::remove(name_.c_str()); }
  const std::string& name() const { return name_; }

 private:
  std::string name_ = testing::TempDir() + "pdc_secret_XXXXXX";
};

TEST(Secret, IsTheContentOfItsFileWithoutTheEndOfItsLine) {
  for (const std::string& text : {std::string(16, 'x'), std::string(4096, 'x')}) {
    EXPECT_EQ(pdc::read_secret(File(text).name()), text);
    EXPECT_EQ(pdc::read_secret(File(text.substr(1) + "y\n").name()), text.substr(1) + "y");
  }
}

TEST(Secret, InABadFileIsRefused) {
  const auto refused = testing::ExitedWithCode(3);
  EXPECT_EXIT(pdc::read_secret("/nowhere/secret"), refused, "secret file /nowhere/secret: ");
  EXPECT_EXIT(pdc::read_secret(testing::TempDir()), refused, "secret file ");
  EXPECT_EXIT(pdc::read_secret(File(std::string(15, 'x')).name()), refused, "16 to 4096 bytes");
  EXPECT_EXIT(pdc::read_secret(File(std::string(4097, 'x')).name()), refused, "16 to 4096 bytes");
  EXPECT_EXIT(pdc::read_secret(File(std::string(16, '\n')).name()), refused, "16 to 4096 bytes");
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U})
    EXPECT_EXIT(pdc::read_secret(File(secret, mode).name()), refused, "chmod 600");
}

TEST(Secret, OfItsOwnIsRandomAndNobodyElseMayReadIt) {
  const pdc::OwnSecret own, other;
  EXPECT_EQ(pdc::read_secret(own.file()), pdc::read_secret(own.file()));
  EXPECT_NE(pdc::read_secret(own.file()), pdc::read_secret(other.file()));
  struct stat about {};
  ASSERT_EQ(stat(own.file().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST(Secret, NoChallengeComesTwice) {
  std::set<std::string> challenges;
  for (int i = 0; i < 100; ++i) challenges.insert(pdc::new_challenge());
  EXPECT_EQ(challenges.size(), 100U);
  EXPECT_EQ(challenges.begin()->size(), 64U);
}

// Python: key = hmac.new(b"what only they know", b"of serverof client", "sha256").hexdigest()
//         hmac.new(key.encode(), b"1 0 pay 7", "sha256").hexdigest()
TEST(Seal, HasTheCodeThatOthersComputeToo) {
  pdc::Seal client(secret, pdc::Side::client, "of client", "of server");
  EXPECT_EQ(client.close("pay 7"),
            "pay 7 fcc3f105a8a420656793c77d8c9fc6ee2c32474bad9c72c64744874b7aeed084");
}

class Seals : public testing::Test {
 protected:
  pdc::Seal server_{secret, pdc::Side::server, "of server", "of client"};
  pdc::Seal client_{secret, pdc::Side::client, "of client", "of server"};
  const std::string pay_ = client_.close("pay 7"), tea_ = client_.close("tea 3");
};

TEST_F(Seals, OpenWhatTheOtherSideHasClosedInItsOrder) {
  EXPECT_EQ(server_.open(pay_), "pay 7");
  EXPECT_EQ(server_.open(tea_), "tea 3");
  EXPECT_EQ(client_.open(server_.close("")), "");
  EXPECT_EQ(client_.open(server_.close("a b c")), "a b c");
}

TEST_F(Seals, DoNotOpenWhatWasChangedAtAnyPlace) {
  for (std::size_t place = 0; place < pay_.size(); ++place) {
    std::string changed = pay_;
    changed[place] = static_cast<char>(changed[place] ^ 1);
    EXPECT_EQ(server_.open(changed), std::nullopt) << place;
  }
  for (const char* line : {"", " ", "pay 7", "pay 7 "}) EXPECT_EQ(server_.open(line), std::nullopt);
  EXPECT_EQ(server_.open(pay_.substr(0, pay_.size() - 1)), std::nullopt);
}

TEST_F(Seals, DoNotOpenWhatWasLeftOutRepeatedOrSentBack) {
  EXPECT_EQ(server_.open(tea_), std::nullopt) << "the first was left out";
  EXPECT_EQ(client_.open(pay_), std::nullopt) << "sent back";
  EXPECT_TRUE(server_.open(pay_));
  EXPECT_EQ(server_.open(pay_), std::nullopt) << "repeated";
}

TEST_F(Seals, DoNotOpenWhatIsOfAnotherConnectionOrSecret) {
  pdc::Seal other(secret, pdc::Side::client, "of client", "a new one");
  EXPECT_EQ(server_.open(other.close("pay 7")), std::nullopt);
  pdc::Seal guess("what they do not know", pdc::Side::client, "of client", "of server");
  EXPECT_EQ(server_.open(guess.close("pay 7")), std::nullopt);
}

}  // namespace
