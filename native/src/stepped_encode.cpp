// Codec STEPPED: a scene becomes chunks. Over 400 lines: cutting into tiles, coding in the order of the decoder, and
// packing share the tiles' state, which nobody else needs.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "float_mode.h"
#include "octree.h"
#include "parallel.h"
#include "splatzip/exact_math.h"
#include "stepped.h"
#include "tiling.h"

namespace splatzip {
namespace {

double power_of_two(int e) { return bits_to_double(static_cast<uint64_t>(1023 + e) << 52); }

struct Extent {
  double low[3], high[3];
};

Extent extent_of(const SourceArrays& source, const std::vector<int64_t>& rows) {
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

// The features of a splat as its source has them: close to what the decoder will know.
void source_features(const SourceArrays& source, const SteppedParams& params, int64_t row, int32_t* features) {
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
int cheapest_depth(const SourceArrays& source, const SteppedParams& params, const PreparedTile& tile,
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
void prepare_tile(const SourceArrays& source, const SteppedParams& params, PreparedTile* tile,
                  const TileFrame* shared) {
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

// The codes of one chunk, before the tables are known.
struct TileStreams {
  StreamWriter streams[kSteppedStreams];
};

// Everything that the phases of an encoder share.
struct Encoding {
  const SourceArrays& source;
  const SteppedTables& derived;
  const SteppedOptions& options;
  int threads;
  SteppedParams& params;
  std::vector<PreparedTile>& tiles;
  std::vector<TileStreams>& streams;

  void each_tile(const std::function<void(PreparedTile&, StreamWriter*)>& body) const {
    parallel_for(static_cast<int64_t>(tiles.size()), threads,
                 [&](int64_t k) { body(tiles[static_cast<size_t>(k)], streams[static_cast<size_t>(k)].streams); });
  }
};

// Trains books for an attribute of all tiles, then chooses entries. `quantize(tile, search, rest)` does one tile and
// returns how many of its rows come from books; without a search it only fills in `rest`, (those rows, width).
using QuantizeByBooks = std::function<int64_t(PreparedTile&, const BookSearch*, int16_t*)>;
void quantize_by_books(const Encoding& e, BookedAttribute attribute, const QuantizeByBooks& quantize) {
  if (!e.params.by_books[attribute]) return;
  const int width = e.params.booked_width(attribute);
  std::vector<int64_t> starts{0}, counts(e.tiles.size());
  for (const PreparedTile& tile : e.tiles) starts.push_back(starts.back() + tile.state.n);
  std::vector<int16_t> rest(static_cast<size_t>(starts.back() * width));
  e.each_tile([&](PreparedTile& tile, StreamWriter*) {
    const size_t k = static_cast<size_t>(&tile - e.tiles.data());
    counts[k] = quantize(tile, nullptr, rest.data() + starts[k] * width);
  });
  int64_t rows = 0;
  for (size_t k = 0; k < counts.size(); ++k) {  // without gaps
    std::copy_n(rest.begin() + starts[k] * width, counts[k] * width, rest.begin() + rows * width);
    rows += counts[k];
  }
  const VqOptions& options = e.options.books[attribute];
  TrainedBooks trained = train_books(std::move(rest), rows, width, options, e.options.search, e.threads);
  trained.books.from_step = e.params.books[attribute].from_step;
  e.params.books[attribute] = trained.books;
  const BookSearch search(trained.books, trained.bits, options.price);
  e.each_tile([&](PreparedTile& tile, StreamWriter*) { quantize(tile, &search, nullptr); });
}

// From which step on SH comes from books, so that it does for about the share that is asked for, and for some splats.
int first_step_of_books(const Encoding& e) {
  const double share = e.options.books[kShBooks].share;
  if (share >= 1) return -kMaxHalfOctaves;
  std::vector<StepCounts> of_tiles(e.tiles.size());
  e.each_tile([&](PreparedTile& tile, StreamWriter*) {
    of_tiles[static_cast<size_t>(&tile - e.tiles.data())] = count_sh_steps(e.params, tile.state);
  });
  StepCounts counts{};
  int64_t splats = 0;
  for (size_t k = 0; k < of_tiles.size(); ++k) {
    for (size_t at = 0; at < counts.size(); ++at) counts[at] += of_tiles[k][at];
    splats += e.tiles[k].state.n;
  }
  const double wanted = share * static_cast<double>(splats);
  int64_t booked = 0;
  double nearest = HUGE_VAL;
  int found = kMaxHalfOctaves;
  for (int step = kMaxHalfOctaves; step >= -kMaxHalfOctaves; --step) {
    booked += counts[static_cast<size_t>(step + kMaxHalfOctaves)];
    const double apart = std::fabs(static_cast<double>(booked) - wanted);
    if (booked > 0 && apart < nearest) nearest = apart, found = step;
  }
  return found;
}

// Geometry is coded, colour is quantized against it; colour is coded once the sizes of its codes are fitted.
void code_geometry(const Encoding& e) {
  std::vector<std::vector<uint64_t>> cells;
  for (const PreparedTile& tile : e.tiles) cells.push_back(tile.state.cells);
  e.each_tile([&](PreparedTile& tile, StreamWriter* out) {
    std::vector<uint64_t> earlier;
    for (size_t k = static_cast<size_t>(&tile - e.tiles.data()); k-- > 0 && e.tiles[k].tile == tile.tile;)
      earlier.insert(earlier.end(), cells[k].begin(), cells[k].end());
    std::sort(earlier.begin(), earlier.end());
    TileState* state = &tile.state;
    code_octree(out[kOctree], out[kCount], state->frame.octree_levels, state->n, earlier, &state->cells);
    code_opacity(out[kOpacity], e.params, e.derived, state, &e.source, tile.rows.data());
    code_classes(out[kOpacity], e.params, state, &e.source, tile.rows.data());
  });
  quantize_by_books(e, kScaleBooks, [&](PreparedTile& tile, const BookSearch* search, int16_t* rest) {
    quantize_scales_by_books(e.params, search, &tile.state, e.source, tile.rows.data(), rest);
    return tile.state.n;
  });
  e.each_tile([&](PreparedTile& tile, StreamWriter* out) {
    code_scales(out[kScale], e.params, &tile.state, &e.source, tile.rows.data());
  });
  quantize_by_books(e, kRotationBooks, [&](PreparedTile& tile, const BookSearch* search, int16_t* rest) {
    quantize_rotations_by_books(e.params, search, &tile.state, e.source, tile.rows.data(), rest);
    return tile.state.n;
  });
  const float diffusion = e.options.diffusion;
  e.each_tile([&](PreparedTile& tile, StreamWriter* out) {
    const int64_t* rows = tile.rows.data();
    code_rotations(out[kRotation], e.params, &tile.state, &e.source, rows);
    code_positions(out[kPositionLow], e.params, &tile.state, &e.source, rows);
    quantize_colors(e.params, e.derived, &tile.state, e.source, rows, diffusion);
    if (e.params.rest() > 0 && !e.params.by_books[kShBooks])
      quantize_sh(e.params, e.derived, &tile.state, e.source, rows, diffusion, e.options.sh_dead_zone);
  });
  if (e.params.by_books[kShBooks]) e.params.books[kShBooks].from_step = first_step_of_books(e);
  quantize_by_books(e, kShBooks, [&](PreparedTile& tile, const BookSearch* search, int16_t* rest) {
    return quantize_sh_by_books(e.params, e.derived, search, &tile.state, e.source, tile.rows.data(), diffusion, rest);
  });
}

// What a chunk's box holds: positions as the source has them, and as they are decoded.
Extent extent_of_chunk(const SourceArrays& source, const PreparedTile& tile) {
  Extent extent = extent_of(source, tile.rows);
  for (int64_t i = 0; i < tile.state.n; ++i)
    for (int a = 0; a < 3; ++a) {
      const double p = tile.state.positions[static_cast<size_t>(i * 3 + a)];
      extent.low[a] = std::min(extent.low[a], p);
      extent.high[a] = std::max(extent.high[a], p);
    }
  return extent;
}

int contexts_of(int stream, bool classes) {
  constexpr int kCounts[kSteppedStreams] = {0, 64, 5, 8, 64, 64, 1, 64, 64, 64, 64, 64, 64};
  return stream == kOpacity && classes ? 56 : kCounts[stream];
}

SymbolRule rule_of(int stream, const SteppedParams& params) {
  const bool indices = stream == kShIndex || (stream == kScale && params.by_books[kScaleBooks]) ||
                       (stream == kRotation && params.by_books[kRotationBooks]);
  return indices ? SymbolRule::indices : stream == kOctree ? SymbolRule::octets : SymbolRule::escapes;
}

constexpr int kAllTiers = -1;

TableSet tables_of(int stream, const Encoding& e, int tier) {
  std::vector<const StreamWriter*> streams;
  for (size_t k = 0; k < e.tiles.size(); ++k)
    if (tier == kAllTiers || e.tiles[k].tier == tier) streams.push_back(&e.streams[k].streams[stream]);
  return tables_for(stream, rule_of(stream, e.params), contexts_of(stream, e.params.classes), streams);
}

// A tier says how opaque its splats are, so each has its own tables for that. Other streams would save less than their
// tables take: their contexts know already what a tier could say.
constexpr int kMostOwnTables = 16;
constexpr int kFirstTierTables = 2;
bool has_own_tables(int tier_count, const SteppedOptions& options) {
  return tier_count > 1 && tier_count <= kMostOwnTables && !options.shared_tiles;
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

SteppedLayout lay_out_stepped(const SourceArrays& source, int64_t n, int sh_degree, const uint8_t* tiers,
                              int tier_count, const SteppedOptions& options, int threads) {
  SteppedLayout scene;
  SteppedParams& params = scene.params;
  params = options.params;
  params.sh_degree = sh_degree;
  params.classes = source.classes != nullptr;
  for (int a = 0; a < kBookedAttributes; ++a)
    params.by_books[static_cast<size_t>(a)] =
        params.booked_width(a) > 0 && !options.books[static_cast<size_t>(a)].plan.empty();
  Tiling tiling;
  parallel_for(2, threads, [&](int64_t part) {
    if (part == 0 && (tier_count == 1 || options.shared_tiles))
      tiling = tile_splats(source.positions, n, options.tile_splats, threads);
    else if (part == 0)
      tiling = tile_tiers(source.positions, n, tiers, tier_count, options.tile_splats, threads);
    if (part == 1 && options.fitted)
      take_fits(*options.fitted, &params);
    else if (part == 1)
      fit_reference(source, n, &params);
  });
  scene.tile_count = static_cast<int>(tiling.tiles());
  std::vector<PreparedTile>& tiles = scene.tiles;
  const int tiers_of_tile = options.shared_tiles ? tier_count : 1;
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
        if (tiers[*row] == tier) tile.rows.push_back(*row);
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

LostValue round_stepped(const SourceArrays& source, int64_t n, int sh_degree, const uint8_t* tiers, int tier_count,
                        const SteppedOptions& options, int threads, const SceneOutput& out) {
  const ExactFloats exact;
  SteppedLayout prepared = lay_out_stepped(source, n, sh_degree, tiers, tier_count, options, threads);
  const SteppedParams& params = prepared.params;
  const SteppedTables derived(params);
  std::vector<TileStreams> streams(prepared.tiles.size());
  const Encoding encoding{source, derived, options, threads, prepared.params, prepared.tiles, streams};
  code_geometry(encoding);
  const LostValue lost = find_lost(source, params, prepared.tiles, threads);
  const int64_t sh = 3 * (1 + params.rest());
  encoding.each_tile([&](PreparedTile& tile, StreamWriter*) {
    std::vector<float> rows(static_cast<size_t>(tile.state.n * (11 + sh)));
    float* at = rows.data();
    const auto take = [&](int64_t width) { return std::exchange(at, at + tile.state.n * width); };
    const SceneOutput of_tile{take(3), take(3), take(4), take(1), take(sh)};
    write_tile(params, derived, tile.state,
               {of_tile.positions, of_tile.log_scales, of_tile.rotations, of_tile.opacity_logits, {}});
    rebuild_colors(params, &tile.state, of_tile.sh);
    for (int64_t i = 0; i < tile.state.n; ++i) {
      const int64_t row = tile.rows[static_cast<size_t>(i)];
      std::copy_n(of_tile.positions + 3 * i, 3, out.positions + 3 * row);
      std::copy_n(of_tile.log_scales + 3 * i, 3, out.log_scales + 3 * row);
      std::copy_n(of_tile.rotations + 4 * i, 4, out.rotations + 4 * row);
      out.opacity_logits[row] = of_tile.opacity_logits[i];
      std::copy_n(of_tile.sh + sh * i, sh, out.sh + sh * row);
    }
  });
  return lost;
}

EncodedScene encode_stepped(const SourceArrays& source, int64_t n, int sh_degree, const uint8_t* tiers, int tier_count,
                            const SteppedOptions& options, int threads) {
  const ExactFloats exact;
  EncodedScene scene;
  SteppedLayout prepared = lay_out_stepped(source, n, sh_degree, tiers, tier_count, options, threads);
  SteppedParams& params = prepared.params;
  std::vector<PreparedTile>& tiles = prepared.tiles;
  scene.tiles = prepared.tile_count;
  const SteppedTables derived(params);
  std::vector<TileStreams> streams(tiles.size());
  const Encoding encoding{source, derived, options, threads, params, tiles, streams};
  code_geometry(encoding);
  scene.lost = find_lost(source, params, tiles, threads);
  std::vector<Extent> extents(tiles.size());
  std::vector<SizeSums> sizes(tiles.size());
  parallel_for(static_cast<int64_t>(tiles.size()), threads, [&](int64_t at) {
    const size_t k = static_cast<size_t>(at);
    extents[k] = extent_of_chunk(source, tiles[k]);
    add_sizes(params, &tiles[k].state, &sizes[k]);
  });
  fit_sizes(sizes, &params);
  parallel_for(static_cast<int64_t>(tiles.size()), threads, [&](int64_t at) {
    const size_t k = static_cast<size_t>(at);
    code_colors(streams[k].streams[kColor], params, &tiles[k].state);
    if (params.by_books[kShBooks]) {
      code_sh_by_books(streams[k].streams, params, &tiles[k].state, {});
    } else if (sh_degree > 0) {
      code_sh(streams[k].streams + kSh1, params, &tiles[k].state, {});
    }
    TileState kept;  // the rest is no longer needed
    kept.n = tiles[k].state.n;
    kept.frame = tiles[k].state.frame;
    tiles[k].state = std::move(kept);
  });

  // Streams of each layer.
  std::vector<int> of_layer[2] = {{kOctree, kCount, kOpacity, kScale, kRotation, kPositionLow, kColor}, {}};
  const bool sh_by_books = params.by_books[kShBooks];
  for (int s = 0; s < sh_degree && !(sh_by_books && params.books[kShBooks].all()); ++s) of_layer[1].push_back(kSh1 + s);
  if (sh_by_books) of_layer[1].push_back(kShIndex);
  TableSet sets[kSteppedStreams];
  std::vector<TableSet> own(has_own_tables(tier_count, options) ? static_cast<size_t>(tier_count) : 0);
  parallel_for(kSteppedStreams - 1 + static_cast<int64_t>(own.size()), threads, [&](int64_t at) {
    const int stream = static_cast<int>(at) + 1, tier = stream - kSteppedStreams;
    if (tier >= 0)
      own[static_cast<size_t>(tier)] = tables_of(kOpacity, encoding, tier);
    else if (stream != kOpacity || own.empty())
      sets[stream] = tables_of(stream, encoding, kAllTiers);
  });
  const auto written = [&](const std::vector<int>& streams_of_chunk, const auto& set_of) {
    ByteWriter tables;
    tables.varint(streams_of_chunk.size());
    for (int s : streams_of_chunk) write_table_set(tables, set_of(s));
    return std::move(tables.bytes);
  };
  for (int layer = 0; layer < (sh_degree > 0 ? 2 : 1); ++layer) {
    std::vector<int> shared = of_layer[layer];
    if (!own.empty()) shared.erase(std::remove(shared.begin(), shared.end(), static_cast<int>(kOpacity)), shared.end());
    scene.tables[layer] = written(shared, [&](int s) -> const TableSet& { return sets[s]; });
  }
  for (const TableSet& set : own)
    scene.tier_tables.push_back(written({kOpacity}, [&](int) -> const TableSet& { return set; }));
  for (size_t a = 0; a < kBookedAttributes; ++a)
    if (params.by_books[a]) scene.books[a] = write_codebooks(params.books[a]);

  const int layers = sh_degree > 0 ? 2 : 1;
  for (size_t k = 0; k < tiles.size(); ++k)
    for (int layer = 0; layer < layers; ++layer) {
      EncodedChunk& chunk = scene.chunks.emplace_back();
      chunk.tile = tiles[k].tile;
      chunk.tier = tiles[k].tier;
      chunk.layer = layer;
      chunk.splats = tiles[k].state.n;
      for (int a = 0; a < 3; ++a) {
        chunk.box[a] = static_cast<float>(extents[k].low[a]);
        chunk.box[3 + a] = static_cast<float>(extents[k].high[a]);
      }
    }
  // Stream by stream, so that threads share a scene of one tile, too.
  std::vector<std::array<FinishedStream, kSteppedStreams>> finished(scene.chunks.size());
  parallel_for(static_cast<int64_t>(finished.size()) * kSteppedStreams, threads, [&](int64_t at) {
    const size_t c = static_cast<size_t>(at / kSteppedStreams), place = static_cast<size_t>(at % kSteppedStreams);
    const EncodedChunk& chunk = scene.chunks[c];
    if (place >= of_layer[chunk.layer].size()) return;
    const int s = of_layer[chunk.layer][place];
    const bool by_tier = s == kOpacity && !own.empty();
    FinishedStream& stream = finished[c][place];
    stream.head.stream = s;
    stream.head.table_set = by_tier ? kFirstTierTables + chunk.tier : chunk.layer;
    const TableSet& set = by_tier ? own[static_cast<size_t>(chunk.tier)] : sets[s];
    streams[c / static_cast<size_t>(layers)].streams[s].finish(set, &stream.head, stream.bytes);
  });
  for (size_t c = 0; c < scene.chunks.size(); ++c) {
    EncodedChunk& chunk = scene.chunks[c];
    ByteWriter bytes;
    if (chunk.layer == 0) {
      const size_t k = c / static_cast<size_t>(layers);
      const bool first_of_tile = k == 0 || tiles[k - 1].tile != tiles[k].tile;
      bytes.byte(first_of_tile ? 1 : 0);
      if (first_of_tile) write_frame(bytes, tiles[k].state.frame);
    }
    write_streams(bytes, finished[c].data(), of_layer[chunk.layer].size());
    chunk.bytes = std::move(bytes.bytes);
  }

  ByteWriter out;
  write_params(out, params);
  scene.params = std::move(out.bytes);
  for (int tier = 0; tier < tier_count; ++tier)
    for (const PreparedTile& tile : tiles)
      if (tile.tier == tier) scene.order.insert(scene.order.end(), tile.rows.begin(), tile.rows.end());
  return scene;
}

}  // namespace splatzip
