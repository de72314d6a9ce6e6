#include <nanobind/stl/pair.h>

#include <stdexcept>

#include "python.h"

namespace splatzip::cuda {
namespace {

void add(Pictures& pictures, In<float, nb::ndim<3>> picture) {
  const int height = static_cast<int>(picture.shape(0)), width = static_cast<int>(picture.shape(1));
  if (picture.shape(2) != 3) throw nb::value_error("a picture has three numbers a pixel");
  bool worked;
  {
    nb::gil_scoped_release unlocked;
    worked = pictures.add(picture.data(), width, height);
  }
  if (!worked) throw std::runtime_error(pictures.problem());
}

// Height and width.
std::pair<int, int> size(const Pictures& pictures, size_t number) {
  if (number >= pictures.count()) throw nb::index_error("there is no such picture");
  return {pictures.at(number).height, pictures.at(number).width};
}

}  // namespace

std::vector<StoredPicture> chosen(const Pictures& pictures, const std::vector<size_t>& numbers) {
  std::vector<StoredPicture> found;
  for (const size_t number : numbers) {
    if (number >= pictures.count()) throw nb::index_error("there is no such picture");
    found.push_back(pictures.at(number));
  }
  return found;
}

void bind_pictures(nb::module_& m) {
  nb::class_<Pictures>(m, "Pictures").def("add", &add).def("__len__", &Pictures::count).def("size", &size);
}

}  // namespace splatzip::cuda
