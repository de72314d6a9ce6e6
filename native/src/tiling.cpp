#include "tiling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <utility>

#include "parallel.h"

namespace splatzip {
namespace {

// A splat is far when it is this many core boxes away from the middle: one such splat would cost its whole tile
// resolution (or depth) of the grid.
constexpr double kFar = 16.0;
constexpr int64_t kSmallTile =
    2500;  // tiers but the last have four tiles, of at least so many splats: they come one by one
constexpr double kCoreShare = 0.005;  // left out of the core box on each side of each axis

// A row and its place: what is moved around while a box is split.
struct Point {
  float at[3];
  int64_t row;
};

// Splits points into tiles of at most `most`; each half is a task of its own.
struct Splitter {
  int64_t most;
  int threads;
  std::mutex mutex;
  std::vector<std::pair<const Point*, const Point*>> leaves;

  void split(Point* begin, Point* end) {
    int64_t n = end - begin;
    if (n <= most) {
      if (n == 0) return;
      std::sort(begin, end, [](const Point& a, const Point& b) { return a.row < b.row; });
      const std::lock_guard lock(mutex);
      leaves.emplace_back(begin, end);
      return;
    }
    int widest = 0;
    double width = -1;
    for (int axis = 0; axis < 3; ++axis) {
      double low = begin->at[axis], high = low;
      for (const Point* point = begin; point < end; ++point) {
        low = std::min<double>(low, point->at[axis]);
        high = std::max<double>(high, point->at[axis]);
      }
      if (high - low > width) width = high - low, widest = axis;
    }
    int64_t tiles = (n + most - 1) / most;
    Point* middle = begin + n * (tiles / 2) / tiles;
    // By coordinate, then by row: one order, whatever the library's selection algorithm does.
    std::nth_element(begin, middle, end, [&](const Point& a, const Point& b) {
      return a.at[widest] < b.at[widest] || (a.at[widest] == b.at[widest] && a.row < b.row);
    });
    parallel_for(2, threads, [&](int64_t half) { half == 0 ? split(begin, middle) : split(middle, end); });
  }
};

// The box without the outermost splats on each side of each axis: what it leaves out is `left_out` places from the end.
struct Core {
  double low[3], high[3], width = 0;
  Core(const float* positions, int64_t n, int64_t left_out) {
    std::vector<float> values(static_cast<size_t>(n));
    for (int axis = 0; axis < 3; ++axis) {
      for (int64_t i = 0; i < n; ++i) values[static_cast<size_t>(i)] = positions[3 * i + axis];
      std::nth_element(values.begin(), values.begin() + left_out, values.end());
      low[axis] = values[static_cast<size_t>(left_out)];
      std::nth_element(values.begin() + left_out, values.end() - 1 - left_out, values.end());
      high[axis] = values[static_cast<size_t>(n - 1 - left_out)];
      width = std::max(width, high[axis] - low[axis]);
    }
  }
  bool is_far(const float* at) const {
    for (int axis = 0; axis < 3; ++axis) {
      double middle = (low[axis] + high[axis]) / 2, distance = at[axis] - middle;
      if ((distance < 0 ? -distance : distance) > kFar * width) return true;
    }
    return false;
  }
};

// The middle of some splats, axis by axis.
std::array<double, 3> median_of(const float* positions, int64_t n) {
  std::array<double, 3> median{};
  std::vector<float> values(static_cast<size_t>(n));
  for (size_t axis = 0; axis < 3; ++axis) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = positions[3 * i + axis];
    std::nth_element(values.begin(), values.begin() + n / 2, values.end());
    median[axis] = values[static_cast<size_t>(n / 2)];
  }
  return median;
}

// The order of a tier's tiles: those with outliers first, then from the middle of the scene outwards.
std::vector<size_t> outwards(const float* positions, const Tiling& tiling) {
  const auto middle = median_of(positions, static_cast<int64_t>(tiling.order.size()));
  std::vector<std::pair<double, size_t>> distances;  // mean of its splats, of each tile
  for (size_t tile = 0; tile < tiling.tiles(); ++tile) {
    double sum = 0;
    for (int64_t at = tiling.starts[tile]; at < tiling.starts[tile + 1]; ++at) {
      const float* p = positions + 3 * tiling.order[static_cast<size_t>(at)];
      const double x = p[0] - middle[0], y = p[1] - middle[1], z = p[2] - middle[2];
      sum += std::sqrt((x * x + y * y) + z * z);
    }
    const bool is_far = tile + tiling.far >= tiling.tiles();
    distances.emplace_back(is_far ? -1.0 : sum / static_cast<double>(tiling.starts[tile + 1] - tiling.starts[tile]),
                           tile);
  }
  std::sort(distances.begin(), distances.end());
  std::vector<size_t> order;
  for (const auto& [distance, tile] : distances) order.push_back(tile);
  return order;
}

}  // namespace

Tiling tile_splats(const float* positions, int64_t n, int64_t most, int threads) {
  std::vector<Point> points(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    points[static_cast<size_t>(i)] = {{positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]}, i};
  const int64_t left_out = static_cast<int64_t>(static_cast<double>(n) * kCoreShare) + 1;
  Point* const end = points.data() + n;
  Point* far = end;
  if (n > 2 * left_out) {
    const Core core(positions, n, left_out);
    far = std::partition(points.data(), end, [&](const Point& point) { return !core.is_far(point.at); });
  }
  Splitter splitter{most, threads, {}, {}};
  splitter.split(points.data(), far);
  const size_t near_tiles = splitter.leaves.size();
  splitter.split(far, end);
  std::sort(splitter.leaves.begin(), splitter.leaves.end());
  Tiling tiling;
  tiling.order.reserve(static_cast<size_t>(n));
  tiling.starts.push_back(0);
  for (const auto& [first, last] : splitter.leaves) {
    for (const Point* point = first; point < last; ++point) tiling.order.push_back(point->row);
    tiling.starts.push_back(static_cast<int64_t>(tiling.order.size()));
  }
  tiling.tiers.assign(splitter.leaves.size(), 0);
  tiling.far = splitter.leaves.size() - near_tiles;
  return tiling;
}

Tiling tile_tiers(const float* positions, int64_t n, const uint8_t* tiers, int tier_count, int64_t most, int threads) {
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(tier_count));
  for (int64_t i = 0; i < n; ++i) rows[tiers[i]].push_back(i);
  std::vector<Tiling> parts(rows.size());
  std::vector<std::vector<size_t>> orders(rows.size());
  parallel_for(tier_count, threads, [&](int64_t t) {
    const std::vector<int64_t>& of_tier = rows[static_cast<size_t>(t)];
    const int64_t pieces = t + 1 < tier_count ? 4 : 2;  // the last one: that two threads share a small scene
    const int64_t piece = std::max((static_cast<int64_t>(of_tier.size()) + pieces - 1) / pieces, kSmallTile);
    const int64_t own_most = std::min(piece, most);
    std::vector<float> own(of_tier.size() * 3);
    for (size_t i = 0; i < of_tier.size(); ++i) std::copy_n(positions + 3 * of_tier[i], 3, own.data() + 3 * i);
    if (of_tier.empty()) return;
    Tiling& part = parts[static_cast<size_t>(t)];
    part = tile_splats(own.data(), static_cast<int64_t>(of_tier.size()), own_most, threads);
    orders[static_cast<size_t>(t)] = outwards(own.data(), part);
  });
  Tiling all;
  all.order.reserve(static_cast<size_t>(n));
  all.starts.push_back(0);
  for (size_t t = 0; t < parts.size(); ++t)
    for (size_t tile : orders[t]) {
      for (int64_t at = parts[t].starts[tile]; at < parts[t].starts[tile + 1]; ++at)
        all.order.push_back(rows[t][static_cast<size_t>(parts[t].order[static_cast<size_t>(at)])]);
      all.starts.push_back(static_cast<int64_t>(all.order.size()));
      all.tiers.push_back(static_cast<int>(t));
    }
  return all;
}

}  // namespace splatzip
