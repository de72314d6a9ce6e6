// Decodes recorded calls of decode_stepped and decode_columns as the CPU does and as a GPU would, and compares every
// bit; meant to be built with -fsanitize=address,undefined.
//
//     emulate_decode CASE...      (scripts/sanitize builds and runs it; native/fuzz/stepped_case.h and columns_case.h
//     say what a case is)
#include <cstdio>
#include <fstream>
#include <iterator>

#include "decode.h"
#include "columns_case.h"

namespace {

using splatzip::DecodedScene;
using splatzip::Status;
using splatzip::cuda::DecodeStatus;

bool same_bits(const float* found, const std::vector<float>& expected) {
  return std::memcmp(found, expected.data(), expected.size() * sizeof(float)) == 0;
}

enum class Outcome { decoded, refused, differs };

Outcome compare(const std::vector<char>& bytes) {
  splatzip::SteppedCase given;
  if (given.read(bytes) != Status::ok) return Outcome::refused;
  const size_t coefficients = static_cast<size_t>(1 + given.params.rest());
  DecodedScene expected;
  expected.resize(given.splats, coefficients);
  size_t failed = 0;
  const uint8_t* file = given.chunks.empty() ? nullptr : given.chunks[0].data;  // emulation reads chunks where they are
  const bool legal =
      decode_stepped(given.params, given.tables, given.chunks, 1, expected.output(), &failed) == Status::ok;
  for (bool falling : {false, true}) {
    splatzip::cuda::DeviceScene scene;
    const auto decoder = splatzip::cuda::make_emulated_decoder(falling, SIZE_MAX);
    const DecodeStatus status = decoder->decode_stepped(given.params, given.tables, given.chunks, file, 1, &scene);
    if (status == DecodeStatus::failed || (status == DecodeStatus::ok) != legal) return Outcome::differs;
    if (legal &&
        !(same_bits(scene.arrays.positions, expected.positions) &&
          same_bits(scene.arrays.log_scales, expected.log_scales) &&
          same_bits(scene.arrays.rotations, expected.rotations) &&
          same_bits(scene.arrays.opacity_logits, expected.opacity_logits) && same_bits(scene.arrays.sh, expected.sh)))
      return Outcome::differs;
  }
  return legal ? Outcome::decoded : Outcome::refused;
}

// Codes by array, as the CPU decodes them; false if it refuses the tiles.
bool decode_on_cpu(const splatzip::ColumnsCase& given, std::vector<std::vector<uint8_t>>* arrays,
                   std::vector<uint32_t>* prefix) {
  for (const auto& [columns, item_bytes] : given.arrays)
    arrays->emplace_back(static_cast<size_t>(given.points) * static_cast<size_t>(columns * item_bytes));
  splatzip::ColumnsOutput out;
  for (size_t t = 0; t < given.targets.size(); ++t) {
    const auto& [array, column, shift, bits, folded] = given.targets[t];
    splatzip::ColumnTarget target;
    if (array >= 0) {
      const auto& [columns, item_bytes] = given.arrays[static_cast<size_t>(array)];
      target = {
          (*arrays)[static_cast<size_t>(array)].data() + column * item_bytes, item_bytes, columns, shift, bits, folded};
    }
    if (t < 3) out.coordinates[t] = target;
    if (t >= 3) out.components.push_back(target);
  }
  if (given.prefix_shift >= 0) {
    prefix->resize(static_cast<size_t>(given.points));
    out.prefix = prefix->data(), out.prefix_shift = given.prefix_shift;
  }
  splatzip::BadColumns bad;
  return splatzip::decode_columns(given.spec, given.tables, given.tiles, out, 1, &bad);
}

Outcome compare_columns(const std::vector<char>& bytes) {
  splatzip::ColumnsCase given;
  if (given.read(bytes) != Status::ok) return Outcome::refused;
  std::vector<std::vector<uint8_t>> expected;
  std::vector<uint32_t> prefix;
  const bool legal = decode_on_cpu(given, &expected, &prefix);
  splatzip::cuda::ColumnsCall call{
      given.spec, given.tables, given.tiles, {}, {}, -1, given.prefix_shift, given.tiles[0].layers[0].data, 1, -1};
  for (const auto& [columns, item_bytes] : given.arrays) call.shapes.push_back({columns, item_bytes});
  for (const auto& target : given.targets)
    call.targets.push_back({target.array, target.column, target.shift, target.bits, target.folded});
  if (given.prefix_shift >= 0) {
    call.prefix_array = static_cast<int>(call.shapes.size());
    call.shapes.push_back({1, 4});
    expected.emplace_back(prefix.size() * 4);
    std::memcpy(expected.back().data(), prefix.data(), prefix.size() * 4);
  }
  for (bool falling : {false, true}) {
    splatzip::cuda::DeviceCodes codes;
    const auto decoder = splatzip::cuda::make_emulated_decoder(falling, SIZE_MAX);
    const DecodeStatus status = decoder->decode_columns(call, &codes);
    if (status == DecodeStatus::failed || (status == DecodeStatus::ok) != legal) return Outcome::differs;
    for (size_t a = 0; legal && a < expected.size(); ++a)
      if (std::memcmp(codes.block->data() + codes.starts[a], expected[a].data(), expected[a].size()) != 0)
        return Outcome::differs;
  }
  return legal ? Outcome::decoded : Outcome::refused;
}

}  // namespace

int main(int argc, char** argv) {
  int counts[3] = {};
  for (int a = 1; a < argc; ++a) {
    std::ifstream file(argv[a], std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const Outcome outcome = splatzip::ColumnsCase::is_one(bytes) ? compare_columns(bytes) : compare(bytes);
    ++counts[static_cast<int>(outcome)];
    if (outcome == Outcome::differs) std::printf("%s: the emulated GPU and the CPU differ\n", argv[a]);
  }
  std::printf("%d of %d cases decode alike, %d are refused by both\n", counts[0], argc - 1, counts[1]);
  return counts[2] == 0 ? 0 : 1;
}
