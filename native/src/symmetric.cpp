#include "symmetric.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace splatzip {

std::vector<double> eigenvectors(std::vector<double> a, int n) {
  auto at = [n](std::vector<double>& m, int r, int c) -> double& { return m[static_cast<size_t>(r * n + c)]; };
  std::vector<double> v(static_cast<size_t>(n * n));
  for (int i = 0; i < n; ++i) at(v, i, i) = 1;
  for (int sweep = 0; sweep < 50; ++sweep) {
    double off = 0, diagonal = 0;
    for (int r = 0; r < n; ++r)
      for (int c = 0; c < n; ++c) (r == c ? diagonal : off) += at(a, r, c) * at(a, r, c);
    if (off <= 1e-24 * diagonal) break;
    for (int p = 0; p < n; ++p) {
      for (int q = p + 1; q < n; ++q) {
        double apq = at(a, p, q);
        if (apq == 0) continue;
        double theta = (at(a, q, q) - at(a, p, p)) / (2 * apq);
        double t = (theta < 0 ? -1.0 : 1.0) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < n; ++k) {
          double x = at(a, k, p), y = at(a, k, q);
          at(a, k, p) = c * x - s * y;
          at(a, k, q) = s * x + c * y;
        }
        for (int k = 0; k < n; ++k) {
          double x = at(a, p, k), y = at(a, q, k);
          at(a, p, k) = c * x - s * y;
          at(a, q, k) = s * x + c * y;
          x = at(v, p, k), y = at(v, q, k);
          at(v, p, k) = c * x - s * y;
          at(v, q, k) = s * x + c * y;
        }
      }
    }
  }
  std::vector<int> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int x, int y) { return at(a, x, x) > at(a, y, y); });
  std::vector<double> rows;
  for (int k : order) {
    int largest = 0;
    for (int c = 1; c < n; ++c)
      if (std::fabs(at(v, k, c)) > std::fabs(at(v, k, largest))) largest = c;
    double sign = at(v, k, largest) < 0 ? -1 : 1;
    for (int c = 0; c < n; ++c) rows.push_back(sign * at(v, k, c));
  }
  return rows;
}

std::vector<double> solve(std::vector<double> m, std::vector<double> x, int n, double ridge) {
  auto at = [n, &m](int r, int c) -> double& { return m[static_cast<size_t>(r * n + c)]; };
  double trace = 0;
  for (int i = 0; i < n; ++i) trace += at(i, i);
  for (int i = 0; i < n; ++i) at(i, i) += ridge * trace / n + 1e-30;
  for (int j = 0; j < n; ++j) {
    for (int k = 0; k < j; ++k) at(j, j) -= at(j, k) * at(j, k);
    at(j, j) = std::sqrt(std::max(at(j, j), 1e-30));
    for (int i = j + 1; i < n; ++i) {
      for (int k = 0; k < j; ++k) at(i, j) -= at(i, k) * at(j, k);
      at(i, j) /= at(j, j);
    }
  }
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < i; ++k) x[static_cast<size_t>(i)] -= at(i, k) * x[static_cast<size_t>(k)];
    x[static_cast<size_t>(i)] /= at(i, i);
  }
  for (int i = n - 1; i >= 0; --i) {
    for (int k = i + 1; k < n; ++k) x[static_cast<size_t>(i)] -= at(k, i) * x[static_cast<size_t>(k)];
    x[static_cast<size_t>(i)] /= at(i, i);
  }
  return x;
}

}  // namespace splatzip
