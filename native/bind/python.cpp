// The Python binding: splatzip._core. Only splatzip/kernels imports it.
#include "python.h"

#include "../src/parallel.h"

NB_MODULE(_core, m) {
  m.doc() = "Native core of splatzip";
  nb::set_leak_warnings(false);  // rasterizers that wait for the next picture live as long as the process
  m.def("core_count", &splatzip::core_count);
  splatzip::bind_math(m);
  splatzip::bind_metrics(m);
  splatzip::bind_stepped(m);
  splatzip::bind_columns(m);
  splatzip::bind_raster(m);
  splatzip::bind_raster_score(m);
  splatzip::bind_repair(m);
  splatzip::bind_distill(m);
  splatzip::bind_importance(m);
  splatzip::bind_vq(m);
  splatzip::bind_dequantize_compressed_ply(m);
  splatzip::bind_dequantize_ksplat(m);
  splatzip::bind_dequantize_sog(m);
  splatzip::bind_dequantize_splat(m);
  splatzip::bind_dequantize_spz(m);
}
