// Codec STEPPED: rotations (FORMAT.md 6.5).
//
// A covariance has no signs and no axis order, so what is coded is one axis (the longest of a needle, the shortest of
// a disc) as a point near the neighbours' same axis, and the turn of a second axis about it.
#include <algorithm>

#include "isa.h"
#include "stepped_tile.h"

namespace splatzip {
namespace {

// The main and the second axis of each splat as the source has them: x, y, z of both.
std::array<Plane<float>, 6> source_axes(const TileState& tile, const SourceArrays& source, const int64_t* rows) {
  std::array<Plane<float>, 6> axes;
  for (auto& plane : axes) plane.clear_to(tile.n, 0.0f);
  for (size_t i = 0; i < static_cast<size_t>(tile.n); ++i) {
    // Columns of the rotation matrix.
    const float* q = source.rotations + rows[i] * 4;
    double qw = q[0], x = q[1], y = q[2], z = q[3], norm = ((qw * qw + x * x) + y * y) + z * z;
    double k = 2.0 / norm;
    float m[3][3] = {{static_cast<float>(1 - k * (y * y + z * z)), static_cast<float>(k * (x * y + qw * z)),
                      static_cast<float>(k * (x * z - qw * y))},
                     {static_cast<float>(k * (x * y - qw * z)), static_cast<float>(1 - k * (x * x + z * z)),
                      static_cast<float>(k * (y * z + qw * x))},
                     {static_cast<float>(k * (x * z + qw * y)), static_cast<float>(k * (y * z - qw * x)),
                      static_cast<float>(1 - k * (x * x + y * y))}};
    int order[3] = {0, 1, 2};
    const float* ls = source.log_scales + rows[i] * 3;
    std::stable_sort(order, order + 3, [&](int p, int r) { return ls[p] > ls[r]; });
    const auto& f = tile.features;
    const bool needle = f[kScale0][i] - f[kScale1][i] > f[kScale1][i] - f[kScale2][i];
    for (size_t a = 0; a < 3; ++a) {
      axes[a][i] = m[order[needle ? 0 : 2]][a];
      axes[3 + a][i] = m[order[needle ? 1 : 0]][a];
    }
  }
  return axes;
}

}  // namespace

template <class Io>
void code_rotations(Io& io, const SteppedParams& params, TileState* tile, const SourceArrays* source,
                    const int64_t* rows) {
  const int64_t n = tile->n;
  Plane<float> by_kind[4], axis, spin;
  const StepRule* rules[4] = {&params.axis[0], &params.axis[1], &params.spin[0], &params.spin[1]};
  for (size_t k = 0; k < 4; ++k) {
    by_kind[k].fit(n);
    StepSum sum = tile->step_sum(*rules[k]);
    sum.sizes = by_kind[k].data();
    kernels().stepped->sum_steps(sum);
  }
  Plane<uint8_t> axis_contexts, spin_contexts;
  axis.clear_to(n, 1.0f);
  spin.clear_to(n, 1.0f);
  axis_contexts.fit(n);
  spin_contexts.fit(n);
  RotationSteps steps{};
  steps.n = n;
  for (size_t f = 0; f < kFeatures; ++f) steps.features[f] = tile->features[f].data();
  steps.distance = tile->distance.data();
  for (int kind = 0; kind < 2; ++kind) {
    steps.axis_of[kind] = by_kind[kind].data();
    steps.spin_of[kind] = by_kind[2 + kind].data();
  }
  steps.axis = axis.data();
  steps.spin = spin.data();
  steps.axis_contexts = axis_contexts.data();
  steps.spin_contexts = spin_contexts.data();
  kernels().stepped->rotation_steps(steps);

  Plane<int32_t> u, v, w;
  for (Plane<int32_t>* plane : {&u, &v, &w}) plane->clear_to(n, 0);
  auto code_planes = [&] {
    io.plane(axis_contexts.data(), u.data(), n, true);
    io.plane(axis_contexts.data(), v.data(), n, true);
    io.plane(spin_contexts.data(), w.data(), n, true);
  };
  tile->axes.resize(static_cast<size_t>(9 * plane_room(n)));
  RotationPlanes planes{};
  planes.n = n;
  planes.runs = runs_of(n);
  planes.room = plane_room(n);
  planes.near = tile->near();
  std::copy(steps.features, steps.features + kFeatures, planes.features);
  planes.axis = axis.data();
  planes.spin = spin.data();
  planes.u = u.data();
  planes.v = v.data();
  planes.w = w.data();
  planes.axes = tile->axes.data();
  if constexpr (Io::kReading) {
    code_planes();
    kernels().stepped->decode_rotations(planes);
  } else {
    const auto truth = source_axes(*tile, *source, rows);
    for (size_t a = 0; a < 3; ++a) {
      planes.true_main[a] = truth[a].data();
      planes.true_second[a] = truth[3 + a].data();
    }
    kernels().stepped->encode_rotations(planes);
    code_planes();
  }
}

template void code_rotations<StreamReader>(StreamReader&, const SteppedParams&, TileState*, const SourceArrays*,
                                           const int64_t*);
template void code_rotations<StreamWriter>(StreamWriter&, const SteppedParams&, TileState*, const SourceArrays*,
                                           const int64_t*);

}  // namespace splatzip
