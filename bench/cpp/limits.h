// SPDX-License-Identifier: MIT
// What the machine can do at most, measured: arithmetic that never leaves the registers, and a copy.
#pragma once

#include <cstddef>

extern "C" {
// Fused multiply-adds of float vectors on `threads` threads, in FLOP/s: the best of several short runs.
double plait_limit_fma(int threads);
// memcpy between buffers of `bytes` bytes, split over `threads` threads: bytes read plus written per second,
// the best of several runs.
double plait_limit_copy(int threads, std::size_t bytes);
}
