// Colour and SH (FORMAT.md 5.3 to 5.6, 6.7, 6.8): codes by the warp, which foresees their sizes as it goes; then
// values, a lane a run of one value (no value depends on another of its row), then RGB, a lane a row.
#pragma once
#include "decode_geometry.h"

namespace splatzip::cuda {

// What the sizes of a row's codes were so far, in one word: the component's channels, each channel of the component
// before (8 bits each), all planes, and the colour's three (16 bits each).
struct SizeState {
  uint32_t channels, before[3], sum, color;
};
SPLZ_ON_WARP SizeState unpacked(uint64_t word) {
  const auto bits = [&](int shift, uint32_t mask) { return static_cast<uint32_t>(word >> shift) & mask; };
  return {bits(0, 255), {bits(8, 255), bits(16, 255), bits(24, 255)}, bits(32, 65535), bits(48, 65535)};
}
SPLZ_ON_WARP uint64_t packed(const SizeState& s) {
  return static_cast<uint64_t>(s.channels | s.before[0] << 8 | s.before[1] << 16 | s.before[2] << 24) |
         static_cast<uint64_t>(s.sum) << 32 | static_cast<uint64_t>(s.color) << 48;
}

// What the context of a row's code follows from: the sizes so far, the neighbours' distance, and how far apart they are
// expected to be in steps.
struct SizeInputs {
  uint64_t sizes;
  uint32_t distance;
  float apart;
};

// The context of a code; channel: of its plane; share: 1 over how many planes came before.
SPLZ_ON_WARP uint32_t size_context(const SizeInputs& known, int channel, float share, const float* w, bool with_color) {
  const SizeState s = unpacked(known.sizes);
  const float apart = spread_of(known.distance);
  const uint32_t before = channel == 0 ? s.before[0] : channel == 1 ? s.before[1] : s.before[2];
  float size = w[0] + known.apart * w[1];
  size = size + apart * w[2];
  size = size + static_cast<float>(s.channels) * w[3];
  size = size + static_cast<float>(before) * w[4];
  size = size + (static_cast<float>(s.sum) * share) * w[5];
  size = size + (with_color ? static_cast<float>(s.color) : 0.0f) * w[6];
  size = size > 0.00390625f ? size : 0.00390625f;
  const uint32_t quarters = (bits_of_float(size) >> 21) - (119u << 2);
  return quarters < 63 ? quarters : 63;
}
SPLZ_ON_WARP float share_of(int planes_before) {
  return planes_before ? 1.0f / static_cast<float>(planes_before) : 0.0f;
}

SPLZ_ON_WARP void add_size(SizeState& s, int channel, uint32_t size) {
  if (channel == 0) s.before[0] = size;
  if (channel == 1) s.before[1] = size;
  if (channel == 2) s.before[2] = size;
  s.channels = channel == 2 ? 0 : s.channels + size;
  s.sum += size;
}

// Values of plane p: colour's are planes 0 to 2, those of SH follow.
SPLZ_ON_WARP float* value_plane(const DecodeJob& job, const DecodeChunk& chunk, int p) {
  return job.planes.values + p * job.planes.value_stride + chunk.at;
}

// A plane of codes of the rows row_of(i), i < n, into `values` as floats. What all of its rows have in common is in
// registers: they write to memory, and whatever they read from there might be what they wrote.
template <class Warp, class RowOf>
SPLZ_ON_WARP void decode_codes(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk, Stream<Warp>& stream,
                               int n, RowOf row_of, bool is_sh, int plane, float* values) {
  struct Row {
    int at;
    SizeInputs known;
  };
  const float* weights = constants_at<float>(job, job.params->expect) + ((is_sh ? 3 : 0) + plane) * kSizeTermCount;
  float w[kSizeTermCount];
  SPLZ_UNROLL
  for (int t = 0; t < kSizeTermCount; ++t) w[t] = weights[t];
  const float* apart = job.planes.apart[is_sh ? 1 : 0] + chunk.at;
  const uint8_t* distance = job.planes.distance + chunk.at;
  uint64_t* sizes = job.planes.sizes + chunk.at;
  const int channel = plane % 3;
  const float share = share_of(plane);
  decode_plane(
      warp, stream, n,
      [=](int i) {
        const int at = row_of(i);
        return Row{at, {sizes[at], distance[at], apart[at]}};
      },
      [&](int, const Row& row) { return size_context(row.known, channel, share, w, is_sh); },
      [&](int, const Row& row, uint32_t value) {
        const int32_t code = signed_of(value), size = code < 0 ? -code : code;
        values[row.at] = static_cast<float>(code);
        SizeState state = unpacked(row.known.sizes);
        add_size(state, channel, static_cast<uint32_t>(size < kMostSizeOfCode ? size : kMostSizeOfCode));
        sizes[row.at] = packed(state);
      });
}

template <class Warp>
SPLZ_ON_WARP bool decode_color_codes(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk) {
  Stream<Warp> stream = open_stream(warp, job, chunk.streams[7]);
  for (int p = 0; p < 3 && stream.ok; ++p)
    decode_codes(warp, job, chunk, stream, chunk.n, [](int i) { return i; }, false, p, value_plane(job, chunk, p));
  if (!stream.ok) return false;
  for (int first = 0; first < chunk.n; first += kLanes)  // SH counts anew
    warp.each([&](int lane) {
      if (first + lane >= chunk.n) return;
      uint64_t& word = job.planes.sizes[chunk.at + first + lane];
      word = static_cast<uint64_t>(unpacked(word).sum) << 48;
    });
  return close_stream(warp, stream);
}

// Rows by books (the coarser ones) to the front of `sh_rows`, the others behind them; how many they are.
template <class Warp>
SPLZ_ON_WARP int split_rows(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk) {
  int32_t* rows = job.planes.sh_rows + chunk.at;
  int booked = 0;
  for (int pass = 0, filled = 0; pass < 2; ++pass) {
    for (int first = 0; first < chunk.n; first += kLanes) {
      typename Warp::template Lanes<bool> wanted;
      warp.each([&](int lane) {
        const int row = first + lane;
        wanted[lane] = row < chunk.n && (half_octaves_of(job, job.params->sh, chunk.at + row) >=
                                         job.params->books[kBookedSh].from_step) == (pass == 0);
      });
      const uint32_t mask = warp.ballot(wanted);
      warp.each([&](int lane) {
        if (wanted[lane]) rows[filled + count_bits(mask & ((1u << lane) - 1))] = first + lane;
      });
      filled += count_bits(mask);
    }
    if (pass == 0) booked = filled;
  }
  return booked;
}

// The level of an index: the foreseen size of its entry, rounded down.
SPLZ_ON_WARP uint32_t index_level(uint32_t context) {
  if (context < 32) return 0;
  const uint32_t octave = (context - 32) >> 2, quarters = (4 + (context & 3)) << (octave < 3 ? octave : 3);
  return quarters >> 2 < 7 ? quarters >> 2 : 7;
}

template <class Warp>
SPLZ_ON_WARP bool decode_sh_indices(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk, int booked) {
  const Books& books = job.params->books[kBookedSh];
  const int32_t* rows = job.planes.sh_rows + chunk.at;
  Stream<Warp> stream = open_stream(warp, job, chunk.streams[12]);
  if (books.count == 0) return false;
  for (int first = 0; first < booked; first += kLanes)
    warp.each([&](int lane) {
      for (int v = 0; v < 3 * job.params->rest && first + lane < booked; ++v)
        value_plane(job, chunk, 3 + v)[rows[first + lane]] = 0.0f;
    });
  for (int b = 0; b < books.count; ++b) {
    const Book& book = books.books[b];
    const uint8_t* entry_sizes = constants_at<uint8_t>(job, book.sizes);
    const bool is_inside = decode_book(
        warp, job, stream, book, b, booked,
        [&](int i) {
          const int64_t at = chunk.at + rows[i];
          return index_level(size_context({job.planes.sizes[at], job.planes.distance[at], job.planes.apart[1][at]},
                                          b % 3, share_of(b), book.expect, true));
        },
        [&](int v, int i, int32_t number, uint32_t index) {
          float& value = value_plane(job, chunk, 3 + v)[rows[i]];  // whole numbers: exact
          value = value + static_cast<float>(number);
          if (v != book.first) return;
          uint64_t& word = job.planes.sizes[chunk.at + rows[i]];
          SizeState state = unpacked(word);
          add_size(state, b % 3, entry_sizes[index]);
          word = packed(state);
        });
    if (!is_inside) return false;
  }
  if (!close_stream(warp, stream)) return false;
  for (int first = 0; first < booked; first += kLanes)  // what their codes count in
    warp.each([&](int lane) {
      if (first + lane < booked) job.planes.steps[1][chunk.at + rows[first + lane]] *= 0.25f;
    });
  return true;
}

template <class Warp>
SPLZ_ON_WARP bool decode_sh_codes(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk) {
  const bool by_books = job.params->by_books[kBookedSh];
  const int booked = by_books ? split_rows(warp, job, chunk) : 0;
  if (by_books && !decode_sh_indices(warp, job, chunk, booked)) return false;
  if (by_books && job.params->books[kBookedSh].from_step == -kMaxHalfOctaves) return true;
  const int32_t* rows = job.planes.sh_rows + chunk.at + booked;
  for (int degree = 1; degree <= job.params->sh_degree; ++degree) {
    Stream<Warp> stream = open_stream(warp, job, chunk.streams[7 + degree]);
    for (int v = 3 * (degree * degree - 1); v < 3 * ((degree + 1) * (degree + 1) - 1) && stream.ok; ++v)
      decode_codes(
          warp, job, chunk, stream, chunk.n - booked, [&](int i) { return by_books ? rows[i] : i; }, true, v,
          value_plane(job, chunk, 3 + v));
    if (!stream.ok || !close_stream(warp, stream)) return false;
  }
  return true;
}

// Value v of the colour, or of SH, of all rows of one run: codes become values, in place.
SPLZ_ON_WARP void rebuild_values(const DecodeJob& job, const DecodeChunk& chunk, bool is_sh, int v, int run) {
  const int width = is_sh ? 3 * job.params->rest : 3;
  const float* shares = constants_at<float>(job, job.params->shares[is_sh ? 1 : 0]) + v;
  const float* steps = job.planes.steps[is_sh ? 1 : 0] + chunk.at;
  const uint8_t* distance = job.planes.distance + chunk.at;
  float* values = value_plane(job, chunk, (is_sh ? 3 : 0) + v);
  each_of_run(job, chunk, run, [&](int row, const Neighbours& near) {
    const float code = values[row] * steps[row], share = shares[distance[row] * width];
    float known[kNeighbours];
    SPLZ_UNROLL
    for (int k = 0; k < kNeighbours; ++k) known[k] = near.row[k] < 0 ? 0.0f : values[near.row[k]];
    const float mean = ((known[0] * near.weight[0] + known[1] * near.weight[1]) + known[2] * near.weight[2]) +
                       known[3] * near.weight[3];
    values[row] = share * mean + code;
  });
}

// RGB coefficients of a row from its values; false if one is not finite.
SPLZ_ON_WARP bool transform_row(const DecodeJob& job, const DecodeChunk& chunk, bool is_sh, int row) {
  const DecodeParams& params = *job.params;
  const int count = is_sh ? params.rest : 1;
  const float* basis = constants_at<float>(job, params.sh_basis);
  const float* color = is_sh ? params.sh_color_basis : params.color_basis;
  const float* values = value_plane(job, chunk, is_sh ? 3 : 0) + row;
  float* out = job.sh + (chunk.row + row) * 3 * (1 + params.rest) + (is_sh ? 3 : 0);
  bool all_finite = true;
  for (int j = 0; j < count; ++j) {
    float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f;
    for (int k = 0; k < count; ++k) {
      const float b = is_sh ? basis[k * count + j] : 1.0f;
      const float* v = values + 3 * k * job.planes.value_stride;
      s0 = s0 + b * v[0];
      s1 = s1 + b * v[job.planes.value_stride];
      s2 = s2 + b * v[2 * job.planes.value_stride];
    }
    for (int a = 0; a < 3; ++a) {
      const float rgb = (s0 * color[3 * a] + s1 * color[3 * a + 1]) + s2 * color[3 * a + 2];
      out[3 * j + a] = rgb;
      all_finite = all_finite && is_finite(rgb);
    }
  }
  return all_finite;
}

SPLZ_ON_WARP void clear_sh(const DecodeJob& job, const DecodeChunk& chunk, int row) {
  float* out = job.sh + (chunk.row + row) * 3 * (1 + job.params->rest);
  for (int v = 3; v < 3 * (1 + job.params->rest); ++v) out[v] = 0.0f;
}

}  // namespace splatzip::cuda
