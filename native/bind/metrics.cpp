#include "../src/metrics.h"

#include "python.h"

namespace splatzip {
namespace {

using Picture = In<float, nb::shape<-1, -1, 3>>;

// ((ssim of r, g, b), (contrast of r, g, b)); splatzip/kernels/metrics.py sees to equal sizes.
nb::tuple similarity(Picture a, Picture b, int threads) {
  Similarity found;
  {
    nb::gil_scoped_release unlocked;
    found = structural_similarity(a.data(), b.data(), static_cast<int64_t>(a.shape(0)),
                                  static_cast<int64_t>(a.shape(1)), threads);
  }
  auto of = [](const double* x) { return nb::make_tuple(x[0], x[1], x[2]); };
  return nb::make_tuple(of(found.ssim), of(found.contrast));
}

double squared_error(Picture a, Picture b, int threads) {
  nb::gil_scoped_release unlocked;
  return mean_squared_error(a.data(), b.data(), static_cast<int64_t>(a.size()), threads);
}

}  // namespace

void bind_metrics(nb::module_& m) {
  m.def("structural_similarity", &similarity, nb::arg("a"), nb::arg("b"), nb::arg("threads"));
  m.def("mean_squared_error", &squared_error, nb::arg("a"), nb::arg("b"), nb::arg("threads"));
}

}  // namespace splatzip
