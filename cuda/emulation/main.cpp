// Decodes recorded calls of decode_stepped as the CPU does and as a GPU would, and compares every bit; meant to be
// built with -fsanitize=address,undefined.
//
//     emulate_decode CASE...      (scripts/sanitize builds and runs it; native/fuzz/stepped_case.h says what a case is)
#include <cstdio>
#include <fstream>
#include <iterator>

#include "decode.h"
#include "stepped_case.h"

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

}  // namespace

int main(int argc, char** argv) {
  int counts[3] = {};
  for (int a = 1; a < argc; ++a) {
    std::ifstream file(argv[a], std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const Outcome outcome = compare(bytes);
    ++counts[static_cast<int>(outcome)];
    if (outcome == Outcome::differs) std::printf("%s: the emulated GPU and the CPU differ\n", argv[a]);
  }
  std::printf("%d of %d cases decode alike, %d are refused by both\n", counts[0], argc - 1, counts[1]);
  return counts[2] == 0 ? 0 : 1;
}
