#if defined(__x86_64__)
#define SPLATZIP_KERNELS kAvx2Kernels
#define SPLATZIP_ISA_NAME "avx2"
#define SPLATZIP_LANES 8
#include "isa_kernels.inl"
#endif
