#if defined(__x86_64__)
#define SPLATZIP_KERNELS kAvx512Kernels
#define SPLATZIP_ISA_NAME "avx512"
#define SPLATZIP_LANES 16
#include "isa_kernels.inl"
#endif
