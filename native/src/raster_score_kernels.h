// What the vector code of the score passes (raster_score.inl) works on: plain pointers only, as in raster_kernels.h.
#pragma once
#include <cstdint>

#include "raster_kernels.h"
#include "splatzip/score.h"

namespace splatzip {

// Each includes what comes before it, transmittance apart: a sum of its own in the row of removal.
enum ScorePass { kScoreWeights, kScoreTransmittance, kScoreRemoval, kScoreCurvature };

// What is summed up over the pixels of an entry, and then of a splat: w = alpha T of each pixel, w^2,
// |w (colour - colour behind)|^2 (or T), pixels that count; the largest w; and moments of the squared change of the
// picture by log(alpha), e^i d^j in sigmas (times a constant), in the order 1, e, d, ee, ed, dd, eee, ... dddd.
enum ScoreRow { kScoreWeight, kScoreSquares, kScoreRemovalSum, kScorePixels, kScoreMost, kScoreFirstMoment };
constexpr ScoreRow kScoreTransmittanceSum = kScoreRemovalSum;
constexpr int kScoreBasicRows = 5;
constexpr int kScoreLightSlot = kScoreFirstMoment, kScoreSlot = kScoreFirstMoment + kScoreMoments;

struct ScoreTileJob {
  TileJob tile;  // its transmittance, last_entry and stop are not used
  ScorePass pass;
  TileTrace trace;  // for removal and what includes it
  float floor;      // added to the squared contrast in the moments
  float* slots;     // (entries, slot) as TileJob::slot has them; all of the tile's are written
};

// A group of 16 splats. `sums` are (slot, kGroup), zero for what is not seen; the others are added to, and may be null
// apart from `basics`.
struct ScoreGroupJob {
  const ProjectionCamera* camera;
  const float* geometry;
  int sh_degree;
  const float* sums;
  float view_weight;
  float *basics, *toward, *geometry_curvature, *color_curvature;
  uint64_t* seen_from;
};

}  // namespace splatzip
