// Rounding a scene's values to what a decoder would have of them: the encoder of codec STEPPED without its streams, as
// stages over the planes of the decoder (decode_stages.h), whose arithmetic it takes over wherever both do the same.
//
//   coordinates -> neighbours -> sizes -> steps -> targets -> chains -> outputs
//
// Opacity, scales and positions are rounded splat by splat; axes, colours and SH one after another in their runs, each
// from what its neighbours were rounded to: a lane a run, or a run of one value.
#pragma once
#include "decode_colors.h"
#include "decode_geometry.h"
#include "decode_rotations.h"
#include "decode_stages.h"
#include "raster.h"
#include "round_plan.h"
#include "splatzip/rounding.h"

namespace splatzip::cuda {

struct RoundJob {
  DecodeJob decode;  // its outputs are in rows of the planes
  RoundParams params;
  const int32_t* rows;  // the source's
  SceneArrays<const float> source;
  const int8_t* classes;
  float* aims[6];  // x, y, z of the main axis that the source has, then of the second
  float* errors;   // planes as those of values
};

// --- Splat by splat ---

SPLZ_ON_WARP void round_coordinates(const RoundJob& job, const DecodeChunk& chunk, int row) {
  const float* position = job.source.positions + 3 * int64_t{job.rows[chunk.at + row]};
  const double last = static_cast<double>((uint64_t{1} << (chunk.octree_levels + chunk.low_levels)) - 1);
  for (int a = 0; a < 3; ++a) {
    const double at = units_from_origin(position[a], chunk.unit, chunk.origin[a], chunk.mantissa);
    const uint64_t inside = static_cast<uint64_t>(at < 0.0 ? 0.0 : at > last ? last : at);
    job.decode.planes.coordinates[a][chunk.at + row] = static_cast<float>(inside >> chunk.low_levels);
  }
}

SPLZ_ON_WARP void round_sizes(const RoundJob& job, const DecodeChunk& chunk, int row) {
  const DecodePlanes& planes = job.decode.planes;
  const DecodeParams& params = *job.decode.params;
  const int64_t at = chunk.at + row, source = job.rows[at];
  float errors[4];
  const int32_t opacity =
      opacity_code(job.source.opacity_logits[source], job.params.opacity_power, params.opacity_levels, errors);
  planes.features[kAlpha][at] = constants_at<int32_t>(job.decode, params.log2_alpha)[opacity];
  job.decode.opacity_logits[chunk.row + row] = constants_at<float>(job.decode, params.logit)[opacity];
  for (int c = 0; c < 2 && params.classes; ++c)
    planes.features[kGeometryClass + c][at] = clamped(job.classes[2 * source + c], -kMostClass, kMostClass) * 256;
  int32_t wanted[3];  // largest first
  for (int j = 0; j < 3; ++j) {
    const int32_t scale = wanted_scale(job.source.log_scales[3 * source + j], params.scale_reference);
    int k = j;
    for (; k > 0 && wanted[k - 1] < scale; --k) wanted[k] = wanted[k - 1];
    wanted[k] = scale;
  }
  for (int j = 0; j < 3; ++j) {
    const int32_t log2_step = log2_step_of(job.decode, params.scales[j], at);
    const int32_t code = scale_code(j, wanted[j], params.scales[j].power, log2_step, errors);
    put_scale(job.decode, chunk, j, row, log2_step, clamped(code, 0, 1 << 24));
  }
}

SPLZ_ON_WARP void round_position(const RoundJob& job, const DecodeChunk& chunk, int row) {
  const int64_t at = chunk.at + row;
  const float* position = job.source.positions + 3 * int64_t{job.rows[at]};
  const int32_t half_octaves = half_octaves_of(job.decode, job.decode.params->position, at);
  const int left_out = clamped(chunk.unit_level + (half_octaves >> 1), 0, chunk.low_levels);
  const int64_t most = (int64_t{1} << chunk.low_levels) - 1, middle = left_out > 0 ? int64_t{1} << (left_out - 1) : 0;
  for (int a = 0; a < 3; ++a) {
    const double units = units_from_origin(position[a], chunk.unit, chunk.origin[a], chunk.mantissa);
    const int64_t high = static_cast<int64_t>(job.decode.planes.coordinates[a][at]) << chunk.low_levels;
    const int64_t inside = static_cast<int64_t>(floor(units)) - high;
    const int64_t low = (inside < 0 ? 0 : inside > most ? most : inside) >> left_out;
    const int64_t cell = high + (low << left_out) + middle;
    job.decode.positions[(chunk.row + row) * 3 + a] =
        static_cast<float>(static_cast<double>(chunk.origin[a] + chunk.mantissa * cell) * chunk.unit);
  }
}

// What the values of the colour, or of SH, should be: coded space, in the basis.
SPLZ_ON_WARP void find_targets(const RoundJob& job, const DecodeChunk& chunk, bool is_sh, int row) {
  const DecodeParams& params = *job.decode.params;
  const int count = is_sh ? params.rest : 1;
  const float* basis = constants_at<float>(job.decode, params.sh_basis);
  const float* color = job.params.to_coded[is_sh ? 1 : 0];
  const float* sh = job.source.sh + int64_t{job.rows[chunk.at + row]} * 3 * (1 + params.rest) + (is_sh ? 3 : 0);
  float* values = value_plane(job.decode, chunk, is_sh ? 3 : 0) + row;
  for (int k = 0; k < count; ++k) {
    float sum[3] = {};
    for (int j = 0; j < count; ++j)
      for (int c = 0; c < 3; ++c) {
        const float coded =
            (sh[3 * j] * color[3 * c] + sh[3 * j + 1] * color[3 * c + 1]) + sh[3 * j + 2] * color[3 * c + 2];
        sum[c] = sum[c] + (is_sh ? basis[k * count + j] : 1.0f) * coded;
      }
    for (int c = 0; c < 3; ++c) values[(3 * k + c) * job.decode.planes.value_stride] = sum[c];
  }
}

SPLZ_ON_WARP void find_aims(const RoundJob& job, const DecodeChunk& chunk, int row) {
  const int64_t at = chunk.at + row, source = job.rows[at];
  float axes[6];
  coded_axes(job.source.rotations + 4 * source, job.source.log_scales + 3 * source, is_needle(job.decode, at), axes,
             axes + 3);
  for (int k = 0; k < 6; ++k) job.aims[k][at] = axes[k];
}

// --- Run by run ---

// Integers near x, half upwards.
SPLZ_ON_WARP int32_t nearest_code(float x) {
  const float most = kMostRotationCode;
  const float shifted = (x > -most ? (x < most ? x : most) : -most) + 0.5f;
  const int32_t whole = static_cast<int32_t>(shifted);
  return static_cast<float>(whole) > shifted ? whole - 1 : whole;
}

// The codes of the axes that the source has.
struct CodesToChoose {
  const RoundJob& job;
  SPLZ_WARP Vector aim(int first, int64_t at) const {
    return {job.aims[first][at], job.aims[first + 1][at], job.aims[first + 2][at]};
  }
  SPLZ_WARP void of_main(int64_t at, float step, const Vector& pole, const Vector& t, const Vector& b) const {
    const Vector given = aim(0, at), wanted = times(dot(given, pole) < 0.0f ? -1.0f : 1.0f, given);
    const float x = dot(wanted, t), y = dot(wanted, b);
    const float sum = (absolute(x) + absolute(y)) + dot(wanted, pole);
    job.decode.planes.residuals[0][at] = nearest_code(x / sum / step);
    job.decode.planes.residuals[1][at] = nearest_code(y / sum / step);
  }
  SPLZ_WARP void of_second(int64_t at, float step, const Vector& t, const Vector& b) const {
    const Vector wanted = aim(3, at);
    const float u = dot(wanted, t), across = dot(wanted, b), v = u < 0.0f ? -across : across;
    const float sum = absolute(u) + absolute(v);
    job.decode.planes.residuals[2][at] = sum > 0.0f ? nearest_code(v / sum / step) : 0;
  }
};

// Value v of the colour, or of SH, of all rows of one run: what it should be becomes what it is rounded to, less most
// of its neighbours' errors (encode_rows in native/src/predict_kernels.inl).
SPLZ_ON_WARP void round_values(const RoundJob& job, const DecodeChunk& chunk, bool is_sh, int v, int run) {
  const DecodePlanes& planes = job.decode.planes;
  const int width = is_sh ? 3 * job.decode.params->rest : 3;
  const float* shares = constants_at<float>(job.decode, job.decode.params->shares[is_sh ? 1 : 0]) + v;
  const float* steps = planes.steps[is_sh ? 1 : 0] + chunk.at;
  const uint8_t* distance = planes.distance + chunk.at;
  const float dead_zone = is_sh ? job.params.dead_zone : 0.0f, most_step = job.params.most_step[is_sh ? 1 : 0];
  float* values = value_plane(job.decode, chunk, (is_sh ? 3 : 0) + v);
  float* errors = job.errors + (values - planes.values);
  for (int row = run; row < chunk.n; row += chunk.runs) {
    const float step = steps[row], room = most_step - step, bound = 0.5f * (room < step ? room : step);
    float known[kNeighbours], missed[kNeighbours], weight[kNeighbours], diffuse[kNeighbours];
    for (int k = 0; k < kNeighbours; ++k) {
      const int32_t at = planes.near_row[k][chunk.at + row];
      weight[k] = planes.near_weight[k][chunk.at + row];
      known[k] = at < 0 ? 0.0f : values[at];
      missed[k] = at < 0 ? 0.0f : errors[at];
      const float ratio = at < 0 ? 0.0f : step / steps[at];
      diffuse[k] = job.params.diffusion * weight[k] * (ratio < 1.0f ? ratio : 1.0f);
    }
    const float mean = ((known[0] * weight[0] + known[1] * weight[1]) + known[2] * weight[2]) + known[3] * weight[3];
    float shift = ((missed[0] * diffuse[0] + missed[1] * diffuse[1]) + missed[2] * diffuse[2]) + missed[3] * diffuse[3];
    shift = shift > bound ? bound : shift;
    shift = shift < -bound ? -bound : shift;
    const float predicted = shares[distance[row] * width] * mean, wanted = values[row] - shift;
    const float value = predicted + rounded_code((wanted - predicted) / step, dead_zone) * step;
    values[row] = value;
    errors[row] = value - wanted;
  }
}

// --- Stages ---

enum class RoundStage { coordinates, neighbours, sizes, steps, targets, chains, outputs };

inline int64_t units_of(RoundStage stage, const RoundingPlan& plan) {
  const int64_t chunks = static_cast<int64_t>(plan.chunks.size());
  return stage == RoundStage::chains ? chunks * (1 + value_pairs(plan.params.rest)) : chunks * plan.group_count;
}

// One row of a stage that has no order.
template <RoundStage kStage>
SPLZ_ON_WARP void round_row(const RoundJob& job, const DecodeChunk& chunk, int row) {
  const bool has_sh = job.decode.params->rest > 0;
  if constexpr (kStage == RoundStage::coordinates) round_coordinates(job, chunk, row);
  if constexpr (kStage == RoundStage::neighbours) find_neighbours(job.decode, chunk, row);
  if constexpr (kStage == RoundStage::sizes) round_sizes(job, chunk, row);
  if constexpr (kStage == RoundStage::steps) find_steps(job.decode, chunk, row);
  if constexpr (kStage == RoundStage::targets) {
    round_position(job, chunk, row);
    find_aims(job, chunk, row);
    for (int is_sh = 0; is_sh < (has_sh ? 2 : 1); ++is_sh) find_targets(job, chunk, is_sh, row);
  }
  if constexpr (kStage == RoundStage::outputs) {
    write_quaternion(job.decode, chunk, row);
    for (int is_sh = 0; is_sh < (has_sh ? 2 : 1); ++is_sh) transform_row(job.decode, chunk, is_sh, row);
  }
}

// What one warp does to one unit of a stage, as a job of the rasterizer's machines.
template <RoundStage kStage>
struct RoundUnits {
  struct Shared {};
  static constexpr int kWarps = kStage == RoundStage::chains ? 1 : 4;  // long and few: each a multiprocessor
  const RoundJob* job;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t unit, Shared*) const {
    const DecodeJob& decode = job->decode;
    if constexpr (kStage == RoundStage::chains) {
      const int64_t chains = 1 + value_pairs(decode.params->rest), chain = unit % chains;
      const DecodeChunk& chunk = decode.chunks[unit / chains];
      warp.each([&](int lane) {
        if (chain == 0) {
          for (int row = lane; lane < chunk.runs && row < chunk.n; row += chunk.runs)
            rebuild_axes(decode, chunk, row, 1.0f, CodesToChoose{*job});
          return;
        }
        const bool is_sh = chain > 2;
        const int v = static_cast<int>(2 * (chain - (is_sh ? 3 : 1))) + lane / 16, run = lane % 16;
        if (run < chunk.runs && v < (is_sh ? 3 * decode.params->rest : 3)) round_values(*job, chunk, is_sh, v, run);
      });
    } else {
      const DecodeChunk& chunk = decode.chunks[unit / decode.group_count];
      const int first = static_cast<int>(unit % decode.group_count) * kLanes;
      warp.each([&](int lane) {
        if (first + lane < chunk.n) round_row<kStage>(*job, chunk, first + lane);
      });
    }
  }
};

}  // namespace splatzip::cuda
