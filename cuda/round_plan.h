// What the host does before a GPU rounds a scene's values to those that a decoder of codec STEPPED would have: splats
// are cut into tiles and sorted along curves, parameters laid out. The values themselves are not looked at.
#pragma once
#include <cstdint>
#include <vector>

#include "decode_job.h"
#include "stepped.h"

namespace splatzip::cuda {

// What only an encoder knows.
struct RoundParams {
  int32_t opacity_power;
  float diffusion, dead_zone;
  float most_step[2];    // of the colour, of SH
  float to_coded[2][9];  // RGB -> coded space, row-major
};

struct RoundingPlan {
  std::vector<DecodeChunk> chunks;  // without streams; their rows of outputs are those of the planes
  std::vector<int32_t> rows;        // the source's, by row of the planes; -1: none
  std::vector<int8_t> classes;      // (n, 2), if there are any
  SteppedParams stepped;
  DecodeParams params{};
  RoundParams round{};
  std::vector<uint8_t> constants;
  int32_t group_count = 0;
};

// As round_stepped takes a scene. The plan serves later values, too: grids and curves are a little out of date then.
RoundingPlan plan_rounding(const SourceScene& source, const SteppedOptions& options, int threads);

}  // namespace splatzip::cuda
