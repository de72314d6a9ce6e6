// A step of Adam, and the units of a splat's values in it: shared by repair on the CPU and on GPUs.
//
// Operations are done one by one in the written order, so that equal gradients move values to equal bits.
#pragma once
#include <cmath>

#include "splatzip/exact_math.h"
#include "splatzip/host_device.h"

namespace splatzip {

// How far a step moves what is sure of its direction. Positions: in sizes of the splat (the geometric mean of its two
// largest standard deviations), so that the unit of a scene does not matter.
struct RepairRates {
  float position = 0, log_scale = 0, rotation = 0, opacity_logit = 0, color = 0, sh = 0;
  float small = 0.02f;  // differences of pictures up to here count by their square, larger ones by their size
};

constexpr float kMostRepairedLogit = 16.0f;  // beyond, alpha is 0 or 1 in float32 and has no gradient to come back by

// beta 1 and 2 of Adam (Kingma and Ba, 2015), for few steps, and epsilon.
constexpr float kAdamMomentum = 0.9f, kAdamMemory = 0.99f, kAdamLeastRoot = 1e-15f;

// What the moments are divided by at the `number`th step, from 1: its inverse.
SPLZ_HD float adam_unbiased(float beta, int64_t number) {
  return static_cast<float>(1 / (1 - std::pow(double{beta}, static_cast<double>(number))));
}

// `on` is 1 where the splat is seen, else 0. M as in projection.h.
template <class M, class F = typename M::F>
SPLZ_HD void adam(float unbias_moment, float unbias_square, F g, F on, F rate, F* moment, F* square, F* value) {
  const F m = *moment + on * (1 - kAdamMomentum) * (g - *moment);
  const F v = *square + on * (1 - kAdamMemory) * (g * g - *square);
  *moment = m;
  *square = v;
  *value = *value - on * rate * (m * unbias_moment) / (M::sqrt(v * unbias_square) + kAdamLeastRoot);
}

// The loss's gradient to a number of a picture: `difference` of it from what it should be.
template <class F>
SPLZ_HD F huber_gradient(F difference, float over_small, float share) {
  const F least = F{} - 1.0f, most = F{} + 1.0f;
  F scaled = difference * over_small;
  scaled = scaled < -1.0f ? least : scaled;
  scaled = scaled > 1.0f ? most : scaled;
  return scaled * share;
}

// Geometric mean of the two largest standard deviations.
SPLZ_HD float repair_unit(const float log_scales[3]) {
  float least = log_scales[0];
  for (int k = 1; k < 3; ++k) least = log_scales[k] < least ? log_scales[k] : least;
  const double half = 0.5 * (double{log_scales[0]} + log_scales[1] + log_scales[2] - least);
  return static_cast<float>(exact_exp(half < -60.0 ? -60.0 : half > 60.0 ? 60.0 : half));
}

SPLZ_HD void normalise_rotation(float q[4]) {
  double length2 = 0;
  for (int k = 0; k < 4; ++k) length2 += double{q[k]} * q[k];
  const double inverse = 1.0 / std::sqrt(length2);
  for (int k = 0; k < 4; ++k) q[k] = static_cast<float>(q[k] * inverse);
}

// axes[k]: what a rotation turns axis k to.
SPLZ_HD void axes_of_rotation(const float q[4], double axes[3][3]) {
  const double w = q[0], x = q[1], y = q[2], z = q[3];
  const double columns[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)},
                                {2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)},
                                {2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)}};
  for (int k = 0; k < 3; ++k)
    for (int a = 0; a < 3; ++a) axes[k][a] = columns[k][a];
}

// The rotation whose axes are these, right-handed.
SPLZ_HD void rotation_of_axes(const double a[3][3], double q[4]) {
  const double diagonal[4] = {1 + a[0][0] + a[1][1] + a[2][2], 1 + a[0][0] - a[1][1] - a[2][2],
                              1 - a[0][0] + a[1][1] - a[2][2], 1 - a[0][0] - a[1][1] + a[2][2]};
  int best = 0;
  for (int k = 1; k < 4; ++k) best = diagonal[best] < diagonal[k] ? k : best;
  const double wx = a[1][2] - a[2][1], wy = a[2][0] - a[0][2], wz = a[0][1] - a[1][0];
  const double xy = a[0][1] + a[1][0], xz = a[0][2] + a[2][0], yz = a[1][2] + a[2][1];
  const double rows[4][4] = {
      {diagonal[0], wx, wy, wz}, {wx, diagonal[1], xy, xz}, {wy, xy, diagonal[2], yz}, {wz, xz, yz, diagonal[3]}};
  for (int k = 0; k < 4; ++k) q[k] = rows[best][k] * 0.5 / std::sqrt(diagonal[best]);
}

// 24 rotations, with their scales, have the same covariance. Replaces `shown` and its scales by those of the rotation
// that is nearest to `value`.
SPLZ_HD void turn_to(const float value[4], float shown[4], float log_scales[3]) {
  double axes[2][3][3], cosines[3][3];
  const float scales[3] = {log_scales[0], log_scales[1], log_scales[2]};
  axes_of_rotation(value, axes[0]);
  axes_of_rotation(shown, axes[1]);
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b)
      cosines[a][b] = axes[0][a][0] * axes[1][b][0] + axes[0][a][1] * axes[1][b][1] + axes[0][a][2] * axes[1][b][2];
  const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  int best = 0;
  double most = -1;
  for (int o = 0; o < 6; ++o) {
    double sum = 0;
    for (int a = 0; a < 3; ++a) sum += std::fabs(cosines[a][orders[o][a]]);
    if (sum > most) most = sum, best = o;
  }
  double turned[3][3];
  int least = 0;
  for (int a = 0; a < 3; ++a) {
    const int b = orders[best][a];
    for (int k = 0; k < 3; ++k) turned[a][k] = cosines[a][b] < 0 ? -axes[1][b][k] : axes[1][b][k];
    if (std::fabs(cosines[a][b]) < std::fabs(cosines[least][orders[best][least]])) least = a;
    log_scales[a] = scales[b];
  }
  const double hand = turned[0][0] * (turned[1][1] * turned[2][2] - turned[1][2] * turned[2][1]) +
                      turned[0][1] * (turned[1][2] * turned[2][0] - turned[1][0] * turned[2][2]) +
                      turned[0][2] * (turned[1][0] * turned[2][1] - turned[1][1] * turned[2][0]);
  if (hand < 0)
    for (int k = 0; k < 3; ++k) turned[least][k] = -turned[least][k];
  double found[4], along = 0;
  rotation_of_axes(turned, found);
  for (int k = 0; k < 4; ++k) along += found[k] * value[k];
  for (int k = 0; k < 4; ++k) shown[k] = static_cast<float>(along < 0 ? -found[k] : found[k]);
}

}  // namespace splatzip
