// Codec STEPPED: neighbours, opacity, scales, positions (FORMAT.md 6.2 to 6.4, 6.6).
#include <algorithm>
#include <cmath>

#include "isa.h"
#include "octree.h"
#include "splatzip/exact_math.h"
#include "stepped_tile.h"

namespace splatzip {
namespace {

constexpr int32_t kFarSpacing = 8 * 256;  // the spacing feature of a splat without neighbours
constexpr int64_t kMostOctaves = 120;     // of a scale, from the reference

// log2 of a positive float in 1/256 octave, linear between powers of two.
int32_t rough_log2(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return static_cast<int32_t>(bits >> 15) - (127 << 8);
}

float key_distance2(uint32_t key) {
  uint32_t bits = key & ~static_cast<uint32_t>(kNeighbourWindow - 1);
  float d2;
  std::memcpy(&d2, &bits, 4);
  return d2;
}

// Encoder only: an error of opacity, then of a larger scale, is made up for by the scales coded after it. In steps.
constexpr float kFeedback[3][3] = {{0.4f, 0, 0}, {0.36f, 0.2f, 0}, {0.36f, 0.24f, 0.34f}};

int bucket(int32_t log2_256th) { return std::clamp(log2_256th >> 8, -4, 3) + 4; }

// log2 of a cell's edge relative to the scene's reference scale, 1/256 octave.
int32_t cell_size_log2(const SteppedParams& params, const TileFrame& frame) {
  double octaves = exact_log(static_cast<double>(frame.mantissa)) * kInvLn2 + frame.exponent + frame.low_levels -
                   params.scale_reference / 65536.0;
  return static_cast<int32_t>(std::floor(octaves * 256.0));
}

// How large the code of a scale is likely to be, from the scale before it: half octaves of that scale in its steps.
int level_of(int32_t larger_scale, int power, int32_t log2_step) {
  return std::clamp((((larger_scale * power) >> 8) - (log2_step >> 8)) >> 7, 0, 11);
}

}  // namespace

void find_tile_neighbours(const SteppedParams& params, TileState* tile) {
  const size_t n = static_cast<size_t>(tile->n);
  const int64_t runs = runs_of(tile->n);
  const size_t before = static_cast<size_t>(runs) * kNeighbourWindow, behind = 16;
  std::vector<float> axis[3];
  for (size_t a = 0; a < 3; ++a) {
    axis[a].assign(before + n + behind, kFarAway);
    tile->coordinates[a].resize(n);
    walk_curve(tile->n, [&](size_t row, size_t place) {
      const uint32_t at = gather3(tile->cells[place] >> a);
      tile->coordinates[a][row] = at;
      axis[a][before + row] = static_cast<float>(at);
    });
  }
  std::vector<uint32_t> keys(n * kNeighbours);
  kernels().find_neighbours(axis[0].data() + before, axis[1].data() + before, axis[2].data() + before, tile->n, runs,
                            keys.data());
  tile->near.resize(n);
  tile->features.resize(n);
  tile->distance.resize(n);
  const int32_t cell = cell_size_log2(params, tile->frame);
  for (size_t i = 0; i < n; ++i) {
    Neighbours& near = tile->near[i];
    float sum = 0;
    for (int k = 0; k < kNeighbours; ++k) {
      const uint32_t key = keys[static_cast<size_t>(k) * n + i];
      const bool there = key < kNoNeighbour;
      near.row[k] =
          there ? static_cast<int32_t>(static_cast<int64_t>(i) - runs * (1 + (key & (kNeighbourWindow - 1)))) : -1;
      near.weight[k] = there ? 1.0f / (key_distance2(key) + params.neighbour_softness) : 0.0f;
      sum = sum + near.weight[k];
    }
    for (float& w : near.weight) w = sum > 0 ? w / sum : 0.0f;
    const float nearest = key_distance2(keys[i]);
    tile->features[i] = {};
    tile->features[i][kSpacing] = near.row[0] >= 0 ? (rough_log2(nearest + 0.5f) >> 1) + cell : kFarSpacing;
    tile->distance[i] = static_cast<uint8_t>(bucket(tile->features[i][kSpacing]));
  }
}

template <class Io>
void code_opacity(Io& io, const SteppedParams& params, const SteppedTables& tables, TileState* tile,
                  const SourceArrays* source, const int64_t* rows) {
  const size_t n = static_cast<size_t>(tile->n);
  const int32_t levels = params.opacity_levels;
  tile->opacity_codes.resize(n);
  if constexpr (!Io::kReading) {
    tile->errors.assign(n, {});
    for (size_t i = 0; i < n; ++i) {
      double logit = source->opacity_logits[rows[i]];
      int32_t code = 0;
      if (std::isinf(logit)) {
        code = logit > 0 ? levels + 1 : 0;
      } else {  // ln alpha = -ln(1 + e^-logit)
        double log_alpha = logit > 0 ? -exact_log(1.0 + exact_exp(-logit)) : logit - exact_log(1.0 + exact_exp(logit));
        double y = exact_exp(log_alpha * params.opacity_power / 256.0) * levels;
        code = 1 + std::min(static_cast<int32_t>(y), levels - 1);
        tile->errors[i][0] = static_cast<float>(std::clamp(code - 0.5 - y, -1.0, 1.0));
      }
      tile->opacity_codes[i] = code;
    }
  }
  io.plane(tile->distance.data(), tile->opacity_codes.data(), tile->n, false);
  for (size_t i = 0; i < n; ++i) {
    int32_t code = std::clamp(tile->opacity_codes[i], 0, levels + 1);
    tile->opacity_codes[i] = code;
    tile->features[i][kAlpha] = tables.log2_alpha[static_cast<size_t>(code)];
  }
}

template <class Io>
void code_scales(Io& io, const SteppedParams& params, TileState* tile, const SourceArrays* source,
                 const int64_t* rows) {
  const size_t n = static_cast<size_t>(tile->n);
  const double kOctave = 65536.0 * kInvLn2;
  std::vector<std::array<int32_t, 3>> wanted;
  if constexpr (!Io::kReading) {
    wanted.resize(n);
    for (size_t i = 0; i < n; ++i) {
      for (int j = 0; j < 3; ++j) {
        double x = source->log_scales[rows[i] * 3 + j] * kOctave - params.scale_reference;
        wanted[i][j] = static_cast<int32_t>(std::clamp(std::floor(x + 0.5), -8e6, 8e6));
      }
      std::sort(wanted[i].begin(), wanted[i].end(), std::greater<>());
    }
  }
  tile->scales.assign(n, {});
  std::vector<uint8_t> contexts(n);
  std::vector<int32_t> residuals(n), steps(n), near0(n), near1(n), near2(n);
  std::vector<int32_t>* near[3] = {&near0, &near1, &near2};
  for (int j = 0; j < 3; ++j) {
    const ScaleRule& rule = params.scales[static_cast<size_t>(j)];
    const int32_t inverse_power = static_cast<int32_t>((256 << 16) / rule.power);
    double base = exact_log(static_cast<double>(rule.step.base)) * kInvLn2 * 65536.0;
    const int32_t log2_base = static_cast<int32_t>(base < 0 ? base - 0.5 : base + 0.5);
    for (size_t i = 0; i < n; ++i) {
      const auto& f = tile->features[i];
      steps[i] = log2_base + half_octaves(rule.step, f.data()) * 32768;
      contexts[i] =
          static_cast<uint8_t>(j == 0 ? tile->distance[i] + (f[kAlpha] < -512 ? 8 : 0)
                                      : 16 + 24 * (j - 1) + 2 * level_of(f[kScale0 + j - 1], rule.power, steps[i]) +
                                            (tile->distance[i] > 2));
    }
    // The writer rebuilds as it goes (its residuals depend on what the reader will have), then codes the plane.
    if constexpr (Io::kReading) io.plane(contexts.data(), residuals.data(), tile->n, true);
    for (size_t i = 0; i < n; ++i) {
      auto& f = tile->features[i];
      const Neighbours& around = tile->near[i];
      float mean = 0;
      for (int k = 0; k < kNeighbours && around.row[k] >= 0; ++k)
        mean = mean +
               around.weight[k] * static_cast<float>(tile->features[static_cast<size_t>(around.row[k])][kScale0 + j]);
      (*near[j])[i] = static_cast<int32_t>(mean);
      const auto& p = rule.predict;
      int64_t sum = static_cast<int64_t>(p[kOne]) * 1024 + int64_t{p[kOwnAlpha]} * f[kAlpha] +
                    int64_t{p[kOwnSpacing]} * f[kSpacing] + int64_t{p[kNearScale0]} * near0[i];
      if (j > 0) sum += int64_t{p[kOwnScale0]} * f[kScale0] + int64_t{p[kNearScale1]} * near1[i];
      if (j > 1) sum += int64_t{p[kOwnScale1]} * f[kScale1] + int64_t{p[kNearScale2]} * near2[i];
      const int32_t predicted =
          static_cast<int32_t>(std::clamp<int64_t>(sum >> 10, -kMostOctaves << 8, kMostOctaves << 8));
      const int32_t log2_step = steps[i];
      int32_t expected = static_cast<int32_t>(
          std::min<uint32_t>(exp2_of_256th(((predicted * rule.power) >> 8) - (log2_step >> 8) + 1024) + 8, 1u << 24) >>
          4);
      int32_t code;
      if constexpr (Io::kReading) {
        code = std::clamp(expected + residuals[i], 0, 1 << 24);  // values of a stream are below 2^30
      } else {
        double y = exact_exp((wanted[i][j] * (rule.power / 256.0) - log2_step) * (1.0 / kOctave));
        auto& errors = tile->errors[i];
        float pull = 0;
        for (int k = 0; k <= j; ++k) pull = pull + kFeedback[j][k] * errors[static_cast<size_t>(k)];
        double target = std::max(0.0, std::min(y, 16777216.0) - std::clamp(pull, -0.6f, 0.6f));
        code = static_cast<int32_t>(target + 0.5);
        residuals[i] = code - expected;
        errors[static_cast<size_t>(j + 1)] = static_cast<float>(std::clamp((code ? code : 0.3) - y, -1.5, 1.5));
      }
      int64_t log2_y = static_cast<int64_t>(log2_of_code(static_cast<uint32_t>(code))) + log2_step;
      int32_t scale = static_cast<int32_t>(
          std::clamp<int64_t>((log2_y * inverse_power) >> 16, -kMostOctaves << 16, kMostOctaves << 16));
      tile->scales[i][static_cast<size_t>(j)] = scale;
      f[kScale0 + j] = scale >> 8;
    }
    if constexpr (!Io::kReading) io.plane(contexts.data(), residuals.data(), tile->n, true);
  }
  // From here on distance counts in sizes of the nearest neighbour.
  for (size_t i = 0; i < n; ++i) {
    if (tile->near[i].row[0] < 0) continue;
    const auto& f = tile->features[static_cast<size_t>(tile->near[i].row[0])];
    int32_t size = (f[kScale0] + f[kScale1] + f[kScale2]) * 85 >> 8;
    tile->distance[i] = static_cast<uint8_t>(bucket(tile->features[i][kSpacing] - size));
  }
}

template <class Io>
void code_positions(Io& io, const SteppedParams& params, TileState* tile, const SourceArrays* source,
                    const int64_t* rows) {
  const size_t n = static_cast<size_t>(tile->n);
  const TileFrame& frame = tile->frame;
  const double cell = bits_to_double(static_cast<uint64_t>(1023 + frame.exponent) << 52);
  tile->positions.resize(n * 3);
  for (size_t i = 0; i < n; ++i) {
    int half = half_octaves(params.position, tile->features[i].data());
    int left_out = std::clamp(frame.unit_level + (half >> 1), 0, frame.low_levels);
    int bits = frame.low_levels - left_out;
    for (int a = 0; a < 3; ++a) {
      uint64_t low;
      uint64_t high = static_cast<uint64_t>(tile->coordinates[static_cast<size_t>(a)][i]) << frame.low_levels;
      if constexpr (Io::kReading) {
        low = io.raw(bits);
      } else {
        double at = (source->positions[rows[i] * 3 + a] / cell - static_cast<double>(frame.origin[a])) / frame.mantissa;
        int64_t inside = static_cast<int64_t>(std::floor(at)) - static_cast<int64_t>(high);
        low = static_cast<uint64_t>(std::clamp<int64_t>(inside, 0, (int64_t{1} << frame.low_levels) - 1)) >> left_out;
        io.raw(static_cast<uint32_t>(low), bits);
      }
      uint64_t middle = left_out > 0 ? uint64_t{1} << (left_out - 1) : 0;
      int64_t at = static_cast<int64_t>(high + (low << left_out) + middle);
      tile->positions[i * 3 + static_cast<size_t>(a)] =
          static_cast<float>(static_cast<double>(frame.origin[a] + frame.mantissa * at) * cell);
    }
  }
}

void write_frame(ByteWriter& out, const TileFrame& frame) {
  for (int64_t v : frame.origin) out.signed_varint(v);
  out.byte(static_cast<uint8_t>(frame.mantissa));
  for (int v : {frame.exponent, frame.octree_levels, frame.low_levels, frame.unit_level}) out.signed_varint(v);
}

bool read_frame(ByteReader& in, TileFrame* frame) {
  constexpr int64_t kMost = int64_t{1} << 52;
  bool ok = true;
  for (int64_t& v : frame->origin) {
    v = in.signed_varint();
    ok = ok && v > -kMost && v < kMost;
  }
  frame->mantissa = in.byte();
  int64_t values[4];
  for (int64_t& v : values) {
    v = in.signed_varint();
    ok = ok && v >= -300 && v <= 300;
  }
  if (!ok || !in.ok()) return false;
  frame->exponent = static_cast<int>(values[0]);
  frame->octree_levels = static_cast<int>(values[1]);
  frame->low_levels = static_cast<int>(values[2]);
  frame->unit_level = static_cast<int>(values[3]);
  return frame->mantissa > 0 && frame->octree_levels >= 0 && frame->octree_levels <= kMaxOctreeDepth &&
         frame->low_levels >= 0 && frame->low_levels <= 22;
}

#define INSTANTIATE(Io)                                                                                            \
  template void code_opacity<Io>(Io&, const SteppedParams&, const SteppedTables&, TileState*, const SourceArrays*, \
                                 const int64_t*);                                                                  \
  template void code_scales<Io>(Io&, const SteppedParams&, TileState*, const SourceArrays*, const int64_t*);       \
  template void code_positions<Io>(Io&, const SteppedParams&, TileState*, const SourceArrays*, const int64_t*);
INSTANTIATE(StreamReader)
INSTANTIATE(StreamWriter)

}  // namespace splatzip
