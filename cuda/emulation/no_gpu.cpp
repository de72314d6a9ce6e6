// In the place of the kernels where nvcc does not compile them: a module for the emulation alone (scripts/races).
#include "../device.h"
#include "../memory.h"

#include "../decode.h"
#include "../raster.h"
#include "../repair.h"
#include "../search.h"

namespace splatzip::cuda {

std::unique_ptr<Decoder> make_decoder() { return nullptr; }
std::unique_ptr<Raster> make_raster(bool, void*) { return nullptr; }
std::unique_ptr<RepairSteps> make_repair(void*) { return nullptr; }
std::unique_ptr<RowSearch> make_search(void*) { return nullptr; }

std::vector<Device> find_devices(std::string* why) {
  *why = "this build has no kernels";
  return {};
}
size_t free_bytes() { return 0; }
int driver_version() { return 0; }
int runtime_version() { return 0; }

void* take_pinned_memory(size_t) { return nullptr; }
void give_pinned_memory(void*) {}

}  // namespace splatzip::cuda
