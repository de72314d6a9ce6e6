// Codec STEPPED: colour DC and the SH coefficients above it (FORMAT.md 6.7 and 6.8).
//
// Both are rows of values in a decorrelated space, predicted from the neighbours' rows. The writer also takes most of
// the neighbours' errors off its targets: errors of one sign add up where splats overlap, diffused ones cancel.
#include <algorithm>
#include <cstdlib>

#include "isa.h"
#include "splatzip/exact_math.h"
#include "stepped_tile.h"

namespace splatzip {
namespace {

constexpr float kUnit = 1.0f / 16384.0f;  // of the bases
constexpr float kDiffusion = 0.9f;        // encoder only
// Rows behind one row of zeros.
struct Rows {
  std::vector<float> storage;
  int stride;
  Rows(int64_t n, int width_stride) : storage(static_cast<size_t>((n + 1) * width_stride + 32)), stride(width_stride) {}
  float* data() { return storage.data() + stride; }
};

int padded(int width) { return (width + 15) / 16 * 16; }

std::vector<int32_t*> planes_of(std::vector<int32_t>& codes, int64_t n) {
  std::vector<int32_t*> planes;
  for (size_t at = 0; at < codes.size(); at += static_cast<size_t>(n)) planes.push_back(codes.data() + at);
  return planes;
}

std::vector<float> steps_of(const StepRule& rule, const SteppedTables& tables, const TileState& tile) {
  std::vector<float> steps;
  steps.reserve(tile.features.size());
  for (const auto& f : tile.features)
    steps.push_back(rule.base *
                    tables.half_octave[static_cast<size_t>(half_octaves(rule, f.data()) + kMaxHalfOctaves)]);
  return steps;
}

// Expected sizes of the codes, plane by plane (FORMAT.md 5.4): a weighted sum of what is known, cut into quarter
// octaves that are the contexts. Float32 in the written order.
class SizeModel {
 public:
  SizeModel(const TileState& tile, const std::vector<float>& steps) : n_(static_cast<size_t>(tile.n)), contexts_(n_) {
    for (auto& term : terms_) term.assign(n_, 0.0f);
    for (size_t i = 0; i < n_; ++i) {
      terms_[kSizeOne][i] = 1.0f;
      terms_[kSizeDistance][i] = kSpread[tile.distance[i]];
      terms_[kSizeSpread][i] = kSpread[tile.distance[i]] / steps[i];
    }
    if (!tile.color_size.empty()) terms_[kSizeColor] = tile.color_size;
    for (auto& plane : before_) plane.assign(n_, 0.0f);
    sum_.assign(n_, 0.0f);
  }
  const std::vector<float>& term(int t) const { return terms_[t]; }
  const std::vector<float>& sum() const { return sum_; }

  const uint8_t* contexts(const std::array<int16_t, kSizeTerms>& weights) {
    float w[kSizeTerms];
    for (int t = 0; t < kSizeTerms; ++t) w[t] = static_cast<float>(weights[static_cast<size_t>(t)]) / 256.0f;
    const float* f[kSizeTerms];
    for (int t = 0; t < kSizeTerms; ++t) f[t] = terms_[t].data();
    for (size_t i = 0; i < n_; ++i) {
      float size = 0;
      for (int t = 0; t < kSizeTerms; ++t) size = size + w[t] * f[t][i];
      contexts_[i] = size_context(size);
    }
    return contexts_.data();
  }
  // Plane v (component v / 3, channel v % 3) is known now.
  void add(int v, const int32_t* codes) {
    const int channel = v % 3;
    const float share = 1.0f / static_cast<float>(v + 1);
    for (size_t i = 0; i < n_; ++i) {
      float size = static_cast<float>(codes[i] < 0 ? -codes[i] : codes[i]);
      size = size < kMostSize ? size : kMostSize;
      terms_[kSizeChannels][i] = channel == 2 ? 0.0f : terms_[kSizeChannels][i] + size;
      before_[channel][i] = size;
      sum_[i] = sum_[i] + size;
      terms_[kSizeMean][i] = sum_[i] * share;
    }
    terms_[kSizeBefore] = before_[(channel + 1) % 3];
  }

 private:
  // 2^(min(bucket, 6) / 2 - 3): how the neighbours' differences grow with distance.
  static constexpr float kSpread[kDistances] = {0.125f, 0.17677669f, 0.25f, 0.35355338f, 0.5f, 0.70710677f, 1.0f, 1.0f};
  static constexpr float kMostSize = 40.0f;

  static uint8_t size_context(float size) {  // quarter octaves from 2^-8 on
    if (!(size > 0.00390625f)) return 0;
    uint32_t bits;
    std::memcpy(&bits, &size, 4);
    uint32_t quarter = (bits >> 21) - (119u << 2);
    return static_cast<uint8_t>(quarter < kSizeContexts ? quarter : kSizeContexts - 1);
  }

  size_t n_;
  std::vector<float> terms_[kSizeTerms], before_[3], sum_;
  std::vector<uint8_t> contexts_;
};

// shares (8, stride) of `width` values from the first group on; groups end where the SH streams end.
std::vector<float> shares_of(const SteppedParams& params, int group, int width, int stride) {
  std::vector<float> shares(static_cast<size_t>(kDistances * stride));
  for (int d = 0; d < kDistances; ++d)
    for (int v = 0; v < width; ++v) {
      int g = group;
      if (group > 0)
        while (v / 3 >= kShBegin[g]) ++g;
      shares[static_cast<size_t>(d * stride + v)] =
          static_cast<float>(
              params.predict[static_cast<size_t>(g)][static_cast<size_t>(d)][static_cast<size_t>(v % 3)]) /
          256.0f;
    }
  return shares;
}

PredictedRows rows_of(const TileState& tile, const std::vector<float>& steps, const std::vector<float>& shares,
                      const std::vector<int32_t*>& planes, Rows& values) {
  PredictedRows rows{};
  rows.n = tile.n;
  rows.width = static_cast<int>(planes.size());
  rows.stride = values.stride;
  rows.keys = tile.neighbour_keys.data();
  rows.weights = tile.neighbour_weights[0].data();
  rows.shares = shares.data();
  rows.distance = tile.distance.data();
  rows.steps = steps.data();
  rows.codes = planes.data();
  rows.values = values.data();
  return rows;
}

void quantize_rows(const TileState& tile, const std::vector<float>& steps, const std::vector<float>& shares,
                   const std::vector<float>& targets, std::vector<int32_t>* codes, int width) {
  const int stride = padded(width);
  codes->resize(static_cast<size_t>(tile.n * width));
  std::vector<int32_t*> planes = planes_of(*codes, tile.n);
  Rows values(tile.n, stride), errors(tile.n, stride);
  PredictedRows rows = rows_of(tile, steps, shares, planes, values);
  rows.targets = targets.data();
  rows.errors = errors.data();
  rows.diffusion = kDiffusion;
  kernels().encode_rows(rows);
}

// Source values into the coded space: a basis is orthonormal up to rounding, so its transpose serves as inverse.
void to_coded_color(const std::array<int16_t, 9>& basis, const float* rgb, float* out) {
  for (size_t c = 0; c < 3; ++c)
    out[c] = ((rgb[0] * static_cast<float>(basis[c]) + rgb[1] * static_cast<float>(basis[3 + c])) +
              rgb[2] * static_cast<float>(basis[6 + c])) *
             kUnit;
}

}  // namespace

void quantize_colors(const SteppedParams& params, const SteppedTables& tables, TileState* tile,
                     const SourceArrays& source, const int64_t* source_rows) {
  const int64_t n = tile->n;
  const int rest = params.rest(), sh_stride = 3 * (1 + rest);
  std::vector<float> targets(static_cast<size_t>(n * padded(3)));
  for (int64_t i = 0; i < n; ++i)
    to_coded_color(params.color_basis, source.sh + source_rows[i] * sh_stride, targets.data() + i * padded(3));
  quantize_rows(*tile, steps_of(params.color, tables, *tile), shares_of(params, 0, 3, padded(3)), targets,
                &tile->color_codes, 3);
  if (rest == 0) return;

  const int width = 3 * rest, stride = padded(width);
  targets.assign(static_cast<size_t>(n * stride), 0.0f);
  std::vector<float> coded(static_cast<size_t>(width));
  std::vector<float> basis(params.sh_basis.size());
  for (size_t k = 0; k < basis.size(); ++k) basis[k] = static_cast<float>(params.sh_basis[k]) * kUnit;
  for (int64_t i = 0; i < n; ++i) {
    const float* sh = source.sh + source_rows[i] * sh_stride + 3;
    for (int j = 0; j < rest; ++j) to_coded_color(params.sh_color_basis, sh + 3 * j, coded.data() + 3 * j);
    float* out = targets.data() + i * stride;
    for (int k = 0; k < rest; ++k) {
      float sum[3] = {0, 0, 0};
      for (int j = 0; j < rest; ++j)
        for (int c = 0; c < 3; ++c)
          sum[c] = sum[c] + basis[static_cast<size_t>(k * rest + j)] * coded[static_cast<size_t>(3 * j + c)];
      for (int c = 0; c < 3; ++c) out[3 * k + c] = sum[c];
    }
  }
  quantize_rows(*tile, steps_of(params.sh, tables, *tile), shares_of(params, 1, width, stride), targets,
                &tile->sh_codes, width);
}

template <class Io>
void code_colors(Io& io, const SteppedParams& params, const SteppedTables& tables, TileState* tile) {
  const int64_t n = tile->n;
  if constexpr (Io::kReading) tile->color_codes.resize(static_cast<size_t>(3 * n));
  std::vector<int32_t*> planes = planes_of(tile->color_codes, n);
  const std::vector<float> steps = steps_of(params.color, tables, *tile);
  SizeModel sizes(*tile, steps);
  for (int c = 0; c < 3; ++c) {
    io.plane(sizes.contexts(params.expect[static_cast<size_t>(c)]), planes[static_cast<size_t>(c)], n, true);
    sizes.add(c, planes[static_cast<size_t>(c)]);
  }
  tile->color_size = sizes.sum();
  if constexpr (Io::kReading) {
    const std::vector<float> shares = shares_of(params, 0, 3, padded(3));
    Rows values(n, padded(3));
    kernels().decode_rows(rows_of(*tile, steps, shares, planes, values));
    tile->color.resize(static_cast<size_t>(n * 3));
    for (int64_t i = 0; i < n; ++i)
      for (int c = 0; c < 3; ++c) tile->color[static_cast<size_t>(i * 3 + c)] = values.data()[i * padded(3) + c];
  }
}

template <class Io>
void code_sh(Io* ios, const SteppedParams& params, const SteppedTables& tables, TileState* tile) {
  const int64_t n = tile->n;
  const int rest = params.rest(), width = 3 * rest;
  if constexpr (Io::kReading) tile->sh_codes.resize(static_cast<size_t>(width * n));
  std::vector<int32_t*> planes = planes_of(tile->sh_codes, n);
  const std::vector<float> steps = steps_of(params.sh, tables, *tile);
  SizeModel sizes(*tile, steps);
  for (int s = 0; s < kShStreams && kShBegin[s] < rest; ++s) {
    for (int v = 3 * kShBegin[s]; v < 3 * kShBegin[s + 1]; ++v) {
      ios[s].plane(sizes.contexts(params.expect[static_cast<size_t>(3 + v)]), planes[static_cast<size_t>(v)], n, true);
      sizes.add(v, planes[static_cast<size_t>(v)]);
    }
  }
  if constexpr (Io::kReading) {
    const std::vector<float> shares = shares_of(params, 1, width, padded(width));
    Rows values(n, padded(width));
    kernels().decode_rows(rows_of(*tile, steps, shares, planes, values));
    tile->rest = std::move(values.storage);
  }
}

void add_sizes(const SteppedParams& params, const SteppedTables& tables, TileState* tile, SizeSums* sums) {
  constexpr size_t kEvery = 4;  // splats looked at
  constexpr double kMost = 40;
  const int width = 3 * params.rest();
  if (sums->normal.empty()) {
    sums->normal.assign(static_cast<size_t>(3 + width), {});
    sums->right.assign(static_cast<size_t>(3 + width), {});
  }
  auto add_planes = [&](const std::vector<float>& steps, std::vector<int32_t>& codes, int first) {
    std::vector<int32_t*> planes = planes_of(codes, tile->n);
    SizeModel sizes(*tile, steps);
    for (size_t v = 0; v < planes.size(); ++v) {
      auto& normal = sums->normal[static_cast<size_t>(first) + v];
      auto& right = sums->right[static_cast<size_t>(first) + v];
      for (size_t i = 0; i < static_cast<size_t>(tile->n); i += kEvery) {
        double code = std::min(kMost, static_cast<double>(std::abs(planes[v][i]))), f[kSizeTerms];
        for (int t = 0; t < kSizeTerms; ++t) f[t] = std::min(kMost, static_cast<double>(sizes.term(t)[i]));
        for (int r = 0; r < kSizeTerms; ++r) {
          for (int c = 0; c <= r; ++c) normal[static_cast<size_t>(r * kSizeTerms + c)] += f[r] * f[c];
          right[static_cast<size_t>(r)] += f[r] * code;
        }
      }
      sizes.add(static_cast<int>(v), planes[v]);
    }
    return sizes.sum();
  };
  tile->color_size.clear();
  std::vector<float> sum = add_planes(steps_of(params.color, tables, *tile), tile->color_codes, 0);
  tile->color_size = sum;
  if (width > 0) add_planes(steps_of(params.sh, tables, *tile), tile->sh_codes, 3);
  tile->color_size.clear();
}

template void code_colors<StreamReader>(StreamReader&, const SteppedParams&, const SteppedTables&, TileState*);
template void code_colors<StreamWriter>(StreamWriter&, const SteppedParams&, const SteppedTables&, TileState*);
template void code_sh<StreamReader>(StreamReader*, const SteppedParams&, const SteppedTables&, TileState*);
template void code_sh<StreamWriter>(StreamWriter*, const SteppedParams&, const SteppedTables&, TileState*);

}  // namespace splatzip
