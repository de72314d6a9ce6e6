#include "../src/repair.h"

#include "scene.h"
#include "view.h"

namespace splatzip {
namespace {

void begin(Repair& repair, const GivenScene<const float>& scene, int threads) {
  nb::gil_scoped_release unlocked;
  repair.begin(scene.arrays(), scene.splats(), scene.sh_degree(), threads);
}

// Of as many splats and coefficients as `begin` was given.
void show(Repair& repair, const GivenScene<const float>& scene, int threads) {
  nb::gil_scoped_release unlocked;
  repair.show(scene.arrays(), threads);
}

// rates: position, log scale, rotation, opacity logit, color, SH, and what is a small difference.
double step(Repair& repair, const View& view, In<float, nb::ndim<3>> target, In<float, nb::shape<7>> rates,
            int64_t number, int threads) {
  if (target.shape(0) != static_cast<size_t>(view.height) || target.shape(1) != static_cast<size_t>(view.width))
    throw nb::value_error("the target is not of its picture's size");
  const float* r = rates.data();
  nb::gil_scoped_release unlocked;
  return repair.step(view, target.data(), {r[0], r[1], r[2], r[3], r[4], r[5], r[6]}, number, threads);
}

void read(const Repair& repair, const GivenScene<float>& to, int threads) {
  nb::gil_scoped_release unlocked;
  repair.read(to.arrays(), threads);
}

}  // namespace

void bind_repair(nb::module_& m) {
  nb::class_<Repair>(m, "Repair")
      .def(nb::init<>())
      .def("begin", &begin)
      .def("show", &show)
      .def("step", &step)
      .def("read", &read);
}

}  // namespace splatzip
