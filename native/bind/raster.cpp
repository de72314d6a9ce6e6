#include "../src/raster.h"

#include "scene.h"
#include "view.h"

namespace splatzip {
namespace {

void set_scene(Rasterizer& rasterizer, const GivenScene<const float>& scene, int threads) {
  nb::gil_scoped_release unlocked;
  rasterizer.set_scene(scene.arrays(), scene.splats(), scene.sh_degree(), threads);
}

// Returns color, alpha, depth (or None), or None where there are too many entries.
nb::object render(Rasterizer& rasterizer, const View& view, bool with_depth, int threads) {
  const size_t w = static_cast<size_t>(view.width), h = static_cast<size_t>(view.height);
  auto color = make_array<float>({h, w, 3}), alpha = make_array<float>({h, w});
  Out<float> depth;
  if (with_depth) depth = make_array<float>({h, w});
  bool rendered;
  {
    nb::gil_scoped_release unlocked;
    rendered = rasterizer.render(view, {color.data(), alpha.data(), with_depth ? depth.data() : nullptr}, threads);
  }
  if (!rendered) return nb::none();
  return nb::make_tuple(color, alpha, with_depth ? nb::cast(depth) : nb::none());
}

// Fills the five gradients and returns that of the background. g_alpha may be empty. The caller checks that sizes are
// those of the scene and of the picture.
Out<float> backward(Rasterizer& rasterizer, In<float, nb::ndim<3>> g_color, In<float, nb::ndim<2>> g_alpha,
                    const GivenScene<float>& gradient, int threads) {
  auto background = make_array<float>({3});
  nb::gil_scoped_release unlocked;
  rasterizer.backward(g_color.data(), g_alpha.size() ? g_alpha.data() : nullptr, gradient.arrays(), background.data(),
                      threads);
  return background;
}

}  // namespace

void bind_raster(nb::module_& m) {
  nb::class_<Rasterizer>(m, "Rasterizer")
      .def(nb::init<>())
      .def("set_scene", &set_scene)
      .def("render", &render)
      .def("backward", &backward);
}

}  // namespace splatzip
