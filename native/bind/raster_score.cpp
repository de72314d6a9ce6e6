#include "../src/raster_score.h"

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

// Arrays by name; what was not wished is not there.
nb::dict read(const Scores& scores, int threads) {
  const size_t n = static_cast<size_t>(scores.splats());
  const ScoreWishes& wishes = scores.wishes();
  ScoreArrays arrays = {};
  nb::dict out;
  const auto floats = [&](const char* name, float** into, std::initializer_list<size_t> shape) {
    auto array = make_array<float>(shape);
    *into = array.data();
    out[name] = array;
  };
  floats("weight", &arrays.weight, {n});
  floats("most_weight", &arrays.most, {n});
  floats("pixels", &arrays.pixels, {n});
  floats("squared_weight", &arrays.squares, {n});
  if (wishes.removal) floats("removal", &arrays.removal, {n});
  if (wishes.transmittance) floats("transmittance", &arrays.transmittance, {n});
  if (wishes.geometry_curvature) floats("geometry_curvature", &arrays.geometry_curvature, {n, size_t{kGeometryPairs}});
  if (wishes.color_curvature)
    floats("color_curvature", &arrays.color_curvature, {n, static_cast<size_t>(scores.color_pairs())});
  if (wishes.directions) {
    floats("toward", &arrays.toward, {n, 3});
    auto cells = make_array<uint64_t>({n});
    arrays.seen_from = cells.data();
    out["seen_from"] = cells;
  }
  nb::gil_scoped_release unlocked;
  scores.read(arrays, threads);
  return out;
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
