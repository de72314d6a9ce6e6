#include "repair.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "isa.h"
#include "parallel.h"
#include "splatzip/exact_math.h"

namespace splatzip {
namespace {

constexpr int64_t kGroupsAtOnce = 64;
constexpr float kMomentum = 0.9f, kMemory = 0.99f;  // beta 1 and 2 of Adam (Kingma and Ba, 2015), for few steps
constexpr float kLeastRoot = 1e-15f;
constexpr float kMostOpacity = 16.0f;  // beyond, alpha is 0 or 1 in float32 and has no gradient to come back by

size_t size(int64_t count) { return static_cast<size_t>(count); }

template <class Body>
void for_groups(int64_t groups, int threads, const Body& body) {
  parallel_for((groups + kGroupsAtOnce - 1) / kGroupsAtOnce, threads, [&](int64_t chunk) {
    for (int64_t group = chunk * kGroupsAtOnce; group < std::min(groups, (chunk + 1) * kGroupsAtOnce); ++group)
      body(group);
  });
}

// Geometric mean of the two largest standard deviations.
float size_of(const float* rows, int lane) {
  float s[3];
  for (int k = 0; k < 3; ++k) s[k] = rows[(kLogScaleRow + k) * kGroup + lane];
  const double sum = double{s[0]} + s[1] + s[2] - std::min({s[0], s[1], s[2]});
  return static_cast<float>(exact_exp(std::clamp(0.5 * sum, -60.0, 60.0)));
}

void normalise(float* rows, int lane) {
  float* q = rows + kRotationRow * kGroup + lane;
  double length2 = 0;
  for (int k = 0; k < 4; ++k) length2 += double{q[k * kGroup]} * q[k * kGroup];
  const double inverse = 1.0 / std::sqrt(length2);
  for (int k = 0; k < 4; ++k) q[k * kGroup] = static_cast<float>(q[k * kGroup] * inverse);
}

// Columns: the axes that a rotation turns x, y, z to.
void axes_of(const double q[4], double axes[3][3]) {
  const double w = q[0], x = q[1], y = q[2], z = q[3];
  const double columns[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)},
                                {2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)},
                                {2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)}};
  for (int k = 0; k < 3; ++k) std::copy_n(columns[k], 3, axes[k]);
}

// The rotation whose axes are these, right-handed.
void rotation_of(const double a[3][3], double q[4]) {
  const double diagonal[4] = {1 + a[0][0] + a[1][1] + a[2][2], 1 + a[0][0] - a[1][1] - a[2][2],
                              1 - a[0][0] + a[1][1] - a[2][2], 1 - a[0][0] - a[1][1] + a[2][2]};
  const size_t best = static_cast<size_t>(std::max_element(diagonal, diagonal + 4) - diagonal);
  const double wx = a[1][2] - a[2][1], wy = a[2][0] - a[0][2], wz = a[0][1] - a[1][0];
  const double xy = a[0][1] + a[1][0], xz = a[0][2] + a[2][0], yz = a[1][2] + a[2][1];
  const double rows[4][4] = {
      {diagonal[0], wx, wy, wz}, {wx, diagonal[1], xy, xz}, {wy, xy, diagonal[2], yz}, {wz, xz, yz, diagonal[3]}};
  for (int k = 0; k < 4; ++k) q[k] = rows[best][k] * 0.5 / std::sqrt(diagonal[best]);
}

// A covariance is 24 rotations with their scales: of those of `shown`, the one nearest to the rotation of `value`.
void turn_to(const float* value, float* shown, int lane) {
  double q[2][4], axes[2][3][3];
  float scales[3];
  for (int k = 0; k < 4; ++k) {
    q[0][k] = value[(kRotationRow + k) * kGroup + lane];
    q[1][k] = shown[(kRotationRow + k) * kGroup + lane];
  }
  for (int k = 0; k < 3; ++k) scales[k] = shown[(kLogScaleRow + k) * kGroup + lane];
  for (int which = 0; which < 2; ++which) axes_of(q[which], axes[which]);
  double cosines[3][3];
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b)
      cosines[a][b] = axes[0][a][0] * axes[1][b][0] + axes[0][a][1] * axes[1][b][1] + axes[0][a][2] * axes[1][b][2];
  constexpr int kOrders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  int best = 0;
  double most = -1;
  for (int o = 0; o < 6; ++o) {
    double sum = 0;
    for (int a = 0; a < 3; ++a) sum += std::fabs(cosines[a][kOrders[o][a]]);
    if (sum > most) most = sum, best = o;
  }
  double turned[3][3];
  int least = 0;
  for (int a = 0; a < 3; ++a) {
    const int b = kOrders[best][a];
    for (int k = 0; k < 3; ++k) turned[a][k] = cosines[a][b] < 0 ? -axes[1][b][k] : axes[1][b][k];
    if (std::fabs(cosines[a][b]) < std::fabs(cosines[least][kOrders[best][least]])) least = a;
    shown[(kLogScaleRow + a) * kGroup + lane] = scales[b];
  }
  const double hand = turned[0][0] * (turned[1][1] * turned[2][2] - turned[1][2] * turned[2][1]) +
                      turned[0][1] * (turned[1][2] * turned[2][0] - turned[1][0] * turned[2][2]) +
                      turned[0][2] * (turned[1][0] * turned[2][1] - turned[1][1] * turned[2][0]);
  if (hand < 0)
    for (int k = 0; k < 3; ++k) turned[least][k] = -turned[least][k];
  double found[4];
  rotation_of(turned, found);
  double along = 0;
  for (int k = 0; k < 4; ++k) along += found[k] * q[0][k];
  for (int k = 0; k < 4; ++k)
    shown[(kRotationRow + k) * kGroup + lane] = static_cast<float>(along < 0 ? -found[k] : found[k]);
}

}  // namespace

void Repair::begin(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, int threads) {
  shows_others_ = false;
  PreparedScene& scene = values();
  prepare_scene(arrays, splats, sh_degree, &scene, threads);
  const int rows = kGeometryRows + scene.sh_rows();
  const size_t moments = size(scene.groups() * rows * kGroup);
  moments_.reserve(moments);
  squares_.reserve(moments);
  sizes_.reserve(size(scene.groups() * kGroup));
  for_groups(scene.groups(), threads, [&](int64_t group) {
    float* geometry = scene.geometry.data() + group * kGeometryRows * kGroup;
    for (int lane = 0; lane < kGroup; ++lane) {
      normalise(geometry, lane);
      sizes_[size(group * kGroup + lane)] = size_of(geometry, lane);
    }
    std::fill_n(moments_.data() + group * rows * kGroup, rows * kGroup, 0.0f);
    std::fill_n(squares_.data() + group * rows * kGroup, rows * kGroup, 0.0f);
  });
}

void Repair::show(const SceneArrays<const float>& arrays, int threads) {
  if (!shows_others_) std::swap(values_, drawn_.scene());
  shows_others_ = true;
  drawn_.set_scene(arrays, values_.splats, values_.sh_degree, threads);
  PreparedScene& drawn = drawn_.scene();
  for_groups(values_.groups(), threads, [&](int64_t group) {
    for (int lane = 0; lane < kGroup; ++lane) {
      float* shown = drawn.geometry.data() + group * kGeometryRows * kGroup;
      normalise(shown, lane);
      turn_to(values_.geometry.data() + group * kGeometryRows * kGroup, shown, lane);
    }
  });
}

double Repair::step(const ProjectionCamera& camera, const float background[3], int width, int height,
                    const float* target, const RepairRates& rates, int64_t number, int threads) {
  PreparedScene& values = this->values();
  const int sh_rows = values.sh_rows(), rows = kGeometryRows + sh_rows;
  const double steps = static_cast<double>(number);
  const float unbias_moment = static_cast<float>(1 / (1 - std::pow(double{kMomentum}, steps)));
  const float unbias_square = static_cast<float>(1 / (1 - std::pow(double{kMemory}, steps)));
  return drawn_.towards(camera, background, width, height, {target, rates.small}, threads, [&](const GroupGradient& g) {
    if (!g.seen) return;
    float* geometry = values.geometry.data() + g.group * kGeometryRows * kGroup;
    kernels().raster->adam({g.seen,
                            sh_rows,
                            g.geometry,
                            g.sh,
                            geometry,
                            values.sh.data() + g.group * sh_rows * kGroup,
                            moments_.data() + g.group * rows * kGroup,
                            squares_.data() + g.group * rows * kGroup,
                            sizes_.data() + g.group * kGroup,
                            rates.position,
                            rates.log_scale,
                            rates.rotation,
                            rates.opacity_logit,
                            rates.color,
                            rates.sh,
                            kMomentum,
                            kMemory,
                            kLeastRoot,
                            unbias_moment,
                            unbias_square});
    for (int lane = 0; lane < kGroup; ++lane) {
      float& logit = geometry[kOpacityRow * kGroup + lane];
      if (std::isfinite(logit)) logit = std::clamp(logit, -kMostOpacity, kMostOpacity);
    }
    bound_group(&values, g.group);
  });
}

void Repair::read(const SceneArrays<float>& arrays, int threads) const {
  read_scene(shows_others_ ? values_ : drawn_.scene(), arrays, threads);
}

}  // namespace splatzip
