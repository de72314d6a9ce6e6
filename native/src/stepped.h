// Codec STEPPED: whole scenes to chunks and back. Caller-owned memory, no exceptions across this line.
#pragma once
#include <cstdint>
#include <vector>

#include "splatzip/scene_arrays.h"
#include "splatzip/status.h"
#include "stepped_params.h"
#include "stepped_tile.h"
#include "vq.h"

namespace splatzip {

constexpr int64_t kMostSymbols = 1 << 20;    // of one stream
constexpr int64_t kMostSplatsPerByte = 256;  // of a chunk: what a hostile directory may make us allocate

// --- Decoding ---------------------------------------------------------------------------------------------------

struct ChunkBytes {
  int tile, tier, layer;
  int64_t splats;
  int64_t row;  // of its first splat in the outputs
  const uint8_t* data;
  size_t size;
};

// Layer 0 of one chunk, its own rows.
struct ChunkOutput {
  float *positions = nullptr, *log_scales = nullptr, *rotations = nullptr, *opacity_logits = nullptr;
  ColorRows color;  // degree 0
};

// Geometry and opacity of a tile, to the tile's own rows; colour comes from elsewhere.
void write_tile(const SteppedParams& params, const SteppedTables& derived, const TileState& tile,
                const ChunkOutput& out);

// Everything that chunks are decoded with; tables[id].
struct SteppedDecoder {
  const SteppedParams& params;
  const std::vector<TableChunk>& tables;
  const SteppedTables& derived;
};

// What the next tier of a tile needs of the earlier ones.
struct TileHistory {
  TileFrame frame;                // mantissa 0: none yet, the tile's first chunk brings it
  std::vector<uint64_t> earlier;  // cells, ascending
  TileHistory() { frame.mantissa = 0; }
};

// Decode one chunk of a tile. Layer 0: all earlier tiers were decoded, in order; `tile` then holds what the chunk's
// layer 1 needs. Layer 1: `tile` is as layer 0 left it, and of no use afterwards. Not ok: `corrupt`, or `scene` if the
// codes were legal and what they stand for is not.
Status decode_layer_0(const SteppedDecoder& decoder, const ChunkBytes& chunk, TileHistory* history, TileState* tile,
                      const ChunkOutput& out);
Status decode_layer_1(const SteppedDecoder& decoder, const ChunkBytes& chunk, TileState* tile, ColorRows rest);

// chunks: sorted by (tile, tier, layer). tables[id]. SH that is missing becomes 0. *failed receives the index of the
// bad chunk.
Status decode_stepped(const SteppedParams& params, const std::vector<TableChunk>& tables,
                      const std::vector<ChunkBytes>& chunks, int threads, const SceneArrays<float>& out,
                      size_t* failed);

// --- Encoding ---------------------------------------------------------------------------------------------------

// What the caller chooses; the rest of SteppedParams is fitted to the scene.
struct SteppedOptions {
  SteppedParams params;  // opacity levels, powers, step rules
  int64_t tile_splats = 10500;
  bool shared_tiles = false;              // tiers lie in the same tiles, and know where earlier ones have splats
  const SteppedParams* fitted = nullptr;  // bases and predictions of another scene, taken as they are
  float diffusion = 0.7f;                 // share of an error of colour or SH that later neighbours take
  float sh_dead_zone = 0;                 // share of a step by which codes of SH are drawn towards 0
  std::array<VqOptions, kBookedAttributes> books;
  RowSearch* search = nullptr;  // searches entries while books are trained; null: the CPU does
};

struct EncodedChunk {
  int tile, tier, layer;
  int64_t splats;
  float box[6];
  std::vector<uint8_t> bytes;
};

// A value that no code says within its step, by the source's row: what is decoded is another. Row -1: there is none.
enum class SourceArray { positions, log_scales, rotations, opacity_logits, sh };
struct LostValue {
  int64_t row = -1;
  SourceArray array = SourceArray::positions;
};

struct EncodedScene {
  std::vector<uint8_t> params;
  std::vector<uint8_t> tables[2];                             // by layer; their ids
  std::vector<std::vector<uint8_t>> tier_tables;              // by tier, if any: ids 2 + tier
  std::array<std::vector<uint8_t>, kBookedAttributes> books;  // empty: none
  std::vector<EncodedChunk> chunks;
  std::vector<int64_t> order;  // source row of each decoded row (tier by tier, tile by tile)
  int tiles = 0;
  LostValue lost;
};

EncodedScene encode_stepped(const SourceScene& source, const SteppedOptions& options, int threads);

// What a decoder would have of the scene, in the rows of the source.
LostValue round_stepped(const SourceScene& source, const SteppedOptions& options, int threads,
                        const SceneArrays<float>& out);

}  // namespace splatzip
