// Files to arrays on a GPU, or by the CPU as a GPU would decode them.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device_scene.h"
#include "stepped.h"

namespace splatzip::cuda {

enum class DecodeStatus {
  ok,
  refused,  // something is not legal: the CPU's decoder says what
  failed,   // problem() says why: too little memory, or CUDA's words
};

// Memory that is kept from call to call. Not for two threads at once.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // chunks: as decode_stepped takes them, all of them inside of `file`, which is uploaded as a whole. What memory it
  // takes is known before any is taken; tiles are decoded in as many batches as fit.
  virtual DecodeStatus decode_stepped(const SteppedParams& params, const std::vector<TableChunk>& tables,
                                      const std::vector<ChunkBytes>& chunks, const uint8_t* file, size_t file_bytes,
                                      DeviceScene* scene) = 0;
  // Nothing is kept any more.
  virtual void forget() = 0;
  virtual std::string problem() const = 0;
};

std::unique_ptr<Decoder> make_decoder();
// The same by the CPU, lanes and warps in rising or in falling order, with so many bytes of memory.
std::unique_ptr<Decoder> make_emulated_decoder(bool falling, size_t memory);

}  // namespace splatzip::cuda
