// Neighbours, steps, opacity, classes, scales and positions (FORMAT.md 5.2, 6.1 to 6.4, 6.6), as stepped_kernels.inl
// has them for vectors: float32 operations one by one in the written order. A lane does one row, or one run of rows: no
// row depends on another run's.
#pragma once
#include <cmath>

#include "decode_octree.h"

namespace splatzip::cuda {

SPLZ_ON_WARP float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
SPLZ_ON_WARP uint32_t bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}
SPLZ_ON_WARP int32_t clamped(int32_t value, int32_t least, int32_t most) {
  return value < least ? least : value > most ? most : value;
}
SPLZ_ON_WARP float clamped(float value, float least, float most) {
  return value < least ? least : value > most ? most : value;
}
SPLZ_ON_WARP bool is_finite(float value) { return (bits_of_float(value) & 0x7F800000u) != 0x7F800000u; }
SPLZ_ON_WARP int32_t bucket_of(int32_t log2_256th) { return clamped(log2_256th >> 8, -4, 3) + 4; }

template <class T>
SPLZ_ON_WARP const T* constants_at(const DecodeJob& job, uint32_t offset) {
  return reinterpret_cast<const T*>(job.constants + offset);
}

// --- Neighbours ---

// Where a row's splat stands on the curve: the first n mod R runs are one longer.
SPLZ_ON_WARP int place_of_row(const DecodeChunk& chunk, int row) {
  const int run = row % chunk.runs, whole = chunk.n / chunk.runs, longer = chunk.n % chunk.runs;
  return run * whole + (run < longer ? run : longer) + row / chunk.runs;
}

SPLZ_ON_WARP void find_coordinates(const DecodeJob& job, const DecodeChunk& chunk, int row) {
  const uint64_t cell = job.planes.cells[chunk.at + place_of_row(chunk, row)];
  for (int a = 0; a < 3; ++a)
    job.planes.coordinates[a][chunk.at + row] = static_cast<float>(coordinate_of(cell, a));  // exact: 21 bits
}

SPLZ_ON_WARP void find_neighbours(const DecodeJob& job, const DecodeChunk& chunk, int row) {
  const DecodePlanes& planes = job.planes;
  const float *xs = planes.coordinates[0] + chunk.at, *ys = planes.coordinates[1] + chunk.at,
              *zs = planes.coordinates[2] + chunk.at;
  const int32_t kNone = 0x7F800000, kFar = 8 * 256;
  const float x = xs[row], y = ys[row], z = zs[row];
  int32_t best[kNeighbours] = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
  const int most = row / chunk.runs < kNeighbourWindow ? row / chunk.runs : kNeighbourWindow;
  for (int back = 1; back <= most; ++back) {
    const int at = row - back * chunk.runs;
    const float dx = xs[at] - x, dy = ys[at] - y, dz = zs[at] - z;
    int32_t key = static_cast<int32_t>(bits_of_float((dx * dx + dy * dy) + dz * dz));
    key = (key & ~(kNeighbourWindow - 1)) | (back - 1);
    for (int k = 0; k < kNeighbours; ++k) {
      const int32_t smaller = key < best[k] ? key : best[k];
      key = key < best[k] ? best[k] : key;
      best[k] = smaller;
    }
  }
  float weight[kNeighbours], sum = 0.0f;
  for (int k = 0; k < kNeighbours; ++k) {
    const bool is_there = best[k] < kNone;
    const int back = 1 + (best[k] & (kNeighbourWindow - 1));
    planes.near_row[k][chunk.at + row] = is_there ? row - back * chunk.runs : -1;
    const float distance2 = float_of_bits(static_cast<uint32_t>(best[k] & ~(kNeighbourWindow - 1)));
    weight[k] = is_there ? 1.0f / (distance2 + job.params->softness) : 0.0f;
    sum = sum + weight[k];
  }
  for (int k = 0; k < kNeighbours; ++k) planes.near_weight[k][chunk.at + row] = sum > 0.0f ? weight[k] / sum : 0.0f;
  const float nearest = float_of_bits(static_cast<uint32_t>(best[0] & ~(kNeighbourWindow - 1)));
  int32_t spacing = kFar;
  if (best[0] < kNone)
    spacing = ((static_cast<int32_t>(bits_of_float(nearest + 0.5f) >> 15) - (127 << 8)) >> 1) + chunk.cell;
  for (int f = 0; f < job.params->features; ++f) planes.features[f][chunk.at + row] = f == kSpacing ? spacing : 0;
  planes.distance[chunk.at + row] = static_cast<uint8_t>(bucket_of(spacing));
}

// A row's neighbours, in its chunk; -1: none.
struct Neighbours {
  int32_t row[kNeighbours];
  float weight[kNeighbours];
};
SPLZ_ON_WARP Neighbours neighbours_of(const DecodeJob& job, const DecodeChunk& chunk, int row) {
  Neighbours near;
  SPLZ_UNROLL
  for (int k = 0; k < kNeighbours; ++k) {
    near.row[k] = job.planes.near_row[k][chunk.at + row];
    near.weight[k] = job.planes.near_weight[k][chunk.at + row];
  }
  return near;
}

// body(row, neighbours) of the rows of a run, one after another: each waits for those before it, but not for being told
// which ones they are.
template <class Body>
SPLZ_ON_WARP void each_of_run(const DecodeJob& job, const DecodeChunk& chunk, int run, const Body& body) {
  if (run >= chunk.runs || run >= chunk.n) return;
  const int n = chunk.n, runs = chunk.runs;
  Neighbours next = neighbours_of(job, chunk, run);
  for (int row = run; row < n; row += runs) {
    const Neighbours near = next;
    if (row + runs < n) next = neighbours_of(job, chunk, row + runs);
    body(row, near);
  }
}

// The neighbours' weighted mean, summed in their order and truncated. Missing neighbours are skipped: another lane may
// be writing the row that would be read for them.
SPLZ_ON_WARP int32_t near_mean(const DecodeChunk& chunk, const Neighbours& near, const int32_t* values) {
  float sum = 0.0f;
  SPLZ_UNROLL
  for (int k = 0; k < kNeighbours; ++k) {
    const float value = near.row[k] < 0 ? 0.0f : static_cast<float>(values[chunk.at + near.row[k]]);
    sum = sum + near.weight[k] * value;
  }
  return static_cast<int32_t>(sum);
}

// --- Steps ---

SPLZ_ON_WARP int32_t half_octaves_of(const DecodeJob& job, const Rule& rule, int64_t at) {
  int32_t sum = 4096;
  for (int f = 0; f < job.params->features; ++f) sum += job.planes.features[f][at] * rule.weight[f];
  return clamped(sum >> 13, -kMaxHalfOctaves, rule.most);
}

SPLZ_ON_WARP float step_of(const DecodeJob& job, const Rule& rule, int64_t at) {
  const int32_t e = half_octaves_of(job, rule, at);
  const uint32_t root_of_two = 0x3504F3;  // its mantissa
  return rule.base * float_of_bits(static_cast<uint32_t>((e >> 1) + 127) << 23 | (e & 1 ? root_of_two : 0));
}

// --- Codebooks ---

// Rows `row_of(i)`, i < n, by book b: every number of its entry is added to the row's by add(d, row, number). False: an
// index is outside the book.
template <class Warp, class LevelOf, class Add>
SPLZ_ON_WARP bool decode_book(const Warp& warp, const DecodeJob& job, Stream<Warp>& stream, const Book& book, int b,
                              int n, LevelOf level_of, Add add) {
  const int16_t* values = constants_at<int16_t>(job, book.values);
  bool all_inside = true;
  typename Warp::template Lanes<bool> outside(false);
  decode_plane(
      warp, stream, n, [&](int i) { return static_cast<uint32_t>(8 * b) + level_of(i); },
      [&](int i, uint32_t index) {
        if (index >= static_cast<uint32_t>(book.entries)) {
          outside[i & (kLanes - 1)] = true;
          return;
        }
        for (int d = 0; d < book.count; ++d)
          add(book.first + d, i, values[static_cast<int64_t>(d) * book.entries + static_cast<int64_t>(index)], index);
      });
  all_inside = warp.ballot(outside) == 0;
  return stream.ok && all_inside;
}

// Three planes of residuals by books, whose levels are `level_of` a row.
template <class Warp, class LevelOf>
SPLZ_ON_WARP bool decode_booked_rows(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk,
                                     Stream<Warp>& stream, const Books& books, LevelOf level_of) {
  for (int first = 0; first < chunk.n; first += kLanes)
    warp.each([&](int lane) {
      for (int d = 0; d < 3 && first + lane < chunk.n; ++d) job.planes.residuals[d][chunk.at + first + lane] = 0;
    });
  for (int b = 0; b < books.count; ++b)
    if (!decode_book(
            warp, job, stream, books.books[b], b, chunk.n, level_of,
            [&](int d, int row, int32_t number, uint32_t) { job.planes.residuals[d][chunk.at + row] += number; }))
      return false;
  return books.count > 0;
}

// --- Opacity and classes ---

template <class Warp>
SPLZ_ON_WARP bool decode_opacity(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk) {
  const DecodePlanes& planes = job.planes;
  const DecodeParams& params = *job.params;
  Stream<Warp> stream = open_stream(warp, job, chunk.streams[3]);
  const float* logit = constants_at<float>(job, params.logit);
  const int32_t* log2_alpha = constants_at<int32_t>(job, params.log2_alpha);
  decode_plane(
      warp, stream, chunk.n, [&](int i) { return static_cast<uint32_t>(planes.distance[chunk.at + i]); },
      [&](int i, uint32_t value) {
        const uint32_t most = static_cast<uint32_t>(params.opacity_levels) + 1, code = value < most ? value : most;
        planes.features[kAlpha][chunk.at + i] = log2_alpha[code];
        job.opacity_logits[chunk.row + i] = logit[code];
      });
  for (int c = 0; c < 2 && params.classes && stream.ok; ++c) {
    decode_plane(
        warp, stream, chunk.n,
        [&](int i) {
          const int32_t faint = -planes.features[kAlpha][chunk.at + i] >> 8;
          const int32_t context = 8 + 24 * c + 4 * (faint < 5 ? faint : 5) + (planes.distance[chunk.at + i] >> 1);
          return static_cast<uint32_t>(context);
        },
        [&](int i, uint32_t value) { planes.residuals[0][chunk.at + i] = signed_of(value); });
    if (!stream.ok) return false;
    int32_t* known = planes.features[kGeometryClass + c];
    warp.each([&](int lane) {
      each_of_run(job, chunk, lane, [&](int row, const Neighbours& near) {
        const int64_t at = chunk.at + row;
        const int32_t residual = clamped(planes.residuals[0][at], -2 * kMostClass, 2 * kMostClass);
        const int32_t geometry = c > 0 ? planes.features[kGeometryClass][at] : 0, mean = near_mean(chunk, near, known);
        const int32_t expected = c > 0 ? (mean + geometry + 256) >> 9 : (mean + 128) >> 8;
        known[at] = clamped(expected + residual, -kMostClass, kMostClass) * 256;
      });
    });
  }
  return close_stream(warp, stream);
}

// --- Scales ---

// (a * inverse) >> 16, a * inverse in 64 bits.
SPLZ_ON_WARP int32_t multiplied(int32_t a, int32_t inverse) {
  return static_cast<int32_t>(static_cast<int64_t>(a) * inverse >> 16);
}

// Scale j of one row, from its code.
SPLZ_ON_WARP void put_scale(const DecodeJob& job, const DecodeChunk& chunk, int j, int row, int32_t log2_step,
                            int32_t code) {
  const int32_t* log2 = constants_at<int32_t>(job, job.params->log2_table);
  const int shift = bits_of(static_cast<uint32_t>(code >> kLogTableBits));
  const int32_t whole = log2[code >> shift] + (shift << 16) + log2_step;
  const int32_t found =
      clamped(multiplied(whole, job.params->scales[j].inverse), -kMostOctaves * 65536, kMostOctaves * 65536);
  job.planes.features[kScale0 + j][chunk.at + row] = found >> 8;
  const float unit = 0.69314718055994530942f / 65536.0f;
  job.log_scales[(chunk.row + row) * 3 + j] = static_cast<float>(found + job.params->scale_reference) * unit;
}

SPLZ_ON_WARP int32_t log2_step_of(const DecodeJob& job, const ScaleStep& scale, int64_t at) {
  return scale.log2_base + half_octaves_of(job, scale.rule, at) * 32768;
}

// Scale j of one row, from what its residual is to. Whatever is known already is read before the neighbours, which
// may just have been written.
SPLZ_ON_WARP void rebuild_scale(const DecodeJob& job, const DecodeChunk& chunk, int j, int row,
                                const Neighbours& near) {
  const DecodePlanes& planes = job.planes;
  const ScaleStep& scale = job.params->scales[j];
  const int64_t at = chunk.at + row;
  const int32_t residual = planes.residuals[j][at], log2_step = log2_step_of(job, scale, at);
  int32_t sum = scale.predict[kOne] * 1024 + planes.features[kAlpha][at] * scale.predict[kOwnAlpha] +
                planes.features[kSpacing][at] * scale.predict[kOwnSpacing];
  if (j > 0) sum += planes.features[kScale0][at] * scale.predict[kOwnScale0];
  if (j > 1) sum += planes.features[kScale1][at] * scale.predict[kOwnScale1];
  const int32_t known0 = j > 0 ? planes.means[0][at] : 0, known1 = j > 1 ? planes.means[1][at] : 0;
  const int32_t mean = near_mean(chunk, near, planes.features[kScale0 + j]);
  const int32_t mean0 = j > 0 ? known0 : mean, mean1 = j > 1 ? known1 : mean;
  if (j < 2) planes.means[j][at] = mean;
  sum += mean0 * scale.predict[kNearScale0];
  if (j > 0) sum += mean1 * scale.predict[kNearScale1];
  if (j > 1) sum += mean * scale.predict[kNearScale2];
  const int32_t predicted = clamped(sum >> 10, -kMostOctaves * 256, kMostOctaves * 256);
  // 2^x in 1/16, rounded; x in 1/256 octave
  const int32_t x = clamped(((predicted * scale.power) >> 8) - (log2_step >> 8) + 1024, -256, 24 * 256);
  const uint32_t* exp2 = constants_at<uint32_t>(job, job.params->exp2_table);
  const int32_t power = static_cast<int32_t>(exp2[x & 255]) >> (24 - (x >> 8));
  const int32_t expected = clamped(power + 8, 0, 1 << 24) >> 4;
  put_scale(job, chunk, j, row, log2_step, clamped(expected + residual, 0, 1 << 24));
}

SPLZ_ON_WARP uint32_t scale_context(const DecodeJob& job, const DecodeChunk& chunk, int j, int row) {
  const int64_t at = chunk.at + row;
  const uint32_t distance = job.planes.distance[at];
  if (j == 0) return distance + (job.planes.features[kAlpha][at] < -512 ? 8 : 0);
  const ScaleStep& scale = job.params->scales[j];
  const int32_t larger = job.planes.features[kScale0 + j - 1][at];
  const int32_t log2_step = log2_step_of(job, scale, at);
  const int32_t level = clamped((((larger * scale.power) >> 8) - (log2_step >> 8)) >> 7, 0, 11);
  return static_cast<uint32_t>(16 + 24 * (j - 1) + 2 * level + (distance > 2 ? 1 : 0));
}

template <class Warp>
SPLZ_ON_WARP bool decode_scales(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk) {
  Stream<Warp> stream = open_stream(warp, job, chunk.streams[4]);
  const bool by_books = job.params->by_books[kBookedScales];
  if (by_books && !decode_booked_rows(warp, job, chunk, stream, job.params->books[kBookedScales],
                                      [&](int i) { return static_cast<uint32_t>(job.planes.distance[chunk.at + i]); }))
    return false;
  for (int j = 0; j < 3; ++j) {
    int32_t* residuals = job.planes.residuals[j] + chunk.at;
    if (!by_books) {
      decode_plane(
          warp, stream, chunk.n, [&](int i) { return scale_context(job, chunk, j, i); },
          [&](int i, uint32_t value) { residuals[i] = signed_of(value); });
      if (!stream.ok) return false;
    }
    warp.each([&](int lane) {
      each_of_run(job, chunk, lane, [&](int row, const Neighbours& near) { rebuild_scale(job, chunk, j, row, near); });
    });
  }
  return close_stream(warp, stream);
}

// 2^(min(bucket, 6) / 2 - 3)
SPLZ_ON_WARP float spread_of(uint32_t distance) {
  const float odd = 0.17677669f;  // 0.35355338 and 0.70710677 are twice that and twice more, exactly
  const uint32_t halves = distance < 6 ? distance : 6;
  return (halves & 1 ? odd : 0.125f) * static_cast<float>(1u << (halves >> 1));
}

// What follows from the scales: from here on the distance counts in sizes of the nearest neighbour. And all steps left.
SPLZ_ON_WARP void find_steps(const DecodeJob& job, const DecodeChunk& chunk, int row) {
  const DecodePlanes& planes = job.planes;
  const DecodeParams& params = *job.params;
  const int64_t at = chunk.at + row;
  const int32_t nearest = planes.near_row[0][at];
  if (nearest >= 0) {
    int32_t sum = 0;
    for (int j = 0; j < 3; ++j) sum += planes.features[kScale0 + j][chunk.at + nearest];
    planes.distance[at] = static_cast<uint8_t>(bucket_of(planes.features[kSpacing][at] - ((sum * 85) >> 8)));
  }
  const int32_t s0 = planes.features[kScale0][at], s1 = planes.features[kScale1][at], s2 = planes.features[kScale2][at];
  const int kind = s0 - s1 > s1 - s2 ? 0 : 1;  // a needle, a disc
  const float axis = step_of(job, params.axis[kind], at), spin = step_of(job, params.spin[kind], at);
  planes.axis_step[at] = axis < 0.75f ? axis : 0.75f;
  planes.spin_step[at] = spin < 1.5f ? spin : 1.5f;
  const float apart = spread_of(planes.distance[at]);
  for (int is_sh = 0; is_sh < (params.rest > 0 ? 2 : 1); ++is_sh) {
    const float step = step_of(job, is_sh ? params.sh : params.color, at);
    planes.steps[is_sh][at] = step;
    planes.apart[is_sh][at] = apart / step;
  }
  planes.sizes[at] = 0;
}

// --- Positions ---

template <class Warp>
SPLZ_ON_WARP bool decode_positions(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk) {
  Stream<Warp> stream = open_stream(warp, job, chunk.streams[6]);
  typename Warp::template Lanes<bool> infinite(false);
  for (int first = 0; first < chunk.n; first += kLanes) {
    typename Warp::template Lanes<uint32_t> bits;
    warp.each([&](int lane) {
      const bool is_there = first + lane < chunk.n;
      const int32_t e = is_there ? half_octaves_of(job, job.params->position, chunk.at + first + lane) : 0;
      bits[lane] =
          is_there ? static_cast<uint32_t>(chunk.low_levels - clamped(chunk.unit_level + (e >> 1), 0, chunk.low_levels))
                   : 0;
    });
    typename Warp::template Lanes<uint32_t> all;
    warp.each([&](int lane) { all[lane] = 3 * bits[lane]; });
    uint32_t total = 0;
    const auto before = warp.sums_before(all, &total);
    warp.each([&](int lane) {
      const int row = first + lane, own = static_cast<int>(bits[lane]), left_out = chunk.low_levels - own;
      for (int a = 0; a < 3 && row < chunk.n; ++a) {
        const uint64_t bit = stream.next_bit + before[lane] + static_cast<uint64_t>(a * own);
        const int64_t low = bits_at(stream.raw, stream.raw_bits, bit, own);
        const int64_t high = static_cast<int64_t>(job.planes.coordinates[a][chunk.at + row]) << chunk.low_levels;
        const int64_t middle = left_out > 0 ? int64_t{1} << (left_out - 1) : 0;
        const int64_t at = high + (low << left_out) + middle;
        const float position =
            static_cast<float>(static_cast<double>(chunk.origin[a] + chunk.mantissa * at) * chunk.unit);
        job.positions[(chunk.row + row) * 3 + a] = position;
        infinite[lane] = infinite[lane] || !is_finite(position);
      }
    });
    stream.next_bit += total;
    if (stream.next_bit > stream.raw_bits) return false;
  }
  if (warp.ballot(infinite) != 0) {
    warp.each([&](int lane) {
      if (lane == 0) job.no_scene[&chunk - job.chunks] = 1;
    });
  }
  return close_stream(warp, stream);
}

}  // namespace splatzip::cuda
