// Scores for Python.
#pragma once
#include "python.h"
#include "splatzip/score.h"
#include "splatzip/score_arrays.h"

namespace splatzip {

// New arrays for the scores of these kinds, by name.
struct NewScores {
  NewScores(size_t splats, size_t coefficients, const ScoreKinds& kinds) {
    add("weight", &arrays.weight, {splats});
    add("most_weight", &arrays.most, {splats});
    add("pixels", &arrays.pixels, {splats});
    add("squared_weight", &arrays.squares, {splats});
    if (kinds.removal) add("removal", &arrays.removal, {splats});
    if (kinds.transmittance) add("transmittance", &arrays.transmittance, {splats});
    if (kinds.geometry_curvature)
      add("geometry_curvature", &arrays.geometry_curvature, {splats, size_t{kGeometryPairs}});
    if (kinds.color_curvature)
      add("color_curvature", &arrays.color_curvature, {splats, coefficients * (coefficients + 1) / 2});
    if (kinds.directions) {
      add("toward", &arrays.toward, {splats, 3});
      add("seen_from", &arrays.seen_from, {splats});
    }
  }

  ScoreArrays arrays = {};
  nb::dict by_name;

 private:
  template <class T>
  void add(const char* name, T** into, std::initializer_list<size_t> shape) {
    auto array = make_array<T>(shape);
    *into = array.data();
    by_name[name] = array;
  }
};

}  // namespace splatzip
