#include "device_machine.h"

#include "raster_copies.h"

namespace splatzip::cuda {

std::unique_ptr<Raster> make_raster(bool precise, void* stream) {
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  if (precise) return std::make_unique<RasterOf<DeviceMachine, true>>(on);
  return std::make_unique<RasterOf<DeviceMachine, false>>(on);
}

}  // namespace splatzip::cuda
