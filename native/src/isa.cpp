#include "isa.h"

#if defined(__wasm__)  // one instruction set, no environment

namespace splatzip {
const Kernels& kernels() { return kWasmKernels; }
}  // namespace splatzip

#else

#include <cstdlib>
#include <cstring>

namespace splatzip {
namespace {

struct Choice {
  const Kernels* kernels;
  bool supported;
};

const Choice* choices(int* count) {
#if defined(__x86_64__)
  static const Choice all[] = {
      {&kAvx512Kernels, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                            __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
                            __builtin_cpu_supports("bmi2")},
      {&kAvx2Kernels, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")},
      {&kSse4Kernels, __builtin_cpu_supports("sse4.2") != 0},
      {&kScalarKernels, true},
  };
#elif defined(__aarch64__)
  static const Choice all[] = {{&kNeonKernels, true}, {&kScalarKernels, true}};
#else
  static const Choice all[] = {{&kScalarKernels, true}};
#endif
  *count = static_cast<int>(sizeof(all) / sizeof(all[0]));
  return all;
}

const Kernels* g_kernels = nullptr;

}  // namespace

const char* select_kernels(const char* isa) {
  int count;
  const Choice* all = choices(&count);
  for (int i = 0; i < count; ++i) {
    if (isa && *isa && std::strcmp(isa, all[i].kernels->name) != 0) continue;
    if (!all[i].supported) {
      if (isa && *isa) return "this machine does not have that instruction set";
      continue;
    }
    g_kernels = all[i].kernels;
    return nullptr;
  }
  return "no such instruction set; choose scalar, sse4, avx2, avx512 or neon";
}

const Kernels& kernels() {
  if (!g_kernels && select_kernels(std::getenv("SPLATZIP_ISA"))) g_kernels = &kScalarKernels;
  return *g_kernels;
}

}  // namespace splatzip

#endif
