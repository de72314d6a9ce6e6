// Values of the components of codec COLUMNS by one warp a tile (FORMAT.md 7.4): 32 points of a plane at once, a lane
// each. What native/src/columns_model.cpp keeps a pass of (sums over neighbours, mapped values) is worked out where it
// is asked for. Integers modulo 2^32, as the format has them.
#pragma once
#include "columns_points.h"

namespace splatzip::cuda {

constexpr int32_t kMostError = 4095, kMapValues = 1 << 14;
enum Mode { kByLevel, kByFraction, kDirect, kCoordinate };  // ColumnMode (native/src/columns.h)

// How far the streams of a chunk's components were read; between two planes of a stream come others'.
struct ColumnStreams {
  uint32_t x[kPointStreams][kLanes];
  uint32_t next_word[kPointStreams];
  uint64_t next_bit[kPointStreams];
};

template <class Warp>
SPLZ_ON_WARP Stream<Warp> take_up(const Warp& warp, const ColumnsJob& job, const StreamPlace& place,
                                  const ColumnStreams& streams, int stream) {
  Stream<Warp> s = stream_at(warp, job, place);
  s.next_word = streams.next_word[stream];
  s.next_bit = streams.next_bit[stream];
  warp.each([&](int lane) { s.x[lane] = streams.x[stream][lane]; });
  read_words(warp, s);
  return s;
}

template <class Warp>
SPLZ_ON_WARP void put_down(const Warp& warp, const Stream<Warp>& s, ColumnStreams* streams, int stream) {
  warp.each([&](int lane) {
    streams->x[stream][lane] = s.x[lane];
    if (lane > 0) return;
    streams->next_word[stream] = s.next_word;
    streams->next_bit[stream] = s.next_bit;
  });
}

// A point of the pass at hand: its place, and whether it has neighbours.
struct Point {
  int64_t at;  // in the planes
  bool has_near;
};

SPLZ_ON_WARP const PointColumn* columns_of(const ColumnsJob& job) {
  return reinterpret_cast<const PointColumn*>(job.constants + job.params->columns);
}
SPLZ_ON_WARP int32_t value_at(const ColumnsJob& job, int component, int64_t at) {
  return job.planes.values[component * job.planes.stride + at];
}

SPLZ_ON_WARP int32_t near_sum(const ColumnsJob& job, const PointsChunk& chunk, int component, Point point) {
  if (!point.has_near) return kNearPoints * columns_of(job)[component].center;
  int32_t sum = 0;
  for (int k = 0; k < kNearPoints; ++k) sum += value_at(job, component, chunk.at + job.planes.near[k][point.at]);
  return sum;
}
SPLZ_ON_WARP int32_t near_spread(const ColumnsJob& job, const PointsChunk& chunk, int component, Point point) {
  if (!point.has_near) return 0;
  const int32_t sum = near_sum(job, chunk, component, point);
  int32_t spread = 0;
  for (int k = 0; k < kNearPoints; ++k) {
    const int32_t off = kNearPoints * value_at(job, component, chunk.at + job.planes.near[k][point.at]) - sum;
    spread += off < 0 ? -off : off;
  }
  return spread < kMostError ? spread : kMostError;
}

// What a term's weight is multiplied by; level: that of the component at hand.
SPLZ_ON_WARP int32_t feature_of(const ColumnsJob& job, const PointsChunk& chunk, const PointColumn& column,
                                const FeatureTerm& term, Point point, int32_t level) {
  const ColumnsParams& params = *job.params;
  switch (term.kind) {
    case Feature::value: {
      const int32_t value = value_at(job, term.component, point.at), last = params.map_size - 1;
      if (last < 0) return value;
      return reinterpret_cast<const int32_t*>(job.constants + params.map)[value < last ? value : last];
    }
    case Feature::near_sum: return near_sum(job, chunk, term.component, point);
    case Feature::spread: return near_spread(job, chunk, term.component, point);
    case Feature::error: {
      const int plane = columns_of(job)[term.component].errors_at;
      return job.planes.errors[plane * job.planes.stride + point.at];
    }
    case Feature::distance: return job.planes.distance[point.at];
    case Feature::offset: {
      const int32_t off = level - column.center * 16, size = off < 0 ? -off : off;
      return size < kMostError ? size : kMostError;
    }
    case Feature::square: break;
  }
  const PointColumn& other = columns_of(job)[term.component];
  const int32_t off = (value_at(job, term.component, point.at) - other.center) >> other.offset_shift;
  return static_cast<int32_t>(static_cast<uint32_t>(off) * static_cast<uint32_t>(off) & 0xFFFF);
}

SPLZ_ON_WARP int32_t weighted_sum(const ColumnsJob& job, const PointsChunk& chunk, const PointColumn& column, int first,
                                  int count, int32_t bias, Point point, int32_t level) {
  const FeatureTerm* terms = reinterpret_cast<const FeatureTerm*>(job.constants + column.terms) + first;
  uint32_t sum = static_cast<uint32_t>(bias);
  for (int t = 0; t < count; ++t)
    sum += static_cast<uint32_t>(terms[t].weight) *
           static_cast<uint32_t>(feature_of(job, chunk, column, terms[t], point, level));
  return static_cast<int32_t>(sum);
}

// The prediction in 1/16.
SPLZ_ON_WARP int32_t level_of(const ColumnsJob& job, const PointsChunk& chunk, const PointColumn& column, Point point) {
  const int32_t sum = weighted_sum(job, chunk, column, 0, column.level_terms, column.level_bias, point, 0);
  const int32_t top = static_cast<int32_t>(column.size - 1) * 16;
  int32_t level = sum >> 8;
  if (job.params->map_size > 0) {
    const int32_t mapped = sum >> 12;
    const int32_t at = mapped < 0 ? 0 : mapped < kMapValues ? mapped : kMapValues - 1;
    level = reinterpret_cast<const int32_t*>(job.constants + job.params->level_of)[at];
  }
  return level < 0 ? 0 : level < top ? level : top;
}

SPLZ_ON_WARP uint32_t context_of(const ColumnsJob& job, const PointsChunk& chunk, const PointColumn& column,
                                 Point point, int32_t level) {
  int32_t by[2] = {0, level};
  if (column.pair[0] >= 0) {
    for (int k = 0; k < 2; ++k) {
      const int32_t off = value_at(job, column.pair[k], point.at) - columns_of(job)[column.pair[k]].center;
      by[k] = (off < 0 ? -off : off) * 16;
    }
  } else {
    by[0] =
        weighted_sum(job, chunk, column, column.level_terms, column.error_terms, column.error_bias, point, level) >> 12;
    if (column.mode == kByFraction) by[1] = (level & 15) < 16 - (level & 15) ? level & 15 : 16 - (level & 15);
  }
  const int32_t* cuts = reinterpret_cast<const int32_t*>(job.constants + column.cuts);
  int row = 0, place = 0;
  for (int k = 0; k < column.error_cuts; ++k) row += cuts[k] <= by[0];
  for (int k = 0; k < column.level_cuts; ++k) place += cuts[column.error_cuts + k] <= by[1];
  return static_cast<uint32_t>(column.first_context + row * (column.level_cuts + 1) + place);
}

// What a symbol says; not below the component's size if that is none.
SPLZ_ON_WARP uint32_t value_of_symbol(const PointColumn& column, uint32_t symbol, int32_t level) {
  if (column.mode == kDirect) return symbol;
  const uint32_t residual = static_cast<uint32_t>(signed_of(symbol));
  const bool mirrored = column.mode == kByFraction && (level & 15) >= 8;
  return (mirrored ? 0u - residual : residual) + static_cast<uint32_t>((level + 8) >> 4);
}

SPLZ_ON_WARP void remember(const ColumnsJob& job, const PointColumn& column, int component, int64_t at, int32_t value,
                           int32_t level) {
  job.planes.values[component * job.planes.stride + at] = static_cast<uint16_t>(value);
  if (column.errors_at < 0) return;
  const int32_t off = value * 16 - level, size = off < 0 ? -off : off;
  job.planes.errors[column.errors_at * job.planes.stride + at] =
      static_cast<uint16_t>(size < kMostError ? size : kMostError);
}

// Coordinates that are components: they are known. Their errors may be asked for.
template <class Warp>
SPLZ_ON_WARP void place_coordinate(const Warp& warp, const ColumnsJob& job, const PointsChunk& chunk, int component,
                                   int pass, int begin, int end) {
  const PointColumn& column = columns_of(job)[component];
  for (int first = begin; first < end; first += kLanes)
    warp.each([&](int lane) {
      const int place = first + lane;
      if (place >= end) return;
      const int rank = rank_of_place(*job.params, chunk.n, pass, place);
      const int32_t value = static_cast<int32_t>(chunk.origin[column.axis]) +
                            coordinate_of(job.planes.cells[chunk.at + rank], column.axis);
      const Point point = {chunk.at + place, job.params->neighbours && pass > 0};
      remember(job, column, component, point.at, value, level_of(job, chunk, column, point));
    });
}

// The plane of a component in a pass, and its raw bits. False: it is none.
template <class Warp>
SPLZ_ON_WARP bool decode_column(const Warp& warp, const ColumnsJob& job, const PointsChunk& chunk, int component,
                                int pass, int begin, int end, ColumnStreams* streams) {
  const PointColumn& column = columns_of(job)[component];
  const bool has_near = job.params->neighbours && pass > 0;
  Stream<Warp> stream =
      take_up(warp, job, chunk.streams[first_of_layer(column.layer) + column.stream], *streams, column.stream);
  typename Warp::template Lanes<bool> wrong(false);
  struct Foreseen {
    int32_t level;
    uint32_t context;
  };
  decode_plane(
      warp, stream, end - begin,
      [&](int i) {
        const Point point = {chunk.at + begin + i, has_near};
        const int32_t level = level_of(job, chunk, column, point);
        return Foreseen{level, context_of(job, chunk, column, point, level)};
      },
      [](int, const Foreseen& foreseen) { return foreseen.context; },
      [&](int i, const Foreseen& foreseen, uint32_t symbol) {
        const uint32_t value = value_of_symbol(column, symbol, foreseen.level);
        if (value >= column.size) wrong[i & (kLanes - 1)] = true;
        remember(job, column, component, chunk.at + begin + i, static_cast<int32_t>(value & 0xFFFF), foreseen.level);
      });
  if (!stream.ok || warp.ballot(wrong) != 0) return false;
  if (column.raw_bits > 0) {
    const uint64_t first_bit = stream.next_bit;
    for (int first = begin; first < end; first += kLanes)
      warp.each([&](int lane) {
        const int place = first + lane;
        if (place >= end) return;
        const uint32_t low = bits_at(
            stream.raw, stream.raw_bits,
            first_bit + static_cast<uint64_t>(place - begin) * static_cast<uint64_t>(column.raw_bits), column.raw_bits);
        const int64_t row = chunk.row + rank_of_place(*job.params, chunk.n, pass, place);
        if (!put_low_bits(column.goal, row, low)) wrong[lane] = true;
      });
    stream.next_bit = first_bit + static_cast<uint64_t>(end - begin) * static_cast<uint64_t>(column.raw_bits);
    if (stream.next_bit > stream.raw_bits || warp.ballot(wrong) != 0) return false;
  }
  put_down(warp, stream, streams, column.stream);
  return true;
}

template <class Warp>
SPLZ_ON_WARP bool decode_layer(const Warp& warp, const ColumnsJob& job, const PointsChunk& chunk, int layer,
                               ColumnStreams* streams) {
  const StreamPlace* places = chunk.streams + first_of_layer(layer);
  for (int s = 0; s < kPointStreams; ++s)
    if (places[s].bytes) put_down(warp, open_stream(warp, job, places[s]), streams, s);
  const ColumnsParams& params = *job.params;
  for (int pass = 0; pass <= params.halvings; ++pass) {
    const int begin = pass_start(params, chunk.n, pass);
    const int end = pass < params.halvings ? pass_start(params, chunk.n, pass + 1) : chunk.n;
    for (int c = 0; c < params.components && begin < end; ++c) {
      const PointColumn& column = columns_of(job)[c];
      if (column.layer != layer) continue;
      if (column.mode == kCoordinate) {
        place_coordinate(warp, job, chunk, c, pass, begin, end);
      } else if (!decode_column(warp, job, chunk, c, pass, begin, end, streams)) {
        return false;
      }
    }
  }
  for (int s = 0; s < kPointStreams; ++s)
    if (places[s].bytes && !close_stream(warp, take_up(warp, job, places[s], *streams, s))) return false;
  return true;
}

// All of a chunk but its cells.
template <class Warp>
SPLZ_ON_WARP bool decode_points(const Warp& warp, const ColumnsJob& job, const PointsChunk& chunk,
                                ColumnStreams* streams) {
  Stream<Warp> low = open_stream(warp, job, chunk.streams[kLowStream]);
  low.next_bit = 3 * static_cast<uint64_t>(chunk.n) * static_cast<uint64_t>(chunk.low_bits);
  return close_stream(warp, low) && decode_layer(warp, job, chunk, 0, streams) &&
         (!chunk.has_rest || decode_layer(warp, job, chunk, 1, streams));
}

// The values of the point of that rank to where they go. False: one has too many bits.
SPLZ_ON_WARP bool put_point(const ColumnsJob& job, const PointsChunk& chunk, int rank) {
  const int64_t at = chunk.at + place_of_rank(*job.params, chunk.n, rank);
  bool fits = true;
  for (int c = 0; c < job.params->components; ++c) {
    const PointColumn& column = columns_of(job)[c];
    if (column.layer > 0 && !chunk.has_rest) break;  // layers do not fall
    const uint32_t value = static_cast<uint32_t>(value_at(job, c, at));
    const uint32_t* alphabet = reinterpret_cast<const uint32_t*>(job.constants + column.alphabet);
    fits =
        put_number(column.goal, chunk.row + rank, (column.has_alphabet ? alphabet[value] : value) << column.raw_bits) &&
        fits;
  }
  return fits;
}

}  // namespace splatzip::cuda
