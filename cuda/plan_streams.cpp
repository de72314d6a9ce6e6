#include "plan_streams.h"

#include <algorithm>

namespace splatzip::cuda {
namespace {

RansSet set_of(const TableSet& from, Constants& constants) {
  RansSet to{};
  auto table_of = from.table_of;
  to.hints = constants.put(from.hints);
  to.starts = constants.put(from.starts);
  to.escapes = from.escapes;
  to.any_raw = from.escapes;
  for (size_t c = 0; c < static_cast<size_t>(from.contexts); ++c) {
    table_of[c] |= uint32_t{from.low_bits[c]} << kLowBitsShift;
    to.any_raw = to.any_raw || from.low_bits[c] > 0;
  }
  to.table_of = constants.put(table_of);
  return to;
}

}  // namespace

bool StreamPlanner::open(const StreamHead& head, const uint8_t* bytes, StreamPlace* place) {
  const size_t state_bytes = static_cast<size_t>(head.lanes) * 4;
  if (head.word_bytes && (head.word_bytes < state_bytes || head.word_bytes % 2 != 0)) return false;
  if (head.word_bytes > UINT32_MAX / 2 || head.raw_bytes > UINT32_MAX) return false;
  for (size_t at = 0; head.word_bytes && at < state_bytes; at += 4) {
    uint32_t state;
    std::memcpy(&state, bytes + at, 4);
    if (state < kRansLow) return false;
  }
  int32_t set = 0;
  if (!find_set(head, &set)) return false;
  *place = {there_ + (bytes - file_), static_cast<uint32_t>(head.word_bytes), static_cast<uint32_t>(head.raw_bytes),
            head.lanes, set};
  return true;
}

// The set that a stream is decoded with; each is laid out once.
bool StreamPlanner::find_set(const StreamHead& head, int32_t* set) {
  const TableSet* found = find_table_set(tables_, head);
  if (!found) return false;
  const auto known = std::find(found_.begin(), found_.end(), found);
  *set = static_cast<int32_t>(known - found_.begin());
  if (known == found_.end()) {
    found_.push_back(found);
    sets_.push_back(set_of(*found, constants_));
  }
  return true;
}

}  // namespace splatzip::cuda
