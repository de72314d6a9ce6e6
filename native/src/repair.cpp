#include "repair.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "isa.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr int64_t kGroupsAtOnce = 64;

size_t size(int64_t count) { return static_cast<size_t>(count); }

template <class Body>
void for_groups(int64_t groups, int threads, const Body& body) {
  parallel_for((groups + kGroupsAtOnce - 1) / kGroupsAtOnce, threads, [&](int64_t chunk) {
    for (int64_t group = chunk * kGroupsAtOnce; group < std::min(groups, (chunk + 1) * kGroupsAtOnce); ++group)
      body(group);
  });
}

// `count` rows of one splat, out of its group and back.
template <int Count>
struct Column {
  float* rows;
  float values[Count];
  Column(float* group, int row, int lane) : rows(group + row * kGroup + lane) {
    for (int k = 0; k < Count; ++k) values[k] = rows[k * kGroup];
  }
  void put_back() const {
    for (int k = 0; k < Count; ++k) rows[k * kGroup] = values[k];
  }
};

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
      Column<4> rotation(geometry, kRotationRow, lane);
      normalise_rotation(rotation.values);
      rotation.put_back();
      sizes_[size(group * kGroup + lane)] = repair_unit(Column<3>(geometry, kLogScaleRow, lane).values);
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
      const int64_t rows = group * kGeometryRows * kGroup;
      Column<4> rotation(drawn.geometry.data() + rows, kRotationRow, lane);
      Column<3> log_scales(drawn.geometry.data() + rows, kLogScaleRow, lane);
      normalise_rotation(rotation.values);
      turn_to(Column<4>(values_.geometry.data() + rows, kRotationRow, lane).values, rotation.values, log_scales.values);
      rotation.put_back();
      log_scales.put_back();
    }
  });
}

double Repair::step(const View& view, const float* target, const RepairRates& rates, int64_t number, int threads) {
  PreparedScene& values = this->values();
  const int sh_rows = values.sh_rows(), rows = kGeometryRows + sh_rows;
  const float unbias_moment = adam_unbiased(kAdamMomentum, number);
  const float unbias_square = adam_unbiased(kAdamMemory, number);
  return drawn_.towards(view, {target, rates.small}, threads, [&](const GroupGradient& g) {
    if (!g.seen) return;
    float* geometry = values.geometry.data() + g.group * kGeometryRows * kGroup;
    kernels().raster->adam({g.seen, sh_rows, g.geometry, g.sh, geometry, values.sh.data() + g.group * sh_rows * kGroup,
                            moments_.data() + g.group * rows * kGroup, squares_.data() + g.group * rows * kGroup,
                            sizes_.data() + g.group * kGroup, rates.position, rates.log_scale, rates.rotation,
                            rates.opacity_logit, rates.color, rates.sh, unbias_moment, unbias_square});
    for (int lane = 0; lane < kGroup; ++lane) {
      float& logit = geometry[kOpacityRow * kGroup + lane];
      if (std::isfinite(logit)) logit = std::clamp(logit, -kMostRepairedLogit, kMostRepairedLogit);
    }
    bound_group(&values, g.group);
  });
}

void Repair::read(const SceneArrays<float>& arrays, int threads) const {
  read_scene(shows_others_ ? values_ : drawn_.scene(), arrays, threads);
}

}  // namespace splatzip
