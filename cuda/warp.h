// What one warp does, written once for GPUs and for the CPU.
//
// A kernel's body is a template over its warp. `Lanes<T>` is a value that each lane has of its own, everything else is
// the same in all lanes. What lanes do by themselves stands in `each`; what they tell each other goes through the
// collective functions, between two `each`:
//
//     warp.each([&](int lane) { below[lane] = x[lane] < kRansLow; });
//     const uint32_t mask = warp.ballot(below);
//
// DeviceWarp runs that on a GPU, a lane a thread. EmulatedWarp runs it on the CPU, lane after lane: in rising or
// falling order, so that a body whose lanes depend on each other inside `each` (a race on a GPU) shows by giving other
// results.
//
// The rules that make both the same: variables outside of `each` are set outside of `each`; memory that one lane writes
// is read by others in a later `each`; collectives and loops around them do not depend on the lane.
#pragma once
#include <cstdint>

#include "splatzip/host_device.h"

namespace splatzip::cuda {

// Marks templates over a warp, and what they call: on a GPU for nvcc, in the emulation for other compilers. SPLZ_WARP:
// where that is a member.
#if defined(__CUDACC__)
#define SPLZ_ON_WARP __device__ inline
#define SPLZ_WARP __device__ __forceinline__
#define SPLZ_UNROLL _Pragma("unroll")
#else
#define SPLZ_ON_WARP static inline
#define SPLZ_WARP inline
#define SPLZ_UNROLL
#endif

constexpr int kLanes = 32;
constexpr uint32_t kAllLanes = 0xFFFFFFFFu;

SPLZ_HD int count_bits(uint32_t mask) {
#if defined(__CUDA_ARCH__)
  return __popc(mask);
#else
  return __builtin_popcount(mask);
#endif
}

// Bits without leading zeros.
SPLZ_HD int bits_of(uint32_t number) {
#if defined(__CUDA_ARCH__)
  return 32 - __clz(static_cast<int>(number));
#else
  return number ? 32 - __builtin_clz(number) : 0;
#endif
}

#if defined(__CUDACC__) || defined(SPLATZIP_PRETENDED)

class DeviceWarp {
 public:
  template <class T>
  class Lanes {
   public:
    Lanes() = default;
    __device__ explicit Lanes(T value) : value_(value) {}
    __device__ T& operator[](int) { return value_; }
    __device__ const T& operator[](int) const { return value_; }

   private:
    T value_;
  };

  template <class Body>
  __device__ __forceinline__ void each(Body body) const {
    body(static_cast<int>(threadIdx.x) % kLanes);
    __syncwarp();
  }
  // The same without a barrier: for what touches no memory that other lanes write to.
  template <class Body>
  __device__ __forceinline__ void own(Body body) const {
    body(static_cast<int>(threadIdx.x) % kLanes);
  }
  // Bit l: what lane l says.
  __device__ uint32_t ballot(const Lanes<bool>& says) const { return __ballot_sync(kAllLanes, says[0]); }
  // To each lane the value of lane from(lane).
  template <class T, class From>
  __device__ Lanes<T> shuffle(const Lanes<T>& values, From from) const {
    return Lanes<T>(__shfl_sync(kAllLanes, values[0], from(static_cast<int>(threadIdx.x) % kLanes)));
  }
  template <class T>
  __device__ T of_lane(const Lanes<T>& values, int lane) const {
    return __shfl_sync(kAllLanes, values[0], lane);
  }
  // To each lane the sum of the lanes before it; *total receives the sum of all.
  __device__ Lanes<uint32_t> sums_before(const Lanes<uint32_t>& values, uint32_t* total) const {
    const int lane = static_cast<int>(threadIdx.x) % kLanes;
    uint32_t sum = values[0];
    for (int step = 1; step < kLanes; step *= 2) {
      const uint32_t before = __shfl_up_sync(kAllLanes, sum, static_cast<unsigned>(step));
      if (lane >= step) sum += before;
    }
    *total = __shfl_sync(kAllLanes, sum, kLanes - 1);
    return Lanes<uint32_t>(sum - values[0]);
  }
};

#endif

class EmulatedWarp {
 public:
  template <class T>
  class Lanes {
   public:
    Lanes() = default;
    explicit Lanes(T value) {
      for (T& v : values_) v = value;
    }
    T& operator[](int lane) { return values_[lane]; }
    const T& operator[](int lane) const { return values_[lane]; }

   private:
    T values_[kLanes];
  };

  explicit EmulatedWarp(bool falling) : falling_(falling) {}

  template <class Body>
  void each(Body body) const {
    for (int k = 0; k < kLanes; ++k) body(falling_ ? kLanes - 1 - k : k);
  }
  template <class Body>
  void own(Body body) const {
    each(body);
  }
  uint32_t ballot(const Lanes<bool>& says) const {
    uint32_t mask = 0;
    for (int lane = 0; lane < kLanes; ++lane) mask |= static_cast<uint32_t>(says[lane]) << lane;
    return mask;
  }
  template <class T, class From>
  Lanes<T> shuffle(const Lanes<T>& values, From from) const {
    Lanes<T> out;
    for (int lane = 0; lane < kLanes; ++lane) out[lane] = values[from(lane) & (kLanes - 1)];
    return out;
  }
  template <class T>
  T of_lane(const Lanes<T>& values, int lane) const {
    return values[lane];
  }
  Lanes<uint32_t> sums_before(const Lanes<uint32_t>& values, uint32_t* total) const {
    Lanes<uint32_t> out;
    *total = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
      out[lane] = *total;
      *total += values[lane];
    }
    return out;
  }

 private:
  bool falling_;
};

}  // namespace splatzip::cuda
