#include "../src/importance.h"

#include "python.h"

namespace splatzip {

void bind_importance(nb::module_& m) {
  m.def(
      "estimate_importance",
      [](In<float, nb::shape<-1, 3>> positions, In<float, nb::shape<-1, 3>> log_scales,
         In<float, nb::ndim<1>> opacity_logits, int threads) {
        Out<double> out = make_array<double>({positions.shape(0)});
        {
          nb::gil_scoped_release unlocked;
          estimate_importance(positions.data(), log_scales.data(), opacity_logits.data(),
                              static_cast<int64_t>(positions.shape(0)), out.data(), threads);
        }
        return out;
      },
      nb::arg("positions"), nb::arg("log_scales"), nb::arg("opacity_logits"), nb::kw_only(), nb::arg("threads"));
}

}  // namespace splatzip
