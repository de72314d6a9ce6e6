// Inside an encoder of codec STEPPED: a scene that was cut into tiles, and the parameters that are fitted to it.
#pragma once
#include <cstdint>
#include <vector>

#include "stepped.h"

namespace splatzip {

constexpr int kUnitLevel = 10;  // position steps may be so many octaves finer than the rule's base

// The splats of one chunk.
struct PreparedTile {
  int tile = 0, tier = 0;
  TileState state;
  std::vector<int64_t> rows;  // of the source
};

struct SteppedLayout {
  SteppedParams params;
  std::vector<PreparedTile> tiles;
  int tile_count = 0;
};
SteppedLayout lay_out_stepped(const SourceScene& source, const SteppedOptions& options, int threads);

struct Extent {
  double low[3], high[3];
};
Extent extent_of(const SourceScene& source, const std::vector<int64_t>& rows);

// What of the parameters follows from the scene: the reference scale; bases and predictions; sizes of colour codes.
void fit_reference(const SourceScene& source, SteppedParams* params);
void fit_predictions(const SourceScene& source, const std::vector<PreparedTile>& tiles, int threads,
                     SteppedParams* params);
void fit_sizes(std::vector<SizeSums>& tiles, SteppedParams* params);

// The first value, of tiles whose codes are all chosen, that they cannot say.
LostValue find_lost(const SourceScene& source, const SteppedParams& params, const std::vector<PreparedTile>& tiles,
                    int threads);

}  // namespace splatzip
