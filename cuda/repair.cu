#include "device_machine.h"
#include "repair_pipeline.h"

namespace splatzip::cuda {

std::unique_ptr<RepairSteps> make_repair(void* stream) {
  return std::make_unique<RepairOf<DeviceMachine>>(static_cast<cudaStream_t>(stream));
}

}  // namespace splatzip::cuda
