#include "raster_score.h"

#include <algorithm>
#include <cstring>

#include "isa.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr int64_t kGroupsAtOnce = 64, kSplatsAtOnce = 1024;

size_t size(int64_t count) { return static_cast<size_t>(count); }

template <class T>
void clear(Buffer<T>* buffer, int64_t groups, int rows, int threads) {
  T* data = buffer->reserve(size(groups * rows * kGroup));
  parallel_for((groups + kGroupsAtOnce - 1) / kGroupsAtOnce, threads, [&](int64_t chunk) {
    const int64_t first = chunk * kGroupsAtOnce, last = std::min(groups, first + kGroupsAtOnce);
    std::fill(data + first * rows * kGroup, data + last * rows * kGroup, T{});
  });
}

// Rows [first_row, first_row + width) of group-major data with `rows` rows a group, to (N, width).
void to_splats(const Buffer<float>& data, int64_t splats, int rows, int first_row, int width, float* out, int threads) {
  if (!out) return;
  const int64_t groups = (splats + kGroup - 1) / kGroup;
  parallel_for((groups + kGroupsAtOnce - 1) / kGroupsAtOnce, threads, [&](int64_t chunk) {
    for (int64_t group = chunk * kGroupsAtOnce; group < std::min(groups, (chunk + 1) * kGroupsAtOnce); ++group) {
      const int64_t first = group * kGroup;
      from_rows(data.data() + (group * rows + first_row) * kGroup, width,
                static_cast<int>(std::min<int64_t>(splats - first, kGroup)), out + first * width);
    }
  });
}

// Sums of what was found for each entry, by splat of the frame; `Slot` numbers an entry.
template <int Slot>
void sum_slots(const Frame& frame, const float* slots, float* sums, int threads) {
  parallel_for((frame.seen_count + kSplatsAtOnce - 1) / kSplatsAtOnce, threads, [&](int64_t chunk) {
    for (int64_t i = chunk * kSplatsAtOnce; i < std::min(frame.seen_count, (chunk + 1) * kSplatsAtOnce); ++i) {
      float sum[Slot] = {};
      for (uint32_t at = frame.first_slot[size(i)]; at < frame.first_slot[size(i + 1)]; ++at) {
        const float* entry = slots + int64_t{at} * Slot;
        const float most = std::max(sum[kScoreMost], entry[kScoreMost]);
        for (int k = 0; k < Slot; ++k) sum[k] += entry[k];
        sum[kScoreMost] = most;
      }
      std::memcpy(sums + int64_t{frame.order[size(i)]} * Slot, sum, sizeof sum);
    }
  });
}

int slot_of(ScorePass pass) { return pass == kScoreCurvature ? kScoreSlot : kScoreLightSlot; }

}  // namespace

int Scores::color_pairs() const {
  const int coefficients = (sh_degree_ + 1) * (sh_degree_ + 1);
  return coefficients * (coefficients + 1) / 2;
}

ScorePass Scores::pass() const {
  if (kinds_.geometry_curvature) return kScoreCurvature;
  if (kinds_.removal) return kScoreRemoval;
  return kinds_.transmittance ? kScoreTransmittance : kScoreWeights;
}

void Scores::begin(int64_t splats, int sh_degree, const ScoreKinds& kinds, int threads) {
  splats_ = splats, sh_degree_ = sh_degree, kinds_ = kinds;
  const int64_t groups = (splats + kGroup - 1) / kGroup;
  clear(&basics_, groups, kScoreBasicRows, threads);
  if (kinds.directions) {
    clear(&toward_, groups, 3, threads);
    clear(&seen_from_, groups, 1, threads);
  }
  if (kinds.geometry_curvature) clear(&geometry_, groups, kGeometryPairs, threads);
  if (kinds.color_curvature) clear(&color_, groups, color_pairs(), threads);
}

bool Scores::add(Rasterizer* rasterizer, const View& view, float view_weight, float floor, int threads) {
  if (!rasterizer->prepare(view, threads)) return false;
  const Frame& frame = rasterizer->frame();
  float* slots = slots_.reserve(size(frame.entry_count() * slot_of(pass())));
  rasterizer->for_traced_tiles(threads, [&](const TileJob& job, const TileTrace& trace, int64_t) {
    return kernels().raster->score_tile({job, pass(), trace, floor, slots});
  });
  sum_entries(frame, threads);
  add_groups(*rasterizer, view_weight, threads);
  return true;
}

void Scores::sum_entries(const Frame& frame, int threads) {
  const int slot = slot_of(pass());
  float* sums = sums_.reserve(size((splats_ + kSplatsAtOnce) / kSplatsAtOnce * kSplatsAtOnce * slot));
  if (slot == kScoreSlot) {
    sum_slots<kScoreSlot>(frame, slots_.data(), sums, threads);
  } else {
    sum_slots<kScoreLightSlot>(frame, slots_.data(), sums, threads);
  }
}

void Scores::add_groups(const Rasterizer& rasterizer, float view_weight, int threads) {
  const Frame& frame = rasterizer.frame();
  const PreparedScene& scene = rasterizer.scene();
  const int slot = slot_of(pass());
  const auto rows_of = [](Buffer<float>& buffer, bool asked, int64_t group, int rows) {
    return asked ? buffer.data() + group * rows * kGroup : nullptr;
  };
  parallel_for((scene.groups() + kGroupsAtOnce - 1) / kGroupsAtOnce, threads, [&](int64_t chunk) {
    const int64_t last = std::min(scene.groups(), (chunk + 1) * kGroupsAtOnce);
    for (int64_t group = chunk * kGroupsAtOnce; group < last; ++group) {
      if (!frame.seen[size(group)]) continue;
      alignas(64) float sums[kScoreSlot * kGroup];
      std::fill(sums, sums + slot * kGroup, 0.0f);
      float weight = 0;
      const float* of_splat = sums_.data() + int64_t{frame.first_splat[size(group)]} * slot;
      for (unsigned seen = frame.seen[size(group)]; seen; seen &= seen - 1, of_splat += slot) {
        const int lane = __builtin_ctz(seen);
        weight += of_splat[kScoreWeight];
        for (int k = 0; k < slot; ++k) sums[k * kGroup + lane] = of_splat[k];
      }
      if (!(weight > 0)) continue;
      kernels().raster->score_group({&frame.view.camera, scene.geometry.data() + group * kGeometryRows * kGroup,
                                     scene.sh_degree, sums, view_weight,
                                     basics_.data() + group * kScoreBasicRows * kGroup,
                                     rows_of(toward_, kinds_.directions, group, 3),
                                     rows_of(geometry_, kinds_.geometry_curvature, group, kGeometryPairs),
                                     rows_of(color_, kinds_.color_curvature, group, color_pairs()),
                                     kinds_.directions ? seen_from_.data() + group * kGroup : nullptr});
    }
  });
}

void Scores::read(const ScoreArrays& out, int threads) const {
  to_splats(basics_, splats_, kScoreBasicRows, kScoreWeight, 1, out.weight, threads);
  to_splats(basics_, splats_, kScoreBasicRows, kScoreSquares, 1, out.squares, threads);
  to_splats(basics_, splats_, kScoreBasicRows, kScoreRemovalSum, 1, out.removal, threads);
  to_splats(basics_, splats_, kScoreBasicRows, kScoreTransmittanceSum, 1, out.transmittance, threads);
  to_splats(basics_, splats_, kScoreBasicRows, kScorePixels, 1, out.pixels, threads);
  to_splats(basics_, splats_, kScoreBasicRows, kScoreMost, 1, out.most, threads);
  to_splats(toward_, splats_, 3, 0, 3, out.toward, threads);
  to_splats(geometry_, splats_, kGeometryPairs, 0, kGeometryPairs, out.geometry_curvature, threads);
  to_splats(color_, splats_, color_pairs(), 0, color_pairs(), out.color_curvature, threads);
  if (out.seen_from) std::copy(seen_from_.data(), seen_from_.data() + splats_, out.seen_from);
}

}  // namespace splatzip
