// What the WebAssembly module exports: plain functions over its linear memory, for viewer/web/src/decoder.
//
// The caller owns every block: it takes memory from splatzip_alloc, writes bytes there and gives it back. Numbers are
// 32 bits wide (JavaScript has no others that cost nothing). The module imports nothing; a failed allocation or a
// broken promise traps, and the caller starts a new instance.
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "../src/columns.h"
#include "../src/stepped.h"
#include "splatzip/dequantize_compressed_ply.h"
#include "splatzip/dequantize_ksplat.h"
#include "splatzip/dequantize_sog.h"
#include "splatzip/dequantize_splat.h"
#include "splatzip/dequantize_spz.h"

#define SPLATZIP_EXPORT(name) extern "C" __attribute__((export_name(#name), visibility("default")))

using namespace splatzip;

// Instead of the library's, which print before they abort.
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }
_LIBCPP_END_NAMESPACE_STD
void* operator new(size_t size) {
  void* block = std::malloc(size ? size : 1);
  if (!block) __builtin_trap();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }

namespace {

// A file of codec STEPPED. Memory of planes goes around for as long as it is open.
struct SteppedFile {
  SteppedParams params;
  std::vector<TableChunk> tables;
  std::unique_ptr<SteppedTables> derived;
  RecycledMemory planes;
};

}  // namespace

SPLATZIP_EXPORT(splatzip_alloc) void* wasm_alloc(size_t size) {
  void* block = std::malloc(size ? size : 1);
  if (!block) __builtin_trap();
  return block;
}

SPLATZIP_EXPORT(splatzip_free) void wasm_free(void* block) { std::free(block); }

// --- Codec STEPPED ---

// nullptr: the STEPS chunk makes no sense.
SPLATZIP_EXPORT(stepped_open) SteppedFile* wasm_stepped_open(const uint8_t* params, size_t size) {
  auto file = std::make_unique<SteppedFile>();
  ByteReader in(params, size);
  if (!read_params(in, &file->params)) return nullptr;
  file->derived = std::make_unique<SteppedTables>(file->params);
  return file.release();
}

SPLATZIP_EXPORT(stepped_close) void wasm_stepped_close(SteppedFile* file) { delete file; }

// A CODEBOOKS chunk; 0: it makes no sense.
SPLATZIP_EXPORT(stepped_books) int wasm_stepped_books(SteppedFile* file, int id, const uint8_t* data, size_t size) {
  return id >= 0 && id < kBookedAttributes && file->params.read_books(id, data, size);
}

// A TABLES chunk; 0: it makes no sense.
SPLATZIP_EXPORT(stepped_tables)
int wasm_stepped_tables(SteppedFile* file, size_t id, const uint8_t* data, size_t size) {
  if (id >= file->tables.size()) file->tables.resize(id + 1);
  return read_table_chunk(data, size, &file->tables[id]);
}

SPLATZIP_EXPORT(stepped_new_tile) TileHistory* wasm_stepped_new_tile() { return new TileHistory; }
SPLATZIP_EXPORT(stepped_forget_tile) void wasm_stepped_forget_tile(TileHistory* tile) { delete tile; }
SPLATZIP_EXPORT(stepped_new_chunk) TileState* wasm_stepped_new_chunk() { return new TileState; }
SPLATZIP_EXPORT(stepped_forget_chunk) void wasm_stepped_forget_chunk(TileState* chunk) { delete chunk; }

// out: n rows each of positions (3), log scales (3), rotations (4), opacity logits, colour (3), one array after
// another.
SPLATZIP_EXPORT(stepped_layer_0)
int32_t wasm_stepped_layer_0(SteppedFile* file, TileHistory* tile, TileState* chunk, const uint8_t* data, size_t size,
                             uint32_t n, float* out) {
  const size_t rows = n;
  const ChunkOutput arrays{out, out + 3 * rows, out + 6 * rows, out + 10 * rows, {out + 11 * rows, 3}};
  return static_cast<int32_t>(
      decode_layer_0({file->params, file->tables, *file->derived}, {0, 0, 0, n, 0, data, size}, tile, chunk, arrays));
}

// rest: (n, B, 3).
SPLATZIP_EXPORT(stepped_layer_1)
int32_t wasm_stepped_layer_1(SteppedFile* file, TileState* chunk, const uint8_t* data, size_t size, uint32_t n,
                             float* rest) {
  return static_cast<int32_t>(decode_layer_1({file->params, file->tables, *file->derived}, {0, 0, 1, n, 0, data, size},
                                             chunk, {rest, 3 * file->params.rest()}));
}
