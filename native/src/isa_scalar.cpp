#define SPLATZIP_KERNELS kScalarKernels
#define SPLATZIP_ISA_NAME "scalar"
#define SPLATZIP_LANES 4
#include "isa_kernels.inl"
