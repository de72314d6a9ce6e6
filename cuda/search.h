// The nearest entries of a codebook for many rows at once, by a GPU or by the CPU as a GPU would find them: the same
// integers as native/src/vq_kernels.inl, the first of several. What codebooks are trained by.
#pragma once
#include <memory>

#include "vq.h"

namespace splatzip::cuda {

std::unique_ptr<RowSearch> make_search(void* stream);
std::unique_ptr<RowSearch> make_emulated_search(bool falling);

}  // namespace splatzip::cuda
