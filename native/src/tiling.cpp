#include "tiling.h"

#include <algorithm>
#include <numeric>

namespace splatzip {
namespace {

// A splat is far when it lies this many core boxes away from the middle: one such splat would cost its whole tile
// the resolution (or the depth) of the grid.
constexpr double kFar = 16.0;
constexpr double kCoreShare = 0.005;  // left out of the core box on each side of each axis

struct Splitter {
  const float* positions;
  int64_t most;
  Tiling* tiling;

  double at(int64_t row, int axis) const { return positions[row * 3 + axis]; }

  // Rows by coordinate, then by row: one order, whatever the library's selection algorithm does.
  void select(int64_t* begin, int64_t* middle, int64_t* end, int axis) const {
    std::nth_element(begin, middle, end, [&](int64_t a, int64_t b) {
      double pa = at(a, axis), pb = at(b, axis);
      return pa < pb || (pa == pb && a < b);
    });
  }

  void split(int64_t* begin, int64_t* end) const {
    int64_t n = end - begin;
    if (n <= most) {
      if (n == 0) return;
      std::sort(begin, end);
      tiling->order.insert(tiling->order.end(), begin, end);
      tiling->starts.push_back(static_cast<int64_t>(tiling->order.size()));
      return;
    }
    int widest = 0;
    double width = -1;
    for (int axis = 0; axis < 3; ++axis) {
      double low = at(*begin, axis), high = low;
      for (int64_t* row = begin; row < end; ++row) {
        low = std::min(low, at(*row, axis));
        high = std::max(high, at(*row, axis));
      }
      if (high - low > width) width = high - low, widest = axis;
    }
    int64_t tiles = (n + most - 1) / most;
    int64_t* middle = begin + n * (tiles / 2) / tiles;
    select(begin, middle, end, widest);
    split(begin, middle);
    split(middle, end);
  }
};

}  // namespace

Tiling tile_splats(const float* positions, int64_t n, int64_t most) {
  Tiling tiling;
  tiling.starts.push_back(0);
  std::vector<int64_t> rows(static_cast<size_t>(n)), far;
  std::iota(rows.begin(), rows.end(), 0);
  Splitter splitter{positions, most, &tiling};
  double low[3], high[3], width = 0;
  int64_t left_out = static_cast<int64_t>(static_cast<double>(n) * kCoreShare) + 1;
  if (n > 2 * left_out) {
    for (int axis = 0; axis < 3; ++axis) {
      splitter.select(rows.data(), rows.data() + left_out, rows.data() + n, axis);
      low[axis] = splitter.at(rows[static_cast<size_t>(left_out)], axis);
      splitter.select(rows.data(), rows.data() + (n - 1 - left_out), rows.data() + n, axis);
      high[axis] = splitter.at(rows[static_cast<size_t>(n - 1 - left_out)], axis);
      width = std::max(width, high[axis] - low[axis]);
    }
    auto is_far = [&](int64_t row) {
      for (int axis = 0; axis < 3; ++axis) {
        double middle = (low[axis] + high[axis]) / 2, distance = splitter.at(row, axis) - middle;
        if ((distance < 0 ? -distance : distance) > kFar * width) return true;
      }
      return false;
    };
    auto near_end = std::stable_partition(rows.begin(), rows.end(), [&](int64_t row) { return !is_far(row); });
    far.assign(near_end, rows.end());
    rows.erase(near_end, rows.end());
  }
  splitter.split(rows.data(), rows.data() + rows.size());
  std::sort(far.begin(), far.end());
  splitter.split(far.data(), far.data() + far.size());
  return tiling;
}

}  // namespace splatzip
