// Bit strings, least significant bit first. The reader never reads past its end: it returns zeros and says so.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

namespace splatzip {

inline int bit_length(uint64_t x) { return x ? 64 - __builtin_clzll(x) : 0; }
inline uint32_t zigzag(int32_t v) { return static_cast<uint32_t>(v) << 1 ^ static_cast<uint32_t>(v >> 31); }
inline int32_t unzigzag(uint32_t u) { return static_cast<int32_t>(u >> 1) ^ -static_cast<int32_t>(u & 1); }

class BitWriter {
 public:
  // count 0..32
  void put(uint64_t value, int count) {
    pending_ |= (value & ((1ull << count) - 1)) << filled_;
    filled_ += count;
    while (filled_ >= 8) {
      bytes_.push_back(static_cast<uint8_t>(pending_));
      pending_ >>= 8;
      filled_ -= 8;
    }
  }
  // Exponential Golomb of order k: the bit length of (value >> k) + 1 in unary, its lower bits, then k low bits.
  void put_exp_golomb(uint32_t value, int k) {
    uint64_t high = static_cast<uint64_t>(value >> k) + 1;
    int length = bit_length(high);
    for (int i = 1; i < length; ++i) put(0, 1);
    put(1, 1);
    put(high, length - 1);
    put(value, k);
  }
  std::vector<uint8_t> finish() {
    if (filled_ > 0) bytes_.push_back(static_cast<uint8_t>(pending_));
    pending_ = 0;
    filled_ = 0;
    return std::move(bytes_);
  }

 private:
  std::vector<uint8_t> bytes_;
  uint64_t pending_ = 0;
  int filled_ = 0;
};

class BitReader {
 public:
  BitReader() = default;
  BitReader(const uint8_t* data, size_t size) : next_(data), end_(data + size) {}
  // count 0..32
  uint32_t get(int count) { return static_cast<uint32_t>(get_long(count)); }
  // count 0..kMostAtOnce
  static constexpr int kMostAtOnce = 56;
  uint64_t get_long(int count) {
    if (filled_ < count) refill();
    uint64_t value = pending_ & ((1ull << count) - 1);
    if (filled_ < count) {
      ok_ = false;
      pending_ = 0;
      filled_ = 0;
      return 0;
    }
    pending_ >>= count;
    filled_ -= count;
    return value;
  }
  // Below 2^31: a code that says more is an error.
  uint32_t get_exp_golomb(int k) {
    if (filled_ < kMostAtOnce) refill();
    int zeros = pending_ ? __builtin_ctzll(pending_) : 64;
    if (zeros + k <= 30 && 2 * zeros < filled_) {  // all but the k bits is at hand
      const uint64_t low = pending_ >> (zeros + 1) & ((1ull << zeros) - 1);
      pending_ >>= 2 * zeros + 1;
      filled_ -= 2 * zeros + 1;
      return static_cast<uint32_t>(((1ull << zeros) + low - 1) << k) | get(k);
    }
    zeros = 0;
    while (ok_ && get(1) == 0) {
      if (++zeros + k > 30) ok_ = false;
    }
    if (!ok_) return 0;
    uint64_t high = (1ull << zeros) | get(zeros);
    return static_cast<uint32_t>((high - 1) << k) | get(k);
  }
  bool ok() const { return ok_; }
  // Everything was taken but the padding of the last byte, and that is zero.
  bool at_end() const { return ok_ && next_ == end_ && filled_ < 8 && pending_ == 0; }

 private:
  void refill() {
    if (end_ - next_ >= 8) {
      uint64_t word;
      std::memcpy(&word, next_, 8);
      pending_ |= word << filled_;
      int taken = (63 - filled_) >> 3;
      next_ += taken;
      filled_ += taken * 8;
      pending_ &= filled_ == 64 ? ~0ull : (1ull << filled_) - 1;
      return;
    }
    while (filled_ <= 56 && next_ < end_) {
      pending_ |= static_cast<uint64_t>(*next_++) << filled_;
      filled_ += 8;
    }
  }
  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
  uint64_t pending_ = 0;
  int filled_ = 0;
  bool ok_ = true;
};

// Little-endian base-128 integers and bytes, as all chunks use them.
class ByteReader {
 public:
  ByteReader(const uint8_t* data, size_t size) : next_(data), end_(data + size) {}
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (next_ == end_) break;
      uint8_t byte = *next_++;
      if (shift == 63 && byte > 1) break;  // 2^64 or more
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
    ok_ = false;
    return 0;
  }
  // A number of bytes that follow; not ok if there are fewer, however wide a size is on this machine.
  size_t size() {
    const uint64_t value = varint();
    if (value > left()) ok_ = false;
    return ok_ ? static_cast<size_t>(value) : 0;
  }
  int64_t signed_varint() {
    uint64_t u = varint();
    return static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1);
  }
  uint8_t byte() {
    if (next_ == end_) {
      ok_ = false;
      return 0;
    }
    return *next_++;
  }
  float float32() {
    float value = 0;
    if (left() < 4) {
      ok_ = false;
      return 0;
    }
    std::memcpy(&value, next_, 4);
    next_ += 4;
    return value;
  }
  const uint8_t* take(size_t size) {
    if (!ok_ || left() < size) {
      ok_ = false;
      return nullptr;
    }
    const uint8_t* start = next_;
    next_ += size;
    return start;
  }
  size_t left() const { return static_cast<size_t>(end_ - next_); }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && next_ == end_; }

 private:
  const uint8_t* next_;
  const uint8_t* end_;
  bool ok_ = true;
};

class ByteWriter {
 public:
  void varint(uint64_t value) {
    for (; value >= 128; value >>= 7) bytes.push_back(static_cast<uint8_t>(value | 128));
    bytes.push_back(static_cast<uint8_t>(value));
  }
  void signed_varint(int64_t value) { varint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63)); }
  void byte(uint8_t value) { bytes.push_back(value); }
  void float32(float value) { append(&value, 4); }
  void append(const void* data, size_t size) {
    const uint8_t* p = static_cast<const uint8_t*>(data);
    bytes.insert(bytes.end(), p, p + size);
  }
  std::vector<uint8_t> bytes;
};

}  // namespace splatzip
