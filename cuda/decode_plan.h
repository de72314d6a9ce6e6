// What the host does before a GPU decodes: the heads of streams are read and checked, chunks put in order, parameters
// and tables laid out. No payload is touched.
#pragma once
#include <cstdint>
#include <vector>

#include "decode_job.h"
#include "plan_streams.h"
#include "stepped.h"

namespace splatzip::cuda {

// Chunks [first, first + count) of a plan can be decoded once those before them are.
struct Wave {
  int64_t first, count;
};

// Its chunks stand wave by wave: the first tiers of tiles, the second ones, ...
struct DecodePlan : PlanOf<DecodeChunk, DecodeParams> {
  std::vector<Wave> waves;
};

// `chunks` as decode_stepped takes them, of whole tiles; the bytes of `file` will lie at `there` when stages run.
// False: something is not legal, or not for GPUs; decoding on the CPU finds out what.
bool plan_decoding(const SteppedParams& params, const std::vector<TableChunk>& tables, const ChunkBytes* chunks,
                   size_t chunk_count, const uint8_t* file, const uint8_t* there, DecodePlan* plan);

// What stages know of the parameters; arrays are put behind those in `constants`.
DecodeParams lay_out_params(const SteppedParams& params, std::vector<uint8_t>* constants);

// log2 of a cell's edge relative to the scene's reference scale, 1/256 octave.
int32_t cell_size_log2(const SteppedParams& params, const TileFrame& frame);

// Memory for planes of `rows` rows: a block that begins at `block`, or how many bytes it takes.
size_t lay_out_planes(int64_t rows, const SteppedParams& params, uint8_t* block, DecodePlanes* planes);

}  // namespace splatzip::cuda
