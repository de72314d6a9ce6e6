// Codec COLUMNS: writing.
#include "columns.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include "columns_chunk.h"
#include "columns_fit.h"
#include "parallel.h"

namespace splatzip {
namespace {

// Lossless files are about bytes: 32 lanes (64 bytes more than 4) only where they are below 0.1 %.
constexpr int64_t kSymbolsFor32ColumnLanes = 65536;
constexpr int kMostCodedBits = 12;         // of a value; what is below goes raw
constexpr int64_t kMostWideValues = 2048;  // of an alphabet of 32-bit values
constexpr int kHalvings = 6;               // the first pass, which has no neighbours, holds a 64th of the points

// The points of one tile of an encoder, and what it writes.
struct TileWriter {
  Frame frame;
  std::vector<int64_t> rows;  // of the source, by rank
  std::vector<uint64_t> cells;
  std::vector<uint32_t> coordinates[3];            // by rank, relative to the origin, without the low bits
  std::vector<std::vector<StreamWriter>> streams;  // by layer, as stream_ids has them
};

void sort_tile(const ColumnsSource& source, int64_t begin, int64_t end, TileWriter* tile) {
  const size_t n = static_cast<size_t>(end - begin);
  uint32_t low[3], high[3];
  for (int a = 0; a < 3; ++a) low[a] = UINT32_MAX, high[a] = 0;
  for (int64_t i = begin; i < end; ++i) {
    const uint32_t* p = source.coordinates + 3 * source.order[static_cast<size_t>(i)];
    for (int a = 0; a < 3; ++a) low[a] = std::min(low[a], p[a]), high[a] = std::max(high[a], p[a]);
  }
  low[0] = low[0] >> source.align << source.align;
  int bits = 0;
  for (int a = 0; a < 3; ++a) {
    tile->frame.origin[a] = low[a];
    bits = std::max(bits, bit_length(high[a] - low[a]));
  }
  tile->frame.low = std::max(0, bits - kMaxOctreeDepth);
  tile->frame.depth = bits - tile->frame.low;
  std::vector<std::pair<uint64_t, int64_t>> keys(n);
  for (size_t i = 0; i < n; ++i) {
    const int64_t row = source.order[static_cast<size_t>(begin) + i];
    const uint32_t* p = source.coordinates + 3 * row;
    uint32_t q[3];
    for (int a = 0; a < 3; ++a) q[a] = (p[a] - low[a]) >> tile->frame.low;
    keys[i] = {morton(q[0], q[1], q[2]), row};
  }
  std::sort(keys.begin(), keys.end());  // equal cells: in the order of the source
  tile->rows.resize(n), tile->cells.resize(n);
  for (auto& list : tile->coordinates) list.resize(n);
  for (size_t i = 0; i < n; ++i) {
    tile->cells[i] = keys[i].first, tile->rows[i] = keys[i].second;
    for (int a = 0; a < 3; ++a) tile->coordinates[a][i] = gather3(keys[i].first >> a);
  }
}

// Wide values (the bits of floats) of which there are few: all of them, or nothing.
std::vector<uint32_t> few_values(const uint32_t* values, int64_t n) {
  const size_t most = static_cast<size_t>(std::min<int64_t>(kMostWideValues, n / 8 + 1));
  auto distinct = [&](int64_t step) {
    std::vector<uint32_t> list;
    for (int64_t i = 0; i < n; i += step) list.push_back(values[i]);
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
  };
  if (distinct(std::max<int64_t>(1, n / kMostWideValues)).size() > most) return {};
  std::vector<uint32_t> all = distinct(1);
  if (all.size() > most) all.clear();
  return all;
}

// What is coded of a component's values: those above the raw bits, and not even these where an alphabet says more.
void choose_alphabet(const ColumnsSource& source, size_t component, ColumnSpec* column) {
  const uint32_t* values = source.values + component * static_cast<size_t>(source.n);
  const uint32_t most = *std::max_element(values, values + source.n);
  column->raw_bits = 0;
  if (column->mode != ColumnMode::coordinate) {
    if (bit_length(most) > kMostCodedBits) column->alphabet = few_values(values, source.n);
    column->size = static_cast<uint32_t>(column->alphabet.size());
    if (column->size) return;
    column->raw_bits = std::max(source.columns[component].raw_bits, bit_length(most) - kMostCodedBits);
  }
  const uint32_t size = (most >> column->raw_bits) + 1;
  column->size = std::min<uint32_t>(size, kMaxCoded);
  if (column->mode == ColumnMode::coordinate || size < 4 || !source.map.empty()) return;
  std::vector<uint8_t> seen(size, 0);
  for (int64_t i = 0; i < source.n; ++i) seen[values[i] >> column->raw_bits] = 1;
  const uint32_t distinct = static_cast<uint32_t>(std::count(seen.begin(), seen.end(), 1));
  if (distinct * 2 > size) return;
  for (uint32_t v = 0; v < size; ++v)
    if (seen[v]) column->alphabet.push_back(v);
  column->size = distinct;
}

// What is coded of each value of a component: its place in the alphabet, or what is above the raw bits.
class Coder {
 public:
  explicit Coder(const ColumnSpec& column) : column_(column) {
    if (column.alphabet.empty() || column.alphabet.back() >= kMaxCoded) return;
    places_.resize(column.alphabet.back() + 1);
    for (size_t i = 0; i < column.alphabet.size(); ++i) places_[column.alphabet[i]] = static_cast<uint16_t>(i);
  }
  uint16_t operator()(uint32_t value) const {
    const uint32_t high = value >> column_.raw_bits;
    if (column_.alphabet.empty()) return static_cast<uint16_t>(high);
    if (!places_.empty()) return places_[high];
    const auto found = std::lower_bound(column_.alphabet.begin(), column_.alphabet.end(), high);
    return static_cast<uint16_t>(found - column_.alphabet.begin());
  }

 private:
  const ColumnSpec& column_;
  std::vector<uint16_t> places_;  // of narrow values
};

// low_bits of each context: symbols of nearly all values stay below 2^7 (residuals) or 2^8 (values).
void choose_column_low_bits(const ColumnsSpec& spec, int stream, const std::vector<std::array<uint32_t, 33>>& lengths,
                            Histogram* histogram) {
  for (size_t c = 0; c < lengths.size(); ++c) {
    uint64_t total = 0, below = 0;
    for (uint32_t count : lengths[c]) total += count;
    int length = 0;
    while (length < 32 && (below += lengths[c][static_cast<size_t>(length)]) * 100 < total * 98) ++length;
    histogram->low_bits[c] = static_cast<uint8_t>(std::clamp(length - 7, 0, 24));
  }
  for (const ColumnSpec& column : spec.columns) {
    if (column.mode != ColumnMode::direct || column.stream != stream) continue;
    for (int k = 0; k < column.contexts(); ++k)
      histogram->low_bits[static_cast<size_t>(column.first_context + k)] =
          static_cast<uint8_t>(std::max(0, bit_length(column.size - 1) - 8));
  }
}

// Symbol 255 may be a value itself where no context of the stream can need an escape.
bool needs_escapes(const ColumnsSpec& spec, int stream) {
  for (const ColumnSpec& column : spec.columns)
    if (column.stream == stream && column.mode != ColumnMode::direct && column.mode != ColumnMode::coordinate)
      return true;
  return false;
}

int stream_contexts(const ColumnsSpec& spec, int id) {
  if (id == kOctree) return kMaxContexts;
  if (id == kCount) return 5;
  int contexts = 1;
  for (const ColumnSpec& c : spec.columns)
    if (c.mode != ColumnMode::coordinate && c.stream == id - kFirstColumnStream)
      contexts = std::max(contexts, c.first_context + c.contexts());
  return contexts;
}

TableSet build_tables(const ColumnsSpec& spec, int layer, size_t index, int id, const std::vector<TileWriter>& tiles) {
  Histogram histogram;
  histogram.contexts = stream_contexts(spec, id);
  histogram.counts.assign(static_cast<size_t>(histogram.contexts), {});
  std::vector<std::array<uint32_t, 33>> lengths(static_cast<size_t>(histogram.contexts));
  const size_t l = static_cast<size_t>(layer);
  if (id >= kFirstColumnStream) {
    for (const TileWriter& tile : tiles) tile.streams[l][index].measure(lengths);
    choose_column_low_bits(spec, id - kFirstColumnStream, lengths, &histogram);
  }
  for (const TileWriter& tile : tiles) tile.streams[l][index].count(histogram);
  return build_table_set(id, id < kFirstColumnStream || needs_escapes(spec, id - kFirstColumnStream), histogram);
}

// What is known of the columns before anything is fitted.
ColumnsSpec begin_spec(const ColumnsSource& source, int threads) {
  ColumnsSpec spec;
  spec.neighbours = source.neighbours;
  spec.map = source.map;
  spec.halvings = kHalvings;
  for (const ColumnInput& input : source.columns) {
    ColumnSpec& column = spec.columns.emplace_back();
    column.layer = input.layer;
    column.stream = input.group;
    if (input.axis >= 0) column.mode = ColumnMode::coordinate, column.axis = input.axis;
  }
  parallel_for(static_cast<int64_t>(spec.columns.size()), threads, [&](int64_t c) {
    choose_alphabet(source, static_cast<size_t>(c), &spec.columns[static_cast<size_t>(c)]);
  });
  return spec;
}

// How many contexts each component may have: those of a stream share its contexts.
std::vector<int> context_budgets(const ColumnsSource& source) {
  // A context pays for itself from about 256 points on.
  const int affordable =
      static_cast<int>(std::bit_floor(std::clamp<uint64_t>(static_cast<uint64_t>(source.n) / 256, 1, kMaxContexts)));
  std::array<int, kMaxColumnStreams> members{};
  for (const ColumnInput& input : source.columns)
    if (input.axis < 0) ++members[static_cast<size_t>(input.group)];
  std::vector<int> budgets;
  for (const ColumnInput& input : source.columns)
    budgets.push_back(std::min(kMaxContexts / std::max(1, members[static_cast<size_t>(input.group)]), affordable));
  return budgets;
}

// The points of a sorted tile, with what is coded of their values.
std::unique_ptr<Points> points_of(const ColumnsSource& source, const ColumnsSpec& spec, const TileWriter& tile) {
  auto points = std::make_unique<Points>();
  points->arrange(static_cast<int64_t>(tile.rows.size()), spec, tile.coordinates, tile.frame.depth, tile.frame.origin);
  for (size_t c = 0; c < spec.columns.size(); ++c) {
    if (spec.columns[c].mode == ColumnMode::coordinate) continue;
    const uint32_t* values = source.values + c * static_cast<size_t>(source.n);
    const Coder coder(spec.columns[c]);
    points->values[c].resize(tile.rows.size());
    for (size_t i = 0; i < points->rank.size(); ++i) points->values[c][i] = coder(values[tile.rows[points->rank[i]]]);
  }
  return points;
}

// Codes all layers of a tile into its streams.
void code_tile(const ColumnsSource& source, const ColumnsSpec& spec, int layers, Points& points, TileWriter* tile) {
  for (int layer = 0; layer < layers; ++layer) {
    const std::vector<int> ids = stream_ids(spec, layer);
    tile->streams.emplace_back(ids.size());
    StreamSet<StreamWriter> streams(tile->streams.back(), ids);
    if (layer == 0) {
      const Frame& frame = tile->frame;
      code_octree(streams[kOctree], streams[kCount], frame.depth, points.n, {}, &tile->cells);
      for (size_t i = 0; frame.low && i < tile->rows.size(); ++i)
        for (int a = 0; a < 3; ++a)
          streams[kPositionLow].raw(
              (source.coordinates[3 * tile->rows[i] + a] - frame.origin[a]) & ((1u << frame.low) - 1), frame.low);
    }
    code_layer(spec, layer, points, streams, [&](size_t c, size_t place, int bits, StreamWriter& io) {
      const int64_t row = tile->rows[points.rank[place]];
      const uint32_t value = source.values[c * static_cast<size_t>(source.n) + static_cast<size_t>(row)];
      io.raw(value & ((1u << bits) - 1), bits);
    });
  }
}

// The tables of a layer, and its chunk of each tile.
void pack_layer(const ColumnsSource& source, const ColumnsSpec& spec, int layer, const std::vector<TileWriter>& tiles,
                int threads, EncodedColumns* out) {
  const size_t l = static_cast<size_t>(layer);
  const std::vector<int> ids = stream_ids(spec, layer);
  std::vector<TableSet> sets(ids.size());
  parallel_for(static_cast<int64_t>(ids.size()), threads, [&](int64_t i) {
    const size_t at = static_cast<size_t>(i);
    sets[at] = build_tables(spec, layer, at, ids[at], tiles);
  });
  ByteWriter tables;
  tables.varint(sets.size());
  for (const TableSet& set : sets) write_table_set(tables, set);
  out->tables[l] = std::move(tables.bytes);
  std::vector<FinishedStream> finished(tiles.size() * ids.size());
  parallel_for(static_cast<int64_t>(finished.size()), threads, [&](int64_t at) {
    const size_t t = static_cast<size_t>(at) / ids.size(), i = static_cast<size_t>(at) % ids.size();
    auto& [head, bytes] = finished[static_cast<size_t>(at)];
    head.stream = ids[i], head.table_set = source.tables_id + layer;
    tiles[t].streams[l][i].finish(sets[i], &head, bytes,
                                  {.many = kSymbolsFor32ColumnLanes, .fewer = kSymbolsFor32ColumnLanes});
  });
  for (size_t t = 0; t < tiles.size(); ++t) {
    ByteWriter chunk;
    if (layer == 0) write_frame(chunk, tiles[t].frame);
    write_streams(chunk, finished.data() + t * ids.size(), ids.size());
    out->chunks[l][t] = std::move(chunk.bytes);
  }
}

}  // namespace

std::vector<int64_t> morton_order(const uint32_t* coordinates, int64_t n) {
  uint32_t low[3] = {UINT32_MAX, UINT32_MAX, UINT32_MAX}, high[3] = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], coordinates[3 * i + a]);
      high[a] = std::max(high[a], coordinates[3 * i + a]);
    }
  }
  const uint32_t extent = std::max({high[0] - low[0], high[1] - low[1], high[2] - low[2]});
  const int shift = std::max(0, bit_length(extent) - kMaxOctreeDepth);
  std::vector<std::pair<uint64_t, int64_t>> keys(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t* p = coordinates + 3 * i;
    keys[static_cast<size_t>(i)] = {
        morton((p[0] - low[0]) >> shift, (p[1] - low[1]) >> shift, (p[2] - low[2]) >> shift), i};
  }
  std::sort(keys.begin(), keys.end());
  std::vector<int64_t> order(static_cast<size_t>(n));
  for (size_t i = 0; i < order.size(); ++i) order[i] = keys[i].second;
  return order;
}

EncodedColumns encode_columns(const ColumnsSource& source, int threads) {
  const size_t tile_count = source.starts.size() - 1;
  ColumnsSpec spec = begin_spec(source, threads);
  spec.prepare();
  std::vector<TileWriter> tiles(tile_count);
  std::vector<std::unique_ptr<Points>> points(tile_count);
  parallel_for(static_cast<int64_t>(tile_count), threads, [&](int64_t index) {
    const size_t t = static_cast<size_t>(index);
    sort_tile(source, source.starts[t], source.starts[t + 1], &tiles[t]);
    points[t] = points_of(source, spec, tiles[t]);
  });

  const std::vector<FittedColumn> fitted = fit_columns(&spec, points, source.columns, context_budgets(source), threads);
  spec.prepare();  // now that the terms are known
  choose_modes(&spec, fitted, points, source.columns, threads);

  int layers = 1;
  for (const ColumnSpec& c : spec.columns) layers = std::max(layers, c.layer + 1);
  parallel_for(static_cast<int64_t>(tile_count), threads, [&](int64_t index) {
    const size_t t = static_cast<size_t>(index);
    code_tile(source, spec, layers, *points[t], &tiles[t]);
    points[t].reset();
  });

  EncodedColumns out;
  out.tables.resize(static_cast<size_t>(layers));
  out.chunks.assign(static_cast<size_t>(layers), std::vector<std::vector<uint8_t>>(tile_count));
  for (int layer = 0; layer < layers; ++layer) pack_layer(source, spec, layer, tiles, threads, &out);
  ByteWriter packed;
  write_columns_spec(packed, spec);
  out.spec = std::move(packed.bytes);
  for (const TileWriter& tile : tiles) out.order.insert(out.order.end(), tile.rows.begin(), tile.rows.end());
  return out;
}

}  // namespace splatzip
