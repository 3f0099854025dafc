#pragma once

#include <fmt/core.h>

#include <random>
#include <string>
#include <vector>

/// What the clients of socket_client.cpp ask, and the answer that is right.
struct Question {
  std::string line, answer;
};

/// Sums and additions of random numbers, computed one after the other.
inline std::vector<Question> make_questions(int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::vector<Question> questions;
  for (int i = 0; i < 3; ++i) {
    const long a = static_cast<int>(random()), b = static_cast<int>(random());
    questions.push_back({fmt::format(R"({{"sum":[{},{}]}})", a, b),  //
                         fmt::format(R"({{"sum":{}}})", a + b)});
    questions.push_back({fmt::format(R"({{"add":[[{0},{1}],[{1},1]]}})", a, b),
                         fmt::format(R"({{"add":[{},{}]}})", a + b, b + 1)});
  }
  return questions;
}
