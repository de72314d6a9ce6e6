// Prints what the quota is worth where /proc and /sys are below argv[1].
#include "cpu_quota.h"

#include <cstdio>

int main(int, char** arguments) { std::printf("%d\n", splatzip::cpu_quota(arguments[1])); }
