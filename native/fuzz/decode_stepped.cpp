// Decodes recorded calls of decode_stepped, one a file; meant to be built with -fsanitize=address,undefined.
//
//     decode_stepped CASE...      (scripts/sanitize builds and runs it; stepped_case.h says what a case is)
//
// Whatever the bytes say, decoding must end with a status.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "stepped_case.h"

namespace {

using splatzip::Status;

Status decode(const std::vector<char>& bytes) {
  splatzip::SteppedCase given;
  Status status = given.read(bytes);
  if (status != Status::ok) return status;
  splatzip::DecodedScene scene;
  scene.resize(given.splats, static_cast<size_t>(1 + given.params.rest()));
  size_t failed = 0;
  status = decode_stepped(given.params, given.tables, given.chunks, 1, scene.output(), &failed);
  if (status != Status::ok && std::getenv("SPLATZIP_FUZZ_VERBOSE"))
    std::printf("  chunk %zu of %zu\n", failed, given.chunks.size());
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
