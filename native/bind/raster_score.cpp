#include "../src/raster_score.h"

#include "scores.h"
#include "view.h"

namespace splatzip {
namespace {

void begin(Scores& scores, int64_t splats, int sh_degree, bool removal, bool geometry_curvature, bool color_curvature,
           bool directions, bool transmittance, int threads) {
  nb::gil_scoped_release unlocked;
  scores.begin(splats, sh_degree, {removal, geometry_curvature, color_curvature, directions, transmittance}, threads);
}

// False where there are too many entries.
bool add(Scores& scores, Rasterizer& rasterizer, const View& view, double view_weight, double floor, int threads) {
  nb::gil_scoped_release unlocked;
  return scores.add(&rasterizer, view, static_cast<float>(view_weight), static_cast<float>(floor), threads);
}

// Arrays by name, those that were asked for.
nb::dict read(const Scores& scores, int threads) {
  const size_t coefficients = static_cast<size_t>((scores.sh_degree() + 1) * (scores.sh_degree() + 1));
  NewScores found(static_cast<size_t>(scores.splats()), coefficients, scores.kinds());
  {
    nb::gil_scoped_release unlocked;
    scores.read(found.arrays, threads);
  }
  return found.by_name;
}

// (N,) the sums of weights alone.
Out<float> read_weight(const Scores& scores, int threads) {
  auto weight = make_array<float>({static_cast<size_t>(scores.splats())});
  ScoreArrays arrays = {};
  arrays.weight = weight.data();
  nb::gil_scoped_release unlocked;
  scores.read(arrays, threads);
  return weight;
}

}  // namespace

void bind_raster_score(nb::module_& m) {
  nb::class_<Scores>(m, "Scores")
      .def(nb::init<>())
      .def("begin", &begin)
      .def("add", &add)
      .def("read", &read)
      .def("read_weight", &read_weight);
}

}  // namespace splatzip
