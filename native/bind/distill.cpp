#include "../src/distill.h"

#include "python.h"

namespace splatzip {
namespace {

using Coefficients = In<float, nb::shape<-1, -1, 3>>;
using Moments = In<float, nb::ndim<2>>;

// splatzip/kernels/distill.py sees to shapes that agree.
DistillJob job_of(const Coefficients& sh, const Moments& moments, double floor) {
  int degree = 0;
  while (static_cast<size_t>((degree + 1) * (degree + 1)) < sh.shape(1)) ++degree;
  return {static_cast<int64_t>(sh.shape(0)), degree, sh.data(), moments.data(), floor};
}

Out<float> errors(Coefficients sh, Moments moments, double floor, int threads) {
  const DistillJob job = job_of(sh, moments, floor);
  Out<float> out = make_array<float>({sh.shape(0), static_cast<size_t>(job.sh_degree + 1)});
  {
    nb::gil_scoped_release unlocked;
    distill_errors(job, out.data(), threads);
  }
  return out;
}

Out<float> distilled(Coefficients sh, Moments moments, In<uint8_t, nb::ndim<1>> degrees, double floor, int threads) {
  const DistillJob job = job_of(sh, moments, floor);
  Out<float> out = make_array<float>({sh.shape(0), sh.shape(1), 3});
  {
    nb::gil_scoped_release unlocked;
    distill(job, degrees.data(), out.data(), threads);
  }
  return out;
}

}  // namespace

void bind_distill(nb::module_& m) {
  m.def("distill_errors", &errors, nb::arg("sh"), nb::arg("moments"), nb::arg("floor"), nb::arg("threads"));
  m.def("distill", &distilled, nb::arg("sh"), nb::arg("moments"), nb::arg("degrees"), nb::arg("floor"),
        nb::arg("threads"));
}

}  // namespace splatzip
