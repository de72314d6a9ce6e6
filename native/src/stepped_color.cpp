// Codec STEPPED: colour DC and the SH coefficients above it (FORMAT.md 6.7 and 6.8).
//
// Both are rows of values in a decorrelated space, predicted from the neighbours' rows. The writer also takes most of
// the neighbours' errors off its targets: errors of one sign add up where splats overlap, diffused ones cancel.
#include <algorithm>

#include "isa.h"
#include "splatzip/exact_math.h"
#include "stepped_tile.h"

namespace splatzip {
namespace {

constexpr float kUnit = 1.0f / 16384.0f;  // of the bases
constexpr float kDiffusion = 0.9f;        // encoder only
constexpr int kActivityMost = 1 << 20;

float step_of(const StepRule& rule, const SteppedTables& tables, const std::array<int32_t, kFeatures>& f) {
  return rule.base * tables.half_octave[static_cast<size_t>(half_octaves(rule, f.data()) + kMaxHalfOctaves)];
}

// Rows behind one row of zeros.
struct Rows {
  std::vector<float> storage;
  int stride;
  Rows(int64_t n, int width_stride) : storage(static_cast<size_t>((n + 1) * width_stride + 32)), stride(width_stride) {}
  float* data() { return storage.data() + stride; }
};

int padded(int width) { return (width + 15) / 16 * 16; }

struct Planes {
  std::vector<int32_t> storage;
  std::vector<int32_t*> plane;
  Planes(int64_t n, int width) : storage(static_cast<size_t>(n * width)) {
    for (int v = 0; v < width; ++v) plane.push_back(storage.data() + v * n);
  }
};

void add_activity(TileState* tile, const int32_t* codes) {
  for (size_t i = 0; i < static_cast<size_t>(tile->n); ++i) {
    int32_t size = codes[i] < 0 ? -codes[i] : codes[i];
    tile->activity[i] = std::min(tile->activity[i] + std::min(size, kActivityMost), kActivityMost);
  }
}

// Contexts of colour channel c: how far the neighbours are, and how large the codes of earlier channels were.
void color_contexts(const TileState& tile, int channel, std::vector<uint8_t>* contexts) {
  for (size_t i = 0; i < static_cast<size_t>(tile.n); ++i) {
    int32_t size = tile.activity[i];
    int level = channel == 0 ? (tile.features[i][kAlpha] < -256 ? 1 : 0) : size == 0 ? 0 : size < 3 ? 1 : 2;
    (*contexts)[i] = static_cast<uint8_t>((channel == 0 ? 0 : 16 + 24 * (channel - 1)) + 8 * level + tile.distance[i]);
  }
}

void fill_rows(const TileState& tile, const std::vector<float>& steps, PredictedRows* rows) {
  rows->n = tile.n;
  rows->keys = tile.neighbour_keys.data();
  rows->weights = tile.neighbour_weights.empty() ? nullptr : tile.neighbour_weights[0].data();
  rows->steps = steps.data();
  rows->diffusion = kDiffusion;
}

// Source values into the coded space: basis is orthonormal up to rounding, so its transpose serves as inverse.
void to_coded_color(const std::array<int16_t, 9>& basis, const float* rgb, float* out) {
  for (int c = 0; c < 3; ++c)
    out[c] = ((rgb[0] * static_cast<float>(basis[static_cast<size_t>(c)]) + rgb[1] * static_cast<float>(basis[static_cast<size_t>(3 + c)])) +
              rgb[2] * static_cast<float>(basis[static_cast<size_t>(6 + c)])) * kUnit;
}

}  // namespace

template <class Io>
void code_colors(Io& io, const SteppedParams& params, const SteppedTables& tables, TileState* tile,
                 const SourceArrays* source, const int64_t* source_rows) {
  const int64_t n = tile->n;
  const int stride = 16;
  Rows values(n, stride), errors(Io::kReading ? 0 : n, stride);
  Planes codes(n, 3);
  std::vector<float> steps(static_cast<size_t>(n)), shares(static_cast<size_t>(stride));
  for (int c = 0; c < 3; ++c) shares[static_cast<size_t>(c)] = static_cast<float>(params.color_predict[static_cast<size_t>(c)]) / 256.0f;
  for (int64_t i = 0; i < n; ++i) steps[static_cast<size_t>(i)] = step_of(params.color, tables, tile->features[static_cast<size_t>(i)]);
  PredictedRows rows{};
  fill_rows(*tile, steps, &rows);
  rows.width = 3;
  rows.stride = stride;
  rows.shares = shares.data();
  rows.codes = codes.plane.data();
  rows.values = values.data();
  std::vector<float> targets;
  if constexpr (!Io::kReading) {
    targets.resize(static_cast<size_t>(n * stride));
    const int64_t sh_stride = 3 * (1 + params.rest());
    for (int64_t i = 0; i < n; ++i)
      to_coded_color(params.color_basis, source->sh + source_rows[i] * sh_stride, targets.data() + i * stride);
    rows.targets = targets.data();
    rows.errors = errors.data();
    kernels().encode_rows(rows);
  }
  tile->activity.assign(static_cast<size_t>(n), 0);
  std::vector<uint8_t> contexts(static_cast<size_t>(n));
  for (int c = 0; c < 3; ++c) {
    color_contexts(*tile, c, &contexts);
    io.plane(contexts.data(), codes.plane[static_cast<size_t>(c)], n, true);
    add_activity(tile, codes.plane[static_cast<size_t>(c)]);
  }
  if constexpr (Io::kReading) kernels().decode_rows(rows);
  tile->color.resize(static_cast<size_t>(n * 3));
  for (int64_t i = 0; i < n; ++i)
    for (int c = 0; c < 3; ++c) tile->color[static_cast<size_t>(i * 3 + c)] = values.data()[i * stride + c];
}

template <class Io>
void code_sh(Io* ios, const SteppedParams& params, const SteppedTables& tables, TileState* tile,
             const SourceArrays* source, const int64_t* source_rows) {
  const int64_t n = tile->n;
  const int rest = params.rest(), width = 3 * rest, stride = padded(width);
  Rows values(n, stride), errors(Io::kReading ? 0 : n, stride);
  Planes codes(n, width);
  std::vector<float> steps(static_cast<size_t>(n)), shares(static_cast<size_t>(stride));
  for (int v = 0; v < width; ++v) shares[static_cast<size_t>(v)] = static_cast<float>(params.sh_predict[static_cast<size_t>(v)]) / 256.0f;
  for (int64_t i = 0; i < n; ++i) steps[static_cast<size_t>(i)] = step_of(params.sh, tables, tile->features[static_cast<size_t>(i)]);
  PredictedRows rows{};
  fill_rows(*tile, steps, &rows);
  rows.width = width;
  rows.stride = stride;
  rows.shares = shares.data();
  rows.codes = codes.plane.data();
  rows.values = values.data();
  std::vector<float> targets;
  if constexpr (!Io::kReading) {
    targets.resize(static_cast<size_t>(n * stride));
    std::vector<float> coded(static_cast<size_t>(width));
    for (int64_t i = 0; i < n; ++i) {
      const float* sh = source->sh + source_rows[i] * 3 * (1 + rest) + 3;
      for (int j = 0; j < rest; ++j) to_coded_color(params.sh_color_basis, sh + 3 * j, coded.data() + 3 * j);
      float* out = targets.data() + i * stride;
      for (int j = 0; j < rest; ++j) {
        for (int k = 0; k < rest; ++k) {
          float basis = static_cast<float>(params.sh_basis[static_cast<size_t>(k * rest + j)]) * kUnit;
          for (int c = 0; c < 3; ++c) out[k * 3 + c] = out[k * 3 + c] + basis * coded[static_cast<size_t>(3 * j + c)];
        }
      }
    }
    rows.targets = targets.data();
    rows.errors = errors.data();
    kernels().encode_rows(rows);
  }
  std::vector<uint8_t> contexts(static_cast<size_t>(n));
  for (int s = 0; s < kShStreams && kShBegin[s] < rest; ++s) {
    for (int v = 3 * kShBegin[s]; v < 3 * kShBegin[s + 1]; ++v) {
      const int most = kShContexts[s] - 1, first = (v - 3 * kShBegin[s]) * kShContexts[s];
      const int shift = params.sh_activity[static_cast<size_t>(s)];
      for (int64_t i = 0; i < n; ++i) {
        int level = bit_length(static_cast<uint64_t>(16 * tile->activity[static_cast<size_t>(i)] / (v + 3))) - shift;
        contexts[static_cast<size_t>(i)] = static_cast<uint8_t>(first + std::clamp(level, 0, most));
      }
      ios[s].plane(contexts.data(), codes.plane[static_cast<size_t>(v)], n, true);
      add_activity(tile, codes.plane[static_cast<size_t>(v)]);
    }
  }
  if constexpr (Io::kReading) {
    kernels().decode_rows(rows);
    tile->rest = std::move(values.storage);
  }
}

template void code_colors<StreamReader>(StreamReader&, const SteppedParams&, const SteppedTables&, TileState*,
                                        const SourceArrays*, const int64_t*);
template void code_colors<StreamWriter>(StreamWriter&, const SteppedParams&, const SteppedTables&, TileState*,
                                        const SourceArrays*, const int64_t*);
template void code_sh<StreamReader>(StreamReader*, const SteppedParams&, const SteppedTables&, TileState*,
                                    const SourceArrays*, const int64_t*);
template void code_sh<StreamWriter>(StreamWriter*, const SteppedParams&, const SteppedTables&, TileState*,
                                    const SourceArrays*, const int64_t*);

}  // namespace splatzip
