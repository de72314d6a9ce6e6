// Decodes recorded calls of decode_stepped, one a file; meant to be built with -fsanitize=address,undefined.
//
//     decode_stepped CASE...      (scripts/sanitize builds it; scripts/fuzzing/cases.py writes the cases)
//
// A case is what the container hands to the codec, numbers as little-endian int64:
//     size, bytes of the parameters | size, bytes of each of three CODEBOOKS chunks (none: 0) | count, then size, bytes
//     of each TABLES chunk splats | count, then tile, tier, layer, splats, row, size, bytes of each chunk
// Every block lies in memory of its own, of just its size, so that reading one byte too many is seen. Whatever the
// bytes say, decoding must end with a status; what the case itself promises (rows inside the scene) is checked here,
// as the Python side does.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "stepped.h"

namespace {

using splatzip::Status;

constexpr int64_t kMostSplats = int64_t{1} << 22;  // a mutated case asks for no more memory than this takes

struct Block {
  std::unique_ptr<uint8_t[]> bytes;
  size_t size = 0;
};

class Case {
 public:
  explicit Case(const std::vector<char>& bytes)
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
  splatzip::ByteReader reader_;
};

Status decode(const std::vector<char>& bytes) {
  Case given(bytes);
  const Block params_block = given.block();
  splatzip::SteppedParams params;
  splatzip::ByteReader params_reader(params_block.bytes.get(), params_block.size);
  if (!read_params(params_reader, &params)) return Status::corrupt;
  for (int a = 0; a < splatzip::kBookedAttributes; ++a) {
    const Block block = given.block();
    if (block.size > 0 && !params.read_books(a, block.bytes.get(), block.size)) return Status::corrupt;
  }
  std::vector<splatzip::TableChunk> tables(static_cast<size_t>(std::clamp<int64_t>(given.number(), 0, 2)));
  for (splatzip::TableChunk& table : tables) {
    const Block block = given.block();
    if (!read_table_chunk(block.bytes.get(), block.size, &table)) return Status::corrupt;
  }
  const int64_t splats = given.number();
  if (splats < 1 || splats > kMostSplats) return Status::corrupt;
  std::vector<Block> blocks;
  std::vector<splatzip::ChunkBytes> chunks;
  for (int64_t count = given.number(); count > 0 && given.ok(); --count) {
    splatzip::ChunkBytes chunk;
    chunk.tile = static_cast<int>(given.number());
    chunk.tier = static_cast<int>(given.number());
    chunk.layer = static_cast<int>(given.number());
    chunk.splats = given.number();
    chunk.row = given.number();
    blocks.push_back(given.block());
    chunk.data = blocks.back().bytes.get();
    chunk.size = blocks.back().size;
    if (chunk.splats < 0 || chunk.splats > splats || chunk.row < 0 || chunk.row > splats - chunk.splats)
      return Status::corrupt;
    chunks.push_back(chunk);
  }
  if (!given.ok()) return Status::truncated;
  const size_t n = static_cast<size_t>(splats);
  std::vector<float> positions(3 * n), log_scales(3 * n), rotations(4 * n), opacity_logits(n);
  std::vector<float> sh(3 * n * static_cast<size_t>(1 + params.rest()));
  size_t failed = 0;
  const Status status = decode_stepped(
      params, tables, chunks, 1,
      {positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()}, &failed);
  if (status != Status::ok && std::getenv("SPLATZIP_FUZZ_VERBOSE"))
    std::printf("  chunk %zu of %zu\n", failed, chunks.size());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  int decoded = 0;
  for (int a = 1; a < argc; ++a) {
    std::ifstream file(argv[a], std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (std::getenv("SPLATZIP_FUZZ_VERBOSE")) std::printf("%s\n", argv[a]);
    decoded += decode(bytes) == Status::ok;
  }
  std::printf("%d of %d cases decode, the others are refused\n", decoded, argc - 1);
  return 0;
}
