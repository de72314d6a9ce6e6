#include "../decoder_of.h"
#include "machine.h"

namespace splatzip::cuda {

std::unique_ptr<Decoder> make_emulated_decoder(bool falling, size_t memory) {
  return std::make_unique<DecoderOf<EmulatedMachine>>(falling, memory);
}

}  // namespace splatzip::cuda
