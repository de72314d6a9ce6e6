// The Python binding of the kernels for GPUs: splatzip._cuda. Only splatzip/kernels imports it.
#include "python.h"

NB_MODULE(_cuda, m) {
  m.doc() = "Kernels for NVIDIA GPUs";
  nb::set_leak_warnings(false);
  splatzip::cuda::bind_decode(m);
  splatzip::cuda::bind_device(m);
  splatzip::cuda::bind_pictures(m);
  splatzip::cuda::bind_raster(m);
  splatzip::cuda::bind_repair(m);
  splatzip::cuda::bind_search(m);
}
