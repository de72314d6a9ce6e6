// A recorded call of decode_stepped: what the container hands to the codec, numbers as little-endian int64:
//     size, bytes of the parameters | size, bytes of each of three CODEBOOKS chunks (none: 0) | count, then size, bytes
//     of each TABLES chunk | splats | count, then tile, tier, layer, splats, row, size, bytes of each chunk
// scripts/fuzzing/cases.py writes them. Every block lies in memory of its own, of just its size, so that reading one
// byte too many is seen. What a case promises (rows inside the scene) is checked here, as the Python side does.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "stepped.h"

namespace splatzip {

constexpr int64_t kMostSplats = int64_t{1} << 22;  // a mutated case asks for no more memory than this takes

struct Block {
  std::unique_ptr<uint8_t[]> bytes;
  size_t size = 0;
};

class CaseReader {
 public:
  explicit CaseReader(const std::vector<char>& bytes)
      : reader_(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) {}

  int64_t number() {
    int64_t value = 0;
    if (const uint8_t* at = reader_.take(8)) std::memcpy(&value, at, 8);
    return value;
  }
  Block block() {
    Block block;
    const int64_t size = number();
    const uint8_t* at = size >= 0 ? reader_.take(static_cast<size_t>(size)) : nullptr;
    if (!at) return block;
    block.size = static_cast<size_t>(size);
    block.bytes = std::make_unique<uint8_t[]>(block.size);
    std::memcpy(block.bytes.get(), at, block.size);
    return block;
  }
  bool ok() const { return reader_.ok(); }

 private:
  ByteReader reader_;
};

struct DecodedScene {
  std::vector<float> positions, log_scales, rotations, opacity_logits, sh;
  void resize(size_t n, size_t coefficients) {
    positions.assign(3 * n, 0.0f);
    log_scales.assign(3 * n, 0.0f);
    rotations.assign(4 * n, 0.0f);
    opacity_logits.assign(n, 0.0f);
    sh.assign(3 * n * coefficients, 0.0f);
  }
  SceneArrays<float> output() {
    return {positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()};
  }
};

struct SteppedCase {
  SteppedParams params;
  std::vector<TableChunk> tables;
  std::vector<Block> blocks;  // of chunks
  std::vector<ChunkBytes> chunks;
  size_t splats = 0;

  // Not ok: what comes before the chunks is none, or the case itself.
  Status read(const std::vector<char>& bytes) {
    CaseReader given(bytes);
    const Block params_block = given.block();
    ByteReader params_reader(params_block.bytes.get(), params_block.size);
    if (!read_params(params_reader, &params)) return Status::corrupt;
    for (int a = 0; a < kBookedAttributes; ++a) {
      const Block block = given.block();
      if (block.size > 0 && !params.read_books(a, block.bytes.get(), block.size)) return Status::corrupt;
    }
    tables.resize(static_cast<size_t>(std::clamp<int64_t>(given.number(), 0, 256)));
    for (TableChunk& table : tables) {
      const Block block = given.block();
      if (!read_table_chunk(block.bytes.get(), block.size, &table)) return Status::corrupt;
    }
    const int64_t promised = given.number();
    if (promised < 1 || promised > kMostSplats) return Status::corrupt;
    splats = static_cast<size_t>(promised);
    for (int64_t count = given.number(); count > 0 && given.ok(); --count) {
      ChunkBytes chunk;
      chunk.tile = static_cast<int>(given.number());
      chunk.tier = static_cast<int>(given.number());
      chunk.layer = static_cast<int>(given.number());
      chunk.splats = given.number();
      chunk.row = given.number();
      blocks.push_back(given.block());
      chunk.data = blocks.back().bytes.get();
      chunk.size = blocks.back().size;
      if (chunk.splats < 0 || chunk.splats > promised || chunk.row < 0 || chunk.row > promised - chunk.splats)
        return Status::corrupt;
      chunks.push_back(chunk);
    }
    return given.ok() ? Status::ok : Status::truncated;
  }
};

}  // namespace splatzip
