// Rotations (FORMAT.md 6.5): codes by the warp, then axes, a lane a run, then quaternions, a lane a row.
#pragma once
#include "decode_geometry.h"

namespace splatzip::cuda {

struct Vector {
  float x, y, z;
};
SPLZ_ON_WARP Vector plus(const Vector& a, const Vector& b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
SPLZ_ON_WARP Vector times(float s, const Vector& a) { return {s * a.x, s * a.y, s * a.z}; }
SPLZ_ON_WARP float dot(const Vector& a, const Vector& b) { return (a.x * b.x + a.y * b.y) + a.z * b.z; }
SPLZ_ON_WARP Vector cross(const Vector& a, const Vector& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
SPLZ_ON_WARP Vector unit(const Vector& a) { return times(1.0f / sqrtf(dot(a, a)), a); }
SPLZ_ON_WARP void complete_frame(const Vector& n, Vector* t, Vector* b) {
  const float sign = n.z < 0.0f ? -1.0f : 1.0f;
  const float a = -1.0f / (sign + n.z);
  const float c = n.x * n.y * a;
  *t = {1.0f + sign * n.x * n.x * a, sign * c, -sign * n.x};
  *b = {c, sign + n.y * n.y * a, -n.y};
}

SPLZ_ON_WARP bool is_needle(const DecodeJob& job, int64_t at) {
  const int32_t s1 = job.planes.features[kScale1][at];
  return job.planes.features[kScale0][at] - s1 > s1 - job.planes.features[kScale2][at];
}

// Axis 0 is the longest, 2 the shortest.
SPLZ_ON_WARP Vector axis_at(const DecodeJob& job, int axis, int64_t at) {
  return {job.planes.axes[3 * axis][at], job.planes.axes[3 * axis + 1][at], job.planes.axes[3 * axis + 2][at]};
}
SPLZ_ON_WARP void put_axis(const DecodeJob& job, int axis, int64_t at, const Vector& v) {
  job.planes.axes[3 * axis][at] = v.x;
  job.planes.axes[3 * axis + 1][at] = v.y;
  job.planes.axes[3 * axis + 2][at] = v.z;
}

// Where the main axis is expected: the neighbours' same axes, their signs turned to the nearest one's.
SPLZ_ON_WARP Vector expected_axis(const DecodeJob& job, const DecodeChunk& chunk, int row, int axis) {
  const int32_t nearest = job.planes.near_row[0][chunk.at + row];
  if (nearest < 0) return {0.0f, 0.0f, 1.0f};
  const Vector first = axis_at(job, axis, chunk.at + nearest);
  Vector sum = times(job.planes.near_weight[0][chunk.at + row], first);
  for (int k = 1; k < kNeighbours; ++k) {
    const int32_t at = job.planes.near_row[k][chunk.at + row];
    if (at < 0) continue;
    const Vector other = axis_at(job, axis, chunk.at + at);
    const float weight = job.planes.near_weight[k][chunk.at + row];
    sum = plus(sum, times(dot(first, other) < 0.0f ? -weight : weight, other));
  }
  return unit(sum);
}

SPLZ_ON_WARP float absolute(float a) { return a < 0.0f ? -a : a; }

// Codes are there already.
struct CodesAsRead {
  SPLZ_WARP void of_main(int64_t, float, const Vector&, const Vector&, const Vector&) const {}
  SPLZ_WARP void of_second(int64_t, float, const Vector&, const Vector&) const {}
};

// `codes` may choose those of the main axis once it is known where that is expected, and then that of the second.
template <class Codes>
SPLZ_ON_WARP void rebuild_axes(const DecodeJob& job, const DecodeChunk& chunk, int row, float fraction,
                               const Codes& codes) {
  const int64_t at = chunk.at + row;
  const bool needle = is_needle(job, at);
  const float axis_step = job.planes.axis_step[at] * fraction, spin_step = job.planes.spin_step[at] * fraction;
  const Vector pole = expected_axis(job, chunk, row, needle ? 0 : 2);
  Vector t, b;
  complete_frame(pole, &t, &b);
  codes.of_main(at, axis_step, pole, t, b);
  const float x = clamped(static_cast<float>(job.planes.residuals[0][at]) * axis_step, -2.0f, 2.0f);
  const float y = clamped(static_cast<float>(job.planes.residuals[1][at]) * axis_step, -2.0f, 2.0f);
  float z = (1.0f - absolute(x)) - absolute(y);
  z = z > 0.0f ? z : 0.0f;
  if (x == 0.0f && y == 0.0f) z = 1.0f;
  const Vector main = unit(plus(plus(times(x, t), times(y, b)), times(z, pole)));

  // The second axis turns from the nearest neighbour's, laid into the plane of the main axis.
  complete_frame(main, &t, &b);
  const int32_t nearest = job.planes.near_row[0][at];
  if (nearest >= 0) {
    const Vector near = axis_at(job, needle ? 1 : 0, chunk.at + nearest);
    const float along = dot(near, t), across = dot(near, b), length2 = along * along + across * across;
    if (length2 > 0.0009765625f) {
      const float inverse = 1.0f / sqrtf(length2), c = along * inverse, s = across * inverse;
      const Vector turned = plus(times(c, t), times(s, b));
      b = plus(times(c, b), times(-s, t));
      t = turned;
    }
  }
  codes.of_second(at, spin_step, t, b);
  const float spin = clamped(static_cast<float>(job.planes.residuals[2][at]) * spin_step, -1.0f, 1.0f);
  const Vector second = unit(plus(times(1.0f - absolute(spin), t), times(spin, b)));
  const Vector third = cross(main, second);
  put_axis(job, 0, at, needle ? main : second);
  put_axis(job, 1, at, needle ? second : third);
  put_axis(job, 2, at, needle ? third : main);
}

// log2 of how many steps an axis (or half turn) has.
SPLZ_ON_WARP uint32_t step_level(float step) {
  return static_cast<uint32_t>(clamped(127 - static_cast<int32_t>(bits_of_float(step) >> 23), 0, 7));
}

template <class Warp>
SPLZ_ON_WARP bool decode_rotations(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk) {
  Stream<Warp> stream = open_stream(warp, job, chunk.streams[5]);
  const DecodePlanes& planes = job.planes;
  const bool by_books = job.params->by_books[kBookedRotations];
  if (by_books) {
    if (!decode_booked_rows(warp, job, chunk, stream, job.params->books[kBookedRotations],
                            [&](int i) { return step_level(planes.axis_step[chunk.at + i]); }))
      return false;
  } else {
    for (int p = 0; p < 3 && stream.ok; ++p)
      decode_plane(
          warp, stream, chunk.n,
          [&](int i) {
            const int64_t at = chunk.at + i;
            const uint32_t level = step_level(p < 2 ? planes.axis_step[at] : planes.spin_step[at]);
            return (p < 2 ? 0u : 32u) + level * 4 + static_cast<uint32_t>(planes.distance[at] >> 1);
          },
          [&](int i, uint32_t value) { planes.residuals[p][chunk.at + i] = signed_of(value); });
    if (!stream.ok) return false;
  }
  const float fraction = by_books ? 0.25f : 1.0f;
  warp.each([&](int lane) {
    for (int i = lane; lane < chunk.runs && i < chunk.n; i += chunk.runs)
      rebuild_axes(job, chunk, i, fraction, CodesAsRead());
  });
  return close_stream(warp, stream);
}

// The quaternion of a row; false if it is none.
SPLZ_ON_WARP bool write_quaternion(const DecodeJob& job, const DecodeChunk& chunk, int row) {
  const Vector x = axis_at(job, 0, chunk.at + row), y = axis_at(job, 1, chunk.at + row), z = cross(x, y);
  const float diagonal[4] = {((1.0f + x.x) + y.y) + z.z, ((1.0f + x.x) - y.y) - z.z, ((1.0f - x.x) + y.y) - z.z,
                             ((1.0f - x.x) - y.y) + z.z};
  float largest = diagonal[0];
  int best = 0;
  for (int k = 1; k < 4; ++k) {
    if (diagonal[k] > largest) {
      best = k;
      largest = diagonal[k];
    }
  }
  const float length = sqrtf(largest), half = 0.5f / length, own = length * 0.5f;
  const float wx = (y.z - z.y) * half, wy = (z.x - x.z) * half, wz = (x.y - y.x) * half;
  const float xy = (x.y + y.x) * half, xz = (x.z + z.x) * half, yz = (y.z + z.y) * half;
  float* out = job.rotations + (chunk.row + row) * 4;
  out[0] = best == 0 ? own : best == 1 ? wx : best == 2 ? wy : wz;
  out[1] = best == 0 ? wx : best == 1 ? own : best == 2 ? xy : xz;
  out[2] = best == 0 ? wy : best == 1 ? xy : best == 2 ? own : yz;
  out[3] = best == 0 ? wz : best == 1 ? xz : best == 2 ? yz : own;
  return is_finite(out[0]) && is_finite(out[1]) && is_finite(out[2]) && is_finite(out[3]);
}

}  // namespace splatzip::cuda
