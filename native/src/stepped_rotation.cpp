// Codec STEPPED: rotations (FORMAT.md 6.5).
//
// A covariance has no signs and no axis order, so what is coded is one axis (the longest of a needle, the shortest of
// a disc) as a point near the neighbours' same axis, and the turn of a second axis about it.
#include <algorithm>
#include <cmath>

#include "isa.h"
#include "splatzip/exact_math.h"
#include "stepped_tile.h"

namespace splatzip {
namespace {

struct Vec {
  float x, y, z;
};
inline Vec operator+(Vec a, Vec b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec operator*(float s, Vec a) { return {s * a.x, s * a.y, s * a.z}; }
inline float dot(Vec a, Vec b) { return (a.x * b.x + a.y * b.y) + a.z * b.z; }
inline Vec cross(Vec a, Vec b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
inline Vec normalised(Vec a) { return (1.0f / std::sqrt(dot(a, a))) * a; }
inline float absolute(float x) { return x < 0 ? -x : x; }

// Two unit vectors that complete n to a right-handed frame (Duff et al., JCGT 6(1), 2017).
inline void complete_frame(Vec n, Vec* t, Vec* b) {
  float sign = n.z < 0 ? -1.0f : 1.0f;
  float a = -1.0f / (sign + n.z);
  float c = n.x * n.y * a;
  *t = {1.0f + sign * n.x * n.x * a, sign * c, -sign * n.x};
  *b = {c, sign + n.y * n.y * a, -n.y};
}

inline Vec get_axis(const TileState& tile, size_t i, int axis) {
  const float* a = tile.axes[i].data() + 3 * axis;
  return {a[0], a[1], a[2]};
}

// log2 of how many steps an axis (or half turn) has, 0..7: what a context can know of the size of a code.
int step_bucket(float step) {
  uint32_t bits;
  std::memcpy(&bits, &step, 4);
  return std::clamp(127 - static_cast<int>(bits >> 23), 0, 7);
}

constexpr float kMostAxisStep = 0.75f;
constexpr float kMostSpinStep = 1.5f;

struct Steps {
  bool needle;
  float axis, spin;
};

Steps steps_of(const SteppedParams& params, const SteppedTables& tables, const std::array<int32_t, kFeatures>& f) {
  Steps s;
  const int32_t long_gap = f[kScale0] - f[kScale1], short_gap = f[kScale1] - f[kScale2];
  s.needle = long_gap > short_gap;
  const size_t kind = s.needle ? 0 : 1;
  auto step = [&](const StepRule& rule) {
    return rule.base * tables.half_octave[static_cast<size_t>(half_octaves(rule, f.data()) + kMaxHalfOctaves)];
  };
  const float axis = step(params.axis[kind]), spin = step(params.spin[kind]);
  s.axis = axis < kMostAxisStep ? axis : kMostAxisStep;
  s.spin = spin < kMostSpinStep ? spin : kMostSpinStep;
  return s;
}

// Where splat i's coded axis is expected: the neighbours' same axes, their signs turned to the nearest one's.
Vec expected_axis(const TileState& tile, const Neighbours& near, int axis) {
  if (near.row[0] < 0) return {0, 0, 1};
  Vec first = get_axis(tile, static_cast<size_t>(near.row[0]), axis);
  Vec sum = near.weight[0] * first;
  for (int k = 1; k < kNeighbours && near.row[k] >= 0; ++k) {
    Vec other = get_axis(tile, static_cast<size_t>(near.row[k]), axis);
    sum = sum + (dot(first, other) < 0 ? -near.weight[k] : near.weight[k]) * other;
  }
  return normalised(sum);  // never zero: each term has a component along the first axis of its own sign
}

}  // namespace

template <class Io>
void code_rotations(Io& io, const SteppedParams& params, const SteppedTables& tables, TileState* tile,
                    const SourceArrays* source, const int64_t* rows) {
  const size_t n = static_cast<size_t>(tile->n);
  tile->axes.resize(n);
  std::vector<Steps> steps(n);
  std::vector<uint8_t> axis_contexts(n), spin_contexts(n);
  for (size_t i = 0; i < n; ++i) {
    steps[i] = steps_of(params, tables, tile->features[i]);
    axis_contexts[i] = static_cast<uint8_t>(step_bucket(steps[i].axis) * 4 + tile->distance[i] / 2);
    spin_contexts[i] = static_cast<uint8_t>(32 + step_bucket(steps[i].spin) * 4 + tile->distance[i] / 2);
  }
  std::vector<int32_t> u(n), v(n), w(n);
  if constexpr (Io::kReading) {
    io.plane(axis_contexts.data(), u.data(), tile->n, true);
    io.plane(axis_contexts.data(), v.data(), tile->n, true);
    io.plane(spin_contexts.data(), w.data(), tile->n, true);
  }
  for (size_t i = 0; i < n; ++i) {
    const Steps& s = steps[i];
    const int main_axis = s.needle ? 0 : 2, second_axis = s.needle ? 1 : 0;
    Vec pole = expected_axis(*tile, tile->near[i], main_axis), t, b;
    complete_frame(pole, &t, &b);
    Vec true_main{}, true_second{};
    if constexpr (!Io::kReading) {
      // The source's axes, longest first: columns of its rotation matrix.
      const float* q = source->rotations + rows[i] * 4;
      double qw = q[0], x = q[1], y = q[2], z = q[3], norm = ((qw * qw + x * x) + y * y) + z * z;
      double k = 2.0 / norm;
      float m[3][3] = {{static_cast<float>(1 - k * (y * y + z * z)), static_cast<float>(k * (x * y + qw * z)),
                        static_cast<float>(k * (x * z - qw * y))},
                       {static_cast<float>(k * (x * y - qw * z)), static_cast<float>(1 - k * (x * x + z * z)),
                        static_cast<float>(k * (y * z + qw * x))},
                       {static_cast<float>(k * (x * z + qw * y)), static_cast<float>(k * (y * z - qw * x)),
                        static_cast<float>(1 - k * (x * x + y * y))}};
      int order[3] = {0, 1, 2};
      const float* ls = source->log_scales + rows[i] * 3;
      std::stable_sort(order, order + 3, [&](int p, int r) { return ls[p] > ls[r]; });
      const float* a = m[order[main_axis]];
      true_main = {a[0], a[1], a[2]};
      a = m[order[second_axis]];
      true_second = {a[0], a[1], a[2]};
      if (dot(true_main, pole) < 0) true_main = -1.0f * true_main;
      float lx = dot(true_main, t), ly = dot(true_main, b), lz = dot(true_main, pole);
      float sum = (absolute(lx) + absolute(ly)) + lz;
      u[i] = static_cast<int32_t>(std::floor(lx / sum / s.axis + 0.5f));
      v[i] = static_cast<int32_t>(std::floor(ly / sum / s.axis + 0.5f));
    }
    float lx = static_cast<float>(u[i]) * s.axis, ly = static_cast<float>(v[i]) * s.axis;
    lx = std::clamp(lx, -2.0f, 2.0f);
    ly = std::clamp(ly, -2.0f, 2.0f);
    float lz = (1.0f - absolute(lx)) - absolute(ly);
    lz = lz > 0.0f ? lz : 0.0f;
    if (lx == 0 && ly == 0) lz = 1.0f;
    Vec main = normalised((lx * t + ly * b) + lz * pole);
    // The second axis turns from the nearest neighbour's, laid into the plane of the main axis.
    complete_frame(main, &t, &b);
    if (tile->near[i].row[0] >= 0) {
      Vec near = get_axis(*tile, static_cast<size_t>(tile->near[i].row[0]), second_axis);
      float x = dot(near, t), y = dot(near, b), length2 = x * x + y * y;
      if (length2 > 0.0009765625f) {
        float inverse = 1.0f / std::sqrt(length2);
        x = x * inverse;
        y = y * inverse;
        Vec turned = x * t + y * b;
        b = x * b + (-y) * t;
        t = turned;
      }
    }
    if constexpr (!Io::kReading) {
      float x = dot(true_second, t), y = dot(true_second, b);
      if (x < 0) x = -x, y = -y;
      float sum = x + absolute(y);
      w[i] = sum > 0 ? static_cast<int32_t>(std::floor(y / sum / s.spin + 0.5f)) : 0;
    }
    float y = std::clamp(static_cast<float>(w[i]) * s.spin, -1.0f, 1.0f);
    Vec second = normalised((1.0f - absolute(y)) * t + y * b);
    Vec third = cross(main, second);
    Vec all[3];
    all[main_axis] = main;
    all[second_axis] = second;
    all[3 - main_axis - second_axis] = third;
    for (int a = 0; a < 3; ++a) {
      tile->axes[i][static_cast<size_t>(3 * a)] = all[a].x;
      tile->axes[i][static_cast<size_t>(3 * a + 1)] = all[a].y;
      tile->axes[i][static_cast<size_t>(3 * a + 2)] = all[a].z;
    }
  }
  if constexpr (!Io::kReading) {
    io.plane(axis_contexts.data(), u.data(), tile->n, true);
    io.plane(axis_contexts.data(), v.data(), tile->n, true);
    io.plane(spin_contexts.data(), w.data(), tile->n, true);
  }
}

void rotation_of_axes(const float* axes, float* quaternion) {
  Vec x{axes[0], axes[1], axes[2]}, y{axes[3], axes[4], axes[5]}, z = cross(x, y);
  // Of the four forms of the same quaternion, the one with the largest divisor.
  float diagonal[4] = {((1.0f + x.x) + y.y) + z.z, ((1.0f + x.x) - y.y) - z.z, ((1.0f - x.x) + y.y) - z.z,
                       ((1.0f - x.x) - y.y) + z.z};
  int best = 0;
  for (int k = 1; k < 4; ++k)
    if (diagonal[k] > diagonal[best]) best = k;
  float root = std::sqrt(diagonal[best]), half = 0.5f / root;
  float wx = (y.z - z.y) * half, wy = (z.x - x.z) * half, wz = (x.y - y.x) * half;
  float xy = (x.y + y.x) * half, xz = (x.z + z.x) * half, yz = (y.z + z.y) * half;
  float q[4][4] = {
      {root * 0.5f, wx, wy, wz}, {wx, root * 0.5f, xy, xz}, {wy, xy, root * 0.5f, yz}, {wz, xz, yz, root * 0.5f}};
  for (int k = 0; k < 4; ++k) quaternion[k] = q[best][k];
}

template void code_rotations<StreamReader>(StreamReader&, const SteppedParams&, const SteppedTables&, TileState*,
                                           const SourceArrays*, const int64_t*);
template void code_rotations<StreamWriter>(StreamWriter&, const SteppedParams&, const SteppedTables&, TileState*,
                                           const SourceArrays*, const int64_t*);

}  // namespace splatzip
