// Tiles: splats that are near each other, by a balanced kd-tree; far outliers apart. Encoder only.
#pragma once
#include <cstdint>
#include <vector>

namespace splatzip {

struct Tiling {
  std::vector<int64_t> order;   // rows, tile after tile
  std::vector<int64_t> starts;  // first place of each tile in `order`, and the end
};

// positions: (n, 3). Tiles hold at most `most` splats, and more than most / 2 where n allows.
Tiling tile_splats(const float* positions, int64_t n, int64_t most, int threads);

}  // namespace splatzip
