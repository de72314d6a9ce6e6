// Gradients of a loss of the last frame: tile by tile into a slot an entry, splat by splat to the attributes.
#include <algorithm>

#include "isa.h"
#include "parallel.h"
#include "raster.h"
#include "splatzip/spherical_harmonics.h"

namespace splatzip {
namespace {

constexpr int64_t kGroupsAtOnce = 32, kRanksAtOnce = 8192;
constexpr int64_t kMostPrefetched = 256;  // bytes a splat

size_t size(int64_t count) { return static_cast<size_t>(count); }

// The slots of one splat, added up in the order of its tiles.
void add_slots(const Frame& frame, const float* slots, uint32_t rank, float* sums) {
  std::fill(sums, sums + kSlot, 0.0f);
  for (uint32_t i = frame.first_slot[rank]; i < frame.first_slot[rank + 1]; ++i) {
    const float* slot = slots + size_t{i} * kSlot;
    for (int row = 0; row < kSlot; ++row) sums[row] += slot[row];
  }
}

}  // namespace

void Rasterizer::blend_backward(const float* g_color, const float* g_alpha, float* g_background, int threads) {
  const int64_t tiles = frame_.tiles();
  slots_.reserve(size(frame_.entry_count()) * kSlot);
  float* by_tile = tile_sums_.reserve(size(tiles) * 3);
  parallel_for(tiles, threads, [&](int64_t tile) {
    kernels().raster->blend_backward({tile_job(tile), g_color, g_alpha, slots_.data(), by_tile + 3 * tile});
  });
  double total[3] = {};
  for (int64_t tile = 0; tile < tiles; ++tile)
    for (int c = 0; c < 3; ++c) total[c] += by_tile[3 * tile + c];
  for (int c = 0; c < 3; ++c) g_background[c] = static_cast<float>(total[c]);
}

void Rasterizer::prefetch_sums(int64_t group) const {
  const uint32_t first = frame_.first_splat[size(group)];
  const uint32_t count = static_cast<uint32_t>(__builtin_popcount(frame_.seen[size(group)]));
  for (uint32_t splat = first; splat < first + count; ++splat) {
    const uint32_t rank = rank_[splat];
    const char* begin = reinterpret_cast<const char*>(slots_.data() + size_t{frame_.first_slot[rank]} * kSlot);
    const char* end = reinterpret_cast<const char*>(slots_.data() + size_t{frame_.first_slot[rank + 1]} * kSlot);
    for (const char* at = begin; at < end && at < begin + kMostPrefetched; at += 64) __builtin_prefetch(at);
  }
}

// Sums of a group's splats as rows, and which of its colours were cut off at 0.
void Rasterizer::group_sums(int64_t group, float* rows) const {
  uint32_t splat = frame_.first_splat[size(group)];
  for (uint32_t seen = frame_.seen[size(group)]; seen; seen &= seen - 1, ++splat) {
    const int lane = __builtin_ctz(seen);
    float sums[kSlot];
    add_slots(frame_, slots_.data(), rank_[splat], sums);
    for (int c = 0; c < 3; ++c)
      if (!(frame_.splats[splat].color[c] > 0)) sums[kColorSum + c] = 0;
    for (int row = 0; row < kSlot; ++row) rows[row * kGroup + lane] = sums[row];
  }
}

void Rasterizer::backward_groups(const float* g_color, const float* g_alpha, float* g_background, int threads,
                                 const GroupSink& sink) {
  blend_backward(g_color, g_alpha, g_background, threads);
  hand_over(threads, sink);
}

double Rasterizer::towards(const View& view, const Target& target, int threads, const GroupSink& sink) {
  if (!prepare(view, threads)) return -1;
  slots_.reserve(size(frame_.entry_count()) * kSlot);
  float* by_tile = tile_sums_.reserve(size(frame_.tiles()));
  const double values = 3.0 * view.width * view.height;
  const float share = static_cast<float>(1 / values);
  for_traced_tiles(threads, [&](const TileJob& job, const TileTrace& trace, int64_t tile) {
    return kernels().raster->towards({job, trace, target.picture, target.small, share, slots_.data(), by_tile + tile});
  });
  hand_over(threads, sink);
  double total = 0;
  for (int64_t tile = 0; tile < frame_.tiles(); ++tile) total += by_tile[tile];
  return total / values;
}

// Slots to splats to groups to their gradients.
void Rasterizer::hand_over(int threads, const GroupSink& sink) {
  rank_.reserve(frame_.splats.capacity());
  parallel_for((frame_.seen_count + kRanksAtOnce - 1) / kRanksAtOnce, threads, [&](int64_t chunk) {
    const int64_t end = std::min(frame_.seen_count, (chunk + 1) * kRanksAtOnce);
    for (int64_t i = chunk * kRanksAtOnce; i < end; ++i) rank_[frame_.order[size(i)]] = static_cast<uint32_t>(i);
  });
  const int64_t groups = scene_.groups();
  const int sh_rows = scene_.sh_rows();
  parallel_for((groups + kGroupsAtOnce - 1) / kGroupsAtOnce, threads, [&](int64_t chunk) {
    alignas(64) float sums[kSlot * kGroup], g_geometry[kGeometryRows * kGroup];
    alignas(64) float g_sh[3 * kMaxShCoefficients * kGroup];
    for (int64_t group = chunk * kGroupsAtOnce; group < std::min(groups, (chunk + 1) * kGroupsAtOnce); ++group) {
      if (group + 1 < groups) prefetch_sums(group + 1);
      const uint32_t seen = frame_.seen[size(group)];
      if (seen) {
        std::fill(std::begin(sums), std::end(sums), 0.0f);
        group_sums(group, sums);
        kernels().raster->project_backward(
            {&frame_.view.camera, scene_.geometry.data() + group * kGeometryRows * kGroup,
             scene_.sh.data() + group * sh_rows * kGroup, scene_.sh_degree, seen, sums, g_geometry, g_sh});
      } else {
        std::fill(std::begin(g_geometry), std::end(g_geometry), 0.0f);
        std::fill(g_sh, g_sh + sh_rows * kGroup, 0.0f);
      }
      sink({group, seen, g_geometry, g_sh});
    }
  });
}

void Rasterizer::backward(const float* g_color, const float* g_alpha, const SceneArrays<float>& gradient,
                          float* g_background, int threads) {
  const int sh_rows = scene_.sh_rows();
  backward_groups(g_color, g_alpha, g_background, threads, [&](const GroupGradient& g) {
    const int64_t first = g.group * kGroup;
    const int count = static_cast<int>(std::min<int64_t>(scene_.splats - first, kGroup));
    from_rows(g.geometry + kPositionRow * kGroup, 3, count, gradient.positions + first * 3);
    from_rows(g.geometry + kLogScaleRow * kGroup, 3, count, gradient.log_scales + first * 3);
    from_rows(g.geometry + kRotationRow * kGroup, 4, count, gradient.rotations + first * 4);
    from_rows(g.geometry + kOpacityRow * kGroup, 1, count, gradient.opacity_logits + first);
    from_rows(g.sh, sh_rows, count, gradient.sh + first * sh_rows);
  });
}

}  // namespace splatzip
