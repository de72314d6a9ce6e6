#if defined(__aarch64__)
#define SPLATZIP_KERNELS kNeonKernels
#define SPLATZIP_ISA_NAME "neon"
#define SPLATZIP_LANES 4
#define SPLATZIP_NEON  // isa_scalar.cpp is compiled for machines that have it, too, and does without
#include "isa_kernels.inl"
#endif
