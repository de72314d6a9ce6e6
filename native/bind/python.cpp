// The Python binding: splatzip._core. Only splatzip/kernels imports it.
#include "python.h"

NB_MODULE(_core, m) {
  m.doc() = "Native core of splatzip";
  splatzip::bind_math(m);
}
