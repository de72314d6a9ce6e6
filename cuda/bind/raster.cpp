#include "../raster.h"

#include <nanobind/stl/unique_ptr.h>

#include <stdexcept>

#include "python.h"

namespace splatzip::cuda {
namespace {

void or_throw(bool worked, const Raster& raster) {
  if (!worked) throw std::runtime_error(raster.problem());
}

void set_scene(Raster& raster, In<float, nb::ndim<2>> positions, In<float, nb::ndim<2>> log_scales,
               In<float, nb::ndim<2>> rotations, In<float, nb::ndim<1>> opacity_logits, In<float, nb::ndim<3>> sh,
               int sh_degree) {
  or_throw(raster.set_scene({positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()},
                            static_cast<int64_t>(positions.shape(0)), sh_degree, false),
           raster);
}

using Poses = In<double, nb::ndim<3>>;    // (V, 4, 4)
using Numbers = In<double, nb::ndim<2>>;  // (V, 4): fx, fy, cx, cy
std::vector<ProjectionCamera> cameras_of(Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width,
                                         int height, bool exact_extent, bool antialias) {
  std::vector<ProjectionCamera> cameras;
  for (size_t view = 0; view < poses.shape(0); ++view)
    cameras.push_back(make_camera(poses.data() + 16 * view, origin.data(), numbers.data() + 4 * view, width, height,
                                  exact_extent, antialias));
  return cameras;
}

// Returns color, alpha and depth (or None), (V, height, width, 3) and (V, height, width).
nb::tuple render(Raster& raster, Poses poses, In<double, nb::shape<3>> origin, Numbers numbers, int width, int height,
                 In<float, nb::shape<3>> background, bool exact_extent, bool antialias, bool with_depth, bool keeps) {
  const size_t views = poses.shape(0), w = static_cast<size_t>(width), h = static_cast<size_t>(height);
  auto color = make_array<float>({views, h, w, 3}), alpha = make_array<float>({views, h, w});
  Out<float> depth;
  if (with_depth) depth = make_array<float>({views, h, w});
  const float* behind = background.data();
  const PictureShape shape = {width, height, {behind[0], behind[1], behind[2]}, exact_extent};
  const auto cameras = cameras_of(poses, origin, numbers, width, height, exact_extent, antialias);
  or_throw(raster.render(cameras, shape, color.data(), alpha.data(), with_depth ? depth.data() : nullptr, keeps, false),
           raster);
  return nb::make_tuple(color, alpha, with_depth ? nb::cast(depth) : nb::none());
}

}  // namespace

void bind_raster(nb::module_& m) {
  nb::class_<Raster>(m, "Raster").def("set_scene", &set_scene).def("render", &render);
  m.def("make_raster", [](bool precise) { return make_raster(precise, nullptr); });
  m.def("make_emulated_raster", &make_emulated_raster);
}

}  // namespace splatzip::cuda
