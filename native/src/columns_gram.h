// Least squares over columns of integers: their inner products, and the weights that follow from them.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "isa.h"
#include "parallel.h"

namespace splatzip {

using Column = std::vector<int32_t>;

// A column of integers below 2^30 in one piece of 16 bits a number or, where they do not fit, in two: the lowest 15
// bits and what is above. Their products are summed up several times as fast as those of doubles.
class Pieces {
 public:
  explicit Pieces(const Column& column) {
    int32_t most = 0;
    for (int32_t v : column) most = std::max(most, std::abs(v));
    pieces_.resize(most <= INT16_MAX ? 1 : 2);
    for (Piece& piece : pieces_)
      piece.numbers.assign((column.size() + kDotStep - 1) / kDotStep * kDotStep, 0);  // zeros behind
    for (size_t s = 0; s < column.size(); ++s) {
      const int32_t v = column[s];
      pieces_[0].numbers[s] = static_cast<int16_t>(pieces_.size() == 1 ? v : v & INT16_MAX);
      if (pieces_.size() == 2) pieces_[1].numbers[s] = static_cast<int16_t>(v >> kPieceBits);
    }
    pieces_[0].most = std::min<int64_t>(most, INT16_MAX);
    if (pieces_.size() == 2) pieces_[1].most = (most >> kPieceBits) + 1;
  }

  int64_t dot(const Pieces& other) const {
    int64_t sum = 0;
    for (size_t i = 0; i < pieces_.size(); ++i)
      for (size_t k = 0; k < other.pieces_.size(); ++k) {
        const Piece &a = pieces_[i], &b = other.pieces_[k];
        const int64_t sums = INT32_MAX / std::max<int64_t>(1, 2 * a.most * b.most);
        sum += kernels().columns->short_dot(a.numbers.data(), b.numbers.data(), static_cast<int64_t>(a.numbers.size()),
                                            sums)
               << kPieceBits * (i + k);
      }
    return sum;
  }

 private:
  static constexpr int kPieceBits = 15;
  struct Piece {
    std::vector<int16_t> numbers;
    int64_t most = 0;
  };
  std::vector<Piece> pieces_;
};

// Inner products of columns, those that were asked for; column 0 is all ones.
class Gram {
 public:
  explicit Gram(size_t samples) { add(Column(samples, 1)); }
  size_t add(const Column& column) {
    columns_.emplace_back(column);
    products_.emplace_back(columns_.size(), kUnasked);
    return columns_.size() - 1;
  }
  // The products of these columns with each other are wanted.
  void ask(const std::vector<size_t>& of) {
    for (size_t a : of)
      for (size_t b : of) {
        if (b > a || products_[a][b] != kUnasked) continue;
        products_[a][b] = 0;
        asked_.emplace_back(a, b);
      }
  }
  void compute(int threads) {
    constexpr size_t kBlock = 64;
    parallel_for(static_cast<int64_t>((asked_.size() + kBlock - 1) / kBlock), threads, [&](int64_t block) {
      const size_t begin = static_cast<size_t>(block) * kBlock;
      for (size_t k = begin; k < std::min(begin + kBlock, asked_.size()); ++k) {
        const auto [a, b] = asked_[k];
        products_[a][b] = static_cast<double>(columns_[a].dot(columns_[b]));
      }
    });
    asked_.clear();
  }
  double operator()(size_t a, size_t b) const { return products_[std::max(a, b)][std::min(a, b)]; }
  double deviation(size_t a) const {
    const double n = (*this)(0, 0), mean = (*this)(a, 0) / n;
    return std::sqrt(std::max(0.0, (*this)(a, a) / n - mean * mean));
  }

 private:
  static constexpr double kUnasked = -HUGE_VAL;
  std::vector<Pieces> columns_;
  std::vector<std::vector<double>> products_;
  std::vector<std::pair<size_t, size_t>> asked_;
};

// Least squares of `target` on `features` (the first is the constant): ridge, Cholesky.
inline std::vector<double> solve(const Gram& gram, const std::vector<size_t>& features, size_t target) {
  const size_t k = features.size();
  std::vector<double> a(k * k), b(k);
  for (size_t i = 0; i < k; ++i) {
    b[i] = gram(features[i], target);
    for (size_t j = 0; j <= i; ++j) a[i * k + j] = gram(features[i], features[j]);
    a[i * k + i] = a[i * k + i] * (1.0 + 1e-6) + 1.0;
  }
  std::vector<double> factor(k);  // column m of the factor
  for (size_t m = 0; m < k; ++m) {
    a[m * k + m] = std::sqrt(std::max(a[m * k + m], 1e-9));
    for (size_t i = m + 1; i < k; ++i) factor[i] = a[i * k + m] = a[i * k + m] / a[m * k + m];
    for (size_t i = m + 1; i < k; ++i)
      for (size_t j = m + 1; j <= i; ++j) a[i * k + j] = a[i * k + j] - factor[i] * factor[j];
  }
  for (size_t i = 0; i < k; ++i) {
    double sum = b[i];
    for (size_t m = 0; m < i; ++m) sum = sum - a[i * k + m] * b[m];
    b[i] = sum / a[i * k + i];
  }
  for (size_t i = k; i-- > 0;) {
    double sum = b[i];
    for (size_t m = i + 1; m < k; ++m) sum = sum - a[m * k + i] * b[m];
    b[i] = sum / a[i * k + i];
  }
  return b;
}

}  // namespace splatzip
