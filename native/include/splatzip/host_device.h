// SPLZ_HD marks functions that the host and CUDA share.
//
// On the host they have internal linkage: the same header is compiled once an instruction set (src/isa_*.cpp), and the
// linker must never pick one machine's copy for another.
#pragma once

#if defined(__CUDACC__)
#define SPLZ_HD __host__ __device__ inline
#else
#define SPLZ_HD static inline
#endif
