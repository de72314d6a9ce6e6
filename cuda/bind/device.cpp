#include "device.h"

#include <nanobind/stl/string.h>

#include "python.h"

namespace splatzip::cuda {
namespace {

// (devices, why there are none): each a dict.
nb::tuple devices() {
  std::string why;
  nb::list found;
  for (const Device& device : find_devices(&why)) {
    nb::dict facts;
    facts["name"] = device.name;
    facts["capability"] = nb::make_tuple(device.major, device.minor);
    facts["multiprocessors"] = device.multiprocessors;
    facts["total_bytes"] = device.total_bytes;
    found.append(facts);
  }
  return nb::make_tuple(found, why);
}

}  // namespace

void bind_device(nb::module_& m) {
  m.def("devices", &devices);
  m.def("free_bytes", &free_bytes);
  m.def("driver_version", &driver_version);
  m.def("runtime_version", &runtime_version);
}

}  // namespace splatzip::cuda
