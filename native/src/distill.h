// Distillation of SH: per splat, the lower degrees' coefficients that best stand in for the removed ones.
//
// A splat shows sum_k basis_k(d) x_k in each channel. Its moments A, sums of w^2 basis_j basis_k over the pixels that
// saw it, make y^T A y the squared change of the pictures when x changes by y. Added to these are moments of as many
// pixels from all directions, times `floor`: basis functions are orthonormal over the sphere, so these are floor A_00
// times the identity. With A = L L^T and t = L^T x, keeping the first p coefficients costs t_p^2 + ... + t_(K-1)^2 at
// best, and the optimum solves the leading triangle: one factorization serves every degree.
#pragma once
#include <cstdint>

namespace splatzip {

struct DistillJob {
  int64_t splats;
  int sh_degree;         // K = (sh_degree + 1)^2
  const float* sh;       // (N, K, 3)
  const float* moments;  // (N, K (K + 1) / 2), upper triangles row by row
  double floor;
};

// (N, sh_degree + 1): squared change of the pictures, floor included, by the degree that is kept.
void distill_errors(const DistillJob& job, float* errors, int threads);

// (N, K, 3): the best coefficients of each splat's degree (N,), at most sh_degree; zeros above.
void distill(const DistillJob& job, const uint8_t* degrees, float* out, int threads);

}  // namespace splatzip
