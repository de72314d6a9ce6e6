// Denormals and rounding as IEEE 754 has them, whatever the caller's thread was set to (rule of the format).
#pragma once

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace splatzip {

class ExactFloats {
 public:
#if defined(__SSE__)
  ExactFloats() : saved_(_mm_getcsr()) { _mm_setcsr(0x1F80); }  // round to nearest, no flush to zero, masked
  ~ExactFloats() { _mm_setcsr(saved_); }
#elif defined(__aarch64__)
  ExactFloats() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(0ul));
  }
  ~ExactFloats() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }
#else
  ExactFloats() {}
#endif
  ExactFloats(const ExactFloats&) = delete;
  ExactFloats& operator=(const ExactFloats&) = delete;

 private:
#if defined(__SSE__)
  unsigned saved_;
#elif defined(__aarch64__)
  unsigned long saved_ = 0;
#endif
};

}  // namespace splatzip
