// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// Two texts, and what is known of them without any tiles. A subsequence of a text is what is left
/// when some of its letters are taken out.
namespace texts {

/// The same letters each time, but for one in eight: two such texts have at least three quarters of
/// their letters in common, in the same order.
inline std::string make(int length, int changed) {
  std::string text;
  std::minstd_rand random;
  for (int i = 0; i < length; ++i) text += "ACGT"[(random() + (i % 8 == changed ? 1 : 0)) % 4];
  return text;
}

/// The length of the longest common subsequence, found one row of the table after the other, of
/// which only the last one is kept.
inline int find_length(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1, 0);
  for (const char letter : a) {
    int corner = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const int above = row[j + 1];
      row[j + 1] = letter == b[j] ? corner + 1 : std::max(above, row[j]);
      corner = above;
    }
  }
  return row.back();
}

inline bool is_subsequence(std::string_view letters, std::string_view text) {
  for (const char letter : text) {
    if (letters.starts_with(letter)) letters.remove_prefix(1);
  }
  return letters.empty();
}

}  // namespace texts
