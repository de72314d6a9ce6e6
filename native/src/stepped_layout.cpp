// Codec STEPPED: a scene is cut into tiles, each with a grid and an octree, and its parameters are fitted.
#include "stepped_layout.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "octree.h"
#include "parallel.h"
#include "splatzip/exact_math.h"
#include "tiling.h"

namespace splatzip {
namespace {

double power_of_two(int e) { return bits_to_double(static_cast<uint64_t>(1023 + e) << 52); }

// The features of a splat as its source has them: close to what the decoder will know.
void source_features(const SourceScene& source, const SteppedParams& params, int64_t row, int32_t* features) {
  const double kOctave = 65536.0 * kInvLn2;
  double logit = std::clamp<double>(source.opacity_logits[row], -30.0, 30.0);
  features[kAlpha] = static_cast<int32_t>(std::max(-4096.0, -exact_log(1.0 + exact_exp(-logit)) * kInvLn2 * 256.0));
  int32_t s[3];
  for (int j = 0; j < 3; ++j)
    s[j] = static_cast<int32_t>(
        std::clamp((source.log_scales[row * 3 + j] * kOctave - params.scale_reference) / 256.0, -1e6, 1e6));
  std::sort(s, s + 3, std::greater<>());
  for (int j = 0; j < 3; ++j) features[kScale0 + j] = s[j];
  for (int c = 0; c < 2 && params.classes; ++c) features[kGeometryClass + c] = source.classes[row * 2 + c] * 256;
}

// The grid of a tile: as fine as the step rule wants, coarser where coordinates are too large for that.
TileFrame frame_of(const SteppedParams& params, const Extent& extent, int* levels) {
  TileFrame frame;
  double largest = 0, width = 0;
  for (int a = 0; a < 3; ++a) {
    largest = std::max({largest, std::fabs(extent.low[a]), std::fabs(extent.high[a])});
    width = std::max(width, extent.high[a] - extent.low[a]);
  }
  double unit = static_cast<double>(params.position.base) * exact_exp(params.scale_reference / 65536.0 / kInvLn2) /
                power_of_two(kUnitLevel);
  frame.unit_level = kUnitLevel;
  frame.exponent = 0;
  auto settle = [&] {  // unit = mantissa * 2^exponent, mantissa in [128, 256)
    int e = static_cast<int>(double_to_bits(unit) >> 52 & 2047) - 1023 - 7;
    frame.exponent = std::clamp(e, -290, 290);
    frame.mantissa = static_cast<int>(std::clamp(unit / power_of_two(frame.exponent) + 0.5, 1.0, 255.0));
  };
  settle();
  while (largest / power_of_two(frame.exponent) >= 0x1p50 ||
         width / (frame.mantissa * power_of_two(frame.exponent)) >= 0x1p40) {
    unit *= 2;
    --frame.unit_level;
    settle();
  }
  const double cell = power_of_two(frame.exponent);
  uint64_t most = 0;
  for (int a = 0; a < 3; ++a) {
    frame.origin[static_cast<size_t>(a)] = static_cast<int64_t>(std::floor(extent.low[a] / cell));
    most = std::max(most, static_cast<uint64_t>(
                              (extent.high[a] / cell - static_cast<double>(frame.origin[static_cast<size_t>(a)])) /
                              frame.mantissa));
  }
  *levels = bit_length(most);
  return frame;
}

// Where the octree should end: its nodes are counted, what splats need below is known roughly from the source.
int cheapest_depth(const SourceScene& source, const SteppedParams& params, const PreparedTile& tile,
                   const std::vector<int64_t>& new_at, int levels) {
  const TileFrame& frame = tile.state.frame;
  const int depth = static_cast<int>(new_at.size()) - 2;
  std::vector<int64_t> wanting(static_cast<size_t>(levels) + 2);  // splats that need so many levels
  for (int64_t row : tile.rows) {
    int32_t features[kFeatures] = {};
    source_features(source, params, row, features);
    int need = levels - std::clamp(frame.unit_level + (half_octaves(params.position, features) >> 1), 0, levels);
    ++wanting[static_cast<size_t>(need)];
  }
  double tree = 0, best_cost = 0;
  int best = 0;
  int64_t cells = 1;
  for (int level = 0; level <= depth; ++level) {
    double below = 0;
    for (int need = level + 1; need <= levels; ++need)
      below += 3.0 * (need - level) * static_cast<double>(wanting[static_cast<size_t>(need)]);
    if (level == 0 || tree + below < best_cost) best = level, best_cost = tree + below;
    if (level == depth) break;
    // Bits of one more level: which of the 8 children of each node exist, less what contexts save.
    int64_t children = cells + new_at[static_cast<size_t>(level) + 1];
    double p = static_cast<double>(children) / (8.0 * static_cast<double>(cells));
    double entropy = p >= 1 ? 0 : -(p * exact_log(p) + (1 - p) * exact_log(1 - p)) * kInvLn2;
    tree += 0.85 * 8.0 * static_cast<double>(cells) * entropy;
    cells = children;
  }
  return best;
}

// Sorts a tile's rows along the Morton curve and ends the octree where most splats are alone in their cell.
void prepare_tile(const SourceScene& source, const SteppedParams& params, PreparedTile* tile, const TileFrame* shared) {
  TileState& state = tile->state;
  state.n = static_cast<int64_t>(tile->rows.size());
  int levels;
  if (shared) {
    state.frame = *shared;
    levels = shared->octree_levels + shared->low_levels;
  } else {
    state.frame = frame_of(params, extent_of(source, tile->rows), &levels);
  }
  const double cells = power_of_two(-state.frame.exponent);  // exact, and so is the product
  const double last = power_of_two(levels) - 1;
  const int shift = std::max(0, levels - kMaxOctreeDepth), depth = levels - shift;
  struct Keyed {
    uint64_t key;
    int64_t row;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(tile->rows.size());
  for (int64_t row : tile->rows) {
    uint32_t v[3];
    for (int a = 0; a < 3; ++a) {
      double at =
          (source.positions[row * 3 + a] * cells - static_cast<double>(state.frame.origin[static_cast<size_t>(a)])) /
          state.frame.mantissa;
      v[a] = static_cast<uint32_t>(static_cast<uint64_t>(std::clamp(at, 0.0, last)) >> shift);
    }
    keyed.push_back({morton(v[0], v[1], v[2]), row});
  }
  std::sort(keyed.begin(), keyed.end(),
            [](const Keyed& a, const Keyed& b) { return a.key < b.key || (a.key == b.key && a.row < b.row); });
  walk_curve(state.n, [&](size_t row, size_t place) { tile->rows[row] = keyed[place].row; });
  int octree = depth;
  if (shared) {
    octree = shared->octree_levels;
  } else {
    std::vector<int64_t> new_at(static_cast<size_t>(depth) + 2);  // neighbours on the curve that part at this level
    for (size_t i = 1; i < keyed.size(); ++i) {
      uint64_t differ = keyed[i].key ^ keyed[i - 1].key;
      if (differ) ++new_at[static_cast<size_t>(depth - (bit_length(differ) - 1) / 3)];
    }
    octree = cheapest_depth(source, params, *tile, new_at, levels);
    state.frame.octree_levels = octree;
    state.frame.low_levels = levels - octree;
    if (state.frame.low_levels > 22) {
      state.frame.octree_levels = levels - 22;
      state.frame.low_levels = 22;
      octree = state.frame.octree_levels;
    }
  }
  state.cells.clear();
  for (const Keyed& k : keyed) state.cells.push_back(k.key >> 3 * (depth - octree));
  find_tile_neighbours(params, &state);
}

// What fits to a scene is taken from another, as far as it does not depend on the steps.
void take_fits(const SteppedParams& from, SteppedParams* params) {
  params->scale_reference = from.scale_reference;
  params->color_basis = from.color_basis;
  params->sh_color_basis = from.sh_color_basis;
  params->sh_basis = from.sh_basis;
  params->predict = from.predict;
  for (size_t j = 0; j < 3; ++j) params->scales[j].predict = from.scales[j].predict;
}

}  // namespace

Extent extent_of(const SourceScene& source, const std::vector<int64_t>& rows) {
  Extent e;
  for (int a = 0; a < 3; ++a) {
    e.low[a] = e.high[a] = source.positions[rows[0] * 3 + a];
    for (int64_t row : rows) {
      e.low[a] = std::min<double>(e.low[a], source.positions[row * 3 + a]);
      e.high[a] = std::max<double>(e.high[a], source.positions[row * 3 + a]);
    }
  }
  return e;
}

SteppedLayout lay_out_stepped(const SourceScene& source, const SteppedOptions& options, int threads) {
  SteppedLayout scene;
  SteppedParams& params = scene.params;
  params = options.params;
  params.sh_degree = source.sh_degree;
  params.classes = source.classes != nullptr;
  for (int a = 0; a < kBookedAttributes; ++a)
    params.by_books[static_cast<size_t>(a)] =
        params.booked_width(a) > 0 && !options.books[static_cast<size_t>(a)].plan.empty();
  Tiling tiling;
  parallel_for(2, threads, [&](int64_t part) {
    if (part == 0 && (source.tier_count == 1 || options.shared_tiles))
      tiling = tile_splats(source.positions, source.n, options.tile_splats, threads);
    else if (part == 0)
      tiling = tile_tiers(source.positions, source.n, source.tiers, source.tier_count, options.tile_splats, threads);
    if (part == 1 && options.fitted)
      take_fits(*options.fitted, &params);
    else if (part == 1)
      fit_reference(source, &params);
  });
  scene.tile_count = static_cast<int>(tiling.tiles());
  std::vector<PreparedTile>& tiles = scene.tiles;
  const int tiers_of_tile = options.shared_tiles ? source.tier_count : 1;
  tiles.resize(static_cast<size_t>(scene.tile_count * tiers_of_tile));
  parallel_for(scene.tile_count, threads, [&](int64_t t) {
    auto begin = tiling.order.begin() + tiling.starts[static_cast<size_t>(t)];
    auto end = tiling.order.begin() + tiling.starts[static_cast<size_t>(t) + 1];
    // One grid and one octree depth for all tiers of a tile: fitted to all its splats.
    PreparedTile whole;
    whole.rows.assign(begin, end);
    prepare_tile(source, params, &whole, nullptr);
    for (int tier = 0; tier < tiers_of_tile; ++tier) {
      PreparedTile& tile = tiles[static_cast<size_t>(t * tiers_of_tile + tier)];
      tile.tile = static_cast<int>(t);
      tile.tier = tiers_of_tile > 1 ? tier : tiling.tiers[static_cast<size_t>(t)];
      if (tiers_of_tile == 1) {
        tile.state = std::move(whole.state);
        tile.rows = std::move(whole.rows);
        continue;
      }
      for (auto row = begin; row != end; ++row)
        if (source.tiers[*row] == tier) tile.rows.push_back(*row);
      if (!tile.rows.empty()) prepare_tile(source, params, &tile, &whole.state.frame);
    }
  });
  tiles.erase(std::remove_if(tiles.begin(), tiles.end(), [](const PreparedTile& t) { return t.rows.empty(); }),
              tiles.end());
  if (params.by_books[kScaleBooks])  // the three of a row are looked up together: no step depends on another
    for (ScaleRule& rule : params.scales) std::fill_n(rule.step.weight.begin() + kScale0, 3, int16_t{0});
  if (!options.fitted) fit_predictions(source, tiles, threads, &params);
  return scene;
}

}  // namespace splatzip
