// SPDX-License-Identifier: MIT
// The epilogue of a tile of C whose sums are complete: bias, residual, activation (formula at GemmEpilogue).
// The tile has just been stored, so it is read from L1; bound by the activation.
#pragma once

#include "kernels/gemm/gemm_args.h"
#include "kernels/isa/math.h"
#include "kernels/isa/transpose.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// dst[i * dst_rs + j * dst_cs] = src[i * src_rs + j * src_cs], i < rows, j < cols.
template <class T>
inline void copy_tile(T* dst, int64_t dst_rs, int64_t dst_cs, const T* src, int64_t src_rs, int64_t src_cs,
                      int64_t rows, int64_t cols) {
  constexpr int64_t L = kLanes<T>;
  if (src_cs == 1 && dst_rs == 1 && rows > 1) {  // transposed
    for (int64_t i = 0; i < rows; i += L) {
      const int64_t n = rows - i < L ? rows - i : L;
      for (int64_t j = 0; j < cols; j += L) {
        const int64_t m = cols - j < L ? cols - j : L;
        Vec<T> r[L];
        for (int64_t l = 0; l < L; ++l) r[l] = l < n ? load_n(src + (i + l) * src_rs + j, m) : Vec<T>{};
        transpose<T>(r);
        for (int64_t l = 0; l < m; ++l) store_n(dst + i + (j + l) * dst_cs, r[l], n);
      }
    }
  } else if (dst_rs < dst_cs) {  // in the memory order of dst
    for (int64_t j = 0; j < cols; ++j) {
      for (int64_t i = 0; i < rows; ++i) dst[i * dst_rs + j * dst_cs] = src[i * src_rs + j * src_cs];
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) dst[i * dst_rs + j * dst_cs] = src[i * src_rs + j * src_cs];
    }
  }
}

template <GemmActivation kActivation, class V>
PLAIT_INLINE V activate(V x) {
  if constexpr (kActivation == GemmActivation::kRelu) return relu(x);
  if constexpr (kActivation == GemmActivation::kGelu) return gelu(x);
  if constexpr (kActivation == GemmActivation::kGeluTanh) return gelu_tanh(x);
  if constexpr (kActivation == GemmActivation::kSilu) return silu(x);
  if constexpr (kActivation == GemmActivation::kSigmoid) return sigmoid(x);
  if constexpr (kActivation == GemmActivation::kTanh) return tanh(x);
  return x;
}

// n <= kLanes elements `stride` apart. Whole vectors avoid masked stores, which are slow on some CPUs.
template <class T>
PLAIT_INLINE Vec<T> load_strided(const T* p, int64_t stride, int64_t n) {
  if (stride == 1) return n == kLanes<T> ? load(p) : load_n(p, n);
  Vec<T> v{};
  for (int64_t i = 0; i < n; ++i) v[i] = p[i * stride];
  return v;
}
template <class T>
PLAIT_INLINE void store_strided(T* p, int64_t stride, Vec<T> v, int64_t n) {
  if (stride == 1) return n == kLanes<T> ? store(p, v) : store_n(p, v, n);
  for (int64_t i = 0; i < n; ++i) p[i * stride] = v[i];
}

template <class T, GemmActivation kActivation>
PLAIT_NOINLINE void epilogue_rows(T* c, int64_t c_rs, int64_t rows, int64_t cols, const GemmEpilogue<T>& e,
                                  int64_t i0, int64_t j0) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t i = 0; i < rows; ++i, c += c_rs) {
    const Vec<T> row_bias = splat<Vec<T>>(e.row_bias ? e.row_bias[i0 + i] : T(0));
    for (int64_t j = 0; j < cols; j += L) {
      const int64_t n = cols - j < L ? cols - j : L;
      Vec<T> v = load_strided(c + j, 1, n);
      if (e.col_bias) v += load_strided(e.col_bias + j0 + j, 1, n);
      if (e.row_bias) v += row_bias;
      if (e.residual) {
        const T* at = e.residual + (i0 + i) * e.residual_rs + (j0 + j) * e.residual_cs;
        v += load_strided(at, e.residual_cs, n);
      }
      if (e.preact) {
        store_strided(e.preact + (i0 + i) * e.preact_rs + (j0 + j) * e.preact_cs, e.preact_cs, v, n);
      }
      store_strided(c + j, 1, activate<kActivation>(v), n);
    }
  }
}

// Applies e to the tile c[rows][cols], whose element (0, 0) is element (i0, j0) of what e's pointers point
// to.
template <class T>
void apply_epilogue(T* c, int64_t c_rs, int64_t rows, int64_t cols, const GemmEpilogue<T>& e, int64_t i0,
                    int64_t j0) {
  switch (e.activation) {
#define PLAIT_EPILOGUE(name) \
  case GemmActivation::name: \
    return epilogue_rows<T, GemmActivation::name>(c, c_rs, rows, cols, e, i0, j0);
    PLAIT_EPILOGUE(kNone)
    PLAIT_EPILOGUE(kRelu)
    PLAIT_EPILOGUE(kGelu)
    PLAIT_EPILOGUE(kGeluTanh)
    PLAIT_EPILOGUE(kSilu)
    PLAIT_EPILOGUE(kSigmoid)
    PLAIT_EPILOGUE(kTanh)
#undef PLAIT_EPILOGUE
  }
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
