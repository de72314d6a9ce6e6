#include "round_plan.h"

#include <algorithm>

#include "decode_plan.h"
#include "float_mode.h"
#include "splatzip/exact_math.h"
#include "stepped_layout.h"
#include "warp.h"

namespace splatzip::cuda {
namespace {

DecodeChunk chunk_of(const SteppedParams& params, const TileState& tile) {
  DecodeChunk chunk{};
  chunk.n = static_cast<int32_t>(tile.n);
  chunk.runs = static_cast<int32_t>(runs_of(tile.n));
  chunk.earlier = -1;
  chunk.has_sh = params.rest() > 0;
  std::copy(tile.frame.origin.begin(), tile.frame.origin.end(), chunk.origin);
  chunk.unit = bits_to_double(static_cast<uint64_t>(1023 + tile.frame.exponent) << 52);
  chunk.mantissa = tile.frame.mantissa;
  chunk.octree_levels = tile.frame.octree_levels;
  chunk.low_levels = tile.frame.low_levels;
  chunk.unit_level = tile.frame.unit_level;
  chunk.cell = cell_size_log2(params, tile.frame);
  return chunk;
}

// The inverse of an orthonormal basis, up to its rounding.
void transpose(const float from[9], float to[9]) {
  for (int a = 0; a < 3; ++a)
    for (int c = 0; c < 3; ++c) to[3 * c + a] = from[3 * a + c];
}

}  // namespace

RoundingPlan plan_rounding(const SourceScene& source, const SteppedOptions& options, int threads) {
  const ExactFloats exact;
  SteppedLayout layout = lay_out_stepped(source, options, threads);
  RoundingPlan plan;
  plan.stepped = std::move(layout.params);
  plan.params = lay_out_params(plan.stepped, &plan.constants);
  const SteppedTables tables(plan.stepped);
  plan.round = {plan.stepped.opacity_power,
                options.diffusion,
                options.sh_dead_zone,
                {most_step(tables, plan.stepped.color), most_step(tables, plan.stepped.sh)},
                {}};
  transpose(plan.params.color_basis, plan.round.to_coded[0]);
  transpose(plan.params.sh_color_basis, plan.round.to_coded[1]);
  for (const PreparedTile& tile : layout.tiles) {
    DecodeChunk& chunk = plan.chunks.emplace_back(chunk_of(plan.stepped, tile.state));
    const int32_t groups = (chunk.n + kLanes - 1) / kLanes;
    chunk.at = chunk.row = static_cast<int64_t>(plan.rows.size());
    plan.group_count = std::max(plan.group_count, groups);
    for (int64_t row : tile.rows) plan.rows.push_back(static_cast<int32_t>(row));
    plan.rows.resize(static_cast<size_t>(chunk.at + groups * kLanes), -1);
  }
  if (source.classes) plan.classes.assign(source.classes, source.classes + 2 * source.n);
  return plan;
}

}  // namespace splatzip::cuda
