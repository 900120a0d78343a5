// SPDX-License-Identifier: MIT
// The GEMM by dtype. float32 and float64 operands go to gemm() unchanged. 16-bit floats go through panel
// sources that widen them to float32 and a sink that rounds; where the CPU multiplies bf16 in pairs, panels
// hold pairs. Integers have kernels of their own (gemm_integer.cpp).
#include "kernels/gemm/gemm_any.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "core/cpu_info.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_detail.h"
#include "kernels/gemm/gemm_integer.h"

namespace plait {
namespace {

template <class T>
GemmOperand<T> operand(const GemmAnyOperand& x) {
  return {.data = static_cast<const T*>(x.data), .rs = x.rs, .cs = x.cs, .bs = x.bs, .offsets = x.offsets};
}

// All that does not depend on how operands and result are stored.
template <class T>
GemmArgs<T> problem_of(const GemmAnyArgs& g) {
  GemmArgs<T> out{.m = g.m, .n = g.n, .k = g.k, .batch = g.batch, .alpha = static_cast<T>(g.alpha)};
  out.epilogue.activation = g.activation;
  return out;
}

template <class T>
void gemm_float(const GemmAnyArgs& g) {
  GemmArgs<T> out = problem_of<T>(g);
  out.a = operand<T>(g.a);
  out.b = operand<T>(g.b);
  out.c = static_cast<T*>(g.c);
  out.c_rs = g.c_rs;
  out.c_cs = g.c_cs;
  out.c_bs = g.c_bs;
  out.beta = static_cast<T>(g.beta);
  out.epilogue.col_bias = static_cast<const T*>(g.col_bias);
  gemm(out);
}

// Panels of a matrix of 16-bit floats.
struct HalfPanels {
  const GemmHalfKernels* kernels;
  GemmAnyOperand x;
  int64_t stride, k_stride;  // across the panel and along k
  int64_t k;                 // of the matrix
  int64_t group;             // steps of k in one element of a panel: 2 for pairs, else 1
  static void pack(const void* self, int64_t batch, float* dst, int64_t width, int64_t i0, int64_t count,
                   int64_t k0, int64_t k) {
    const auto& h = *static_cast<const HalfPanels*>(self);
    const auto* data =
        static_cast<const uint16_t*>(h.x.data) + (h.x.offsets ? h.x.offsets[batch] : batch * h.x.bs);
    const int64_t first = k0 * h.group;
    h.kernels->pack(dst, width, data + i0 * h.stride + first * h.k_stride, h.stride, h.k_stride, count,
                    std::min(k * h.group, h.k - first));
  }
};

// C of 16-bit floats: c = tile + beta * c, rounded once.
struct HalfSink {
  const GemmHalfKernels* kernels;
  uint16_t* c;
  int64_t rs, cs, bs;
  float beta;
  static void store(const void* self, int64_t batch, const float* tile, int64_t ld, int64_t i0, int64_t rows,
                    int64_t j0, int64_t cols) {
    const auto& h = *static_cast<const HalfSink*>(self);
    h.kernels->store(h.c + batch * h.bs + i0 * h.rs + j0 * h.cs, h.rs, h.cs, tile, ld, rows, cols, h.beta);
  }
};

// dst[count] = src[count] as float32.
void widen(const GemmHalfKernels& kernels, float* dst, const void* src, int64_t stride, int64_t count) {
  const int64_t nr = plait::kernels().gemm.f32.nr;
  kernels.pack(dst, nr, static_cast<const uint16_t*>(src), stride, 0, count, 1);
}
size_t widened_bytes(int64_t count) {
  return sizeof(float) * static_cast<size_t>(count + plait::kernels().gemm.f32.nr) + 64;
}

// A product with a vector: the vector is widened beforehand, the matrix when it is loaded. Returns false if
// neither operand is a vector, or the matrix has to be packed. `problem` is problem_of(g) with its bias.
bool run_half_vector(const GemmAnyArgs& g, const GemmHalfKernels& kernels, const GemmArgs<float>& problem) {
  if (g.m != 1 && g.n != 1) return false;
  const bool transpose = g.n != 1;  // y = x B as y^T = B^T x^T
  GemmArgs<float> v = transpose ? gemm_detail::transposed(problem) : problem;
  const GemmAnyOperand matrix = transpose ? g.b : g.a, x = transpose ? g.a : g.b;
  const int64_t stride = transpose ? x.cs : x.rs;
  const Workspace space(static_cast<size_t>(g.batch) * widened_bytes(g.k));
  v.b.bs = static_cast<int64_t>(widened_bytes(g.k) / sizeof(float));
  v.b.data = space.as<float>();
  v.b.rs = 1;
  for (int64_t b = 0; b < g.batch; ++b) {
    const auto* data = static_cast<const uint16_t*>(x.data) + (x.offsets ? x.offsets[b] : b * x.bs);
    widen(kernels, space.as<float>() + b * v.b.bs, data, stride, g.k);
  }
  GemmOperand<uint16_t> a = operand<uint16_t>(matrix);
  if (transpose) std::swap(a.rs, a.cs);
  const HalfSink c{.kernels = &kernels,
                   .c = static_cast<uint16_t*>(g.c),
                   .rs = 0,
                   .cs = transpose ? g.c_cs : g.c_rs,
                   .bs = g.c_bs,
                   .beta = static_cast<float>(g.beta)};
  const TileSink<float> sink{HalfSink::store, &c};
  v.sink = &sink;
  return gemm_detail::run_half_vector(v, a, kernels);
}

void gemm_half(const GemmAnyArgs& g) {
  const GemmTable& table = plait::kernels().gemm;
  const bool pairs = g.dtype == DType::kBFloat16 && isa_level() == 2 && cpu_info().avx512_bf16;
  const GemmHalfKernels& kernels = g.dtype == DType::kFloat16 ? table.f16 : table.bf16;
  const GemmHalfKernels& packers = pairs ? table.bf16_pairs : kernels;
  const int64_t group = pairs ? 2 : 1;
  const HalfPanels a{&packers, g.a, g.a.rs, g.a.cs, g.k, group};
  const HalfPanels b{&packers, g.b, g.b.cs, g.b.rs, g.k, group};
  const HalfSink c{.kernels = &kernels,
                   .c = static_cast<uint16_t*>(g.c),
                   .rs = g.c_rs,
                   .cs = g.c_cs,
                   .bs = g.c_bs,
                   .beta = static_cast<float>(g.beta)};
  const PanelSource<float> a_source{HalfPanels::pack, &a}, b_source{HalfPanels::pack, &b};
  const TileSink<float> sink{HalfSink::store, &c};
  const Workspace bias(g.col_bias ? widened_bytes(g.n) : 0);
  GemmArgs<float> out = problem_of<float>(g);
  if (g.col_bias) {
    widen(kernels, bias.as<float>(), g.col_bias, 1, g.n);
    out.epilogue.col_bias = bias.as<float>();
  }
  if (g.k > 0 && g.alpha != 0 && run_half_vector(g, kernels, out)) return;
  out.a.source = &a_source;
  out.b.source = &b_source;
  out.sink = &sink;
  if (pairs) {
    out.kernels = &table.pairs;
    out.k = (g.k + 1) / 2;
  }
  gemm(out);
}

}  // namespace

void gemm_any(const GemmAnyArgs& g) {
  if (g.m <= 0 || g.n <= 0 || g.batch <= 0) return;
  dispatch(g.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>) {
      PLAIT_FAIL(kInternal, "gemm_any: bool has no products");
    } else if constexpr (std::is_integral_v<T>) {
      gemm_integer(g);
    } else if constexpr (std::is_floating_point_v<T>) {
      gemm_float<T>(g);
    } else {
      gemm_half(g);
    }
  });
}

}  // namespace plait
