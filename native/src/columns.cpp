// Codec COLUMNS: writing. Over 400 lines: spec, tables and chunks are settled over the same tiles.
#include "columns.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <mutex>
#include <numeric>

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
constexpr size_t kTrialTiles = 16;         // a sample of tiles is enough to choose modes
constexpr int64_t kCellCost = 1 << 15;     // in 1/2^16 bits

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

// Counts what each candidate of each column would code in passes `first` to `last`.
void try_candidates(const ColumnsSpec& spec, const std::vector<FittedColumn>& fitted, Points& points, size_t first,
                    size_t last, std::vector<Trial>* trials) {
  size_t components = fitted.size();
  while (components && fitted[components - 1].candidates.size() < 2) --components;
  for (size_t pass = first; pass <= last; ++pass) {
    points.start_pass();
    const size_t begin = static_cast<size_t>(points.pass_start[pass]),
                 end = static_cast<size_t>(points.pass_start[pass + 1]);
    for (size_t c = 0; c < components; ++c) {
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
          if (candidate.mode != ColumnMode::direct && shift)
            symbol = 128 + (static_cast<uint32_t>(shift) << 3) + ((symbol >> (shift + 3)) & 7);
          (*trials)[c].raw_bits[k] += static_cast<uint64_t>(candidate.mode == ColumnMode::direct ? shift
                                                            : shift                              ? shift + 3
                                                                                                 : 0);
          ++counts[points.contexts[i - begin]]
                  [std::min<uint32_t>(candidate.mode == ColumnMode::direct ? symbol >> shift : symbol, 255)];
        }
      }
      points.remember_errors(spec, static_cast<int>(c), pass);
    }
  }
}

// Streams, contexts and (after the trial) modes.
void settle_modes(ColumnsSpec* spec, const std::vector<FittedColumn>& fitted,
                  const std::vector<std::vector<Trial>>& trials, const std::vector<bool>& shared, int64_t cell_cost) {
  std::array<int, kMaxColumnStreams> next{};
  for (size_t c = 0; c < spec->columns.size(); ++c) {
    ColumnSpec& column = spec->columns[c];
    if (column.mode == ColumnMode::coordinate) continue;
    const std::vector<ColumnCandidate>& candidates = fitted[c].candidates;
    size_t best = 0;
    int64_t best_cost = INT64_MAX;
    for (size_t k = 0; candidates.size() > 1 && k < candidates.size(); ++k) {
      Counts counts = trials[0][c].counts[k];
      uint64_t raw_bits = trials[0][c].raw_bits[k];
      for (size_t w = 1; w < trials.size(); ++w) {
        raw_bits += trials[w][c].raw_bits[k];
        for (size_t x = 0; x < counts.size(); ++x)
          for (size_t s = 0; s < 256; ++s) counts[x][s] += trials[w][c].counts[k][x][s];
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
  const size_t components = source.columns.size(), tile_count = source.starts.size() - 1;
  ColumnsSpec spec;
  spec.neighbours = source.neighbours;
  spec.map = source.map;
  spec.prepare();
  spec.halvings = kHalvings;
  spec.columns.resize(components);
  std::vector<bool> shared(components);
  // A context pays for itself from about 256 points on.
  const int affordable =
      static_cast<int>(std::bit_floor(std::clamp<uint64_t>(static_cast<uint64_t>(source.n) / 256, 1, kMaxContexts)));
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
    budget[c] = std::min(kMaxContexts / std::max(1, members[static_cast<size_t>(spec.columns[c].stream)]), affordable);
  parallel_for(static_cast<int64_t>(components), threads, [&](int64_t c) {
    choose_alphabet(source, static_cast<size_t>(c), &spec.columns[static_cast<size_t>(c)]);
  });
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
      const Coder coder(spec.columns[c]);
      p->values[c].resize(tile.rows.size());
      for (size_t i = 0; i < p->rank.size(); ++i) p->values[c][i] = coder(values[tile.rows[p->rank[i]]]);
    }
    points[static_cast<size_t>(t)] = std::move(p);
  });

  const std::vector<FittedColumn> fitted = fit_columns(&spec, points, budget, shared, threads);
  spec.prepare();  // now that the terms are known
  const size_t step = std::max<size_t>(1, tile_count / kTrialTiles);
  // Counting candidates: a few workers, each with its own counts; the sums do not depend on who counted what. The last
  // pass of a tile, half of its points, and the others need nothing from each other: two workers share a lone tile.
  const bool lone = tile_count == 1;
  const int64_t most_workers = std::min(threads > 0 ? threads : core_count(), 8);
  const int64_t workers = lone ? 2 : std::min<int64_t>(static_cast<int64_t>(tile_count), most_workers);
  std::vector<std::vector<Trial>> trials(static_cast<size_t>(workers), std::vector<Trial>(components));
  parallel_for(workers, threads, [&](int64_t w) {
    std::vector<Trial>& mine = trials[static_cast<size_t>(w)];
    for (size_t c = 0; c < components; ++c) {
      if (fitted[c].candidates.size() < 2) continue;
      for (const ColumnCandidate& candidate : fitted[c].candidates)
        mine[c].counts.emplace_back((candidate.error_cuts.size() + 1) * (candidate.level_cuts.size() + 1));
      mine[c].raw_bits.assign(fitted[c].candidates.size(), 0);
    }
    constexpr size_t kLast = kHalvings;
    if (lone) {
      Points own = *points[0];
      try_candidates(spec, fitted, own, w == 0 ? 0 : kLast, w == 0 ? kLast - 1 : kLast, &mine);
      return;
    }
    for (size_t t = static_cast<size_t>(w) * step; t < tile_count; t += static_cast<size_t>(workers) * step)
      try_candidates(spec, fitted, *points[t], 0, kLast, &mine);
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
            streams[kPositionLow].raw(
                (source.coordinates[3 * tile.rows[i] + a] - tile.frame.origin[a]) & ((1u << tile.frame.low) - 1),
                tile.frame.low);
      }
      code_layer(spec, layer, p, streams, [&](size_t c, size_t place, int bits, StreamWriter& io) {
        const uint32_t value =
            source.values[c * static_cast<size_t>(source.n) + static_cast<size_t>(tile.rows[p.rank[place]])];
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
    std::vector<FinishedStream> finished(tile_count * ids.size());
    parallel_for(static_cast<int64_t>(finished.size()), threads, [&](int64_t at) {
      const size_t t = static_cast<size_t>(at) / ids.size(), i = static_cast<size_t>(at) % ids.size();
      auto& [head, bytes] = finished[static_cast<size_t>(at)];
      head.stream = ids[i], head.table_set = source.tables_id + layer;
      tiles[t].streams[l][i].finish(sets[i], &head, bytes,
                                    {.many = kSymbolsFor32ColumnLanes, .fewer = kSymbolsFor32ColumnLanes});
    });
    for (size_t t = 0; t < tile_count; ++t) {
      ByteWriter chunk;
      if (layer == 0) write_frame(chunk, tiles[t].frame);
      write_streams(chunk, finished.data() + t * ids.size(), ids.size());
      out.chunks[l][t] = std::move(chunk.bytes);
    }
  }
  ByteWriter packed;
  write_columns_spec(packed, spec);
  out.spec = std::move(packed.bytes);
  for (const TileWriter& tile : tiles) out.order.insert(out.order.end(), tile.rows.begin(), tile.rows.end());
  return out;
}

}  // namespace splatzip
