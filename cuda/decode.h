// Files to arrays on a GPU, or by the CPU as a GPU would decode them.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "columns.h"
#include "device_scene.h"
#include "splatzip/dequantize_compressed_ply.h"
#include "splatzip/dequantize_ksplat.h"
#include "splatzip/dequantize_sog.h"
#include "splatzip/dequantize_splat.h"
#include "splatzip/dequantize_spz.h"
#include "stepped.h"

namespace splatzip::cuda {

enum class DecodeStatus {
  ok,
  refused,  // something is not legal: the CPU's decoder says what
  failed,   // problem() says why: too little memory, or CUDA's words
};

// An array of codes: `columns` a row, items of 1, 2 or 4 bytes.
struct CodeShape {
  int columns, item_bytes;
};

// Where numbers go: a column of one of the arrays, -1 for none; ColumnTarget has the rest.
struct CodeTarget {
  int array, column, shift, bits;
  bool folded;
};

struct ColumnsCall {
  ColumnsSpec spec;
  std::vector<TableChunk> tables;
  std::vector<ColumnsTile> tiles;  // inside of `file`
  std::vector<CodeShape> shapes;
  std::vector<CodeTarget> targets;  // of the coordinates, then of the components; they fit the shapes
  int prefix_array, prefix_shift;   // the array that takes what coordinate 0 holds from that bit on, or -1
  const uint8_t* file;
  size_t file_bytes;
  int scene_degree;  // SH of the scene that the codes become later, whose memory is asked for now, or -1
};

// Arrays of codes on the device, each at a multiple of 256 bytes.
struct DeviceCodes {
  int64_t rows = 0;
  std::vector<CodeShape> shapes;
  std::vector<size_t> starts;
  std::unique_ptr<DeviceBlock> block;

  size_t bytes_of(size_t array) const {
    return static_cast<size_t>(rows) * static_cast<size_t>(shapes[array].columns * shapes[array].item_bytes);
  }
  // How many bytes they take together.
  size_t lay_out(const std::vector<CodeShape>& of, int64_t count) {
    rows = count, shapes = of, starts.clear();
    size_t used = 0;
    for (size_t a = 0; a < shapes.size(); ++a) {
      starts.push_back(used);
      used += DeviceScene::aligned(bytes_of(a));
    }
    return used;
  }
  // Makes codes that are the bits of a scene's five arrays into that scene, in place.
  bool become_scene(DeviceScene* scene) {
    constexpr int kColumns[4] = {3, 3, 4, 1};
    if (shapes.size() != 5) return false;
    int degree = 0;
    while (degree < 4 && 3 * DeviceScene::coefficients(degree) < shapes[4].columns) ++degree;
    for (size_t a = 0; a < 5; ++a)
      if (shapes[a].item_bytes != 4 ||
          shapes[a].columns != (a < 4 ? kColumns[a] : 3 * DeviceScene::coefficients(degree)))
        return false;
    scene->lay_out(std::move(block), rows, degree);
    return true;
  }
  ColumnTarget target(const CodeTarget& of) const {
    ColumnTarget target;
    if (of.array < 0) return target;
    const CodeShape& shape = shapes[static_cast<size_t>(of.array)];
    target.items = block->data() + starts[static_cast<size_t>(of.array)] + of.column * shape.item_bytes;
    target.item_bytes = shape.item_bytes;
    target.stride = shape.columns;
    target.shift = of.shift, target.bits = of.bits, target.folded = of.folded;
    return target;
  }
  ColumnsOutput outputs(const ColumnsCall& call) const {
    ColumnsOutput out;
    for (size_t t = 0; t < call.targets.size(); ++t) {
      if (t < 3) out.coordinates[t] = target(call.targets[t]);
      if (t >= 3) out.components.push_back(target(call.targets[t]));
    }
    if (call.prefix_array < 0) return out;
    out.prefix_shift = call.prefix_shift;
    out.prefix = reinterpret_cast<uint32_t*>(block->data() + starts[static_cast<size_t>(call.prefix_array)]);
    return out;
  }
};

// Codes of a quantized source, which lie on the device as its palette does; what else they refer to is the host's.
template <class Codes, class Bytes>
struct SourceOf {
  Codes codes;
  Bytes bytes;
};

struct DequantizeCall {
  std::variant<SourceOf<SpzCodes, SpzBytes>, SourceOf<SogCodes, SogBytes>,
               SourceOf<CompressedPlyCodes, CompressedPlyBytes>, SourceOf<SplatCodes, LinearBytes>,
               SourceOf<KsplatCodes, KsplatBytes>>
      source;
  int sh_degree;
  const uint32_t* prefix;  // rows of the scene are in its order, which is a stable one; null: as the codes
};

// Memory that is kept from call to call. Not for two threads at once.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // chunks: as decode_stepped takes them, all of them inside of `file`, which is uploaded as a whole. What memory it
  // takes is known before any is taken; tiles are decoded in as many batches as fit.
  virtual DecodeStatus decode_stepped(const SteppedParams& params, const std::vector<TableChunk>& tables,
                                      const std::vector<ChunkBytes>& chunks, const uint8_t* file, size_t file_bytes,
                                      DeviceScene* scene) = 0;
  // Codes of a quantized source, or the bits of floats, in arrays of their own.
  virtual DecodeStatus decode_columns(const ColumnsCall& call, DeviceCodes* codes) = 0;
  // `refused`: codes name what does not exist, or what they stand for is no scene.
  virtual DecodeStatus dequantize(const DequantizeCall& call, DeviceScene* scene) = 0;
  // The host's arrays, as they are.
  virtual DecodeStatus upload_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree,
                                    DeviceScene* scene) = 0;
  // `refused`: what lies there is no scene.
  virtual DecodeStatus check_scene(const DeviceScene& scene) = 0;
  // Nothing is kept any more.
  virtual void forget() = 0;
  virtual std::string problem() const = 0;
};

std::unique_ptr<Decoder> make_decoder();
// The same by the CPU, lanes and warps in rising or in falling order, with so many bytes of memory.
std::unique_ptr<Decoder> make_emulated_decoder(bool falling, size_t memory);

}  // namespace splatzip::cuda
