// Score passes, as the CPU's: what each splat did to a picture, entry by entry into slots, slots to splats, splats to
// what is known of them from all views.
#pragma once
#include "raster_backward.h"
#include "splatzip/score.h"

namespace splatzip::cuda {

// Each includes what comes before it, transmittance apart: a sum of its own in the row of removal.
enum ScorePass { kScoreWeights, kScoreTransmittance, kScoreRemoval, kScoreCurvature };

// A slot: sums of w = alpha T, w^2, |w (colour - colour behind)|^2 (or T), pixels that count; the largest w; moments.
enum ScoreRow { kScoreWeight, kScoreSquares, kScoreRemovalSum, kScorePixels, kScoreMost, kScoreFirstMoment };
constexpr int kScoreBasicRows = 5;
SPLZ_MEMBER constexpr int score_slot(ScorePass pass) {
  return pass == kScoreCurvature ? kScoreFirstMoment + kScoreMoments : kScoreBasicRows;
}

template <ScorePass Pass, int Bands>
struct ScoreBand {
  static constexpr int kParts = BandPlace<Bands>::kParts, kSlot = score_slot(Pass);
  struct Shared {
    StagedSplat batch[kLanes];
    uint32_t slot[kLanes];
  };
  TileLists<FullSplat> lists;
  const float* color;  // of the picture, for removal and what includes it
  float floor;         // added to the squared contrast in the moments
  float* slots;        // (entries, Bands, kSlot)

  // By part: transmittance so far, and colour that is still to come.
  template <class Warp>
  struct State {
    LanesOf<Warp, float> transmittance[kParts], rest[kParts][3];
  };

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const BandPlace<Bands> place(lists, index);
    const uint32_t start = lists.start[place.tile], end = lists.start[place.tile + 1];
    State<Warp> state;
    begin(warp, place, &state);
    NextEntries<Warp, FullSplat> next;
    LanesOf<Warp, bool> is;
    next.read(warp, lists, start, end);
    for (uint32_t first = start; first < end; first += kLanes) {
      uint32_t open = 0;
      SPLZ_UNROLL
      for (int part = 0; part < kParts; ++part) {
        warp.own([&](int lane) { is[lane] = state.transmittance[part][lane] >= kLeastTransmittance; });
        open |= warp.ballot(is) ? 1u << part : 0;
      }
      warp.each([&](int lane) {
        is[lane] = first + static_cast<uint32_t>(lane) < end &&
                   stage(next.entry[lane], next.splat[lane], index, place, open, lane, shared);
      });
      next.read(warp, lists, first + kLanes, end);
      for (uint32_t touching = warp.ballot(is); touching; touching &= touching - 1) {
        const int which = lowest_bit(touching);
        add_entry(warp, place, shared->batch[which], shared->slot[which], &state);
      }
      warp.each([](int) {});  // the batch has been read
    }
  }

 private:
  template <class Warp>
  SPLZ_WARP void begin(const Warp& warp, const BandPlace<Bands>& place, State<Warp>* state) const {
    warp.own([&](int lane) {
      SPLZ_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const int64_t at = place.pixel(lists, part, lane);
        state->transmittance[part][lane] = at >= 0 ? 1.0f : 0.0f;
        if constexpr (Pass >= kScoreRemoval)
          for (int c = 0; c < 3; ++c) state->rest[part][c][lane] = at >= 0 ? color[3 * at + c] : 0.0f;
      }
    });
  }

  SPLZ_WARP bool stage(uint32_t entry, const FullSplat& splat, int64_t index, const BandPlace<Bands>& place,
                       uint32_t open, int lane, Shared* shared) const {
    const uint32_t slot = entry * Bands + static_cast<uint32_t>(index % Bands);
    shared->slot[lane] = slot;
    if (open) {
      shared->batch[lane] = staged(unpack(splat), lists.exact_extent, place, open);
      if (shared->batch[lane].parts) return true;
    }
    for (int row = 0; row < kSlot; ++row) slots[int64_t{slot} * kSlot + row] = 0;
    return false;
  }

  template <class Warp>
  SPLZ_WARP void add_entry(const Warp& warp, const BandPlace<Bands>& place, const StagedSplat& s, uint32_t slot,
                           State<Warp>* state) const {
    constexpr int kRows = Pass == kScoreCurvature ? kScoreMoments + 1 : 1;
    LanesOf<Warp, float> basics[4], most, moments[kRows];
    // Offsets in sigmas (times a constant), so that no moment overflows.
    const float root_along = sqrtf(-s.along), root_across = sqrtf(-s.across);
    warp.own([&](int lane) {
      float sum[4] = {}, largest = 0, moment[kRows] = {};
      each_part(s, place, lane, [&](int part, const Footprint& f) {
        const float before = state->transmittance[part][lane];
        if (!((f.power >= s.cut) & (before >= kLeastTransmittance))) return;
        const float raw = exp2_of(f.power) * s.opacity, alpha = at_most(raw, kMostAlpha), weight = alpha * before;
        state->transmittance[part][lane] = before - weight;
        sum[kScoreWeight] += weight;
        sum[kScoreSquares] = fused(weight, weight, sum[kScoreSquares]);
        if (Pass == kScoreTransmittance) sum[kScoreTransmittanceRow] += before;
        sum[kScorePixels] += weight >= kCountedWeight ? 1.0f : 0.0f;
        largest = weight > largest ? weight : largest;
        if constexpr (Pass >= kScoreRemoval) {
          // weight * (colour - colour behind); what is still to come is (1 - alpha) T times the colour behind.
          const float ratio = alpha / (1.0f - alpha);
          float removal = 0;
          for (int c = 0; c < 3; ++c) {
            const float own = weight * s.color[c], after = state->rest[part][c][lane] - own;
            state->rest[part][c][lane] = after;
            const float change = own - ratio * after;
            removal += change * change;
          }
          sum[kScoreRemovalSum] += removal;
          if constexpr (Pass >= kScoreCurvature)
            if (raw <= kMostAlpha)
              add_moments(removal + weight * weight * floor, f.e * root_along, f.dy * root_across, moment);
        }
      });
      for (int row = 0; row < 4; ++row) basics[row][lane] = sum[row];
      for (int row = 0; row < kRows; ++row) moments[row][lane] = moment[row];
      most[lane] = largest;
    });
    const LanesOf<Warp, float> four = sums_of_lanes<4>(warp, basics), fifth = most_of_lanes(warp, most);
    float* to = slots + int64_t{slot} * kSlot;
    warp.own([&](int lane) {
      if (lane % (kLanes / 4) == 0) to[row_of_lane<4>(lane)] = four[lane];
      if (lane == 1) to[kScoreMost] = fifth[lane];
    });
    if constexpr (Pass == kScoreCurvature) {
      const LanesOf<Warp, float> sums = sums_of_lanes<kRows>(warp, moments);
      warp.own([&](int lane) {
        const int row = row_of_lane<kRows>(lane);
        if (lane % (kLanes / kRows) == 0 && row < kScoreMoments) to[kScoreFirstMoment + row] = sums[lane];
      });
    }
  }

  static constexpr int kScoreTransmittanceRow = kScoreRemovalSum;

  SPLZ_WARP static void add_moments(float m0, float e, float d, float* sums) {
    const float m1 = m0 * e, m2 = m0 * d, m3 = m1 * e, m4 = m1 * d, m5 = m2 * d;
    const float m6 = m3 * e, m7 = m3 * d, m8 = m4 * d, m9 = m5 * d;
    const float all[kScoreMoments] = {m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m6 * e, m6 * d, m7 * d, m8 * d, m9 * d};
    for (int m = 0; m < kScoreMoments; ++m) sums[m] += all[m];
  }
};

// Sums of all views, by group, a row a lane each. Null: not asked for.
struct ScoreSums {
  float *basics, *toward, *geometry, *color;  // rows: kScoreBasicRows, 3, kGeometryPairs, K (K + 1) / 2
  uint64_t* seen_from;
};

// Adds what the pictures of a batch say about a group, one after the other.
template <int Degree>
struct ScoreGroup {
  struct Shared {};
  static constexpr int kCoefficients = sh_coefficients(Degree), kColorPairs = kCoefficients * (kCoefficients + 1) / 2;
  GroupedScene<float> scene;
  const CulledView* views;
  const float* weights;  // of the views
  int64_t count;
  const uint32_t* seen;
  const float* sums;  // by splat of the batch, `width` each
  int width;
  ScoreSums to;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      for (int64_t view = 0; view < count; ++view) {
        const int64_t of_view = view * scene.groups + group;
        const float* sum = sums + (of_view * kGroup + lane) * width;
        if ((seen[of_view] >> lane & 1) && sum[kScoreWeight] > 0)
          add_view(views[view].camera, weights[view], group, lane, sum);
      }
    });
  }

 private:
  SPLZ_WARP void add_view(const ProjectionCamera& camera, float view_weight, int64_t group, int lane,
                          const float* sum) const {
    for (int row = 0; row < kScoreBasicRows; ++row) {
      float& known = to.basics[(group * kScoreBasicRows + row) * kGroup + lane];
      if (row == kScoreMost) {
        known = sum[row] > known ? sum[row] : known;
      } else {
        known += sum[row] * (row == kScorePixels ? 1.0f : view_weight);
      }
    }
    if (!to.toward && !to.geometry && !to.color) return;
    const Projection<float> p = project<ScalarMath>(camera, load_shape(scene.geometry, group, lane));
    float direction[3];
    direction_of(p.offset, direction);
    if (to.toward) add_directions(view_weight, group, lane, sum, direction);
    if (to.color) add_color(view_weight, group, lane, sum, direction);
    if (to.geometry) add_geometry(camera, view_weight, group, lane, sum, p);
  }

  SPLZ_WARP void add_directions(float view_weight, int64_t group, int lane, const float* sum,
                                const float* direction) const {
    for (int k = 0; k < 3; ++k)
      to.toward[(group * 3 + k) * kGroup + lane] -= direction[k] * sum[kScoreWeight] * view_weight;
    float column, row;
    octahedral_cell(-direction[0], -direction[1], -direction[2], &column, &row);
    const int cell = static_cast<int>(row) * 8 + static_cast<int>(column);
    if (sum[kScoreMost] >= kCountedWeight) to.seen_from[group * kGroup + lane] |= uint64_t{1} << (cell & 63);
  }

  SPLZ_WARP void add_color(float view_weight, int64_t group, int lane, const float* sum, const float* direction) const {
    float basis[kCoefficients];
    sh_basis<Degree>(direction[0], direction[1], direction[2], basis);
    float* row = to.color + group * kColorPairs * kGroup + lane;
    SPLZ_UNROLL
    for (int k = 0; k < kCoefficients; ++k) {
      const float left = basis[k] * sum[kScoreSquares] * view_weight;
      for (int l = k; l < kCoefficients; ++l, row += kGroup) *row += left * basis[l];
    }
  }

  SPLZ_WARP void add_geometry(const ProjectionCamera& camera, float view_weight, int64_t group, int lane,
                              const float* sum, const Projection<float>& p) const {
    ShapeJacobian<float> jacobian;
    shape_jacobian<ScalarMath>(camera, p, &jacobian);
    float weighted[kShapeTerms][kGeometryParameters];
    for (int f = 0; f < kShapeTerms; ++f)
      for (int l = 0; l < kGeometryParameters; ++l) {
        float total = 0;
        for (int g = 0; g < kShapeTerms; ++g)
          total += sum[kScoreFirstMoment + moment_of_terms(f, g)] * jacobian.of[g][l];
        weighted[f][l] = total;
      }
    float* row = to.geometry + group * kGeometryPairs * kGroup + lane;
    for (int k = 0; k < kGeometryParameters; ++k)
      for (int l = k; l < kGeometryParameters; ++l, row += kGroup) {
        float total = 0;
        for (int f = 0; f < kShapeTerms; ++f) total += jacobian.of[f][k] * weighted[f][l];
        if (total <= 3e38f && total >= -3e38f) *row += total * view_weight;
      }
  }
};

// Rows [first, first + width) of groups that have `rows` of them, to (splats, width).
struct RowsToSplats {
  struct Shared {};
  const float* groups;
  int rows, first, width;
  int64_t splats;
  float* to;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      const int64_t splat = group * kGroup + lane;
      if (splat >= splats) return;
      for (int row = 0; row < width; ++row)
        to[splat * width + row] = groups[(group * rows + first + row) * kGroup + lane];
    });
  }
};

}  // namespace splatzip::cuda
