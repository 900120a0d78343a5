// SPDX-License-Identifier: MIT
// The kernels of integer products against sums modulo 2^64: every table, those for AVX512-VNNI and those that
// stand in where it is missing; layouts, partial groups and tiles, scales and biases; products with a vector.
#include <random>
#include <vector>

#include "check.h"
#include "core/cpu_info.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

std::mt19937_64 g_random(5);

template <class T>
std::vector<T> random_values(int64_t n, bool of_int32 = false) {
  std::vector<T> v(static_cast<size_t>(n));
  for (T& x : v) x = of_int32 ? static_cast<T>(static_cast<int32_t>(g_random())) : static_cast<T>(g_random());
  return v;
}

// How a matrix of `rows` x `cols` lies: by rows, by columns, with gaps.
struct Strides {
  int64_t rs, cs;
};
Strides strides_of(int layout, int64_t rows, int64_t cols) {
  return layout == 0 ? Strides{cols, 1} : layout == 1 ? Strides{1, rows} : Strides{3 * cols, 3};
}

template <class T>
void check_product(const GemmIntegerKernels& kern, int64_t m, int64_t n, int64_t k, int layouts,
                   bool narrow) {
  const auto a = random_values<T>(3 * m * k + 64, narrow), b = random_values<T>(3 * k * n + 64, narrow);
  const auto bias = random_values<T>(n);
  std::vector<T> c(static_cast<size_t>(m * n), T(3));
  const Strides as = strides_of(layouts % 3, m, k), bs = strides_of(layouts / 3, k, n);
  const int64_t groups = ceil_div(k, kern.group), item = sizeof(T) == 8 ? 8 : 4;
  std::vector<char> a_panels(static_cast<size_t>(round_up(m, kern.mr) * groups * item + 1), 1);
  std::vector<char> b_panels(static_cast<size_t>(round_up(n, kern.nr) * groups * item + 1), 1);
  bool fits = kern.pack(a_panels.data(), kern.mr, a.data(), as.rs, as.cs, m, k);
  fits &= kern.pack(b_panels.data(), kern.nr, b.data(), bs.cs, bs.rs, n, k);
  TEST_CHECK(!narrow || fits, "an int32 was not taken for one, m=%ld n=%ld k=%ld", m, n, k);
  TEST_CHECK(a_panels.back() == 1 && b_panels.back() == 1, "packed too much, m=%ld n=%ld k=%ld", m, n, k);
  GemmIntegerBlock g{m, n, groups, a_panels.data(), b_panels.data(), c.data(), n, 1, 1, 0, nullptr};
  // A plain product, one that is added, and one with scales and a bias, stored by columns.
  if (layouts % 2 == 1) g.beta = 1;
  if (layouts > 5) g = {m, n, groups, a_panels.data(), b_panels.data(), c.data(), 1, m, 5, -3, bias.data()};
  (fits && kern.block_narrow ? kern.block_narrow : kern.block)(g);
  int bad = 0;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      uint64_t sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += uint64_t{a[i * as.rs + p * as.cs]} * b[p * bs.rs + j * bs.cs];
      sum = static_cast<uint64_t>(g.alpha) * sum + static_cast<uint64_t>(g.beta) * 3 + (g.bias ? bias[j] : 0);
      bad += c[i * g.c_rs + j * g.c_cs] != static_cast<T>(sum);
    }
  }
  TEST_CHECK(bad == 0, "%d wrong: m=%ld n=%ld k=%ld, layouts %d, %zu bytes", bad, m, n, k, layouts,
             sizeof(T));
}

template <class T>
void check_products(const GemmIntegerKernels& kern) {
  for (int64_t m : {1, 5, 12, 25}) {
    for (int64_t n : {1, 16, 17, 70}) {
      for (int64_t k : {0, 1, 3, 4, 66, 101}) {
        for (int layouts = 0; layouts < 9; ++layouts) check_product<T>(kern, m, n, k, layouts, false);
        if (sizeof(T) == 8) check_product<T>(kern, m, n, k, 0, true);
      }
    }
  }
}

template <class T>
void check_vectors() {
  const GemmIntegerVectorKernels& kern = kernels().gemm.integer.vector.bytes(sizeof(T));
  for (int64_t m : {1, 3, 4, 33, 65, 200, 1100}) {
    for (int64_t k : {1, 15, 16, 65, 300}) {
      const auto a = random_values<T>(m * (k + 3)), b = random_values<T>(k * (m + 2)),
                 x = random_values<T>(k);
      std::vector<T> y(static_cast<size_t>(m)), z(static_cast<size_t>(m));
      kern.dots(y.data(), a.data(), k + 3, x.data(), m, k);
      kern.axpys(z.data(), b.data(), m + 2, x.data(), m, k);
      int bad = 0;
      for (int64_t i = 0; i < m; ++i) {
        uint64_t dot = 0, axpy = 0;
        for (int64_t p = 0; p < k; ++p) {
          dot += uint64_t{a[i * (k + 3) + p]} * x[p];
          axpy += uint64_t{b[p * (m + 2) + i]} * x[p];
        }
        bad += y[i] != static_cast<T>(dot) || z[i] != static_cast<T>(axpy);
      }
      TEST_CHECK(bad == 0, "%d wrong: a vector, m=%ld k=%ld, %zu bytes", bad, m, k, sizeof(T));
    }
  }
}

}  // namespace
}  // namespace plait

int main() {
  using namespace plait;
  test::require_isa();
  const GemmIntegerTable& table = kernels().gemm.integer;
  check_products<uint8_t>(table.matrix.bytes(1));
  check_products<uint16_t>(table.matrix.bytes(2));
  check_products<uint32_t>(table.matrix.bytes(4));
  check_products<uint64_t>(table.matrix.bytes(8));
  if (isa_level() == 2 && cpu_info().avx512_vnni) {
    check_products<uint8_t>(table.vnni[0]);
    check_products<uint16_t>(table.vnni[1]);
  }
  check_vectors<uint8_t>();
  check_vectors<uint16_t>();
  check_vectors<uint32_t>();
  check_vectors<uint64_t>();
  return test::report("gemm_integer");
}
