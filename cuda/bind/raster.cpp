#include "../raster.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>

#include "../../native/bind/scene.h"
#include "../../native/bind/scores.h"
#include "../../native/bind/view.h"
#include "python.h"

namespace splatzip::cuda {
namespace {

// Work without Python's lock; what it says of itself, as an exception.
template <class Work>
void or_throw(Work work, const Raster& raster) {
  bool worked;
  {
    nb::gil_scoped_release unlocked;
    worked = work();
  }
  if (!worked) throw std::runtime_error(raster.problem());
}

size_t splats_of(const Raster& raster) { return static_cast<size_t>(raster.sizes().splats); }

void set_scene(Raster& raster, const GivenScene<const float>& scene) {
  or_throw([&] { return raster.set_scene(scene.arrays(), scene.splats(), scene.sh_degree(), false); }, raster);
}

void keep(Raster& raster, In<uint32_t, nb::ndim<1>> rows) {
  or_throw([&] { return raster.keep(rows.data(), static_cast<int64_t>(rows.shape(0))); }, raster);
}

void check_batch(const Views& views) {
  if (views.empty()) throw nb::value_error("a batch has no view");
  const View& first = views.front();
  for (const View& view : views)
    if (view.width != first.width || view.height != first.height ||
        !std::equal(view.background, view.background + 3, first.background) ||
        view.camera.exact_extent != first.camera.exact_extent)
      throw nb::value_error("views of a batch differ in size, background or extent");
}

// Number of pictures, height, width.
std::array<size_t, 3> shape_of(const Views& views) {
  return {views.size(), static_cast<size_t>(views[0].height), static_cast<size_t>(views[0].width)};
}

// Returns color, (V, height, width, 3), and alpha and depth, (V, height, width), or None.
nb::tuple render(Raster& raster, const Views& views, bool with_alpha, bool with_depth, bool keeps) {
  check_batch(views);
  const auto [count, h, w] = shape_of(views);
  auto color = make_array<float>({count, h, w, 3});
  Out<float> alpha, depth;
  if (with_alpha) alpha = make_array<float>({count, h, w});
  if (with_depth) depth = make_array<float>({count, h, w});
  or_throw(
      [&] {
        return raster.render(views, color.data(), with_alpha ? alpha.data() : nullptr,
                             with_depth ? depth.data() : nullptr, keeps, false);
      },
      raster);
  return nb::make_tuple(color, with_alpha ? nb::cast(alpha) : nb::none(), with_depth ? nb::cast(depth) : nb::none());
}

// (V, height, width, 3) uint8.
Out<uint8_t> render_bytes(Raster& raster, const Views& views) {
  check_batch(views);
  const auto [count, h, w] = shape_of(views);
  auto color = make_array<uint8_t>({count, h, w, 3});
  or_throw([&] { return raster.render_bytes(views, color.data()); }, raster);
  return color;
}

// They stay where they were drawn.
void store(Raster& raster, const Views& views, Pictures& to) {
  check_batch(views);
  or_throw([&] { return raster.store(views, &to); }, raster);
}

// (V,) squared differences from these of the pictures, one a view.
Out<double> compare(Raster& raster, const Views& views, const Pictures& pictures, const std::vector<size_t>& which) {
  check_batch(views);
  auto sums = make_array<double>({views.size()});
  const std::vector<StoredPicture> targets = chosen(pictures, which);
  for (const auto& target : targets)
    if (target.width != views[0].width || target.height != views[0].height)
      throw nb::value_error("a target is not of its picture's size");
  if (targets.size() != views.size()) throw nb::value_error("there is not one target a view");
  or_throw([&] { return raster.compare(views, targets, sums.data()); }, raster);
  return sums;
}

// The same for arrays on the GPU, by their addresses; nothing waits for the work to be done.
template <class T>
T* at(uintptr_t address) {
  return reinterpret_cast<T*>(address);
}
using Addresses = std::array<uintptr_t, 5>;  // in the order of SceneArrays

void set_scene_at(Raster& raster, const Addresses& arrays, int64_t splats, int sh_degree) {
  or_throw(
      [&] {
        return raster.set_scene({at<const float>(arrays[0]), at<const float>(arrays[1]), at<const float>(arrays[2]),
                                 at<const float>(arrays[3]), at<const float>(arrays[4])},
                                splats, sh_degree, true);
      },
      raster);
}

void render_at(Raster& raster, const Views& views, bool keeps, uintptr_t color, uintptr_t alpha, uintptr_t depth) {
  check_batch(views);
  or_throw([&] { return raster.render(views, at<float>(color), at<float>(alpha), at<float>(depth), keeps, true); },
           raster);
}

// Gradients to the five attributes and to the background; g_alpha may be empty.
nb::tuple backward(Raster& raster, In<float, nb::ndim<4>> g_color, In<float, nb::ndim<3>> g_alpha) {
  const RasterSizes sizes = raster.sizes();
  const size_t splats = splats_of(raster), coefficients = static_cast<size_t>(sizes.coefficients),
               pixels = static_cast<size_t>(sizes.pixels);
  if (pixels && (g_color.size() != 3 * pixels || (g_alpha.size() && g_alpha.size() != pixels)))
    throw nb::value_error("gradients are not of the pictures that were drawn last");
  NewScene gradient(splats, coefficients);
  auto background = make_array<float>({3});
  or_throw(
      [&] {
        return raster.backward(g_color.data(), g_alpha.size() ? g_alpha.data() : nullptr, gradient.arrays(),
                               background.data(), false);
      },
      raster);
  return nb::make_tuple(gradient.tuple(), background);
}

void backward_at(Raster& raster, uintptr_t g_color, uintptr_t g_alpha, const Addresses& to, uintptr_t g_background) {
  or_throw(
      [&] {
        return raster.backward(
            at<const float>(g_color), at<const float>(g_alpha),
            {at<float>(to[0]), at<float>(to[1]), at<float>(to[2]), at<float>(to[3]), at<float>(to[4])},
            at<float>(g_background), true);
      },
      raster);
}

// groups, seen groups, seen splats, entries of the last batch.
std::array<int64_t, 4> count(Raster& raster) {
  BatchCounts counts{};
  or_throw([&] { return raster.count(&counts); }, raster);
  return {counts.groups, counts.seen_groups, counts.seen, counts.entries};
}

void begin_scores(Raster& raster, bool removal, bool geometry_curvature, bool color_curvature, bool directions,
                  bool transmittance) {
  or_throw(
      [&] { return raster.begin_scores({removal, geometry_curvature, color_curvature, directions, transmittance}); },
      raster);
}

void add_scores(Raster& raster, const Views& views, In<float, nb::ndim<1>> view_weights, double floor) {
  check_batch(views);
  if (view_weights.shape(0) != views.size()) throw nb::value_error("there is not one weight a view");
  const std::vector<float> weights(view_weights.data(), view_weights.data() + views.size());
  or_throw([&] { return raster.add_scores(views, weights, static_cast<float>(floor)); }, raster);
}

// Coverage, as cuda/raster.h has it.
void begin_covers(Raster& raster, In<uint8_t, nb::ndim<1>> matters) {
  or_throw([&] { return raster.begin_covers(matters.data(), static_cast<int64_t>(matters.shape(0))); }, raster);
}
void take_cover(Raster& raster) {
  or_throw([&] { return raster.take_cover(); }, raster);
}
void add_candidate(Raster& raster) {
  or_throw([&] { return raster.add_candidate(); }, raster);
}
int64_t count_new(Raster& raster) {
  int64_t count = 0;
  or_throw([&] { return raster.count_new(&count); }, raster);
  return count;
}
Out<uint8_t> read_missing(Raster& raster) {
  auto missing = make_array<uint8_t>({splats_of(raster)});
  or_throw([&] { return raster.read_missing(missing.data()); }, raster);
  return missing;
}
double gain(Raster& raster, size_t candidate) {
  double found = 0;
  or_throw([&] { return raster.gain(candidate, &found); }, raster);
  return found;
}
void take_candidate(Raster& raster, size_t candidate) {
  or_throw([&] { return raster.take_candidate(candidate); }, raster);
}

// Arrays by name, those that were asked for.
nb::dict read_scores(Raster& raster) {
  NewScores found(splats_of(raster), static_cast<size_t>(raster.sizes().coefficients), raster.score_kinds());
  or_throw([&] { return raster.read_scores(found.arrays); }, raster);
  return found.by_name;
}

}  // namespace

void bind_raster(nb::module_& m) {
  nb::class_<Raster>(m, "Raster")
      .def("set_scene", &set_scene)
      .def("set_scene_at", &set_scene_at)
      .def("keep", &keep)
      .def("render", &render)
      .def("render_bytes", &render_bytes)
      .def("store", &store)
      .def("compare", &compare)
      .def("make_pictures", &Raster::make_pictures)
      .def("render_at", &render_at)
      .def("count", &count)
      .def("backward", &backward)
      .def("backward_at", &backward_at)
      .def("begin_scores", &begin_scores)
      .def("add_scores", &add_scores)
      .def("read_scores", &read_scores)
      .def("begin_covers", &begin_covers)
      .def("take_cover", &take_cover)
      .def("add_candidate", &add_candidate)
      .def("count_new", &count_new)
      .def("read_missing", &read_missing)
      .def("gain", &gain)
      .def("take_candidate", &take_candidate);
  // `stream`: the address of a cudaStream_t, 0 for the default one.
  m.def("make_raster", [](bool precise, uintptr_t stream) { return make_raster(precise, at<void>(stream)); });
  m.def("make_emulated_raster", &make_emulated_raster, nb::arg("precise"), nb::arg("falling"),
        nb::arg("memory") = SIZE_MAX);
}

}  // namespace splatzip::cuda
