#include "metrics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "isa.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr double kSigma = 1.5;
constexpr int64_t kErrorBlock = 1 << 14;

// Half of the window, from its middle outwards; the whole sums to 1.
void gaussian_taps(float taps[kSsimReach + 1]) {
  double weight[kSsimReach + 1], sum = 0;
  for (int k = 0; k <= kSsimReach; ++k) {
    weight[k] = std::exp(-0.5 * (k / kSigma) * (k / kSigma));
    sum += k ? 2 * weight[k] : weight[k];
  }
  for (int k = 0; k <= kSsimReach; ++k) taps[k] = static_cast<float>(weight[k] / sum);
}

int64_t pieces(int64_t n, int64_t piece) { return (n + piece - 1) / piece; }

}  // namespace

Similarity structural_similarity(const float* a, const float* b, int64_t height, int64_t width, int threads) {
  float taps[kSsimReach + 1];
  gaussian_taps(taps);
  const int64_t across = pieces(3 * width, kSsimColumns), down = pieces(height, kSsimRows);
  std::vector<SsimTile> tiles(static_cast<size_t>(across * down));
  const auto ssim_tile = kernels().metrics->ssim_tile;
  parallel_for(across * down, threads, [&](int64_t i) {
    SsimTile& tile = tiles[static_cast<size_t>(i)];
    tile = {a, b, height, width, taps, i / across * kSsimRows, i % across * kSsimColumns, {}, {}};
    ssim_tile(&tile);
  });
  Similarity total = {};
  for (const SsimTile& tile : tiles)
    for (int colour = 0; colour < 3; ++colour) {
      total.ssim[colour] += tile.ssim[colour];
      total.contrast[colour] += tile.contrast[colour];
    }
  for (int colour = 0; colour < 3; ++colour) {
    total.ssim[colour] /= static_cast<double>(height * width);
    total.contrast[colour] /= static_cast<double>(height * width);
  }
  return total;
}

double mean_squared_error(const float* a, const float* b, int64_t n, int threads) {
  std::vector<double> sums(static_cast<size_t>(pieces(n, kErrorBlock)));
  const auto squared_error = kernels().metrics->squared_error;
  parallel_for(static_cast<int64_t>(sums.size()), threads, [&](int64_t i) {
    const int64_t first = i * kErrorBlock;
    sums[static_cast<size_t>(i)] = squared_error(a + first, b + first, std::min(kErrorBlock, n - first));
  });
  double total = 0;
  for (double sum : sums) total += sum;
  return total / static_cast<double>(n);
}

}  // namespace splatzip
