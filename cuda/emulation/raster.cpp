#include "machine.h"

#include "../raster_copies.h"

namespace splatzip::cuda {

std::unique_ptr<Raster> make_emulated_raster(bool precise, bool falling) {
  if (precise) return std::make_unique<RasterOf<EmulatedMachine, true>>(falling);
  return std::make_unique<RasterOf<EmulatedMachine, false>>(falling);
}

}  // namespace splatzip::cuda
