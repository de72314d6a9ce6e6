// SPLZ_HD marks functions that the host and CUDA share.
//
// On the host they have internal linkage: the same header is compiled once an instruction set (src/isa_*.cpp), and the
// linker must never pick one machine's copy for another.
//
// SPLZ_HD_INLINED is for functions that return more than most callers read: a call would write it all to memory.
#pragma once

#if defined(__CUDACC__)
#define SPLZ_HD __host__ __device__ inline
#define SPLZ_HD_INLINED __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define SPLZ_HD static inline
#define SPLZ_HD_INLINED [[gnu::always_inline]] static inline
#else
#define SPLZ_HD static inline
#define SPLZ_HD_INLINED static inline
#endif
