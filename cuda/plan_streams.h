// What both codecs' plans are, and what they do with streams: heads are read and checked, tables laid out.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "decode_job.h"
#include "streams.h"

namespace splatzip::cuda {

template <class Chunk, class Params>
struct PlanOf {
  std::vector<Chunk> chunks;
  std::vector<RansSet> sets;
  Params params{};
  std::vector<uint8_t> constants;
  int64_t rows = 0;  // of planes
  int32_t group_count = 0;
};

// Planes behind each other in a block, each at a multiple of 256 bytes; of none, how many bytes they take.
class PlaneBlock {
 public:
  explicit PlaneBlock(uint8_t* block) : block_(block) {}
  template <class Value>
  void take(Value*& plane, int64_t count) {
    plane = reinterpret_cast<Value*>(block_ + used_);
    used_ = (used_ + static_cast<size_t>(count) * sizeof(Value) + 255) / 256 * 256;
  }
  size_t bytes() const { return used_; }

 private:
  uint8_t* block_;
  size_t used_ = 0;
};

// Puts arrays behind each other, each at a multiple of 16 bytes.
class Constants {
 public:
  explicit Constants(std::vector<uint8_t>* bytes) : bytes_(bytes) {}
  template <class T>
  uint32_t put(const T* values, size_t count) {
    const size_t at = (bytes_->size() + 15) / 16 * 16;
    bytes_->resize(at + count * sizeof(T));
    if (count) std::memcpy(bytes_->data() + at, values, count * sizeof(T));
    return static_cast<uint32_t>(at);
  }
  template <class Values>
  uint32_t put(const Values& values) {
    return put(values.data(), values.size());
  }

 private:
  std::vector<uint8_t>* bytes_;
};

// The streams of chunks of a file that will lie at `there`; their table sets are laid out once each.
class StreamPlanner {
 public:
  StreamPlanner(const std::vector<TableChunk>& tables, const uint8_t* file, const uint8_t* there,
                std::vector<RansSet>* sets, std::vector<uint8_t>* constants)
      : tables_(tables), file_(file), there_(there), sets_(*sets), constants_(constants) {}

  // Heads and payloads to the end of the chunk. place_of(id): where a stream goes, or null for what is none of the
  // chunk's. False: something is not legal.
  template <class PlaceOf>
  bool read(ByteReader& in, PlaceOf place_of) {
    std::vector<StreamBytes> found;
    if (!read_streams(in, &found)) return false;
    return std::all_of(found.begin(), found.end(), [&](const StreamBytes& stream) {
      StreamPlace* place = place_of(stream.head.stream);
      return place && open(stream.head, stream.data, place);
    });
  }

 private:
  bool open(const StreamHead& head, const uint8_t* bytes, StreamPlace* place);
  bool find_set(const StreamHead& head, int32_t* set);

  const std::vector<TableChunk>& tables_;
  const uint8_t *file_, *there_;
  std::vector<RansSet>& sets_;
  Constants constants_;
  std::vector<const TableSet*> found_;
};

}  // namespace splatzip::cuda
