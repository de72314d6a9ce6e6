// Repair: Adam steps on all attributes of a scene towards given pictures.
//
//   begin -> step towards a picture, and another -> read
//   render -> gradient of the Huber loss -> backward -> Adam, group by group while its gradient is in cache
//
// Only splats that a view sees move in its step. The same values from any number of threads and every instruction set.
#pragma once
#include <cstdint>

#include "buffer.h"
#include "raster.h"
#include "splatzip/repair.h"

namespace splatzip {

class Repair {
 public:
  // Takes a copy; rotations are normalised, infinite opacities stay as they are.
  void begin(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, int threads);

  // Draws pictures and takes gradients with these values (as many splats, in the same order), which a decoder would
  // have, instead of those that the steps change. A decoder may have a splat's axes in another order; they are brought
  // into that of the values, so that gradients belong to the same axes.
  void show(const SceneArrays<const float>& arrays, int threads);

  // One step towards `target` (height, width, 3), the `number`th, from 1. Returns the mean absolute difference before
  // it, or a negative number where Rasterizer::render returns false.
  double step(const View& view, const float* target, const RepairRates& rates, int64_t number, int threads);

  void read(const SceneArrays<float>& arrays, int threads) const;

 private:
  PreparedScene& values() { return shows_others_ ? values_ : drawn_.scene(); }

  Rasterizer drawn_;
  PreparedScene values_;  // where they are not what is drawn
  bool shows_others_ = false;
  Buffer<float> moments_, squares_;  // by group: rows of the geometry, then of the SH
  Buffer<float> sizes_;              // (groups, kGroup)
};

}  // namespace splatzip
