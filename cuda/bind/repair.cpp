#include "../repair.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "../../native/bind/stepped_source.h"
#include "../../native/bind/view.h"
#include "python.h"

namespace splatzip::cuda {
namespace {

// Work without Python's lock; what it says of itself, as an exception.
template <class Work>
void or_throw(const RepairSteps& repair, Work work) {
  bool worked;
  {
    nb::gil_scoped_release unlocked;
    worked = work();
  }
  if (!worked) throw std::runtime_error(repair.problem());
}

void begin(RepairSteps& repair, const GivenScene<const float>& scene) {
  or_throw(repair, [&] { return repair.begin(scene.arrays(), scene.splats(), scene.sh_degree()); });
}

void set_targets(RepairSteps& repair, const Pictures& pictures, const std::vector<size_t>& which) {
  repair.set_targets(chosen(pictures, which));
}

// Of as many splats and coefficients as `begin` was given.
void show(RepairSteps& repair, const GivenScene<const float>& scene) {
  or_throw(repair, [&] { return repair.show(scene.arrays()); });
}

// As _core.round_stepped takes them: arrays that tiles and curves are made from, and how values are rounded.
void plan(RepairSteps& repair, nb::handle given, int threads) {
  const SteppedSource source(given);
  or_throw(repair, [&] { return repair.plan(plan_rounding(source.scene, source.options, threads)); });
}

void show_rounded(RepairSteps& repair) {
  or_throw(repair, [&] { return repair.show_rounded(); });
}

// rates: position, log scale, rotation, opacity logit, color, SH, and what is a small difference.
void step(RepairSteps& repair, const View& view, int target, In<float, nb::shape<7>> rates, int64_t number) {
  const float* r = rates.data();
  or_throw(repair, [&] { return repair.step(view, target, {r[0], r[1], r[2], r[3], r[4], r[5], r[6]}, number); });
}

nb::tuple read(RepairSteps& repair, size_t n, size_t coefficients, bool rounded) {
  NewScene made(n, coefficients);
  or_throw(repair, [&] { return rounded ? repair.read_rounded(made.arrays()) : repair.read(made.arrays()); });
  return made.tuple();
}

// What tiles and curves are made from: positions, log scales, opacity logits.
nb::tuple read_geometry(RepairSteps& repair, size_t n) {
  auto positions = make_array<float>({n, 3}), log_scales = make_array<float>({n, 3}),
       opacity_logits = make_array<float>({n});
  or_throw(repair,
           [&] { return repair.read({positions.data(), log_scales.data(), nullptr, opacity_logits.data(), nullptr}); });
  return nb::make_tuple(positions, log_scales, opacity_logits);
}

}  // namespace

void bind_repair(nb::module_& m) {
  nb::class_<RepairSteps>(m, "RepairSteps")
      .def("begin", &begin)
      .def("set_targets", &set_targets, nb::keep_alive<1, 2>())
      .def("make_pictures", &RepairSteps::make_pictures)
      .def("show", &show)
      .def("plan", &plan)
      .def("show_rounded", &show_rounded)
      .def("step", &step)
      .def("read", &read)
      .def("read_geometry", &read_geometry);
  m.def("make_repair", [](uintptr_t stream) { return make_repair(reinterpret_cast<void*>(stream)); });
  m.def("make_emulated_repair", &make_emulated_repair);
}

}  // namespace splatzip::cuda
