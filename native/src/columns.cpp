#include "columns.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <numeric>

#include "columns_fit.h"
#include "columns_model.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr int kOctree = 1, kCount = 2, kPositionLow = 6;  // stream ids
constexpr int kMaxOriginBits = 32;
// Lossless files are about bytes: 32 lanes (64 bytes more than 4) only where they are below 0.1 %.
constexpr int64_t kSymbolsFor32ColumnLanes = 65536;
constexpr int kHalvings = 6;            // the first pass, which has no neighbours, holds a 64th of the points
constexpr size_t kTrialTiles = 16;      // a sample of tiles is enough to choose modes
constexpr int64_t kCellCost = 1 << 15;  // in 1/2^16 bits

// A chunk of layer 0 starts with: where its coordinates start, how many of their bits the octree codes, and how
// many bits below follow raw.
struct Frame {
  uint32_t origin[3] = {};
  int depth = 0;
  int low = 0;
};

// Streams of a layer in the order of their heads: octree, count, low bits; then those of the columns.
std::vector<int> stream_ids(const ColumnsSpec& spec, int layer) {
  std::vector<int> ids;
  if (layer == 0) ids = {kOctree, kCount, kPositionLow};
  uint64_t used = 0;
  for (const ColumnSpec& c : spec.columns)
    if (c.layer == layer && c.mode != ColumnMode::coordinate) used |= 1ull << c.stream;
  for (int s = 0; s < kMaxColumnStreams; ++s)
    if (used >> s & 1) ids.push_back(kFirstColumnStream + s);
  return ids;
}

// The points of one tile of an encoder, and what it writes.
struct TileWriter {
  Frame frame;
  std::vector<int64_t> rows;                 // of the source, by rank
  std::vector<uint64_t> cells;
  std::vector<uint32_t> coordinates[3];      // by rank, relative to the origin, without the low bits
  std::vector<std::vector<StreamWriter>> streams;  // by layer, as stream_ids has them
};

template <class Io>
struct StreamSet {
  std::array<Io*, 64> by_id{};
  StreamSet(std::vector<Io>& streams, const std::vector<int>& ids) {
    for (size_t i = 0; i < ids.size(); ++i) by_id[static_cast<size_t>(ids[i])] = &streams[i];
  }
  Io& operator[](int id) { return *by_id[static_cast<size_t>(id)]; }
};

// The columns of a layer, pass by pass. raw(component, place, bits) takes or gives a value's low bits.
template <class Io, class Raw>
bool code_layer(const ColumnsSpec& spec, int layer, Points& points, StreamSet<Io>& streams, Raw&& raw) {
  for (size_t pass = 0; pass + 1 < points.pass_start.size(); ++pass) {
    points.start_pass();
    for (size_t c = 0; c < spec.columns.size(); ++c) {
      const ColumnSpec& column = spec.columns[c];
      if (column.layer != layer) continue;
      Io& io = streams[kFirstColumnStream + column.stream];
      if (!code_values(spec, static_cast<int>(c), pass, points, io)) return false;
      if (column.raw_bits && column.mode != ColumnMode::coordinate) {
        for (int64_t i = points.pass_start[pass]; i < points.pass_start[pass + 1]; ++i)
          raw(c, static_cast<size_t>(i), column.raw_bits, io);
      }
    }
  }
  return true;
}

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

// Distinct values above the raw bits; an alphabet is kept where at most half of the range is used.
void choose_alphabet(const ColumnsSource& source, size_t component, ColumnSpec* column) {
  const uint32_t* values = source.values + component * static_cast<size_t>(source.n);
  uint32_t most = 0;
  for (int64_t i = 0; i < source.n; ++i) most = std::max(most, values[i]);
  column->raw_bits = std::max(source.columns[component].raw_bits, bit_length(most) - 12);
  if (column->mode == ColumnMode::coordinate) column->raw_bits = 0;
  const uint32_t size = (most >> column->raw_bits) + 1;
  column->size = std::min<uint32_t>(size, kMaxCoded);
  if (column->mode == ColumnMode::coordinate) return;
  std::vector<uint8_t> seen(size, 0);
  for (int64_t i = 0; i < source.n; ++i) seen[values[i] >> column->raw_bits] = 1;
  uint32_t distinct = static_cast<uint32_t>(std::count(seen.begin(), seen.end(), 1));
  if (distinct * 2 > size || size < 4) return;
  for (uint32_t v = 0; v < size; ++v)
    if (seen[v]) column->alphabet.push_back(v);
  column->size = distinct;
}

uint32_t coded_value(const ColumnSpec& column, uint32_t value, const std::vector<uint16_t>& index_of) {
  const uint32_t high = value >> column.raw_bits;
  return index_of.empty() ? high : index_of[high];
}

using Counts = std::vector<std::array<uint32_t, 256>>;

int low_bits_for(const ColumnCandidate& candidate, uint32_t size) {
  return candidate.mode == ColumnMode::direct ? std::max(0, bit_length(size - 1) - 8) : 0;
}

// What the candidate would cost, in 1/2^16 bits: its symbols under a table for each context, and a share of the tables.
int64_t candidate_cost(const Counts& counts, uint64_t raw_bits, int64_t cell_cost) {
  int64_t cost = static_cast<int64_t>(raw_bits) << 16;
  for (const auto& context : counts) {
    uint32_t total = 0;
    for (uint32_t count : context) {
      if (!count) continue;
      total += count;
      cost += cell_cost - n_log2_n(count);
    }
    cost += n_log2_n(total);
  }
  return cost;
}

struct Trial {
  std::vector<Counts> counts;      // by candidate
  std::vector<uint64_t> raw_bits;  // by candidate
};

// Counts what each candidate of each column would code.
void try_candidates(const ColumnsSpec& spec, const std::vector<FittedColumn>& fitted, Points& points,
                    std::vector<Trial>* trials) {
  for (size_t pass = 0; pass + 1 < points.pass_start.size(); ++pass) {
    points.start_pass();
    const size_t begin = static_cast<size_t>(points.pass_start[pass]), end = static_cast<size_t>(points.pass_start[pass + 1]);
    for (size_t c = 0; c < spec.columns.size(); ++c) {
      points.predict(spec, static_cast<int>(c), pass);
      for (size_t k = 0; fitted[c].candidates.size() > 1 && k < fitted[c].candidates.size(); ++k) {
        const ColumnCandidate& candidate = fitted[c].candidates[k];
        ColumnSpec column;
        column.mode = candidate.mode;
        column.error_cuts = candidate.error_cuts, column.level_cuts = candidate.level_cuts;
        std::copy(candidate.pair, candidate.pair + 2, column.pair);
        points.choose_contexts(spec, column, pass);
        Counts& counts = (*trials)[c].counts[k];
        const int low = low_bits_for(candidate, spec.columns[c].size);
        for (size_t i = begin; i < end; ++i) {
          const int32_t value = points.values[c][i], level = points.level[i - begin];
          uint32_t symbol = static_cast<uint32_t>(value);
          if (candidate.mode != ColumnMode::direct) {
            const int32_t sign = candidate.mode == ColumnMode::residual_by_fraction && (level & 15) >= 8 ? -1 : 1;
            symbol = zigzag((value - rounded_level(level)) * sign);
          }
          const int shift = candidate.mode == ColumnMode::direct ? low : std::max(0, bit_length(symbol) - 7);
          if (candidate.mode != ColumnMode::direct && shift) symbol = 128 + (static_cast<uint32_t>(shift) << 3) + ((symbol >> (shift + 3)) & 7);
          (*trials)[c].raw_bits[k] += static_cast<uint64_t>(candidate.mode == ColumnMode::direct ? shift : shift ? shift + 3 : 0);
          ++counts[points.contexts[i - begin]][std::min<uint32_t>(candidate.mode == ColumnMode::direct ? symbol >> shift : symbol, 255)];
        }
      }
      points.remember_errors(static_cast<int>(c), pass);
    }
  }
}

// Streams, contexts and (after the trial) modes.
void settle_modes(ColumnsSpec* spec, const std::vector<FittedColumn>& fitted, const std::vector<std::vector<Trial>>& trials,
                  const std::vector<bool>& shared, int64_t cell_cost) {
  std::array<int, kMaxColumnStreams> next{};
  for (size_t c = 0; c < spec->columns.size(); ++c) {
    ColumnSpec& column = spec->columns[c];
    if (column.mode == ColumnMode::coordinate) continue;
    const std::vector<ColumnCandidate>& candidates = fitted[c].candidates;
    size_t best = 0;
    int64_t best_cost = INT64_MAX;
    for (size_t k = 0; candidates.size() > 1 && k < candidates.size(); ++k) {
      Counts counts(kMaxContexts);
      uint64_t raw_bits = 0;
      for (auto& context : counts) context.fill(0);
      for (const auto& of_worker : trials) {
        raw_bits += of_worker[c].raw_bits[k];
        for (size_t x = 0; x < counts.size(); ++x)
          for (size_t s = 0; s < 256; ++s) counts[x][s] += of_worker[c].counts[k][x][s];
      }
      const int64_t cost = candidate_cost(counts, raw_bits, cell_cost);
      if (cost < best_cost) best_cost = cost, best = k;
    }
    column.mode = candidates[best].mode;
    column.error_cuts = candidates[best].error_cuts;
    column.level_cuts = candidates[best].level_cuts;
    std::copy(candidates[best].pair, candidates[best].pair + 2, column.pair);
    column.first_context = shared[c] ? 0 : next[static_cast<size_t>(column.stream)];
    next[static_cast<size_t>(column.stream)] += column.contexts();
  }
}

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
    if (column.stream == stream && column.mode != ColumnMode::direct && column.mode != ColumnMode::coordinate) return true;
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

void write_frame(ByteWriter& out, const Frame& frame) {
  out.byte(static_cast<uint8_t>(frame.depth));
  out.byte(static_cast<uint8_t>(frame.low));
  for (uint32_t o : frame.origin) out.varint(o);
}

bool read_frame(ByteReader& in, Frame* frame) {
  frame->depth = in.byte();
  frame->low = in.byte();
  for (uint32_t& o : frame->origin) {
    uint64_t value = in.varint();
    if (value > UINT32_MAX) return false;
    o = static_cast<uint32_t>(value);
  }
  return in.ok() && frame->depth <= kMaxOctreeDepth && frame->low <= kMaxOriginBits - kMaxOctreeDepth;
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
    keys[static_cast<size_t>(i)] = {morton((p[0] - low[0]) >> shift, (p[1] - low[1]) >> shift, (p[2] - low[2]) >> shift), i};
  }
  std::sort(keys.begin(), keys.end());
  std::vector<int64_t> order(static_cast<size_t>(n));
  for (size_t i = 0; i < order.size(); ++i) order[i] = keys[i].second;
  return order;
}

EncodedColumns encode_columns(const ColumnsSource& source, int threads) {
  const size_t components = source.columns.size(), tile_count = source.starts.size() - 1;
  ColumnsSpec spec;
  spec.neighbours = source.neighbours;
  spec.map = source.map;
  spec.prepare();
  spec.halvings = kHalvings;
  spec.columns.resize(components);
  std::vector<bool> shared(components);
  std::vector<int> budget(components, kMaxContexts), members(kMaxColumnStreams, 0);
  for (size_t c = 0; c < components; ++c) {
    const ColumnInput& input = source.columns[c];
    ColumnSpec& column = spec.columns[c];
    column.layer = input.layer;
    column.stream = input.group;
    shared[c] = input.shared;
    if (input.axis >= 0) column.mode = ColumnMode::coordinate, column.axis = input.axis;
    if (input.axis < 0) ++members[static_cast<size_t>(input.group)];
  }
  for (size_t c = 0; c < components; ++c)
    budget[c] = kMaxContexts / std::max(1, members[static_cast<size_t>(spec.columns[c].stream)]);
  parallel_for(static_cast<int64_t>(components), threads, [&](int64_t c) {
    choose_alphabet(source, static_cast<size_t>(c), &spec.columns[static_cast<size_t>(c)]);
  });
  std::vector<std::vector<uint16_t>> index_of(components);
  for (size_t c = 0; c < components; ++c) {
    const std::vector<uint32_t>& alphabet = spec.columns[c].alphabet;
    if (alphabet.empty()) continue;
    index_of[c].assign(alphabet.back() + 1, 0);
    for (size_t k = 0; k < alphabet.size(); ++k) index_of[c][alphabet[k]] = static_cast<uint16_t>(k);
  }

  std::vector<TileWriter> tiles(tile_count);
  std::vector<std::unique_ptr<Points>> points(tile_count);
  parallel_for(static_cast<int64_t>(tile_count), threads, [&](int64_t t) {
    TileWriter& tile = tiles[static_cast<size_t>(t)];
    sort_tile(source, source.starts[static_cast<size_t>(t)], source.starts[static_cast<size_t>(t) + 1], &tile);
    auto p = std::make_unique<Points>();
    p->arrange(static_cast<int64_t>(tile.rows.size()), spec, tile.coordinates, tile.frame.depth, tile.frame.origin);
    for (size_t c = 0; c < components; ++c) {
      if (spec.columns[c].mode == ColumnMode::coordinate) continue;
      const uint32_t* values = source.values + c * static_cast<size_t>(source.n);
      for (size_t i = 0; i < p->rank.size(); ++i)
        p->values[c][i] = static_cast<int32_t>(
            coded_value(spec.columns[c], values[tile.rows[static_cast<size_t>(p->rank[i])]], index_of[c]));
    }
    points[static_cast<size_t>(t)] = std::move(p);
  });

  const std::vector<FittedColumn> fitted = fit_columns(&spec, points, budget, shared, threads);
  const size_t step = std::max<size_t>(1, tile_count / kTrialTiles);
  // Counting candidates: a few workers, each with its own counts; the sums do not depend on who counted what.
  const int64_t workers = std::min<int64_t>(static_cast<int64_t>(tile_count), 8);
  std::vector<std::vector<Trial>> trials(static_cast<size_t>(workers), std::vector<Trial>(components));
  parallel_for(workers, threads, [&](int64_t w) {
    std::vector<Trial>& mine = trials[static_cast<size_t>(w)];
    for (size_t c = 0; c < components; ++c) {
      const size_t count = fitted[c].candidates.size() > 1 ? fitted[c].candidates.size() : 0;
      mine[c].counts.assign(count, Counts(kMaxContexts, std::array<uint32_t, 256>{}));
      mine[c].raw_bits.assign(count, 0);
    }
    for (size_t t = static_cast<size_t>(w) * step; t < tile_count; t += static_cast<size_t>(workers) * step)
      try_candidates(spec, fitted, *points[t], &mine);
  });
  // A table's entry costs what a trial on all tiles would say; half a bit more is what fitting a table gains by chance.
  settle_modes(&spec, fitted, trials, shared, kCellCost + kCellCost / static_cast<int64_t>(step));

  int layers = 1;
  for (const ColumnSpec& c : spec.columns) layers = std::max(layers, c.layer + 1);
  EncodedColumns out;
  out.tables.resize(static_cast<size_t>(layers));
  out.chunks.assign(static_cast<size_t>(layers), std::vector<std::vector<uint8_t>>(tile_count));
  parallel_for(static_cast<int64_t>(tile_count), threads, [&](int64_t index) {
    TileWriter& tile = tiles[static_cast<size_t>(index)];
    Points& p = *points[static_cast<size_t>(index)];
    for (int layer = 0; layer < layers; ++layer) {
      const std::vector<int> ids = stream_ids(spec, layer);
      tile.streams.emplace_back(ids.size());
      StreamSet<StreamWriter> streams(tile.streams.back(), ids);
      if (layer == 0) {
        code_octree(streams[kOctree], streams[kCount], tile.frame.depth, p.n, {}, &tile.cells);
        for (size_t i = 0; tile.frame.low && i < tile.rows.size(); ++i)
          for (int a = 0; a < 3; ++a)
            streams[kPositionLow].raw((source.coordinates[3 * tile.rows[i] + a] - tile.frame.origin[a]) & ((1u << tile.frame.low) - 1), tile.frame.low);
      }
      code_layer(spec, layer, p, streams, [&](size_t c, size_t place, int bits, StreamWriter& io) {
        const uint32_t value = source.values[c * static_cast<size_t>(source.n) + static_cast<size_t>(tile.rows[static_cast<size_t>(p.rank[place])])];
        io.raw(value & ((1u << bits) - 1), bits);
      });
    }
    points[static_cast<size_t>(index)].reset();
  });

  for (int layer = 0; layer < layers; ++layer) {
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
    out.tables[l] = std::move(tables.bytes);
    parallel_for(static_cast<int64_t>(tile_count), threads, [&](int64_t t) {
      TileWriter& tile = tiles[static_cast<size_t>(t)];
      ByteWriter head;
      head.varint(ids.size());
      std::vector<uint8_t> data;
      for (size_t i = 0; i < ids.size(); ++i) {
        StreamHead stream;
        stream.stream = ids[i], stream.table_set = static_cast<int>(i);
        tile.streams[l][i].finish(sets[i], &stream, data, {.many = kSymbolsFor32ColumnLanes, .fewer = kSymbolsFor32ColumnLanes});
        write_stream_head(head, stream);
      }
      if (layer == 0) write_frame(head, tile.frame);
      head.append(data.data(), data.size());
      out.chunks[l][static_cast<size_t>(t)] = std::move(head.bytes);
    });
  }
  ByteWriter packed;
  write_columns_spec(packed, spec);
  out.spec = std::move(packed.bytes);
  for (const TileWriter& tile : tiles) out.order.insert(out.order.end(), tile.rows.begin(), tile.rows.end());
  return out;
}

namespace {

// Opens the streams of a chunk and reads its frame, if it has one; false if the heads are not those of the layer.
bool open_streams(ByteReader& in, const std::vector<int>& ids, const std::vector<TableSet>& tables,
                  std::vector<StreamReader>* streams, Frame* frame) {
  std::vector<StreamHead> heads(ids.size());
  if (in.varint() != ids.size()) return false;
  size_t total = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!read_stream_head(in, &heads[i]) || heads[i].stream != ids[i]) return false;
    const size_t set = static_cast<size_t>(heads[i].table_set);
    if (set >= tables.size() || tables[set].stream != ids[i]) return false;
    if (heads[i].word_bytes > in.left() || heads[i].raw_bytes > in.left()) return false;
    total += heads[i].word_bytes + heads[i].raw_bytes;
  }
  if ((frame && !read_frame(in, frame)) || total != in.left()) return false;
  *streams = std::vector<StreamReader>(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint8_t* data = in.take(heads[i].word_bytes + heads[i].raw_bytes);
    if (!data || !(*streams)[i].open(heads[i], data, &tables[static_cast<size_t>(heads[i].table_set)])) return false;
  }
  return true;
}

bool close_streams(const std::vector<StreamReader>& streams) {
  return std::all_of(streams.begin(), streams.end(), [](const StreamReader& s) { return s.close(); });
}

// Coordinates of a tile: the octree's cells, then the low bits.
bool decode_coordinates(StreamSet<StreamReader>& streams, const Frame& frame, int64_t n, Points& points,
                        const ColumnsSpec& spec, uint32_t* out) {
  std::vector<uint64_t> cells;
  if (!code_octree(streams[kOctree], streams[kCount], frame.depth, n, {}, &cells)) return false;
  for (const ColumnSpec& column : spec.columns) {  // a coordinate that is a component fits one
    if (column.mode != ColumnMode::coordinate) continue;
    if (frame.low || frame.origin[column.axis] + (uint64_t{1} << frame.depth) > uint64_t{2 * kMaxCoded}) return false;
  }
  std::vector<uint32_t> coordinates[3];
  for (int a = 0; a < 3; ++a) {
    coordinates[a].resize(cells.size());
    for (size_t i = 0; i < cells.size(); ++i) coordinates[a][i] = gather3(cells[i] >> a);
  }
  StreamReader& low = streams[kPositionLow];
  for (size_t i = 0; i < cells.size(); ++i) {
    for (int a = 0; a < 3; ++a) {
      uint64_t value = static_cast<uint64_t>(coordinates[a][i]) << frame.low;
      if (frame.low) value |= low.raw(frame.low);
      value += frame.origin[a];
      if (value > UINT32_MAX) return false;
      out[3 * i + static_cast<size_t>(a)] = static_cast<uint32_t>(value);
    }
  }
  points.arrange(n, spec, coordinates, frame.depth, frame.origin);
  return low.ok();
}

// Component c of the tile by rank, into its place.
void hand_out(const ColumnSpec& column, size_t c, const Points& points, const std::vector<uint32_t>& raw, uint32_t* out) {
  for (size_t i = 0; i < points.rank.size(); ++i) {
    const uint32_t coded = static_cast<uint32_t>(points.values[c][i]);
    uint32_t value = (column.alphabet.empty() ? coded : column.alphabet[coded]) << column.raw_bits;
    if (!raw.empty()) value |= raw[i];
    out[points.rank[i]] = value;
  }
}

bool decode_tile(const ColumnsSpec& spec, const std::vector<TableSet> (&tables)[kMaxLayers], const ColumnsTile& tile,
                 int64_t start, int64_t total, uint32_t* coordinates, uint32_t* values, int* layer) {
  Points points;
  for (*layer = 0; *layer < kMaxLayers; ++*layer) {
    const ColumnsChunk& chunk = tile.layers[*layer];
    if (!chunk.data) return *layer > 0;
    const std::vector<int> ids = stream_ids(spec, *layer);
    ByteReader in(chunk.data, chunk.size);
    Frame frame;
    std::vector<StreamReader> readers;
    if (!open_streams(in, ids, tables[*layer], &readers, *layer == 0 ? &frame : nullptr)) return false;
    StreamSet<StreamReader> streams(readers, ids);
    if (*layer == 0) {
      uint32_t* out = coordinates + 3 * start;
      if (!decode_coordinates(streams, frame, tile.n, points, spec, out)) return false;
    }
    std::vector<std::vector<uint32_t>> raws(spec.columns.size());
    bool good = code_layer(spec, *layer, points, streams, [&](size_t c, size_t place, int bits, StreamReader& io) {
      if (raws[c].empty()) raws[c].resize(static_cast<size_t>(tile.n));
      raws[c][place] = io.raw(bits);
    });
    if (!good || !close_streams(readers)) return false;
    for (size_t c = 0; c < spec.columns.size(); ++c) {
      const ColumnSpec& column = spec.columns[c];
      uint32_t* out = values + static_cast<int64_t>(c) * total + start;
      if (column.layer != *layer) continue;
      if (column.mode == ColumnMode::coordinate) {
        for (int64_t i = 0; i < tile.n; ++i) out[i] = coordinates[3 * (start + i) + column.axis];
      } else {
        hand_out(column, c, points, raws[c], out);
      }
    }
  }
  return true;
}

}  // namespace

int64_t decode_columns(const ColumnsSpec& spec, const std::vector<TableSet> (&tables)[kMaxLayers],
                       const std::vector<ColumnsTile>& tiles, int64_t n, uint32_t* coordinates, uint32_t* values,
                       int threads, int* layer) {
  std::vector<int64_t> starts = {0};
  for (const ColumnsTile& tile : tiles) starts.push_back(starts.back() + tile.n);
  std::vector<int> bad(tiles.size(), -1);
  parallel_for(static_cast<int64_t>(tiles.size()), threads, [&](int64_t t) {
    const size_t i = static_cast<size_t>(t);
    int at = 0;
    if (!decode_tile(spec, tables, tiles[i], starts[i], n, coordinates, values, &at)) bad[i] = at;
  });
  for (size_t i = 0; i < tiles.size(); ++i) {
    if (bad[i] < 0) continue;
    *layer = bad[i];
    return static_cast<int64_t>(i);
  }
  return -1;
}

}  // namespace splatzip
