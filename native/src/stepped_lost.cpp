// Codec STEPPED, encoder only: values that no code says. Where codes end, encoding goes on with the last one; what
// comes of that is refused here and not written in silence. Values that come from books are as their books have them.
#include <algorithm>
#include <cmath>

#include "isa.h"
#include "parallel.h"
#include "splatzip/exact_math.h"
#include "stepped_layout.h"

namespace splatzip {
namespace {

constexpr int64_t kNone = -1;

double power_of_two(int e) { return bits_to_double(static_cast<uint64_t>(1023 + e) << 52); }

int64_t find_lost_error(const TileState& tile, size_t first, size_t last) {
  for (size_t i = 0; i < static_cast<size_t>(tile.n); ++i)
    for (size_t e = first; e <= last; ++e)
      if (std::fabs(tile.errors[i][e]) >= kLostError) return static_cast<int64_t>(i);
  return kNone;
}

// Where the tile is too wide for a grid as fine as the rule's steps: the first splat that missed its place by more than
// half its step, and by more than float32 has digits for.
int64_t find_lost_position(const SourceScene& source, const SteppedParams& params, const PreparedTile& tile) {
  const TileState& state = tile.state;
  const TileFrame& frame = state.frame;
  if (frame.unit_level >= kUnitLevel) return kNone;
  Plane<int32_t> half_octaves;
  half_octaves.fit(state.n);
  StepSum steps = state.step_sum(params.position);
  steps.half_octaves = half_octaves.data();
  kernels().stepped->sum_steps(steps);
  const double unit = frame.mantissa * power_of_two(frame.exponent);
  for (int64_t i = 0; i < state.n; ++i) {
    const int wanted = frame.unit_level + std::max(half_octaves[static_cast<size_t>(i)] >> 1, -kUnitLevel);
    if (wanted >= 0) continue;
    const float* at = source.positions + tile.rows[static_cast<size_t>(i)] * 3;
    const float* found = state.positions.data() + i * 3;
    double largest = 0, missed = 0;
    for (int a = 0; a < 3; ++a) {
      largest = std::max<double>(largest, std::fabs(at[a]));
      missed = std::max(missed, std::fabs(static_cast<double>(found[a]) - at[a]));
    }
    if (missed > std::max(unit * power_of_two(wanted - 1), largest * 0x1p-23)) return i;
  }
  return kNone;
}

// The splat that makes a tile so wide: of all its tiers, the one farthest from the origin.
int64_t farthest_row(const SourceScene& source, const std::vector<PreparedTile>& tiles, int tile) {
  int64_t farthest = kNone;
  float most = -1;
  for (const PreparedTile& of : tiles)
    for (size_t i = 0; of.tile == tile && i < of.rows.size(); ++i)
      for (int a = 0; a < 3; ++a) {
        const float size = std::fabs(source.positions[of.rows[i] * 3 + a]);
        if (size > most) most = size, farthest = of.rows[i];
      }
  return farthest;
}

}  // namespace

LostValue find_lost(const SourceScene& source, const SteppedParams& params, const std::vector<PreparedTile>& tiles,
                    int threads) {
  std::vector<LostValue> of_tiles(tiles.size());
  parallel_for(static_cast<int64_t>(tiles.size()), threads, [&](int64_t k) {
    const PreparedTile& tile = tiles[static_cast<size_t>(k)];
    LostValue& lost = of_tiles[static_cast<size_t>(k)];
    const auto note = [&](SourceArray array, int64_t i) {
      if (lost.row < 0 && i >= 0) lost = {tile.rows[static_cast<size_t>(i)], array};
    };
    note(SourceArray::log_scales, find_lost_error(tile.state, kScaleError, kScaleError + 2));
    note(SourceArray::rotations, find_lost_error(tile.state, kRotationError, kRotationError));
    note(SourceArray::sh, find_lost_color(params, tile.state));
    if (lost.row < 0 && find_lost_position(source, params, tile) >= 0)
      lost = {farthest_row(source, tiles, tile.tile), SourceArray::positions};
  });
  for (const LostValue& lost : of_tiles)
    if (lost.row >= 0) return lost;
  return {};
}

}  // namespace splatzip
