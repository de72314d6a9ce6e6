#if defined(__x86_64__)
#define SPLATZIP_KERNELS kSse4Kernels
#define SPLATZIP_ISA_NAME "sse4"
#define SPLATZIP_LANES 4
#include "isa_kernels.inl"
#endif
