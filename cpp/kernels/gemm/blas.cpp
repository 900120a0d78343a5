// SPDX-License-Identifier: MIT
#include "kernels/gemm/blas.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/blas_library.h"
#include "kernels/gemm/gemm_detail.h"

namespace plait {
namespace {

template <class T>
using CblasGemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, T alpha, const T* a,
                           int lda, const T* b, int ldb, T beta, T* c, int ldc);
constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112;

struct Blas {
  CblasGemm<float> sgemm = nullptr;
  CblasGemm<double> dgemm = nullptr;
  std::string name;
};

Blas load_blas() {
  const BlasLibrary* library = BlasLibrary::get();
  if (!library) return Blas();
  const Blas blas{library->find<CblasGemm<float>>("cblas_sgemm"),
                  library->find<CblasGemm<double>>("cblas_dgemm"), library->name()};
  return blas.sgemm && blas.dgemm ? blas : Blas();
}

// Null if the engine is the provider, as it is by default: with one thread it is between 0.95 and 2.7 times
// as fast as OpenBLAS 0.3.34 at AVX-512, and needs neither the load time nor the memory.
const Blas* blas() {
  static const Blas loaded = [] {
    const char* wish = std::getenv("PLAIT_GEMM");
    const bool known = !wish || !*wish || !std::strcmp(wish, "engine") || !std::strcmp(wish, "blas");
    PLAIT_CHECK(known, kValue, "PLAIT_GEMM: expected blas or engine, got ", wish);
    if (!wish || std::strcmp(wish, "blas") != 0) return Blas();
    Blas b = load_blas();
    PLAIT_CHECK(b.sgemm, kRuntime,
                "PLAIT_GEMM=blas: expected libscipy_openblas.so beside the extension, found none");
    return b;
  }();
  return loaded.sgemm ? &loaded : nullptr;
}

template <class T>
CblasGemm<T> function_of(const Blas& b);
template <>
CblasGemm<float> function_of(const Blas& b) {
  return b.sgemm;
}
template <>
CblasGemm<double> function_of(const Blas& b) {
  return b.dgemm;
}

// A matrix in the terms of BLAS: one stride is 1, the other the leading dimension `ld`, at least a row long.
struct Form {
  int trans, ld;
};
bool form_of(int64_t rs, int64_t cs, int64_t rows, int64_t cols, Form& f) {
  const auto fits = [](int64_t ld, int64_t least) {
    return ld >= std::max<int64_t>(least, 1) && ld <= INT32_MAX;
  };
  if (cs == 1 && fits(rs, cols)) {
    f = {kNoTrans, static_cast<int>(rs)};
  } else if (rs == 1 && fits(cs, rows)) {
    f = {kTrans, static_cast<int>(cs)};
  } else {
    return false;
  }
  return true;
}

}  // namespace

const char* gemm_provider() {
  const Blas* b = blas();
  return b ? b->name.c_str() : "engine";
}

namespace gemm_detail {

template <class T>
bool run_blas(const GemmArgs<T>& g) {
  const Blas* library = blas();
  if (!library || g.a.source || g.b.source || g.b.panels || g.sink) return false;
  Form a, b, c;
  if (!form_of(g.a.rs, g.a.cs, g.m, g.k, a) || !form_of(g.b.rs, g.b.cs, g.k, g.n, b) || g.k > INT32_MAX)
    return false;
  if (g.c_cs != 1 || !form_of(g.c_rs, g.c_cs, g.m, g.n, c)) return false;
  // BLAS may round differently at the edges of a call, so the cut into calls must not follow the threads.
  constexpr int64_t kRows = 256, kCols = 512;
  const int64_t row_units = ceil_div(g.m, kRows), col_units = ceil_div(g.n, kCols);
  const bool epilogue = has_epilogue(g);
  parallel_chunks(g.batch * row_units * col_units, [&](int64_t u) {
    const int64_t batch = u / (row_units * col_units);
    const int64_t i = u / col_units % row_units * kRows, j = u % col_units * kCols;
    const int64_t m = std::min(kRows, g.m - i), n = std::min(kCols, g.n - j);
    T* const out = g.c + batch * g.c_bs + i * g.c_rs + j;
    function_of<T> (*library)(kRowMajor, a.trans, b.trans, static_cast<int>(m), static_cast<int>(n),
                              static_cast<int>(g.k), g.alpha, batch_start(g.a, batch) + i * g.a.rs, a.ld,
                              batch_start(g.b, batch) + j * g.b.cs, b.ld, g.beta, out, c.ld);
    if (!epilogue) return;
    const GemmEpilogue<T> e = epilogue_at(g, batch, i, j);
    kernels_of<T>().finish({m, n, nullptr, 0, 0, out, g.c_rs, 1, T(1), T(1), &e});
  });
  return true;
}
template bool run_blas<float>(const GemmArgs<float>&);
template bool run_blas<double>(const GemmArgs<double>&);

}  // namespace gemm_detail
}  // namespace plait
