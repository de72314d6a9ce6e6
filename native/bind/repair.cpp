#include "../src/repair.h"

#include "view.h"

namespace splatzip {
namespace {

using Rows = In<float, nb::ndim<2>>;
template <int Dimensions>
using Values = nb::ndarray<float, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;

void begin(Repair& repair, Rows positions, Rows log_scales, Rows rotations, In<float, nb::ndim<1>> opacity_logits,
           In<float, nb::ndim<3>> sh, int sh_degree, int threads) {
  nb::gil_scoped_release unlocked;
  repair.begin({positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()},
               static_cast<int64_t>(positions.shape(0)), sh_degree, threads);
}

void show(Repair& repair, Rows positions, Rows log_scales, Rows rotations, In<float, nb::ndim<1>> opacity_logits,
          In<float, nb::ndim<3>> sh, int threads) {
  nb::gil_scoped_release unlocked;
  repair.show({positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()}, threads);
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

void read(const Repair& repair, Values<2> positions, Values<2> log_scales, Values<2> rotations,
          Values<1> opacity_logits, Values<3> sh, int threads) {
  nb::gil_scoped_release unlocked;
  repair.read({positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()}, threads);
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
