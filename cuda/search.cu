#include "device_machine.h"
#include "search_pipeline.h"

namespace splatzip::cuda {

std::unique_ptr<RowSearch> make_search(void* stream) {
  return std::make_unique<SearchOf<DeviceMachine>>(static_cast<cudaStream_t>(stream));
}

}  // namespace splatzip::cuda
