// SPDX-License-Identifier: MIT
// float32 and float64 go to the engine as they are, 16-bit floats through panels that widen (or hold pairs of
// bf16, where the CPU multiplies those) and a sink that rounds, integers through a plain loop over rows
// (bound by the adds of a row that stays in L1).
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

namespace plait {
namespace {

template <class T>
GemmArgs<T> common(const GemmAnyArgs& g) {
  GemmArgs<T> out;
  out.m = g.m;
  out.n = g.n;
  out.k = g.k;
  out.batch = g.batch;
  out.alpha = static_cast<T>(g.alpha);
  out.epilogue.activation = g.activation;
  return out;
}

template <class T>
GemmOperand<T> operand(const GemmAnyOperand& x) {
  return {static_cast<const T*>(x.data), x.rs, x.cs, x.bs, x.offsets, nullptr};
}

template <class T>
void gemm_float(const GemmAnyArgs& g) {
  GemmArgs<T> out = common<T>(g);
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

struct HalfPanels {
  const GemmHalfKernels* kernels;
  GemmAnyOperand x;
  int64_t si, sp;        // strides along the panel and along k
  int64_t depth, group;  // of the matrix; how much of it one element of a panel holds
  static void pack(const void* self, int64_t batch, float* dst, int64_t width, int64_t i0, int64_t count,
                   int64_t k0, int64_t k) {
    const auto& h = *static_cast<const HalfPanels*>(self);
    const auto* data =
        static_cast<const uint16_t*>(h.x.data) + (h.x.offsets ? h.x.offsets[batch] : batch * h.x.bs);
    const int64_t first = k0 * h.group;
    h.kernels->pack(dst, width, data + i0 * h.si + first * h.sp, h.si, h.sp, count,
                    std::min(k * h.group, h.depth - first));
  }
};

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

// `count` elements as float32.
void widen(const GemmHalfKernels& kernels, float* dst, const void* src, int64_t stride, int64_t count) {
  const int64_t nr = plait::kernels().gemm.f32.nr;
  kernels.pack(dst, nr, static_cast<const uint16_t*>(src), stride, 0, count, 1);
}
size_t widened_bytes(int64_t count) {
  return sizeof(float) * static_cast<size_t>(count + plait::kernels().gemm.f32.nr) + 64;
}

// A product with a vector: the vector is widened beforehand, the matrix on the way. False if neither operand
// is one, or the matrix is best packed. `out` holds what is common to all products; its bias is set.
bool half_vector(const GemmAnyArgs& g, const GemmHalfKernels& kernels, const GemmArgs<float>& out) {
  if (g.m != 1 && g.n != 1) return false;
  const bool turn = g.n != 1;
  GemmArgs<float> v = turn ? gemm_detail::transposed(out) : out;
  const GemmAnyOperand matrix = turn ? g.b : g.a, x = turn ? g.a : g.b;
  const int64_t stride = turn ? x.cs : x.rs;
  const Workspace space(static_cast<size_t>(g.batch) * widened_bytes(g.k));
  v.b.bs = static_cast<int64_t>(widened_bytes(g.k) / sizeof(float));
  v.b.data = space.as<float>();
  v.b.rs = 1;
  for (int64_t b = 0; b < g.batch; ++b) {
    const auto* data = static_cast<const uint16_t*>(x.data) + (x.offsets ? x.offsets[b] : b * x.bs);
    widen(kernels, space.as<float>() + b * v.b.bs, data, stride, g.k);
  }
  GemmOperand<uint16_t> a = operand<uint16_t>(matrix);
  if (turn) std::swap(a.rs, a.cs);
  const HalfSink c{&kernels, static_cast<uint16_t*>(g.c), 0, turn ? g.c_cs : g.c_rs,
                   g.c_bs,   static_cast<float>(g.beta)};
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
  const HalfPanels a{&packers, g.a, g.a.rs, g.a.cs, g.k, group}, b{&packers, g.b, g.b.cs, g.b.rs, g.k, group};
  const HalfSink c{&kernels, static_cast<uint16_t*>(g.c), g.c_rs, g.c_cs, g.c_bs, static_cast<float>(g.beta)};
  const PanelSource<float> a_source{HalfPanels::pack, &a}, b_source{HalfPanels::pack, &b};
  const TileSink<float> sink{HalfSink::store, &c};
  const Workspace bias(g.col_bias ? widened_bytes(g.n) : 0);
  GemmArgs<float> out = common<float>(g);
  if (g.col_bias) {
    widen(kernels, bias.as<float>(), g.col_bias, 1, g.n);
    out.epilogue.col_bias = bias.as<float>();
  }
  if (g.k > 0 && g.alpha != 0 && half_vector(g, kernels, out)) return;
  out.a.source = &a_source;
  out.b.source = &b_source;
  out.sink = &sink;
  if (pairs) {
    out.kernels = &table.pairs;
    out.k = (g.k + 1) / 2;
  }
  gemm(out);
}

template <class T>
void gemm_int(const GemmAnyArgs& g) {
  using U = std::make_unsigned_t<T>;
  using Wide = std::conditional_t<(sizeof(U) < 4), uint32_t, U>;  // products of uint16_t would be signed
  const U alpha = static_cast<U>(static_cast<int64_t>(g.alpha)),
          beta = static_cast<U>(static_cast<int64_t>(g.beta));
  const int64_t work = std::max<int64_t>(1, g.n * g.k);
  parallel_for(g.batch * g.m, std::max<int64_t>(1, 4 * kGrainElements / work),
               [&](int64_t begin, int64_t end) {
                 const Workspace space(sizeof(U) * static_cast<size_t>(g.n));
                 U* const sum = space.as<U>();
                 for (int64_t r = begin; r < end; ++r) {
                   const int64_t batch = r / g.m, i = r % g.m;
                   const auto at = [&](const GemmAnyOperand& x) {
                     return static_cast<const U*>(x.data) + (x.offsets ? x.offsets[batch] : batch * x.bs);
                   };
                   const U *a = at(g.a) + i * g.a.rs, *b = at(g.b);
                   std::fill(sum, sum + g.n, U(0));
                   for (int64_t p = 0; p < g.k; ++p) {
                     const Wide x = a[p * g.a.cs];
                     const U* row = b + p * g.b.rs;
                     if (g.b.cs == 1) {
                       for (int64_t j = 0; j < g.n; ++j) sum[j] = static_cast<U>(sum[j] + x * row[j]);
                     } else {
                       for (int64_t j = 0; j < g.n; ++j)
                         sum[j] = static_cast<U>(sum[j] + x * row[j * g.b.cs]);
                     }
                   }
                   U* c = static_cast<U*>(g.c) + batch * g.c_bs + i * g.c_rs;
                   const U* bias = static_cast<const U*>(g.col_bias);
                   for (int64_t j = 0; j < g.n; ++j) {
                     U v = static_cast<U>(Wide{alpha} * sum[j]);
                     if (beta != 0) v = static_cast<U>(v + Wide{beta} * c[j * g.c_cs]);
                     if (bias) v = static_cast<U>(v + bias[j]);
                     c[j * g.c_cs] = v;
                   }
                 }
               });
}

}  // namespace

void gemm_any(const GemmAnyArgs& g) {
  if (g.m <= 0 || g.n <= 0 || g.batch <= 0) return;
  dispatch(g.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>) {
      PLAIT_FAIL(kInternal, "gemm_any: bool has no products");
    } else if constexpr (std::is_integral_v<T>) {
      gemm_int<T>(g);
    } else if constexpr (std::is_floating_point_v<T>) {
      gemm_float<T>(g);
    } else {
      gemm_half(g);
    }
  });
}

}  // namespace plait
