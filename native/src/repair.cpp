#include "repair.h"

#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "splatzip/exact_math.h"

namespace splatzip {
namespace {

constexpr int64_t kGroupsAtOnce = 64;
constexpr float kMomentum = 0.9f, kMemory = 0.999f;  // beta 1 and 2 of Adam (Kingma and Ba, 2015)
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

// One row of 16 values: Adam where `moves` says so.
struct RowStep {
  const float* gradient;
  float *value, *moment, *square;
  const float *rate, *moves;  // 16; moves: 1 or 0
  float unbias_moment, unbias_square;
};
void adam(const RowStep& row) {
  for (int lane = 0; lane < kGroup; ++lane) {
    const float g = row.gradient[lane], on = row.moves[lane];
    const float m = row.moment[lane] + on * (1 - kMomentum) * (g - row.moment[lane]);
    const float v = row.square[lane] + on * (1 - kMemory) * (g * g - row.square[lane]);
    row.moment[lane] = m;
    row.square[lane] = v;
    row.value[lane] -= on * row.rate[lane] * (m * row.unbias_moment) / (std::sqrt(v * row.unbias_square) + kLeastRoot);
  }
}

}  // namespace

void Repair::begin(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, int threads) {
  PreparedScene& scene = values_;
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
  shows_others_ = false;
  PreparedScene& drawn = drawn_.scene();
  drawn.splats = splats;
  drawn.sh_degree = sh_degree;
  const size_t geometry = size(scene.groups() * kGeometryRows * kGroup);
  const size_t sh = size(scene.groups() * scene.sh_rows() * kGroup);
  std::copy_n(scene.geometry.data(), geometry, drawn.geometry.reserve(geometry));
  std::copy_n(scene.sh.data(), sh, drawn.sh.reserve(sh));
}

void Repair::show(const SceneArrays<const float>& arrays, int threads) {
  drawn_.set_scene(arrays, values_.splats, values_.sh_degree, threads);
  shows_others_ = true;
}

// Mean |color - target|, its gradient to gradient_.
double Repair::difference(const float* target, int width, int height, int threads) {
  const int64_t row = int64_t{3} * width;
  const float share = 1.0f / (static_cast<float>(row) * static_cast<float>(height));
  float* gradient = gradient_.reserve(size(row * height));
  float* sums = row_sums_.reserve(size(height));
  const float* color = color_.data();
  parallel_for(height, threads, [&](int64_t y) {
    float sum = 0;
    for (int64_t i = y * row; i < (y + 1) * row; ++i) {
      const float d = color[i] - target[i];
      sum += std::fabs(d);
      gradient[i] = d > 0 ? share : d < 0 ? -share : 0.0f;
    }
    sums[y] = sum;
  });
  double total = 0;
  for (int y = 0; y < height; ++y) total += sums[y];
  return total / (static_cast<double>(row) * height);
}

double Repair::step(const ProjectionCamera& camera, const float background[3], int width, int height,
                    const float* target, const RepairRates& rates, int64_t number, int threads) {
  float* color = color_.reserve(size(int64_t{3} * width * height));
  float* alpha = alpha_.reserve(size(int64_t{width} * height));
  if (!drawn_.render(camera, background, width, height, {color, alpha, nullptr}, threads)) return -1;
  const double before = difference(target, width, height, threads);

  PreparedScene& values = values_;
  PreparedScene& drawn = drawn_.scene();
  const int sh_rows = values.sh_rows(), rows = kGeometryRows + sh_rows;
  const double steps = static_cast<double>(number);
  const float unbias_moment = static_cast<float>(1 / (1 - std::pow(double{kMomentum}, steps)));
  const float unbias_square = static_cast<float>(1 / (1 - std::pow(double{kMemory}, steps)));
  float ignored[3];
  drawn_.backward_groups(gradient_.data(), nullptr, ignored, threads, [&](const GroupGradient& g) {
    if (!g.seen) return;
    float* geometry = values.geometry.data() + g.group * kGeometryRows * kGroup;
    float* sh = values.sh.data() + g.group * sh_rows * kGroup;
    float moves[kGroup], of_position[kGroup], rate[kGroup];
    for (int lane = 0; lane < kGroup; ++lane) {
      moves[lane] = static_cast<float>(g.seen >> lane & 1);
      of_position[lane] = rates.position * sizes_[size(g.group * kGroup + lane)];
    }
    for (int row = 0; row < rows; ++row) {
      const bool is_geometry = row < kGeometryRows;
      const float of_row = row < kRotationRow        ? rates.log_scale
                           : row < kOpacityRow       ? rates.rotation
                           : is_geometry             ? rates.opacity_logit
                           : row < kGeometryRows + 3 ? rates.color
                                                     : rates.sh;
      std::fill_n(rate, kGroup, of_row);
      const int64_t moment = (g.group * rows + row) * kGroup;
      const int in_sh = row - kGeometryRows;
      adam({is_geometry ? g.geometry + row * kGroup : g.sh + in_sh * kGroup,
            is_geometry ? geometry + row * kGroup : sh + in_sh * kGroup, moments_.data() + moment,
            squares_.data() + moment, row < kLogScaleRow ? of_position : rate, moves, unbias_moment, unbias_square});
    }
    for (int lane = 0; lane < kGroup; ++lane) {
      float& logit = geometry[kOpacityRow * kGroup + lane];
      if (std::isfinite(logit)) logit = std::clamp(logit, -kMostOpacity, kMostOpacity);
    }
    if (shows_others_) return;
    std::copy_n(geometry, kGeometryRows * kGroup, drawn.geometry.data() + g.group * kGeometryRows * kGroup);
    std::copy_n(sh, sh_rows * kGroup, drawn.sh.data() + g.group * sh_rows * kGroup);
  });
  return before;
}

void Repair::read(const SceneArrays<float>& arrays, int threads) const { read_scene(values_, arrays, threads); }

}  // namespace splatzip
