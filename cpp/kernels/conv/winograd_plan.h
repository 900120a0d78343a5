// SPDX-License-Identifier: MIT
// How Winograd's algorithm reads a convolution: which taps make up its square kernels, where they start, and
// which products are then zero.
#pragma once

#include <bit>
#include <memory>
#include <vector>

#include "kernels/conv/conv_args.h"
#include "kernels/conv/problem.h"

namespace plait::conv {

// Taps are read as square kernels of r x r places ("taps" below), tiles of m x m positions, m + r = 7. With
// an input stride of two (or three, or four) the image is read as four images of half the size, its phases,
// each with its share of the taps, a part. In backward data each phase of the output has a kernel of its own.
//
// A kernel with fewer taps than places has zero products at the first coefficient, if it lacks its first tap,
// or at the last one, if it lacks its last tap. More places and smaller tiles may therefore take fewer
// products where they fit the outputs better.
//
// Example: 3 x 3 taps, stride 2, padding 1, on 64 images of 8 x 8: outputs of 4 x 4.
//   The taps along an axis are at -1, 0, 1, so low = -1; counted from there 0, 1, 2. Phase 0 of the input is
//   read by 0 and 2, cells 0 and 1 of it; phase 1 by 1, its cell 0. The four parts are the pairs of phases.
//   r = 2, m = 5: phase 0 has both places: start 0, all 6 coefficients. Phase 1 has one tap at cell 0: start
//     0 lacks the last place, start -1 the first; either leaves 5. Products of a tile: 36 + 30 + 30 + 25 =
//     121. One tile of 5 x 5 covers the outputs.
//   r = 3, m = 4: phase 0 lacks one of three places: start 0, 5 coefficients. Phase 1 starts at -1 and lacks
//     the first and the last place: 4 coefficients. Products: 25 + 20 + 20 + 16 = 81, again of one tile, in
//     place of 16 * 9 = 144 of direct sums.
//   r = 4, m = 3: 64 products, but of four tiles an image. The plan is r = 3.
struct WinogradPlan {
  static constexpr int64_t kMaxStride = 4;
  // The taps that read one phase of the input.
  struct Part {
    int64_t a, b;                                      // the phase along h and w
    int64_t start[2];                                  // the cell of the first place, counted from `low`
    int64_t nonzero[2];                                // coefficients that have products: bits along h and w
    int64_t tap[kWinogradMaxTaps * kWinogradMaxTaps];  // index of the tap at each place, or -1

    int64_t products() const {
      return std::popcount(uint64_t(nonzero[0])) * std::popcount(uint64_t(nonzero[1]));
    }
    bool has(int64_t coefficient) const {
      return nonzero[0] >> coefficient / kWinogradSide & nonzero[1] >> coefficient % kWinogradSide & 1;
    }
  };
  // The kernel of one phase of the output.
  struct Kernel {
    int64_t nonzero[2] = {0, 0};  // of any part
    int64_t n_parts = 0;
    Part parts[kMaxStride * kMaxStride];

    // Calls f(first, count) for the neighbouring parts that have products at a coefficient.
    template <class F>
    void for_runs(int64_t coefficient, F&& f) const {
      for (int64_t first = 0; first < n_parts;) {
        int64_t end = first;
        while (end < n_parts && parts[end].has(coefficient)) ++end;
        if (end > first) f(first, end - first);
        first = end + 1;
      }
    }
  };
  int64_t taps, tile;  // r and m
  int64_t stride;      // of the input
  int64_t low[2];      // the least tap along h and w
  int64_t outputs[2];  // that tiles have to cover
  int64_t products;    // of a tile and a pair of channels
  std::vector<Kernel> kernels;
  double cost;  // winograd_cost() of the problem it was made for

  int64_t n_parts() const { return kernels.front().n_parts; }
};

// The plan of the least cost; null where no r fits the taps, strides or depth, or for several groups.
std::unique_ptr<const WinogradPlan> cheapest_winograd_plan(const ConvProblem& problem);

// Of direct sums, in their multiply-adds: what Winograd's cost is compared with.
double direct_cost(const ConvProblem& problem);

// The tiles of some images, as columns.
struct WinogradTiles {
  int64_t h, w;  // of an image
  int64_t columns;

  WinogradTiles(int64_t images, int64_t rows, int64_t row_length, int64_t tile);
  // Columns [first, first + count), as far as there are.
  std::vector<WinogradStrip> strips(int64_t first, int64_t count) const;
};

}  // namespace plait::conv
