// What the files of the binding splatzip._cuda share: array types, and the register functions, one a file.
#pragma once
#include <vector>

#include "../../native/bind/python.h"
#include "../pictures.h"

namespace splatzip::cuda {

void bind_decode(nb::module_& m);
void bind_device(nb::module_& m);
void bind_pictures(nb::module_& m);
void bind_raster(nb::module_& m);
void bind_repair(nb::module_& m);
void bind_search(nb::module_& m);

// Those of these numbers. Raises IndexError if there is no such picture.
std::vector<StoredPicture> chosen(const Pictures& pictures, const std::vector<size_t>& numbers);

}  // namespace splatzip::cuda
