// Memory of the host that the GPU reads by itself, without a copy in between. Nothing throws: what could not be had is
// null.
#pragma once
#include <cstddef>

namespace splatzip::cuda {

void* take_pinned_memory(size_t bytes);
void give_pinned_memory(void* block);

}  // namespace splatzip::cuda
