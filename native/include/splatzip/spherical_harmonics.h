// Spherical harmonics of degree 0 to 4 (the real basis of splatzip/scene/sh.py) and their gradient.
//
// F is a number or a vector of numbers (GCC's and clang's vector extensions): one source for a splat and for a register
// full of splats.
#pragma once

#include "splatzip/host_device.h"

namespace splatzip {

constexpr int kMaxShCoefficients = 25;

SPLZ_HD constexpr int sh_coefficients(int degree) { return (degree + 1) * (degree + 1); }

constexpr float kShBasis0 = 0.28209479177387814f;
constexpr float kShBasis1 = 0.4886025119029199f;
// One by one: device code reads no arrays of the host.
constexpr float kShBasis2_0 = 1.0925484305920792f, kShBasis2_1 = 0.31539156525252005f,
                kShBasis2_2 = 0.5462742152960396f;
constexpr float kShBasis3_0 = 0.5900435899266435f, kShBasis3_1 = 2.890611442640554f, kShBasis3_2 = 0.4570457994644658f,
                kShBasis3_3 = 0.3731763325901154f, kShBasis3_4 = 1.445305721320277f;
constexpr float kShBasis4_0 = 2.5033429417967046f, kShBasis4_1 = 1.7701307697799304f, kShBasis4_2 = 0.9461746957575601f,
                kShBasis4_3 = 0.6690465435572892f, kShBasis4_4 = 0.10578554691520431f,
                kShBasis4_5 = 0.6258357354491761f;

// The (Degree + 1)^2 values of the basis at a unit direction.
template <int Degree, class F>
SPLZ_HD void sh_basis(F x, F y, F z, F* basis) {
  basis[0] = F{} + kShBasis0;
  if constexpr (Degree >= 1) {
    basis[1] = y * -kShBasis1;
    basis[2] = z * kShBasis1;
    basis[3] = x * -kShBasis1;
  }
  if constexpr (Degree >= 2) {
    const F xx = x * x, yy = y * y, zz = z * z, xy = x * y, yz = y * z, xz = x * z;
    basis[4] = xy * kShBasis2_0;
    basis[5] = yz * -kShBasis2_0;
    basis[6] = (zz * 2.0f - xx - yy) * kShBasis2_1;
    basis[7] = xz * -kShBasis2_0;
    basis[8] = (xx - yy) * kShBasis2_2;
    if constexpr (Degree >= 3) {
      basis[9] = y * (xx * 3.0f - yy) * -kShBasis3_0;
      basis[10] = xy * z * kShBasis3_1;
      basis[11] = y * (zz * 4.0f - xx - yy) * -kShBasis3_2;
      basis[12] = z * (zz * 2.0f - xx * 3.0f - yy * 3.0f) * kShBasis3_3;
      basis[13] = x * (zz * 4.0f - xx - yy) * -kShBasis3_2;
      basis[14] = z * (xx - yy) * kShBasis3_4;
      basis[15] = x * (xx - yy * 3.0f) * -kShBasis3_0;
    }
    if constexpr (Degree >= 4) {
      basis[16] = xy * (xx - yy) * kShBasis4_0;
      basis[17] = yz * (xx * 3.0f - yy) * -kShBasis4_1;
      basis[18] = xy * (zz * 7.0f - 1.0f) * kShBasis4_2;
      basis[19] = yz * (zz * 7.0f - 3.0f) * -kShBasis4_3;
      basis[20] = (zz * (zz * 35.0f - 30.0f) + 3.0f) * kShBasis4_4;
      basis[21] = xz * (zz * 7.0f - 3.0f) * -kShBasis4_3;
      basis[22] = (xx - yy) * (zz * 7.0f - 1.0f) * (kShBasis4_2 * 0.5f);
      basis[23] = xz * (xx - yy * 3.0f) * -kShBasis4_1;
      basis[24] = (xx * (xx - yy * 3.0f) - yy * (xx * 3.0f - yy)) * kShBasis4_5;
    }
  }
}

// gradient[axis] = sum over k of weights[k] * d basis[k] / d axis, the three axes taken as free. weights[0] is not
// read.
template <int Degree, class F>
SPLZ_HD void sh_gradient(F x, F y, F z, const F* weights, F* gradient) {
  F gx = F{}, gy = F{}, gz = F{};
  if constexpr (Degree >= 1) {
    gx = weights[3] * -kShBasis1;
    gy = weights[1] * -kShBasis1;
    gz = weights[2] * kShBasis1;
  }
  if constexpr (Degree >= 2) {
    const F w4 = weights[4] * kShBasis2_0, w5 = weights[5] * -kShBasis2_0, w6 = weights[6] * (2.0f * kShBasis2_1);
    const F w7 = weights[7] * -kShBasis2_0, w8 = weights[8] * (2.0f * kShBasis2_2);
    gx += w4 * y - w6 * x + w7 * z + w8 * x;
    gy += w4 * x + w5 * z - w6 * y - w8 * y;
    gz += w5 * y + w6 * z * 2.0f + w7 * x;
    const F xx = x * x, yy = y * y, zz = z * z, xy = x * y, yz = y * z, xz = x * z;
    if constexpr (Degree >= 3) {
      const F w9 = weights[9] * -kShBasis3_0, w10 = weights[10] * kShBasis3_1, w11 = weights[11] * -kShBasis3_2;
      const F w12 = weights[12] * kShBasis3_3, w13 = weights[13] * -kShBasis3_2, w14 = weights[14] * kShBasis3_4;
      const F w15 = weights[15] * -kShBasis3_0;
      gx += w9 * xy * 6.0f + w10 * yz - w11 * xy * 2.0f - w12 * xz * 6.0f + w13 * (zz * 4.0f - xx * 3.0f - yy) +
            w14 * xz * 2.0f + w15 * (xx - yy) * 3.0f;
      gy += w9 * (xx - yy) * 3.0f + w10 * xz + w11 * (zz * 4.0f - xx - yy * 3.0f) - w12 * yz * 6.0f - w13 * xy * 2.0f -
            w14 * yz * 2.0f - w15 * xy * 6.0f;
      gz += w10 * xy + w11 * yz * 8.0f + w12 * (zz * 2.0f - xx - yy) * 3.0f + w13 * xz * 8.0f + w14 * (xx - yy);
    }
    if constexpr (Degree >= 4) {
      const F w16 = weights[16] * kShBasis4_0, w17 = weights[17] * -kShBasis4_1, w18 = weights[18] * kShBasis4_2;
      const F w19 = weights[19] * -kShBasis4_3, w20 = weights[20] * kShBasis4_4, w21 = weights[21] * -kShBasis4_3;
      const F w22 = weights[22] * (kShBasis4_2 * 0.5f), w23 = weights[23] * -kShBasis4_1,
              w24 = weights[24] * kShBasis4_5;
      const F seven1 = zz * 7.0f - 1.0f, seven3 = zz * 7.0f - 3.0f, twenty1 = zz * 21.0f - 3.0f;
      const F x3 = xx * 3.0f - yy, y3 = xx - yy * 3.0f;
      gx += w16 * y * x3 + w17 * xy * z * 6.0f + w18 * y * seven1 + w21 * z * seven3 + w22 * x * seven1 * 2.0f +
            w23 * z * (xx - yy) * 3.0f + w24 * x * y3 * 4.0f;
      gy += w16 * x * y3 + w17 * z * (xx - yy) * 3.0f + w18 * x * seven1 + w19 * z * seven3 - w22 * y * seven1 * 2.0f -
            w23 * xy * z * 6.0f - w24 * y * x3 * 4.0f;
      gz += w17 * y * x3 + w18 * xy * z * 14.0f + w19 * y * twenty1 + w20 * z * (zz * 140.0f - 60.0f) +
            w21 * x * twenty1 + w22 * z * (xx - yy) * 14.0f + w23 * x * y3;
    }
  }
  gradient[0] = gx;
  gradient[1] = gy;
  gradient[2] = gz;
}

}  // namespace splatzip
