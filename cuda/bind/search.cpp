#include "../search.h"

#include <nanobind/stl/unique_ptr.h>

#include <stdexcept>

#include "python.h"

namespace splatzip::cuda {
namespace {

using Rows = In<int16_t, nb::ndim<2>>;

// As _core.nearest_entries.
auto nearest_entries(RowSearch& search, Rows rows, Rows entries) {
  Codebook book;
  book.count = static_cast<int>(entries.shape(1));
  book.entries = static_cast<int>(entries.shape(0));
  book.values.resize(entries.shape(0) * entries.shape(1));
  for (size_t e = 0; e < entries.shape(0); ++e)
    for (int d = 0; d < book.count; ++d) book.at(d, e) = entries.data()[e * entries.shape(1) + static_cast<size_t>(d)];
  auto out = make_array<int32_t>({rows.shape(0)});
  bool worked;
  {
    nb::gil_scoped_release unlocked;
    worked = search.set_rows(rows.data(), static_cast<int64_t>(rows.shape(0)), book.count) &&
             BookSearch(book, {}, 0).choose_at_once(search, out.data());
  }
  if (!worked) throw std::runtime_error("the nearest entries could not be found");
  return out;
}

}  // namespace

void bind_search(nb::module_& m) {
  nb::class_<RowSearch>(m, "RowSearch")
      .def("nearest_entries", &nearest_entries)
      .def_prop_ro("address", [](RowSearch& search) { return reinterpret_cast<uintptr_t>(&search); });
  m.def("make_search", [](uintptr_t stream) { return make_search(reinterpret_cast<void*>(stream)); });
  m.def("make_emulated_search", &make_emulated_search);
}

}  // namespace splatzip::cuda
