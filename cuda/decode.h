// Codec STEPPED on the GPU: from the file's bytes to arrays on the device.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "memory.h"
#include "stepped.h"

namespace splatzip::cuda {

// A scene on the device, the five arrays side by side in one block, each at a multiple of 256 bytes.
struct DeviceScene {
  int64_t splats = 0;
  int sh_degree = 0;
  DeviceMemory block;
  float *positions = nullptr, *log_scales = nullptr, *rotations = nullptr, *opacity_logits = nullptr, *sh = nullptr;

  static size_t bytes_for(int64_t splats, int sh_degree);
  bool allocate(int64_t splats, int sh_degree);
  // To the host; nullptr, or what went wrong.
  const char* download(const SceneOutput& out) const;
};

enum class DeviceStatus {
  ok,
  refused,    // something is not legal: the CPU's decoder says what
  no_memory,  // *why says how much there would have to be
  failed,     // *why: CUDA's words
};

// Memory that is kept from call to call. Not for two threads at once.
class DeviceDecoder {
 public:
  // chunks: as decode_stepped takes them, all of them inside of `file`, which is uploaded as a whole.
  DeviceStatus decode(const SteppedParams& params, const std::vector<TableChunk>& tables,
                      const std::vector<ChunkBytes>& chunks, const uint8_t* file, size_t file_bytes, DeviceScene* scene,
                      std::string* why);
  // Nothing is kept any more.
  void forget();

 private:
  DeviceStatus decode_batch(const SteppedParams& params, const std::vector<TableChunk>& tables,
                            const ChunkBytes* chunks, size_t count, const uint8_t* file, const DeviceScene& scene,
                            std::string* why);
  DeviceMemory file_, constants_, planes_, found_;
};

}  // namespace splatzip::cuda
