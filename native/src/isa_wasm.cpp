#if defined(__wasm_simd128__)
#define SPLATZIP_KERNELS kWasmKernels
#define SPLATZIP_ISA_NAME "wasm"
#define SPLATZIP_LANES 4
#define SPLATZIP_ONLY_DECODES
#include "isa_kernels.inl"
#endif
