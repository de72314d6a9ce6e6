#include "../raster.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "python.h"
#include "splatzip/spherical_harmonics.h"

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

void set_scene(Raster& raster, In<float, nb::ndim<2>> positions, In<float, nb::ndim<2>> log_scales,
               In<float, nb::ndim<2>> rotations, In<float, nb::ndim<1>> opacity_logits, In<float, nb::ndim<3>> sh,
               int sh_degree) {
  const size_t splats = positions.shape(0), coefficients = static_cast<size_t>(sh_coefficients(sh_degree));
  const auto is = [&](const auto& array, size_t size) { return array.shape(0) == splats && array.size() == size; };
  if (!is(positions, 3 * splats) || !is(log_scales, 3 * splats) || !is(rotations, 4 * splats) ||
      !is(opacity_logits, splats) || !is(sh, 3 * coefficients * splats))
    throw nb::value_error("the five arrays are not of one scene");
  or_throw(
      [&] {
        return raster.set_scene(
            {positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()},
            static_cast<int64_t>(positions.shape(0)), sh_degree, false);
      },
      raster);
}

void keep(Raster& raster, In<uint32_t, nb::ndim<1>> rows) {
  or_throw([&] { return raster.keep(rows.data(), static_cast<int64_t>(rows.shape(0))); }, raster);
}

using Poses = In<double, nb::shape<-1, 4, 4>>;
using Numbers = In<double, nb::shape<-1, 5>>;  // fx, fy, cx, cy, near plane
std::vector<ProjectionCamera> cameras_of(Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width,
                                         int height, bool exact_extent, bool antialias) {
  if (numbers.shape(0) != poses.shape(0)) throw nb::value_error("poses and numbers are not of the same views");
  std::vector<ProjectionCamera> cameras;
  for (size_t view = 0; view < poses.shape(0); ++view)
    cameras.push_back(make_camera(poses.data() + 16 * view, origin.data(), numbers.data() + 5 * view, width, height,
                                  exact_extent, antialias));
  return cameras;
}

// Returns color, (V, height, width, 3), and alpha and depth, (V, height, width), or None.
nb::tuple render(Raster& raster, Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width, int height,
                 In<float, nb::shape<3>> background, bool exact_extent, bool antialias, bool with_alpha,
                 bool with_depth, bool keeps) {
  const size_t views = poses.shape(0), w = static_cast<size_t>(width), h = static_cast<size_t>(height);
  auto color = make_array<float>({views, h, w, 3});
  Out<float> alpha, depth;
  if (with_alpha) alpha = make_array<float>({views, h, w});
  if (with_depth) depth = make_array<float>({views, h, w});
  const float* behind = background.data();
  const PictureShape shape = {width, height, {behind[0], behind[1], behind[2]}, exact_extent};
  const auto cameras = cameras_of(poses, origin, numbers, width, height, exact_extent, antialias);
  or_throw(
      [&] {
        return raster.render(cameras, shape, color.data(), with_alpha ? alpha.data() : nullptr,
                             with_depth ? depth.data() : nullptr, keeps, false);
      },
      raster);
  return nb::make_tuple(color, with_alpha ? nb::cast(alpha) : nb::none(), with_depth ? nb::cast(depth) : nb::none());
}

// (V, height, width, 3) uint8.
Out<uint8_t> render_bytes(Raster& raster, Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width,
                          int height, In<float, nb::shape<3>> background, bool exact_extent, bool antialias) {
  auto color = make_array<uint8_t>({poses.shape(0), static_cast<size_t>(height), static_cast<size_t>(width), 3});
  const float* behind = background.data();
  const PictureShape shape = {width, height, {behind[0], behind[1], behind[2]}, exact_extent};
  const auto cameras = cameras_of(poses, origin, numbers, width, height, exact_extent, antialias);
  or_throw([&] { return raster.render_bytes(cameras, shape, color.data()); }, raster);
  return color;
}

// They stay where they were drawn.
void store(Raster& raster, Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width, int height,
           In<float, nb::shape<3>> background, bool exact_extent, bool antialias, Pictures& to) {
  const float* behind = background.data();
  const PictureShape shape = {width, height, {behind[0], behind[1], behind[2]}, exact_extent};
  const auto cameras = cameras_of(poses, origin, numbers, width, height, exact_extent, antialias);
  or_throw([&] { return raster.store(cameras, shape, &to); }, raster);
}

// (V,) squared differences from these of the pictures, one a view.
Out<double> compare(Raster& raster, Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width,
                    int height, In<float, nb::shape<3>> background, bool exact_extent, bool antialias,
                    const Pictures& pictures, const std::vector<size_t>& which) {
  auto sums = make_array<double>({poses.shape(0)});
  const float* behind = background.data();
  const PictureShape shape = {width, height, {behind[0], behind[1], behind[2]}, exact_extent};
  const auto cameras = cameras_of(poses, origin, numbers, width, height, exact_extent, antialias);
  const std::vector<StoredPicture> targets = chosen(pictures, which);
  for (const auto& target : targets)
    if (target.width != width || target.height != height)
      throw nb::value_error("a target is not of its picture's size");
  if (targets.size() != cameras.size()) throw nb::value_error("there is not one target a view");
  or_throw([&] { return raster.compare(cameras, shape, targets, sums.data()); }, raster);
  return sums;
}

// The same of arrays that lie on the GPU, by their addresses; nothing waits for the work to be done.
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

void render_at(Raster& raster, Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width, int height,
               In<float, nb::shape<3>> background, bool exact_extent, bool antialias, bool keeps, uintptr_t color,
               uintptr_t alpha, uintptr_t depth) {
  const float* behind = background.data();
  const PictureShape shape = {width, height, {behind[0], behind[1], behind[2]}, exact_extent};
  const auto cameras = cameras_of(poses, origin, numbers, width, height, exact_extent, antialias);
  or_throw(
      [&] { return raster.render(cameras, shape, at<float>(color), at<float>(alpha), at<float>(depth), keeps, true); },
      raster);
}

// Gradients to the five attributes and to the background; g_alpha may be empty.
nb::tuple backward(Raster& raster, In<float, nb::ndim<4>> g_color, In<float, nb::ndim<3>> g_alpha) {
  const RasterSizes sizes = raster.sizes();
  const size_t splats = splats_of(raster), coefficients = static_cast<size_t>(sizes.coefficients),
               pixels = static_cast<size_t>(sizes.pixels);
  if (pixels && (g_color.size() != 3 * pixels || (g_alpha.size() && g_alpha.size() != pixels)))
    throw nb::value_error("gradients are not of the pictures that were drawn last");
  auto positions = make_array<float>({splats, 3}), log_scales = make_array<float>({splats, 3});
  auto rotations = make_array<float>({splats, 4}), opacity_logits = make_array<float>({splats});
  auto sh = make_array<float>({splats, coefficients, 3}), background = make_array<float>({3});
  or_throw(
      [&] {
        return raster.backward(
            g_color.data(), g_alpha.size() ? g_alpha.data() : nullptr,
            {positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()},
            background.data(), false);
      },
      raster);
  return nb::make_tuple(positions, log_scales, rotations, opacity_logits, sh, background);
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

void add_scores(Raster& raster, Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width, int height,
                In<float, nb::shape<3>> background, bool exact_extent, bool antialias,
                In<float, nb::ndim<1>> view_weights, double floor) {
  const float* behind = background.data();
  const PictureShape shape = {width, height, {behind[0], behind[1], behind[2]}, exact_extent};
  const auto cameras = cameras_of(poses, origin, numbers, width, height, exact_extent, antialias);
  if (view_weights.shape(0) != cameras.size()) throw nb::value_error("there is not one weight a view");
  const std::vector<float> weights(view_weights.data(), view_weights.data() + cameras.size());
  or_throw([&] { return raster.add_scores(cameras, shape, weights, static_cast<float>(floor)); }, raster);
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

// Arrays by name; what was not wished is not there.
nb::dict read_scores(Raster& raster) {
  const size_t n = splats_of(raster), coefficients = static_cast<size_t>(raster.sizes().coefficients);
  const ScoreWishes& wishes = raster.wishes();
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
  if (wishes.geometry_curvature) floats("geometry_curvature", &arrays.geometry_curvature, {n, 55});
  if (wishes.color_curvature)
    floats("color_curvature", &arrays.color_curvature, {n, coefficients * (coefficients + 1) / 2});
  if (wishes.directions) {
    floats("toward", &arrays.toward, {n, 3});
    auto cells = make_array<uint64_t>({n});
    arrays.seen_from = cells.data();
    out["seen_from"] = cells;
  }
  or_throw([&] { return raster.read_scores(arrays); }, raster);
  return out;
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
