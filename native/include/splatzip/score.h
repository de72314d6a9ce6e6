// What a change of a splat's geometry does to the pixels that it is blended into, and where it is seen from: shared by
// the score passes of the CPU and of CUDA. F and M as in projection.h.
#pragma once

#include "splatzip/projection.h"

namespace splatzip {

// A pixel counts for a splat whose weight in it is larger: one step of an 8-bit picture for a contrast of 1.
constexpr float kCountedWeight = 1.0f / 255.0f;

// Position, turn about the splat's own axes, log scale (3 each), opacity logit; pairs of them by rows, k <= l.
constexpr int kGeometryParameters = 10, kGeometryPairs = 55;

// 1, e, d, ee, ed, dd in sigmas (times a constant); moments of the products of two of them are of degree 0 to 4.
constexpr int kShapeTerms = 6, kScoreMoments = 15;

// The moment of the product of the terms f and g, in the order 1, e, d, ee, ed, dd, eee, ... dddd.
SPLZ_HD int moment_of_terms(int f, int g) {
  const auto degree = [](int term) { return term == 0 ? 0 : term < 3 ? 1 : 2; };
  const auto degree_of_d = [](int term) { return term == 5 ? 2 : term == 2 || term == 4 ? 1 : 0; };
  const int all = degree(f) + degree(g);
  return all * (all + 1) / 2 + degree_of_d(f) + degree_of_d(g);
}

// d log(alpha) of a pixel by the ten geometry parameters of a splat, as coefficients of the terms: the backward pass of
// one unit of each sum.
template <class F>
struct ShapeJacobian {
  F of[kShapeTerms][kGeometryParameters];
};
template <class M, class F = typename M::F>
SPLZ_HD void shape_jacobian(const ProjectionCamera& camera, const Projection<F>& p, ShapeJacobian<F>* jacobian) {
  constexpr float kHalfLog2e = 0.5f * 1.44269504f;  // exponents of splats in a picture are to the base 2
  const F one = F{} + 1.0f;
  const F e = one / M::sqrt(p.along * kHalfLog2e), d = one / M::sqrt(p.across * kHalfLog2e);
  const F unit[kShapeTerms] = {one, e, d, e * e, e * d, d * d};
  const F w = p.quaternion[0], a = p.quaternion[1], b = p.quaternion[2], c = p.quaternion[3];
  const F half_norm = 0.5f / p.inverse_norm;
  for (int f = 0; f < kShapeTerms; ++f) {
    F sums[kShapeTerms] = {};
    sums[f] = unit[f];
    SplatShape<F> g = {};
    project_backward<M>(camera, p, {sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]}, &g);
    F* out = jacobian->of[f];
    for (int k = 0; k < 3; ++k) out[k] = g.position[k];
    // A small turn r about the splat's own axes multiplies the quaternion by (1, r / 2) from the right.
    const F* q = g.rotation;
    out[3] = ((q[1] * w - q[0] * a) + (q[2] * c - q[3] * b)) * half_norm;
    out[4] = ((q[2] * w - q[0] * b) + (q[3] * a - q[1] * c)) * half_norm;
    out[5] = ((q[3] * w - q[0] * c) + (q[1] * b - q[2] * a)) * half_norm;
    for (int k = 0; k < 3; ++k) out[6 + k] = g.log_scale[k];
    out[9] = g.opacity_logit;
  }
}

// Column and row of the 8 x 8 cells that a direction falls into, to be rounded down: the octahedron |x| + |y| + |z| =
// 1, with its lower half unfolded.
template <class F>
SPLZ_HD void octahedral_cell(F x, F y, F z, F* column, F* row) {
  const F ax = x < 0.0f ? -x : x, ay = y < 0.0f ? -y : y, az = z < 0.0f ? -z : z;
  const F size = (ax + ay) + az;
  const F u = x / size, v = y / size;
  const F one = F{} + 1.0f, most = F{} + 7.0f, fold_u = one - ay / size, fold_v = one - ax / size;
  const F uu = z < 0.0f ? (x < 0.0f ? -fold_u : fold_u) : u, vv = z < 0.0f ? (y < 0.0f ? -fold_v : fold_v) : v;
  *column = (uu + one) * 4.0f, *row = (vv + one) * 4.0f;
  *column = *column < most ? *column : most;
  *row = *row < most ? *row : most;
}

}  // namespace splatzip
