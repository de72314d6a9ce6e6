#include "machine.h"

#include "../search_pipeline.h"

namespace splatzip::cuda {

std::unique_ptr<RowSearch> make_emulated_search(bool falling) {
  return std::make_unique<SearchOf<EmulatedMachine>>(falling);
}

}  // namespace splatzip::cuda
