// A splat seen by a pinhole camera: from its attributes to an ellipse in the picture, and gradients back.
//
// F is a number or a vector of numbers; M provides its functions:
//   struct M { using F = ...; static F sqrt(F); static F exp(F); static F log(F); };
// exp clamps its argument to where the result is a normal number. No function here branches on a value: a lane whose
// splat is not seen computes values that are never read.
//
// Conventions of the field: near plane 0.05 (of cameras that say nothing else), +0.3 px^2 on the 2D covariance, x/z and
// y/z of the Jacobian clamped to 1.3 x half the picture, alpha <= 0.99, alpha < 1/255 is skipped, 3 sigma at most
// unless the extent is exact. The antialiased variant scales the opacity by sqrt(det before / det after) the dilation.
#pragma once

#include <math.h>

#include "splatzip/host_device.h"

namespace splatzip {

constexpr float kDilation = 0.3f;
constexpr float kLeastAlpha = 1.0f / 255.0f;
constexpr float kMostAlpha = 0.99f;
constexpr float kLeastTransmittance = 1e-4f;  // a splat is blended into a pixel that lets through at least this much
constexpr float kMostRadius2 = 9.0f;          // (3 sigma)^2
constexpr float kMostDeterminant = 1e30f;     // px^4; what is larger has no ellipse in float32 and is not drawn

// Where positions are float32 relative to an origin that is not: the camera's position is a sum of two floats.
struct ProjectionCamera {
  float rotation[9];                // world -> camera, row-major
  float position[3], remainder[3];  // of the camera, relative to the scene's origin
  float fx, fy, cx, cy;
  float most_x, most_y;  // clamps of x/z and y/z in the Jacobian
  float width, height;
  float near_plane;
  bool exact_extent, antialias;
};

// numbers: fx, fy, cx, cy, the near plane.
SPLZ_HD ProjectionCamera make_camera(const double world_to_camera[16], const double origin[3], const double numbers[5],
                                     int width, int height, bool exact_extent, bool antialias) {
  ProjectionCamera camera;
  for (int row = 0; row < 3; ++row)
    for (int k = 0; k < 3; ++k) camera.rotation[3 * row + k] = static_cast<float>(world_to_camera[4 * row + k]);
  for (int k = 0; k < 3; ++k) {
    double position = -origin[k];
    for (int row = 0; row < 3; ++row) position -= world_to_camera[4 * row + k] * world_to_camera[4 * row + 3];
    camera.position[k] = static_cast<float>(position);
    camera.remainder[k] = static_cast<float>(position - camera.position[k]);
  }
  camera.fx = static_cast<float>(numbers[0]), camera.fy = static_cast<float>(numbers[1]);
  camera.cx = static_cast<float>(numbers[2]), camera.cy = static_cast<float>(numbers[3]);
  camera.most_x = static_cast<float>(1.3 * width / (2 * numbers[0]));
  camera.most_y = static_cast<float>(1.3 * height / (2 * numbers[1]));
  camera.width = static_cast<float>(width), camera.height = static_cast<float>(height);
  camera.near_plane = static_cast<float>(numbers[4]);
  camera.exact_extent = exact_extent, camera.antialias = antialias;
  return camera;
}

// A picture to draw.
struct View {
  ProjectionCamera camera;
  int width, height;
  float background[3];
};

template <class F>
struct SplatShape {
  F position[3], log_scale[3], rotation[4], opacity_logit;
};

// Everything that `project` found on its way; backward needs it again.
template <class F>
struct Projection {
  F offset[3], view[3];  // from the camera: world axes, camera axes
  F inverse_z, u, v;     // u, v: x/z and y/z after the clamp
  F quaternion[4], inverse_norm;
  F turn[9], scale[3];       // rotation matrix, standard deviations
  F t0[3], t1[3];            // Jacobian times camera rotation
  F m0[3], m1[3];            // (t0, t1) times turn times scale: covariance = m m^T
  F xx, xy, yy, det;         // covariance after the dilation
  F sharp_det;               // and its determinant before
  F opacity;                 // effective: after the compensation
  F transparency;            // 1 - sigmoid(opacity logit)
  F x, y;                    // centre, pixels
  F along, slope, across;    // squared distance in sigmas: along (dx - slope dy)^2 + across dy^2
  F radius2;                 // where that ends
  F reach_x, reach_y, lean;  // half the bounding box; y offset where x is largest
};

// 2D covariances are sums of squares down to the determinant (Cauchy-Binet), so that a needle's does not cancel, and
// the quadratic form is written as two squares, so that it is never negative.
template <class M, class F = typename M::F>
SPLZ_HD_INLINED Projection<F> project(const ProjectionCamera& camera, const SplatShape<F>& s) {
  Projection<F> p;
  const float* r = camera.rotation;
  for (int k = 0; k < 3; ++k) p.offset[k] = (s.position[k] - camera.position[k]) - camera.remainder[k];
  for (int k = 0; k < 3; ++k)
    p.view[k] = (p.offset[0] * r[3 * k] + p.offset[1] * r[3 * k + 1]) + p.offset[2] * r[3 * k + 2];
  p.inverse_z = 1.0f / p.view[2];
  const F x_over_z = p.view[0] * p.inverse_z, y_over_z = p.view[1] * p.inverse_z;
  p.x = x_over_z * camera.fx + camera.cx;
  p.y = y_over_z * camera.fy + camera.cy;
  const F most_x = F{} + camera.most_x, most_y = F{} + camera.most_y;
  p.u = x_over_z < -most_x ? -most_x : x_over_z;
  p.u = p.u > most_x ? most_x : p.u;
  p.v = y_over_z < -most_y ? -most_y : y_over_z;
  p.v = p.v > most_y ? most_y : p.v;

  const F* q = s.rotation;
  // Scaled first: squares of the shortest and of the longest quaternions would leave float32.
  F longest = F{};
  for (int k = 0; k < 4; ++k) {
    const F size = q[k] < 0.0f ? -q[k] : q[k];
    longest = size > longest ? size : longest;
  }
  F scaled[4];
  for (int k = 0; k < 4; ++k) scaled[k] = q[k] / longest;
  const F norm =
      M::sqrt((scaled[0] * scaled[0] + scaled[1] * scaled[1]) + (scaled[2] * scaled[2] + scaled[3] * scaled[3]));
  p.inverse_norm = 1.0f / (norm * longest);
  for (int k = 0; k < 4; ++k) p.quaternion[k] = scaled[k] / norm;
  const F w = p.quaternion[0], a = p.quaternion[1], b = p.quaternion[2], c = p.quaternion[3];
  p.turn[0] = 1.0f - (b * b + c * c) * 2.0f;
  p.turn[1] = (a * b - w * c) * 2.0f;
  p.turn[2] = (a * c + w * b) * 2.0f;
  p.turn[3] = (a * b + w * c) * 2.0f;
  p.turn[4] = 1.0f - (a * a + c * c) * 2.0f;
  p.turn[5] = (b * c - w * a) * 2.0f;
  p.turn[6] = (a * c - w * b) * 2.0f;
  p.turn[7] = (b * c + w * a) * 2.0f;
  p.turn[8] = 1.0f - (a * a + b * b) * 2.0f;

  const F jx = p.inverse_z * camera.fx, jy = p.inverse_z * camera.fy;
  const F jxz = -(jx * p.u), jyz = -(jy * p.v);
  for (int k = 0; k < 3; ++k) {
    p.scale[k] = M::exp(s.log_scale[k]);
    p.t0[k] = jx * r[k] + jxz * r[6 + k];
    p.t1[k] = jy * r[3 + k] + jyz * r[6 + k];
  }
  for (int k = 0; k < 3; ++k) {
    p.m0[k] = ((p.t0[0] * p.turn[k] + p.t0[1] * p.turn[3 + k]) + p.t0[2] * p.turn[6 + k]) * p.scale[k];
    p.m1[k] = ((p.t1[0] * p.turn[k] + p.t1[1] * p.turn[3 + k]) + p.t1[2] * p.turn[6 + k]) * p.scale[k];
  }
  const F xx = (p.m0[0] * p.m0[0] + p.m0[1] * p.m0[1]) + p.m0[2] * p.m0[2];
  const F yy = (p.m1[0] * p.m1[0] + p.m1[1] * p.m1[1]) + p.m1[2] * p.m1[2];
  p.xy = (p.m0[0] * p.m1[0] + p.m0[1] * p.m1[1]) + p.m0[2] * p.m1[2];
  p.xx = xx + kDilation;
  p.yy = yy + kDilation;
  const F n0 = p.m0[1] * p.m1[2] - p.m0[2] * p.m1[1], n1 = p.m0[2] * p.m1[0] - p.m0[0] * p.m1[2];
  const F n2 = p.m0[0] * p.m1[1] - p.m0[1] * p.m1[0];
  p.sharp_det = (n0 * n0 + n1 * n1) + n2 * n2;
  p.det = p.sharp_det + ((xx + yy) * kDilation + kDilation * kDilation);

  const F logit = s.opacity_logit;
  p.opacity = 1.0f / (1.0f + M::exp(-logit));
  p.transparency = 1.0f / (1.0f + M::exp(logit));
  if (camera.antialias) p.opacity = p.opacity * M::sqrt(p.sharp_det / p.det);
  p.radius2 = M::log(p.opacity * 255.0f) * 2.0f;
  p.radius2 = p.radius2 < 0.0f ? F{} : p.radius2;
  if (!camera.exact_extent) p.radius2 = p.radius2 > kMostRadius2 ? F{} + kMostRadius2 : p.radius2;

  p.across = 1.0f / p.yy;
  p.slope = p.xy * p.across;
  p.along = p.yy / p.det;
  const F radius = M::sqrt(p.radius2);
  const F sigma_x = M::sqrt(p.xx);
  p.reach_x = radius * sigma_x;
  p.reach_y = radius * M::sqrt(p.yy);
  p.lean = radius * (p.xy / sigma_x);
  return p;
}

// Which splats are drawn. Written so that a NaN is not.
template <class F>
SPLZ_HD auto is_seen(const ProjectionCamera& camera, const Projection<F>& p) {
  return (p.view[2] >= camera.near_plane) & (p.opacity >= kLeastAlpha) & (p.det < kMostDeterminant) &
         (p.x + p.reach_x > 0.0f) & (p.x - p.reach_x < camera.width) & (p.y + p.reach_y > 0.0f) &
         (p.y - p.reach_y < camera.height);
}

// The sides of a view, as planes through the camera: x + reach_x > 0 (see is_seen) is
// fx view_x + cx view_z + reach_x view_z > 0, where reach_x view_z is at most 3.33 deviations (alpha 1/255 at opacity
// 1) times fx sqrt(1 + most_x^2), and what the dilation adds, 3.33 sqrt(0.3) < 2 pixels.
struct FrustumPlanes {
  float x[4], y[4], z[4], length[4], reach[4];
};
SPLZ_HD FrustumPlanes frustum_planes(const ProjectionCamera& camera) {
  constexpr float kMostSigmas = 3.33f, kDilated = 2.0f;
  const float wide = kMostSigmas * fabsf(camera.fx) * sqrtf(1 + camera.most_x * camera.most_x);
  const float high = kMostSigmas * fabsf(camera.fy) * sqrtf(1 + camera.most_y * camera.most_y);
  FrustumPlanes p = {{camera.fx, -camera.fx, 0, 0},
                     {0, 0, camera.fy, -camera.fy},
                     {camera.cx + kDilated, camera.width - camera.cx + kDilated, camera.cy + kDilated,
                      camera.height - camera.cy + kDilated},
                     {},
                     {wide, wide, high, high}};
  for (int k = 0; k < 4; ++k) p.length[k] = sqrtf(p.x[k] * p.x[k] + p.y[k] * p.y[k] + p.z[k] * p.z[k]);
  return p;
}

// Whether no splat is seen whose centre lies in a sphere and whose deviation is no larger than `deviation`.
template <class F>
SPLZ_HD auto outside_frustum(const ProjectionCamera& camera, const FrustumPlanes& planes, const F* centre, F radius,
                             F deviation) {
  constexpr float kRounded = 1e-5f;
  const float* r = camera.rotation;
  F offset[3], view[3], around = radius;
  for (int k = 0; k < 3; ++k) offset[k] = (centre[k] - camera.position[k]) - camera.remainder[k];
  for (int k = 0; k < 3; ++k) {
    view[k] = (offset[0] * r[3 * k] + offset[1] * r[3 * k + 1]) + offset[2] * r[3 * k + 2];
    around += (offset[k] < 0.0f ? -offset[k] : offset[k]) * kRounded;
  }
  auto out = view[2] + around < camera.near_plane;
  for (int k = 0; k < 4; ++k)
    out = out | ((view[0] * planes.x[k] + view[1] * planes.y[k] + view[2] * planes.z[k]) + around * planes.length[k] +
                     deviation * planes.reach[k] <
                 0.0f);
  return out;
}

// Left and right end of an ellipse, relative to its centre, over those y (relative to it, too) from `low` to `high`:
// the right end is where y is nearest to `lean`, the left end where it is nearest to -lean. Where those y miss the
// ellipse this is the point nearest to it.
template <class F>
struct EllipseSpan {
  F left, right;
};
template <class M, class Ellipse, class F = typename M::F>
SPLZ_HD_INLINED EllipseSpan<F> ellipse_span(const Ellipse& s, F low, F high) {
  const F along = 1.0f / s.along;
  F right = low > s.lean ? low : s.lean;
  right = right > high ? high : right;
  F left = low > -s.lean ? low : -s.lean;
  left = left > high ? high : left;
  F right_room = (s.cut - right * right * s.across) * along, left_room = (s.cut - left * left * s.across) * along;
  right_room = right_room > 0.0f ? right_room : F{};
  left_room = left_room > 0.0f ? left_room : F{};
  return {left * s.slope - M::sqrt(left_room), right * s.slope + M::sqrt(right_room)};
}

// Sums over the pixels that a splat was blended into, of u = dL/d(log alpha) where alpha was not clamped, with
// e = dx - slope dy and d = dy.
template <class F>
struct ShapeSums {
  F u, ue, ud, uee, ued, udd;
};

// Gradients of the attributes from those sums. `position` is added to (colour has its share), the others are set.
template <class M, class F = typename M::F>
SPLZ_HD void project_backward(const ProjectionCamera& camera, const Projection<F>& p, const ShapeSums<F>& sums,
                              SplatShape<F>* gradient) {
  const float* r = camera.rotation;
  // The ellipse: along, slope, across -> covariance (xy counts once).
  const F g_along = sums.uee * -0.5f, g_slope = p.along * sums.ued, g_across = sums.udd * -0.5f;
  const F aa = p.along * p.along * g_along;
  F g_xx = -aa;
  F g_xy = (aa * p.slope) * 2.0f + p.across * g_slope;
  F g_yy = -(p.slope * p.slope * aa) - p.slope * p.across * g_slope - p.across * p.across * g_across;
  if (camera.antialias) {  // u is dL/d(log of the compensation), too
    const F half = sums.u * 0.5f, sharp = 1.0f / p.sharp_det, soft = 1.0f / p.det;
    g_xx += half * ((p.yy - kDilation) * sharp - p.yy * soft);
    g_yy += half * ((p.xx - kDilation) * sharp - p.xx * soft);
    g_xy -= sums.u * p.xy * (sharp - soft);
  }
  gradient->opacity_logit = sums.u * p.transparency;

  F g_t0[3] = {}, g_t1[3] = {}, g_turn[9];
  for (int k = 0; k < 3; ++k) {
    const F g_m0 = (g_xx * p.m0[k]) * 2.0f + g_xy * p.m1[k], g_m1 = (g_yy * p.m1[k]) * 2.0f + g_xy * p.m0[k];
    gradient->log_scale[k] = g_m0 * p.m0[k] + g_m1 * p.m1[k];
    const F s0 = g_m0 * p.scale[k], s1 = g_m1 * p.scale[k];
    for (int j = 0; j < 3; ++j) {
      g_turn[3 * j + k] = p.t0[j] * s0 + p.t1[j] * s1;
      g_t0[j] += p.turn[3 * j + k] * s0;
      g_t1[j] += p.turn[3 * j + k] * s1;
    }
  }

  const F w = p.quaternion[0], a = p.quaternion[1], b = p.quaternion[2], c = p.quaternion[3];
  const F* g = g_turn;
  const F g_unit[4] = {
      ((g[7] - g[5]) * a + (g[2] - g[6]) * b + (g[3] - g[1]) * c) * 2.0f,
      ((g[7] - g[5]) * w - (g[4] + g[8]) * a * 2.0f + (g[1] + g[3]) * b + (g[2] + g[6]) * c) * 2.0f,
      ((g[2] - g[6]) * w + (g[1] + g[3]) * a - (g[0] + g[8]) * b * 2.0f + (g[5] + g[7]) * c) * 2.0f,
      ((g[3] - g[1]) * w + (g[2] + g[6]) * a + (g[5] + g[7]) * b - (g[0] + g[4]) * c * 2.0f) * 2.0f,
  };
  const F radial = (g_unit[0] * w + g_unit[1] * a) + (g_unit[2] * b + g_unit[3] * c);
  for (int k = 0; k < 4; ++k) gradient->rotation[k] = (g_unit[k] - p.quaternion[k] * radial) * p.inverse_norm;

  // The Jacobian: fx/z, -fx u/z; fy/z, -fy v/z; and the centre.
  F g_jx = F{}, g_jxz = F{}, g_jy = F{}, g_jyz = F{};
  for (int k = 0; k < 3; ++k) {
    g_jx += g_t0[k] * r[k];
    g_jxz += g_t0[k] * r[6 + k];
    g_jy += g_t1[k] * r[3 + k];
    g_jyz += g_t1[k] * r[6 + k];
  }
  const F g_x = p.along * sums.ue, g_y = p.across * sums.ud - p.slope * g_x;
  const F jx = p.inverse_z * camera.fx, jy = p.inverse_z * camera.fy;
  const F x_over_z = p.view[0] * p.inverse_z, y_over_z = p.view[1] * p.inverse_z;
  // dL/du and dL/dv, zero where the clamp holds.
  const F g_u = p.u == x_over_z ? -(jx * g_jxz) : F{}, g_v = p.v == y_over_z ? -(jy * g_jyz) : F{};
  const F over_z = (g_x * camera.fx + g_u), over_z_y = (g_y * camera.fy + g_v);  // dL/d(x/z), dL/d(y/z)
  const F g_view[3] = {
      over_z * p.inverse_z,
      over_z_y * p.inverse_z,
      -((over_z * x_over_z + over_z_y * y_over_z) + jx * (g_jx - p.u * g_jxz) + jy * (g_jy - p.v * g_jyz)) *
          p.inverse_z,
  };
  for (int k = 0; k < 3; ++k) gradient->position[k] += (g_view[0] * r[k] + g_view[1] * r[3 + k]) + g_view[2] * r[6 + k];
}

}  // namespace splatzip
