#include "codebooks.h"

#include <algorithm>
#include <cstdlib>

#include "stepped_tile.h"

namespace splatzip {
namespace {

constexpr int kEntryContexts = 16;
constexpr int64_t kMostBookNumbers = 1 << 20;  // of all books: they are one stream

// The numbers of a book, plane by plane: each under the context of the three before it in its entry.
template <class Io>
void code_entries(Io& io, Codebook* book) {
  const size_t entries = static_cast<size_t>(book->entries);
  std::vector<int32_t> plane(entries);
  std::vector<uint8_t> contexts(entries);
  for (int d = 0; d < book->count; ++d) {
    for (size_t e = 0; e < entries; ++e) {
      int near = 0;
      for (int before = std::max(0, d - 3); before < d; ++before) near += std::abs(book->at(before, e));
      contexts[e] = static_cast<uint8_t>(d == 0 ? 0 : 1 + bit_length(static_cast<uint64_t>(near)));
      plane[e] = book->at(d, e);
    }
    io.plane(contexts.data(), plane.data(), book->entries, true);
    if constexpr (Io::kReading)
      for (size_t e = 0; e < entries; ++e)
        book->at(d, e) = static_cast<int16_t>(std::clamp(plane[e], -kMostEntryValue - 1, kMostEntryValue + 1));
  }
}

bool read_span(ByteReader& in, int width, int64_t* numbers, Codebook* book) {
  const uint64_t first = in.varint(), count = in.varint(), entries = in.varint();
  if (!in.ok() || first >= static_cast<uint64_t>(width) || count < 1 || count > static_cast<uint64_t>(width) - first ||
      entries < 1 || entries > kMostBookEntries)
    return false;
  book->first = static_cast<int>(first);
  book->count = static_cast<int>(count);
  book->entries = static_cast<int>(entries);
  *numbers += static_cast<int64_t>(count * entries);
  for (int16_t& weight : book->expect) {
    const int64_t value = in.signed_varint();
    weight = static_cast<int16_t>(value);
    if (!in.ok() || weight != value) return false;
  }
  return true;
}

}  // namespace

void Codebook::measure() {
  sizes.assign(static_cast<size_t>(entries), 0);
  for (int d = 0; d < count; ++d)
    for (size_t e = 0; e < sizes.size(); ++e) sizes[e] += std::abs(at(d, e));
  for (int32_t& size : sizes) size = std::min(kLevels - 1, bit_length(static_cast<uint64_t>(size)) / 2);
}

bool read_codebooks(const uint8_t* data, size_t size, int width, bool may_split, Codebooks* out) {
  ByteReader in(data, size);
  const int64_t from_step = in.signed_varint();
  if (from_step < -kMaxHalfOctaves || from_step > kMaxHalfOctaves || !(may_split || from_step == -kMaxHalfOctaves))
    return false;
  out->from_step = static_cast<int>(from_step);
  const uint64_t count = in.varint();
  if (!in.ok() || count < 1 || count > kMostBooks) return false;
  out->books.resize(count);
  int64_t numbers = 0;
  for (Codebook& book : out->books)
    if (!read_span(in, width, &numbers, &book)) return false;
  if (numbers > kMostBookNumbers || numbers > kMostNumbersPerByte * static_cast<int64_t>(size)) return false;
  TableSet set;
  if (!read_table_set(in, &set) || set.stream != kEntry) return false;
  set.prepare();
  StreamHead head;
  if (in.varint() != 1 || !read_stream_head(in, &head) || head.stream != kEntry || head.table_set != 0 ||
      head.word_bytes > in.left() || head.raw_bytes > in.left())
    return false;
  const uint8_t* bytes = in.take(head.word_bytes + head.raw_bytes);
  StreamReader stream;
  if (!bytes || !in.at_end() || !stream.open(head, bytes, &set)) return false;
  for (Codebook& book : out->books) {
    book.values.resize(static_cast<size_t>(book.count) * static_cast<size_t>(book.entries));
    code_entries(stream, &book);
    for (int16_t value : book.values)
      if (std::abs(value) > kMostEntryValue) return false;
    book.measure();
  }
  return stream.close();
}

std::vector<uint8_t> write_codebooks(const Codebooks& books) {
  ByteWriter out;
  StreamWriter stream;
  out.signed_varint(books.from_step);
  out.varint(books.books.size());
  for (const Codebook& book : books.books) {
    out.varint(static_cast<uint64_t>(book.first));
    out.varint(static_cast<uint64_t>(book.count));
    out.varint(static_cast<uint64_t>(book.entries));
    for (int16_t weight : book.expect) out.signed_varint(weight);
    Codebook coded = book;
    code_entries(stream, &coded);
  }
  const TableSet set = tables_for(kEntry, SymbolRule::escapes, kEntryContexts, {&stream});
  write_table_set(out, set);
  StreamHead head;
  head.stream = kEntry;
  std::vector<uint8_t> payload;
  stream.finish(set, &head, payload);
  out.varint(1);
  write_stream_head(out, head);
  out.append(payload.data(), payload.size());
  return std::move(out.bytes);
}

}  // namespace splatzip
