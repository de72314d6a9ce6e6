#include "splatzip/exact_math.h"

#include "python.h"

namespace splatzip {

template <double F(double)>
static Out<double> map_array(In<double, nb::ndim<1>> x) {
  auto out = make_array<double>({x.shape(0)});
  for (size_t i = 0; i < x.shape(0); ++i) out.data()[i] = F(x.data()[i]);
  return out;
}

void bind_math(nb::module_& m) {
  m.def("exact_exp", &map_array<exact_exp>, nb::arg("x"), "e^x, elementwise float64, the same bits everywhere");
  m.def("exact_log", &map_array<exact_log>, nb::arg("x"), "ln x, elementwise float64, the same bits everywhere");
}

}  // namespace splatzip
