#include "../src/raster.h"

#include "view.h"

namespace splatzip {
namespace {

void set_scene(Rasterizer& rasterizer, In<float, nb::ndim<2>> positions, In<float, nb::ndim<2>> log_scales,
               In<float, nb::ndim<2>> rotations, In<float, nb::ndim<1>> opacity_logits, In<float, nb::ndim<3>> sh,
               int sh_degree, int threads) {
  nb::gil_scoped_release unlocked;
  rasterizer.set_scene({positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()},
                       static_cast<int64_t>(positions.shape(0)), sh_degree, threads);
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

using Picture = In<float, nb::ndim<3>>;
template <int Dimensions>
using Gradient = nb::ndarray<float, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;

// Fills the five gradients and returns that of the background. g_alpha may be empty. The shapes are the caller's care.
Out<float> backward(Rasterizer& rasterizer, Picture g_color, In<float, nb::ndim<2>> g_alpha, Gradient<2> positions,
                    Gradient<2> log_scales, Gradient<2> rotations, Gradient<1> opacity_logits, Gradient<3> sh,
                    int threads) {
  auto background = make_array<float>({3});
  nb::gil_scoped_release unlocked;
  rasterizer.backward(g_color.data(), g_alpha.size() ? g_alpha.data() : nullptr,
                      {positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()},
                      background.data(), threads);
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
