// Filled in with the vector kernels.
