// What the WebAssembly module exports: plain functions over its linear memory, for viewer/web/src/decoder.
//
// The caller owns every block: it takes memory from splatzip_alloc, writes bytes there and gives it back. Numbers are
// 32 bits wide (the only ones that are free in JavaScript). The module imports nothing; a failed allocation or a
// violated precondition traps, and the caller starts a new instance.
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "../src/columns.h"
#include "../src/crc32.h"
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

bool take_tables(std::vector<TableChunk>& tables, size_t id, const uint8_t* data, size_t size) {
  if (id >= tables.size()) tables.resize(id + 1);
  return read_table_chunk(data, size, &tables[id]);
}

}  // namespace

SPLATZIP_EXPORT(splatzip_alloc) void* wasm_alloc(size_t size) {
  void* block = std::malloc(size ? size : 1);
  if (!block) __builtin_trap();
  return block;
}

SPLATZIP_EXPORT(splatzip_free) void wasm_free(void* block) { std::free(block); }

SPLATZIP_EXPORT(crc32) uint32_t wasm_crc32(const uint8_t* data, size_t size) { return crc32(data, size); }

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
  return take_tables(file->tables, id, data, size);
}

// What tiers of a tile hand on, and what layer 0 of a chunk hands to layer 1.
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

// --- Codec COLUMNS ---

namespace {

struct ColumnsFile {
  ColumnsSpec spec;
  std::vector<TableChunk> tables;
};

// As JavaScript lays it out: six numbers of 32 bits.
struct Target {
  void* items;
  int32_t item_bytes, stride, shift, bits, folded;
};

ColumnTarget target_of(const Target& t) { return {t.items, t.item_bytes, t.stride, t.shift, t.bits, t.folded != 0}; }

}  // namespace

// nullptr: the COLUMNS chunk makes no sense.
SPLATZIP_EXPORT(columns_open) ColumnsFile* wasm_columns_open(const uint8_t* spec, size_t size) {
  auto file = std::make_unique<ColumnsFile>();
  ByteReader in(spec, size);
  return read_columns_spec(in, &file->spec) ? file.release() : nullptr;
}

SPLATZIP_EXPORT(columns_close) void wasm_columns_close(ColumnsFile* file) { delete file; }
SPLATZIP_EXPORT(columns_components) size_t wasm_columns_components(ColumnsFile* file) {
  return file->spec.columns.size();
}
SPLATZIP_EXPORT(columns_layer) int32_t wasm_columns_layer(ColumnsFile* file, size_t component) {
  return file->spec.columns[component].layer;
}

// A TABLES chunk; 0: it makes no sense.
SPLATZIP_EXPORT(columns_tables)
int wasm_columns_tables(ColumnsFile* file, size_t id, const uint8_t* data, size_t size) {
  return take_tables(file->tables, id, data, size);
}

// A tile's layers (no `rest`: layer 0 alone) to targets, coordinates first; their memory holds zeros. From bit
// prefix_shift on, coordinate 0 goes to `prefix`. Returns 0, or 1 + what is wrong: layer 0, layer 1, then the targets.
SPLATZIP_EXPORT(columns_decode)
int32_t wasm_columns_decode(ColumnsFile* file, uint32_t n, const uint8_t* data, size_t size, const uint8_t* rest,
                            size_t rest_size, const Target* targets, int32_t prefix_shift, uint32_t* prefix) {
  ColumnsOutput out;
  for (int axis = 0; axis < 3; ++axis) out.coordinates[axis] = target_of(targets[axis]);
  for (size_t c = 0; c < file->spec.columns.size(); ++c) out.components.push_back(target_of(targets[3 + c]));
  if (prefix) out.prefix_shift = prefix_shift, out.prefix = prefix;
  BadColumns bad;
  if (decode_columns(file->spec, file->tables, {{n, {{data, size}, {rest, rest_size}}}}, out, 1, &bad)) return 0;
  return bad.target >= 0 ? 3 + bad.target : 1 + bad.layer;
}

// --- Source formats ---
// out: n rows each of positions (3), log scales (3), rotations (4), opacity logits, SH (3 + 3 B), one array after
// another.

namespace {

SceneArrays<float> floats_at(float* out, size_t n) {
  return {out, out + 3 * n, out + 6 * n, out + 10 * n, out + 11 * n};
}

}  // namespace

SPLATZIP_EXPORT(dequantize_spz)
int32_t wasm_dequantize_spz(size_t n, const uint32_t* positions, const uint16_t* half_positions, const uint8_t* alphas,
                            const uint8_t* colors, const uint8_t* scales, const uint32_t* rotations,
                            const uint8_t* first_three, const uint8_t* sh, int fractional_bits, int sh_degree, int axes,
                            float* out) {
  const SpzCodes codes{n,           positions, half_positions,  alphas,    colors, scales, rotations,
                       first_three, sh,        fractional_bits, sh_degree, axes};
  return static_cast<int32_t>(dequantize_spz(codes, 1, floats_at(out, n)));
}

SPLATZIP_EXPORT(dequantize_sog)
int32_t wasm_dequantize_sog(int version, size_t n, const uint16_t* positions, const uint8_t* rotations,
                            const uint8_t* scales, const uint8_t* colors, const uint16_t* labels,
                            const uint8_t* palette, size_t palette_rows, size_t coefficients, const double* means,
                            const double* scale_table, const double* color_table, const double* rest_table,
                            float* out) {
  const SogCodes codes{n, positions, rotations, scales, colors, labels, palette, palette_rows, coefficients};
  size_t where;
  return static_cast<int32_t>(
      dequantize_sog(version, codes, {means, scale_table, color_table, rest_table}, 1, floats_at(out, n), &where));
}

SPLATZIP_EXPORT(dequantize_compressed_ply)
int32_t wasm_dequantize_compressed_ply(size_t n, const uint32_t* position, const uint32_t* rotation,
                                       const uint32_t* scale, const uint32_t* color, const uint8_t* sh,
                                       size_t coefficients, const float* chunks, size_t chunk_count,
                                       size_t chunk_columns, const uint32_t* chunk_of, float* out) {
  const CompressedPlyCodes codes{n,      position,    rotation,      scale,   color, sh, coefficients,
                                 chunks, chunk_count, chunk_columns, chunk_of};
  size_t where;
  return static_cast<int32_t>(dequantize_compressed_ply(codes, 1, floats_at(out, n), &where));
}

SPLATZIP_EXPORT(dequantize_splat)
int32_t wasm_dequantize_splat(size_t n, const uint32_t* positions, const uint32_t* scales, const uint8_t* colors,
                              const uint8_t* rotations, float* out) {
  dequantize_splat({n, positions, scales, colors, rotations}, 1, floats_at(out, n));
  return 0;
}

// positions, scales and rotations: of 32 bits at level 0, else of 16; sh of 32, 16 and 8. sh_range: what bytes 0 and
// 255 of SH stand for.
SPLATZIP_EXPORT(dequantize_ksplat)
int32_t wasm_dequantize_ksplat(size_t n, int level, const void* positions, const void* scales, const void* rotations,
                               const void* sh, const uint8_t* colors, const uint32_t* buckets, size_t bucket_count,
                               const float* bucket_centers, const uint32_t* bucket_sections, size_t section_count,
                               const float* block_sizes, const uint32_t* ranges, const uint32_t* degrees,
                               size_t coefficients, const double* sh_range, float* out) {
  KsplatCodes codes{};
  codes.splats = n, codes.level = level, codes.colors = colors, codes.buckets = buckets;
  if (level == 0) {
    codes.positions32 = static_cast<const uint32_t*>(positions), codes.scales32 = static_cast<const uint32_t*>(scales);
    codes.rotations32 = static_cast<const uint32_t*>(rotations), codes.sh32 = static_cast<const uint32_t*>(sh);
  } else {
    codes.positions16 = static_cast<const uint16_t*>(positions), codes.scales16 = static_cast<const uint16_t*>(scales);
    codes.rotations16 = static_cast<const uint16_t*>(rotations);
    codes.sh16 = static_cast<const uint16_t*>(sh), codes.sh8 = static_cast<const uint8_t*>(sh);
  }
  codes.tables = {bucket_count, bucket_centers, bucket_sections, section_count, block_sizes,
                  ranges,       degrees,        coefficients,    sh_range[0],   sh_range[1]};
  size_t where;
  bool in_tables;
  return static_cast<int32_t>(dequantize_ksplat(codes, 1, floats_at(out, n), &where, &in_tables));
}

// Whether floats are those of a scene (FORMAT.md 1.3).
SPLATZIP_EXPORT(is_scene) int32_t wasm_is_scene(size_t n, size_t coefficients, const float* out) {
  const auto finite = kernels().stepped->all_finite;
  const float *rotations = out + 6 * n, *logits = out + 10 * n;
  if (!finite(out, static_cast<int64_t>(10 * n)) || !finite(out + 11 * n, static_cast<int64_t>(3 * coefficients * n)))
    return 0;
  for (size_t i = 0; i < n; ++i) {
    const float* q = rotations + 4 * i;
    if (logits[i] != logits[i] || (q[0] == 0 && q[1] == 0 && q[2] == 0 && q[3] == 0)) return 0;
  }
  return 1;
}
