#include "decode.h"

#include "decoder_of.h"
#include "device_machine.h"

namespace splatzip::cuda {

std::unique_ptr<Decoder> make_decoder() { return std::make_unique<DecoderOf<DeviceMachine>>(cudaStream_t{}); }

}  // namespace splatzip::cuda
