// What the files of the binding splatzip._cuda share: array types, and the register functions, one a file.
#pragma once
#include "../../native/bind/python.h"

namespace splatzip::cuda {

void bind_decode(nb::module_& m);
void bind_device(nb::module_& m);
void bind_raster(nb::module_& m);
void bind_repair(nb::module_& m);
void bind_search(nb::module_& m);

}  // namespace splatzip::cuda
