// Tiles: splats that are near each other, by a balanced kd-tree; far outliers apart. Encoder only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace splatzip {

struct Tiling {
  std::vector<int64_t> order;   // rows, tile after tile
  std::vector<int64_t> starts;  // first place of each tile in `order`, and the end
  std::vector<int> tiers;       // of each tile
  size_t far = 0;               // so many tiles, the last ones, hold the outliers
  size_t tiles() const { return tiers.size(); }
};

// positions: (n, 3). Tiles hold at most `most` splats, and more than most / 2 where n allows.
Tiling tile_splats(const float* positions, int64_t n, int64_t most, int threads);

// Tiles of one tier each, those of the first tier first. Outliers come first in their tier: the box of their tile spans
// the others, which would all seem to be missing splats until it has arrived. Then come those in the middle of the
// scene, where cameras look.
Tiling tile_tiers(const float* positions, int64_t n, const uint8_t* tiers, int tier_count, int64_t most, int threads);

}  // namespace splatzip
