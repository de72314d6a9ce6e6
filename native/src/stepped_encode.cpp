// Codec STEPPED: a scene becomes chunks, coded in the order of the decoder.
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "float_mode.h"
#include "octree.h"
#include "parallel.h"
#include "stepped_layout.h"

namespace splatzip {
namespace {

// The codes of one chunk, before the tables are known.
struct TileStreams {
  StreamWriter streams[kSteppedStreams];
};

// Everything that the phases of an encoder share.
struct Encoding {
  const SourceScene& source;
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
  size_t index_of(const PreparedTile& tile) const { return static_cast<size_t>(&tile - tiles.data()); }
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
    const size_t k = e.index_of(tile);
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
  e.each_tile(
      [&](PreparedTile& tile, StreamWriter*) { of_tiles[e.index_of(tile)] = count_sh_steps(e.params, tile.state); });
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
    for (size_t k = e.index_of(tile); k-- > 0 && e.tiles[k].tile == tile.tile;)
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
Extent extent_of_chunk(const SourceScene& source, const PreparedTile& tile) {
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

// Colour and SH, once the sizes of their codes are fitted. Of the tiles' states no more is kept than their frames.
void code_colors_and_sh(const Encoding& e) {
  std::vector<SizeSums> sizes(e.tiles.size());
  e.each_tile([&](PreparedTile& tile, StreamWriter*) { add_sizes(e.params, &tile.state, &sizes[e.index_of(tile)]); });
  fit_sizes(sizes, &e.params);
  e.each_tile([&](PreparedTile& tile, StreamWriter* out) {
    code_colors(out[kColor], e.params, &tile.state);
    if (e.params.by_books[kShBooks]) {
      code_sh_by_books(out, e.params, &tile.state, {});
    } else if (e.params.sh_degree > 0) {
      code_sh(out + kSh1, e.params, &tile.state, {});
    }
    TileState kept;
    kept.n = tile.state.n;
    kept.frame = tile.state.frame;
    tile.state = std::move(kept);
  });
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

// The tables of all streams.
struct SceneTables {
  TableSet shared[kSteppedStreams];
  std::vector<TableSet> opacity_of_tier;  // if tiers have their own; none of `shared` then

  bool by_tier(int stream) const { return stream == kOpacity && !opacity_of_tier.empty(); }
  const TableSet& of(int stream, int tier) const {
    return by_tier(stream) ? opacity_of_tier[static_cast<size_t>(tier)] : shared[stream];
  }
};

SceneTables fit_tables(const Encoding& e) {
  SceneTables tables;
  const int tier_count = e.source.tier_count;
  if (tier_count > 1 && tier_count <= kMostOwnTables && !e.options.shared_tiles)
    tables.opacity_of_tier.resize(static_cast<size_t>(tier_count));
  const int64_t own = static_cast<int64_t>(tables.opacity_of_tier.size());
  parallel_for(kSteppedStreams - 1 + own, e.threads, [&](int64_t at) {
    const int stream = static_cast<int>(at) + 1, tier = stream - kSteppedStreams;
    if (tier >= 0) {
      tables.opacity_of_tier[static_cast<size_t>(tier)] = tables_of(kOpacity, e, tier);
    } else if (!tables.by_tier(stream)) {
      tables.shared[stream] = tables_of(stream, e, kAllTiers);
    }
  });
  return tables;
}

std::vector<uint8_t> written(const std::vector<const TableSet*>& sets) {
  ByteWriter tables;
  tables.varint(sets.size());
  for (const TableSet* set : sets) write_table_set(tables, *set);
  return std::move(tables.bytes);
}

// The streams of a layer's chunks, in their order.
std::vector<int> streams_of_layer(int layer, const SteppedParams& params) {
  if (layer == 0) return {kOctree, kCount, kOpacity, kScale, kRotation, kPositionLow, kColor};
  const bool by_books = params.by_books[kShBooks];
  std::vector<int> streams;
  for (int s = 0; s < params.sh_degree && !(by_books && params.books[kShBooks].all()); ++s) streams.push_back(kSh1 + s);
  if (by_books) streams.push_back(kShIndex);
  return streams;
}

// All chunks, by (tile, tier, layer). Stream by stream, so that threads share a scene of one tile, too.
std::vector<EncodedChunk> pack_chunks(const Encoding& e, const SceneTables& tables, const std::vector<Extent>& extents,
                                      const std::vector<std::vector<int>>& streams_of) {
  const size_t layers = streams_of.size();
  std::vector<EncodedChunk> chunks(e.tiles.size() * layers);
  std::vector<std::array<FinishedStream, kSteppedStreams>> finished(chunks.size());
  parallel_for(static_cast<int64_t>(chunks.size()) * kSteppedStreams, e.threads, [&](int64_t at) {
    const size_t c = static_cast<size_t>(at / kSteppedStreams), place = static_cast<size_t>(at % kSteppedStreams);
    const size_t k = c / layers, layer = c % layers;
    if (place >= streams_of[layer].size()) return;
    const int s = streams_of[layer][place], tier = e.tiles[k].tier;
    FinishedStream& stream = finished[c][place];
    stream.head.stream = s;
    stream.head.table_set = tables.by_tier(s) ? kFirstTierTables + tier : static_cast<int>(layer);
    e.streams[k].streams[s].finish(tables.of(s, tier), &stream.head, stream.bytes);
  });
  for (size_t c = 0; c < chunks.size(); ++c) {
    const size_t k = c / layers, layer = c % layers;
    const PreparedTile& tile = e.tiles[k];
    EncodedChunk& chunk = chunks[c];
    chunk.tile = tile.tile, chunk.tier = tile.tier, chunk.layer = static_cast<int>(layer);
    chunk.splats = tile.state.n;
    for (int a = 0; a < 3; ++a) {
      chunk.box[a] = static_cast<float>(extents[k].low[a]);
      chunk.box[3 + a] = static_cast<float>(extents[k].high[a]);
    }
    ByteWriter bytes;
    if (layer == 0) {
      const bool first_of_tile = k == 0 || e.tiles[k - 1].tile != tile.tile;
      bytes.byte(first_of_tile ? 1 : 0);
      if (first_of_tile) write_frame(bytes, tile.state.frame);
    }
    write_streams(bytes, finished[c].data(), streams_of[layer].size());
    chunk.bytes = std::move(bytes.bytes);
  }
  return chunks;
}

}  // namespace

LostValue round_stepped(const SourceScene& source, const SteppedOptions& options, int threads,
                        const SceneArrays<float>& out) {
  const ExactFloats exact;
  SteppedLayout prepared = lay_out_stepped(source, options, threads);
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
    const SceneArrays<float> of_tile{take(3), take(3), take(4), take(1), take(sh)};
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

EncodedScene encode_stepped(const SourceScene& source, const SteppedOptions& options, int threads) {
  const ExactFloats exact;
  SteppedLayout prepared = lay_out_stepped(source, options, threads);
  SteppedParams& params = prepared.params;
  std::vector<PreparedTile>& tiles = prepared.tiles;
  const SteppedTables derived(params);
  std::vector<TileStreams> streams(tiles.size());
  const Encoding encoding{source, derived, options, threads, params, tiles, streams};
  EncodedScene scene;
  scene.tiles = prepared.tile_count;

  code_geometry(encoding);
  scene.lost = find_lost(source, params, tiles, threads);
  std::vector<Extent> extents(tiles.size());
  encoding.each_tile(
      [&](PreparedTile& tile, StreamWriter*) { extents[encoding.index_of(tile)] = extent_of_chunk(source, tile); });
  code_colors_and_sh(encoding);

  const SceneTables tables = fit_tables(encoding);
  std::vector<std::vector<int>> streams_of;
  for (int layer = 0; layer < (params.sh_degree > 0 ? 2 : 1); ++layer) {
    streams_of.push_back(streams_of_layer(layer, params));
    std::vector<const TableSet*> sets;
    for (int s : streams_of.back())
      if (!tables.by_tier(s)) sets.push_back(&tables.shared[s]);
    scene.tables[layer] = written(sets);
  }
  for (const TableSet& set : tables.opacity_of_tier) scene.tier_tables.push_back(written({&set}));
  for (size_t a = 0; a < kBookedAttributes; ++a)
    if (params.by_books[a]) scene.books[a] = write_codebooks(params.books[a]);
  scene.chunks = pack_chunks(encoding, tables, extents, streams_of);

  ByteWriter out;
  write_params(out, params);
  scene.params = std::move(out.bytes);
  for (int tier = 0; tier < source.tier_count; ++tier)
    for (const PreparedTile& tile : tiles)
      if (tile.tier == tier) scene.order.insert(scene.order.end(), tile.rows.begin(), tile.rows.end());
  return scene;
}

}  // namespace splatzip
