// SPDX-License-Identifier: MIT
#include "tiles.hpp"

#include <fmt/core.h>
#include <Eigen/Cholesky>

#include <cmath>
#include <vector>

namespace {

using Matrix = Eigen::MatrixXd;

Eigen::Map<const Matrix> tile(const Tile& in, int place) {
  return {in.data() + place * tile_size, side, side};
}

Tile copy(const Matrix& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

// Named as in LAPACK: potrf, l of a tile on the diagonal, with l * l^T = a; trsm, l of a tile below
// it; gemm, a tile further right, less the product of two that are known.
Tile potrf(const Tile& in) {
  return copy(tile(in, 0).llt().matrixL());
}

Tile trsm(const Tile& in) {
  const auto l = tile(in, 1).triangularView<Eigen::Lower>();
  return copy(l.transpose().solve<Eigen::OnTheRight>(tile(in, 0)));
}

Tile gemm(const Tile& in) {
  return copy(tile(in, 0) - tile(in, 1) * tile(in, 2).transpose());
}

Matrix whole_matrix(int rows) {
  return Matrix::NullaryExpr(rows * side, rows * side, [](double row, double column) {
    return 1 / (1 + std::abs(row - column));
  });
}

}  // namespace

std::vector<Step> cholesky(int rows) {
  std::vector<Step> steps;
  const auto at = [rows](int row, int column) { return row * rows + column; };
  for (int k = 0; k < rows; ++k) {
    steps.push_back({fmt::format("potrf {0} {0}", k), potrf, {at(k, k)}});
    for (int i = k + 1; i < rows; ++i)
      steps.push_back({fmt::format("trsm {} {}", i, k), trsm, {at(i, k), at(k, k)}});
    for (int i = k + 1; i < rows; ++i) {
      for (int j = k + 1; j <= i; ++j)
        steps.push_back(
            {fmt::format("gemm {} {} {}", i, j, k), gemm, {at(i, j), at(i, k), at(j, k)}});
    }
  }
  return steps;
}

Tiles cut_matrix(int rows) {
  const Matrix whole = whole_matrix(rows);
  Tiles tiles;
  for (int i = 0; i < rows * rows; ++i)
    tiles.push_back(copy(whole.block(i / rows * side, i % rows * side, side, side)));
  return tiles;
}

double residual(const Tiles& tiles, int rows) {
  Matrix l = Matrix::Zero(rows * side, rows * side);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j <= i; ++j)
      l.block(i * side, j * side, side, side) = tile(tiles[i * rows + j], 0);
  }
  return (l * l.transpose() - whole_matrix(rows)).norm();
}
