// Small dense symmetric problems in float64, in a written order: the same bits on every machine (encoder only).
#pragma once
#include <vector>

namespace splatzip {

// Eigenvectors of a symmetric (n, n) matrix by cyclic Jacobi rotations, largest eigenvalue first; rows of the
// result, each with its largest component positive.
std::vector<double> eigenvectors(std::vector<double> matrix, int n);

// Solves matrix * x = right by Cholesky, with `ridge` times the mean diagonal added to the diagonal.
std::vector<double> solve(std::vector<double> matrix, std::vector<double> right, int n, double ridge);

}  // namespace splatzip
