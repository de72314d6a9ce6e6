// The stages of decode_stages.h run by the CPU: a warp's lanes one after another, units one after another.
#pragma once
#include <vector>

#include "stepped.h"

namespace splatzip::cuda {

// As decode_stepped. falling: lanes and units from the last to the first; nothing may depend on that. Not ok: what a
// GPU refuses, `scene` or `corrupt`; which chunk it is only the CPU's own decoder says.
Status emulate_stepped(const SteppedParams& params, const std::vector<TableChunk>& tables,
                       const std::vector<ChunkBytes>& chunks, bool falling, const SceneOutput& out);

}  // namespace splatzip::cuda
