#include "machine.h"

#include "../raster_copies.h"

namespace splatzip::cuda {

std::unique_ptr<Raster> make_emulated_raster(bool precise, bool falling, size_t memory) {
  if (precise) return std::make_unique<RasterOf<EmulatedMachine, true>>(falling, memory);
  return std::make_unique<RasterOf<EmulatedMachine, false>>(falling, memory);
}

}  // namespace splatzip::cuda
