// Gradients of a loss of the last pictures, as the CPU's: tile by tile back to front into a slot an entry, slots to
// splats in the order of their tiles, splats to attributes. No atomics: the same bits every time.
#pragma once
#include "raster_blend.h"

namespace splatzip::cuda {

// Sums over the pixels of an entry: ShapeSums, then the gradient to the colour.
constexpr int kColorSum = 6, kGradientSlot = 9;
constexpr int kFewSlots = 16;  // what a lane adds up by itself

// The loss's gradients to the pictures of a batch; alpha may be null.
struct PictureGradients {
  const float *color, *alpha;
};

template <int Bands>
struct BlendBackwardBand {
  static constexpr int kParts = BandPlace<Bands>::kParts;
  struct Shared {
    StagedSplat batch[kLanes];
    uint32_t slot[kLanes];
  };
  TileLists<FullSplat> lists;
  const float* transmittance;  // as the render before has left them
  const uint32_t* last_entry;
  PictureGradients gradient;
  float* slots;         // (entries, Bands, kGradientSlot)
  float* g_background;  // (tiles, Bands, 3)

  // By part: the gradient to the colour, transmittance before the splats that were visited, what lies behind them
  // times the gradient, and the entry from which on nothing was blended.
  template <class Warp>
  struct State {
    LanesOf<Warp, float> g_color[kParts][3], transmittance[kParts], behind[kParts];
    LanesOf<Warp, uint32_t> last[kParts];
    uint32_t part_last[kParts], stop;  // the latest of a part, of all
  };

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const BandPlace<Bands> place(lists, index);
    const uint32_t start = lists.start[place.tile];
    State<Warp> state;
    begin(warp, place, index, start, &state);
    const auto before = [start](uint32_t last) { return last - start > kLanes ? last - kLanes : start; };
    LanesOf<Warp, bool> is;
    NextEntries<Warp, FullSplat> next;
    uint32_t last = lists.start[place.tile + 1];
    next.read(warp, lists, before(last), last);
    while (last > start) {
      const uint32_t first = before(last);
      warp.each([&](int lane) {
        const uint32_t k = first + static_cast<uint32_t>(lane);
        is[lane] = k < last && stage(k, next.entry[lane], next.splat[lane], index, place, state, lane, shared);
      });
      next.read(warp, lists, before(first), first);
      for (uint32_t touching = warp.ballot(is); touching;) {
        const int which = highest_bit(touching);
        touching &= ~(1u << which);
        take_off(warp, first + static_cast<uint32_t>(which), place, shared->batch[which], shared->slot[which], &state);
      }
      warp.each([](int) {});  // the batch has been read
      last = first;
    }
  }

 private:
  template <class Warp>
  SPLZ_WARP void begin(const Warp& warp, const BandPlace<Bands>& place, int64_t index, uint32_t start,
                       State<Warp>* state) const {
    LanesOf<Warp, float> background[4];
    warp.own([&](int lane) {
      for (int c = 0; c < 4; ++c) background[c][lane] = 0;
      SPLZ_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const int64_t at = place.pixel(lists, part, lane);
        const float rest = at >= 0 ? transmittance[at] : 0.0f;
        float g_rest = at >= 0 && gradient.alpha ? -gradient.alpha[at] : 0.0f;
        for (int c = 0; c < 3; ++c) {
          const float g = at >= 0 ? gradient.color[3 * at + c] : 0.0f;
          state->g_color[part][c][lane] = g;
          background[c][lane] += rest * g;
          g_rest += g * lists.background[c];
        }
        state->transmittance[part][lane] = rest;
        state->behind[part][lane] = rest * g_rest;
        state->last[part][lane] = at >= 0 ? last_entry[at] : start;
      }
    });
    state->stop = start;
    SPLZ_UNROLL
    for (int part = 0; part < kParts; ++part) {
      state->part_last[part] = warp.of_lane(most_of_lanes(warp, state->last[part]), 0);
      if (state->part_last[part] > state->stop) state->stop = state->part_last[part];
    }
    const LanesOf<Warp, float> sums = sums_of_lanes<4>(warp, background);
    warp.each([&](int lane) {
      const int row = row_of_lane<4>(lane);
      if (lane % (kLanes / 4) == 0 && row < 3) g_background[3 * index + row] = sums[lane];
    });
  }

  // Of entry k: whether it touches parts that were still blended into there. If not, its slot is zero.
  template <class Warp>
  SPLZ_WARP bool stage(uint32_t k, uint32_t entry, const FullSplat& splat, int64_t index, const BandPlace<Bands>& place,
                       const State<Warp>& state, int lane, Shared* shared) const {
    const uint32_t slot = entry * Bands + static_cast<uint32_t>(index % Bands);
    shared->slot[lane] = slot;
    if (k < state.stop) {
      uint32_t wanted = 0;
      SPLZ_UNROLL
      for (int part = 0; part < kParts; ++part) wanted |= k < state.part_last[part] ? 1u << part : 0;
      const StagedSplat s = staged(unpack(splat), lists.exact_extent, place, wanted);
      shared->batch[lane] = s;
      if (s.parts) return true;
    }
    for (int row = 0; row < kGradientSlot; ++row) slots[int64_t{slot} * kGradientSlot + row] = 0;
    return false;
  }

  template <class Warp>
  SPLZ_WARP void take_off(const Warp& warp, uint32_t k, const BandPlace<Bands>& place, const StagedSplat& s,
                          uint32_t slot, State<Warp>* state) const {
    LanesOf<Warp, float> sums[8], last_sum;
    warp.own([&](int lane) {
      float sum[kGradientSlot] = {};
      each_part(s, place, lane, [&](int part, const Footprint& f) {
        if (!((f.power >= s.cut) & (state->last[part][lane] > k))) return;
        const float full = exp2_of(f.power) * s.opacity, alpha = at_most(full, kMostAlpha);
        const float inverse = 1.0f / (1.0f - alpha);
        const float after = state->transmittance[part][lane], before = after * inverse, weight = alpha * before;
        const float g0 = state->g_color[part][0][lane], g1 = state->g_color[part][1][lane];
        const float g2 = state->g_color[part][2][lane];
        const float dot = fused(g0, s.color[0], fused(g1, s.color[1], g2 * s.color[2]));
        const float behind = state->behind[part][lane];
        // dL/d(log alpha), nothing where alpha is clamped.
        const float u = full <= kMostAlpha ? fused(after, dot, -behind) * inverse * full : 0.0f;
        state->transmittance[part][lane] = before;
        state->behind[part][lane] = fused(weight, dot, behind);
        const float ue = u * f.e, ud = u * f.dy;
        sum[0] += u;
        sum[1] += ue;
        sum[2] += ud;
        sum[3] = fused(ue, f.e, sum[3]);
        sum[4] = fused(ue, f.dy, sum[4]);
        sum[5] = fused(ud, f.dy, sum[5]);
        sum[6] = fused(weight, g0, sum[6]);
        sum[7] = fused(weight, g1, sum[7]);
        sum[8] = fused(weight, g2, sum[8]);
      });
      for (int row = 0; row < 8; ++row) sums[row][lane] = sum[row];
      last_sum[lane] = sum[8];
    });
    const LanesOf<Warp, float> eight = sums_of_lanes<8>(warp, sums), ninth = sum_of_lanes(warp, last_sum);
    float* to = slots + int64_t{slot} * kGradientSlot;
    warp.own([&](int lane) {
      if (lane % (kLanes / 8) == 0) to[row_of_lane<8>(lane)] = eight[lane];
      if (lane == 1) to[8] = ninth[lane];
    });
  }
};

// The slots of each splat, added up in the order of its tiles; of row `Most` the largest (-1: none).
template <int Width, int Most>
struct SumSlots {
  struct Shared {};
  const uint32_t *order, *first_entry;
  int64_t seen;
  uint32_t bands;
  const float* slots;
  float* sums;  // by splat of the batch

  SPLZ_WARP void add(int64_t slot, float* sum) const {
    for (int row = 0; row < Width; ++row) {
      const float value = slots[slot * Width + row];
      if (row == Most) {
        sum[row] = value > sum[row] ? value : sum[row];
      } else {
        sum[row] += value;
      }
    }
  }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared*) const {
    LanesOf<Warp, bool> large;
    warp.each([&](int lane) {
      large[lane] = false;
      const int64_t i = index * kLanes + lane;
      if (i >= seen) return;
      const int64_t first = int64_t{first_entry[i]} * bands, last = int64_t{first_entry[i + 1]} * bands;
      large[lane] = last - first > kFewSlots;
      if (large[lane]) return;
      float sum[Width] = {};
      for (int64_t slot = first; slot < last; ++slot) add(slot, sum);
      for (int row = 0; row < Width; ++row) sums[int64_t{order[i]} * Width + row] = sum[row];
    });
    for (uint32_t todo = warp.ballot(large); todo; todo &= todo - 1) {
      const int64_t i = index * kLanes + lowest_bit(todo);
      const int64_t first = int64_t{first_entry[i]} * bands, last = int64_t{first_entry[i + 1]} * bands;
      LanesOf<Warp, float> rows[Width];
      warp.own([&](int lane) {
        float sum[Width] = {};
        for (int64_t slot = first + lane; slot < last; slot += kLanes) add(slot, sum);
        for (int row = 0; row < Width; ++row) rows[row][lane] = sum[row];
      });
      SPLZ_UNROLL
      for (int row = 0; row < Width; ++row)
        rows[row] = row == Most ? most_of_lanes(warp, rows[row]) : sum_of_lanes(warp, rows[row]);
      warp.each([&](int lane) {
        SPLZ_UNROLL
        for (int row = 0; row < Width; ++row)
          if (lane == row) sums[int64_t{order[i]} * Width + row] = rows[row][lane];
      });
    }
  }
};

// Sums of (size, 3) numbers, of `at_once` rows a warp.
template <class From, class To>
struct SumRows {
  struct Shared {
    double parts[kLanes][3];
  };
  const From* rows;
  int64_t size, at_once;
  To* sums;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const int64_t first = index * at_once, last = first + at_once < size ? first + at_once : size;
    warp.each([&](int lane) {
      double sum[3] = {};
      for (int64_t i = first + lane; i < last; i += kLanes)
        for (int c = 0; c < 3; ++c) sum[c] += static_cast<double>(rows[3 * i + c]);
      for (int c = 0; c < 3; ++c) shared->parts[lane][c] = sum[c];
    });
    warp.each([&](int lane) {
      if (lane >= 3) return;
      double sum = 0;
      for (int l = 0; l < kLanes; ++l) sum += shared->parts[l][lane];
      sums[3 * index + lane] = static_cast<To>(sum);
    });
  }
};

// A group's gradients, of all views one after the other. Of splats that no view has seen nothing is written.
template <int Degree>
struct ProjectBackwardGroup {
  static constexpr int kCoefficients = sh_coefficients(Degree), kNumbers = 3 * kCoefficients;
  struct Shared {
    float sh[kLanes][kNumbers | 1];  // an odd stride: lanes write to different banks
  };
  GroupedScene<float> scene;
  const CulledView* views;
  int64_t view_count;
  const uint32_t* seen;
  const FullSplat* splats;
  const float* sums;  // by splat of the batch, kGradientSlot each
  SceneArrays<float> gradient;

  SPLZ_WARP static float finite_part(float value) { return value <= 3e38f && value >= -3e38f ? value : 0.0f; }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared* shared) const {
    uint32_t by_any = 0;
    for (int64_t view = 0; view < view_count; ++view) by_any |= seen[view * scene.groups + group];
    if (!by_any) return;
    warp.each([&](int lane) {
      if (!(by_any >> lane & 1)) return;
      const int64_t splat = group * kGroup + lane;
      float total[kGeometryRows] = {};
      float* g_sh = shared->sh[lane];
      for (int k = 0; k < kNumbers; ++k) g_sh[k] = 0;
      for (int64_t view = 0; view < view_count; ++view) {
        const int64_t index = view * scene.groups + group;
        if (seen[index] >> lane & 1) add_view(views[view].camera, index, group, lane, total, g_sh);
      }
      for (int k = 0; k < 3; ++k) gradient.positions[3 * splat + k] = total[kPositionRow + k];
      for (int k = 0; k < 3; ++k) gradient.log_scales[3 * splat + k] = total[kLogScaleRow + k];
      for (int k = 0; k < 4; ++k) gradient.rotations[4 * splat + k] = total[kRotationRow + k];
      gradient.opacity_logits[splat] = total[kOpacityRow];
    });
    // Row after row, so that the warp writes one stretch of memory at a time.
    warp.each([&](int lane) {
      for (int at = lane; at < kLanes * kNumbers; at += kLanes)
        if (by_any >> (at / kNumbers) & 1)
          gradient.sh[group * kLanes * kNumbers + at] = shared->sh[at / kNumbers][at % kNumbers];
    });
  }

 private:
  SPLZ_WARP void add_view(const ProjectionCamera& camera, int64_t index, int64_t group, int lane, float* total,
                          float* g_sh) const {
    const int64_t at = index * kGroup + lane;
    const float* sum = sums + at * kGradientSlot;
    const Projection<float> p = project<ScalarMath>(camera, load_shape(scene.geometry, group, lane));
    float direction[3], basis[kCoefficients], weights[kCoefficients], g_color[3], g_direction[3];
    const float inverse_distance = direction_of(p.offset, direction);
    sh_basis<Degree>(direction[0], direction[1], direction[2], basis);
    for (int c = 0; c < 3; ++c) g_color[c] = splats[at].color[c] > 0 ? sum[kColorSum + c] : 0.0f;
    const float* sh = scene.sh + group * (kCoefficients - 1) * 3 * kGroup + lane;
    SPLZ_UNROLL
    for (int k = 0; k < kCoefficients; ++k) {
      weights[k] = 0;
      for (int c = 0; c < 3; ++c) {
        if (k > 0) weights[k] = fused(sh[(3 * (k - 1) + c) * kGroup], g_color[c], weights[k]);
        g_sh[3 * k + c] += finite_part(basis[k] * g_color[c]);
      }
    }
    sh_gradient<Degree>(direction[0], direction[1], direction[2], weights, g_direction);
    const float radial =
        (g_direction[0] * direction[0] + g_direction[1] * direction[1]) + g_direction[2] * direction[2];
    SplatShape<float> g;
    for (int k = 0; k < 3; ++k) g.position[k] = (g_direction[k] - direction[k] * radial) * inverse_distance;
    project_backward<ScalarMath>(camera, p, {sum[0], sum[1], sum[2], sum[3], sum[4], sum[5]}, &g);
    for (int k = 0; k < 3; ++k) total[kPositionRow + k] += finite_part(g.position[k]);
    for (int k = 0; k < 3; ++k) total[kLogScaleRow + k] += finite_part(g.log_scale[k]);
    for (int k = 0; k < 4; ++k) total[kRotationRow + k] += finite_part(g.rotation[k]);
    total[kOpacityRow] += finite_part(g.opacity_logit);
  }
};

}  // namespace splatzip::cuda
