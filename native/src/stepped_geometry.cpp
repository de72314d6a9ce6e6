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

// Encoder only: an error of opacity, then of a larger scale, is made up for by the scales coded after it. In steps.
constexpr float kFeedback[3][3] = {{0.4f, 0, 0}, {0.36f, 0.2f, 0}, {0.36f, 0.24f, 0.34f}};

// log2 of a cell's edge relative to the scene's reference scale, 1/256 octave.
int32_t cell_size_log2(const SteppedParams& params, const TileFrame& frame) {
  double octaves = exact_log(static_cast<double>(frame.mantissa)) * kInvLn2 + frame.exponent + frame.low_levels -
                   params.scale_reference / 65536.0;
  return static_cast<int32_t>(std::floor(octaves * 256.0));
}

// Codes of scale j (writer only): what the errors of opacity and of larger scales leave is made up for.
void choose_scale_codes(const ScaleRule& rule, const ScalePlane& plane, const std::vector<int32_t>& wanted,
                        std::vector<std::array<float, 4>>* all_errors, int32_t* codes) {
  const double kOctave = 65536.0 * kInvLn2;
  const size_t j = static_cast<size_t>(plane.j);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const int32_t log2_step = plane.log2_base + plane.half_octaves[i] * 32768;
    const double y = exact_exp((wanted[i] * (rule.power / 256.0) - log2_step) * (1.0 / kOctave));
    auto& errors = (*all_errors)[i];
    float pull = 0;
    for (size_t k = 0; k <= j; ++k) pull = pull + kFeedback[j][k] * errors[k];
    const double target = std::max(0.0, std::min(y, 16777216.0) - std::clamp(pull, -0.6f, 0.6f));
    codes[i] = static_cast<int32_t>(target + 0.5);
    errors[j + 1] = static_cast<float>(std::clamp((codes[i] ? codes[i] : 0.3) - y, -1.5, 1.5));
  }
}

// log2 of the source's scales relative to the reference, largest first, 1/65536 octave.
std::array<std::vector<int32_t>, 3> wanted_scales(const SteppedParams& params, const SourceArrays& source,
                                                  const int64_t* rows, size_t n) {
  std::array<std::vector<int32_t>, 3> wanted;
  for (auto& plane : wanted) plane.resize(n);
  for (size_t i = 0; i < n; ++i) {
    int32_t scales[3];
    for (int j = 0; j < 3; ++j) {
      const double x = source.log_scales[rows[i] * 3 + j] * (65536.0 * kInvLn2) - params.scale_reference;
      scales[j] = static_cast<int32_t>(std::clamp(std::floor(x + 0.5), -8e6, 8e6));
    }
    std::sort(scales, scales + 3, std::greater<>());
    for (size_t j = 0; j < 3; ++j) wanted[j][i] = scales[j];
  }
  return wanted;
}

}  // namespace

Neighbours TileState::near() const {
  Neighbours near;
  for (size_t k = 0; k < kNeighbours; ++k) {
    near.row[k] = near_row[k].data();
    near.weight[k] = near_weight[k].data();
  }
  return near;
}

StepSum TileState::step_sum(const StepRule& rule) const {
  StepSum sum{};
  sum.n = n;
  sum.feature_count = feature_count;
  for (size_t f = 0; f < kFeatures; ++f) {
    sum.features[f] = features[f].data();
    sum.weight[f] = rule.weight[f];
  }
  sum.most = rule.most;
  sum.base = rule.base;
  return sum;
}

void find_tile_neighbours(const SteppedParams& params, TileState* tile) {
  const int64_t n = tile->n, runs = runs_of(n);
  const size_t before = static_cast<size_t>(runs) * kNeighbourWindow, behind = 16;
  Uninitialised<float> axis[3];
  for (size_t a = 0; a < 3; ++a) {
    axis[a].assign(before + static_cast<size_t>(n) + behind, kFarAway);
    tile->coordinates[a].fit(n);
    walk_curve(n, [&](size_t row, size_t place) {
      const uint32_t at = gather3(tile->cells[place] >> a);
      tile->coordinates[a][row] = at;
      axis[a][before + row] = static_cast<float>(at);
    });
  }
  for (size_t k = 0; k < kNeighbours; ++k) {
    tile->near_row[k].clear_to(n, -1);
    tile->near_weight[k].clear_to(n, 0.0f);
  }
  tile->feature_count = params.features();
  for (int f = 0; f < tile->feature_count; ++f) tile->features[static_cast<size_t>(f)].clear_to(n, 0);
  tile->distance.clear_to(n, 0);
  NeighbourSearch search{};
  search.n = n;
  search.runs = runs;
  search.x = axis[0].data() + before;
  search.y = axis[1].data() + before;
  search.z = axis[2].data() + before;
  search.softness = params.neighbour_softness;
  search.cell = cell_size_log2(params, tile->frame);
  search.far = kFarSpacing;
  for (size_t k = 0; k < kNeighbours; ++k) {
    search.row[k] = tile->near_row[k].data();
    search.weight[k] = tile->near_weight[k].data();
  }
  search.spacing = tile->features[kSpacing].data();
  search.distance = tile->distance.data();
  kernels().stepped->find_neighbours(search);
}

template <class Io>
void code_opacity(Io& io, const SteppedParams& params, const SteppedTables& tables, TileState* tile,
                  const SourceArrays* source, const int64_t* rows) {
  const size_t n = static_cast<size_t>(tile->n);
  const int32_t levels = params.opacity_levels;
  tile->opacity_codes.fit(tile->n);
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
    tile->features[kAlpha][i] = tables.log2_alpha[static_cast<size_t>(code)];
  }
}

template <class Io>
void code_classes(Io& io, const SteppedParams& params, TileState* tile, const SourceArrays* source,
                  const int64_t* rows) {
  if (!params.classes) return;
  const size_t n = static_cast<size_t>(tile->n);
  Plane<uint8_t> contexts;
  Plane<int32_t> residuals, codes;
  contexts.fit(tile->n);
  residuals.clear_to(tile->n, 0);
  codes.clear_to(tile->n, 0);
  for (int c = 0; c < 2; ++c) {
    for (size_t i = 0; i < n; ++i) {
      const int faint = std::min(5, -tile->features[kAlpha][i] >> 8);
      contexts[i] = static_cast<uint8_t>(kDistances + 24 * c + 4 * faint + (tile->distance[i] >> 1));
    }
    ClassPlane plane{};
    plane.n = tile->n;
    plane.runs = runs_of(tile->n);
    plane.near = tile->near();
    plane.other = c > 0 ? tile->features[kGeometryClass].data() : nullptr;
    plane.residuals = residuals.data();
    plane.codes = codes.data();
    plane.feature = tile->features[static_cast<size_t>(kGeometryClass + c)].data();
    if constexpr (Io::kReading) {
      io.plane(contexts.data(), residuals.data(), tile->n, true);
      kernels().stepped->decode_classes(plane);
    } else {
      for (size_t i = 0; i < n; ++i)
        codes[i] = std::clamp<int32_t>(source->classes[rows[i] * 2 + c], -kMostClass, kMostClass);
      kernels().stepped->encode_classes(plane);
      io.plane(contexts.data(), residuals.data(), tile->n, true);
    }
  }
}

template <class Io>
void code_scales(Io& io, const SteppedParams& params, TileState* tile, const SourceArrays* source,
                 const int64_t* rows) {
  const int64_t n = tile->n;
  std::array<std::vector<int32_t>, 3> wanted;
  if constexpr (!Io::kReading) wanted = wanted_scales(params, *source, rows, static_cast<size_t>(n));
  std::array<Plane<int32_t>, 3> means;
  Plane<int32_t> residuals, codes, half_octaves;
  Plane<uint8_t> contexts;
  for (auto& mean : means) mean.fit(n);
  half_octaves.fit(n);
  contexts.fit(n);
  residuals.clear_to(n, 0);
  codes.clear_to(n, 0);
  for (size_t j = 0; j < 3; ++j) {
    const ScaleRule& rule = params.scales[j];
    const double base = exact_log(static_cast<double>(rule.step.base)) * kInvLn2 * 65536.0;
    StepSum steps = tile->step_sum(rule.step);
    steps.half_octaves = half_octaves.data();
    kernels().stepped->sum_steps(steps);
    tile->scales[j].fit(n);
    ScalePlane plane{};
    plane.n = n;
    plane.runs = runs_of(n);
    plane.j = static_cast<int>(j);
    plane.near = tile->near();
    for (size_t f = 0; f < kFeatures; ++f) plane.features[f] = tile->features[f].data();
    for (size_t m = 0; m < 3; ++m) plane.means[m] = means[m].data();
    plane.half_octaves = half_octaves.data();
    plane.log2_base = static_cast<int32_t>(base < 0 ? base - 0.5 : base + 0.5);
    plane.power = rule.power;
    std::copy(rule.predict.begin(), rule.predict.end(), plane.predict);
    plane.log2 = kCodeTables.log2.data();
    plane.exp2 = kCodeTables.exp2.data();
    plane.distance = tile->distance.data();
    plane.contexts = contexts.data();
    plane.residuals = residuals.data();
    plane.codes = codes.data();
    plane.scale = tile->scales[j].data();
    kernels().stepped->scale_contexts(plane);
    if constexpr (Io::kReading) {
      io.plane(contexts.data(), residuals.data(), n, true);
      kernels().stepped->decode_scales(plane);
    } else {
      choose_scale_codes(rule, plane, wanted[j], &tile->errors, codes.data());
      kernels().stepped->encode_scales(plane);
      io.plane(contexts.data(), residuals.data(), n, true);
    }
  }
  // From here on distance counts in sizes of the nearest neighbour.
  const Neighbours near = tile->near();
  const auto features = data_of(tile->features);
  kernels().stepped->distances_in_sizes(n, near, features.data(), tile->distance.data());
}

template <class Io>
void code_positions(Io& io, const SteppedParams& params, TileState* tile, const SourceArrays* source,
                    const int64_t* rows) {
  const size_t n = static_cast<size_t>(tile->n);
  const TileFrame& frame = tile->frame;
  const double cell = bits_to_double(static_cast<uint64_t>(1023 + frame.exponent) << 52);
  tile->positions.resize(n * 3);
  Plane<int32_t> half_octaves;
  half_octaves.fit(tile->n);
  StepSum steps = tile->step_sum(params.position);
  steps.half_octaves = half_octaves.data();
  kernels().stepped->sum_steps(steps);
  for (size_t i = 0; i < n; ++i) {
    int left_out = std::clamp(frame.unit_level + (half_octaves[i] >> 1), 0, frame.low_levels);
    int bits = frame.low_levels - left_out;
    for (size_t a = 0; a < 3; ++a) {
      uint64_t low;
      uint64_t high = static_cast<uint64_t>(tile->coordinates[a][i]) << frame.low_levels;
      if constexpr (Io::kReading) {
        low = io.raw(bits);
      } else {
        double at =
            (source->positions[rows[i] * 3 + static_cast<int64_t>(a)] / cell - static_cast<double>(frame.origin[a])) /
            frame.mantissa;
        int64_t inside = static_cast<int64_t>(std::floor(at)) - static_cast<int64_t>(high);
        low = static_cast<uint64_t>(std::clamp<int64_t>(inside, 0, (int64_t{1} << frame.low_levels) - 1)) >> left_out;
        io.raw(static_cast<uint32_t>(low), bits);
      }
      uint64_t middle = left_out > 0 ? uint64_t{1} << (left_out - 1) : 0;
      int64_t at = static_cast<int64_t>(high + (low << left_out) + middle);
      tile->positions[i * 3 + a] =
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
  template void code_classes<Io>(Io&, const SteppedParams&, TileState*, const SourceArrays*, const int64_t*);      \
  template void code_scales<Io>(Io&, const SteppedParams&, TileState*, const SourceArrays*, const int64_t*);       \
  template void code_positions<Io>(Io&, const SteppedParams&, TileState*, const SourceArrays*, const int64_t*);
INSTANTIATE(StreamReader)
INSTANTIATE(StreamWriter)

}  // namespace splatzip
