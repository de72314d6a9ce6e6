#include "machine.h"

#include "../repair_pipeline.h"

namespace splatzip::cuda {

std::unique_ptr<RepairSteps> make_emulated_repair(bool falling) {
  return std::make_unique<RepairOf<EmulatedMachine>>(falling);
}

}  // namespace splatzip::cuda
