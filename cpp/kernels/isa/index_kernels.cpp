// SPDX-License-Identifier: MIT
// Look-up tables: indices are checked, one row is added to another (gradients), rows are summed (bags). Rows
// of a table come in any order, so sums are bound by memory latency, and the check by memory bandwidth.
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// An index v is outside [0, size) if the sign bit of v or of size - 1 - v is set. Vectors, because a check
// element by element took as long as the scatter after it.
bool inside(const int64_t* index, int64_t n, int64_t size) {
  constexpr int64_t L = kLanes<int64_t>;
  const U64 last = splat<U64>(static_cast<uint64_t>(size - 1));
  U64 outside{};
  for_vectors<L>(n, [&](int64_t i, int64_t width, auto tag) {
    const U64 v = (U64)load_at(index + i, width, tag);
    outside |= v | (last - v);
  });
  return n == 0 || !any((I64)outside < 0);
}

template <class T>
void add_row(void* to, const void* from, int64_t n, float scale) {
  using V = Vec<T>;
  T* y = static_cast<T*>(to);
  const T* x = static_cast<const T*>(from);
  const V s = splat<V>(static_cast<ElemT<V>>(scale));
  for_vectors<kLanes<T>>(n, [&](int64_t i, int64_t width, auto tag) {
    store_at(y + i, load_at(y + i, width, tag) + s * load_at(x + i, width, tag), width, tag);
  });
}

// kVectors adjacent vectors of the sum stay in registers over all rows.
template <class T>
void sum_rows(void* to, const void* table, const int64_t* row, int64_t count, int64_t n) {
  using V = Vec<T>;
  constexpr int64_t L = kLanes<T>, kVectors = 4;
  T* y = static_cast<T*>(to);
  const T* x = static_cast<const T*>(table);
  int64_t j = 0;
  for (; j + kVectors * L <= n; j += kVectors * L) {
    V sum[kVectors]{};
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t k = 0; k < kVectors; ++k) sum[k] += load(x + row[i] * n + j + k * L);
    }
    for (int64_t k = 0; k < kVectors; ++k) store(y + j + k * L, sum[k]);
  }
  for_vectors<L>(n - j, [&](int64_t at, int64_t width, auto tag) {
    V sum{};
    for (int64_t i = 0; i < count; ++i) sum += load_at(x + row[i] * n + j + at, width, tag);
    store_at(y + j + at, sum, width, tag);
  });
}

template <class... Ts>
void set_index(IndexTable& t) {
  ((t.add.of<Ts>() = add_row<Ts>), ...);
  ((t.sum.of<Ts>() = sum_rows<Ts>), ...);
}

}  // namespace

void fill_index(KernelTable& table) {
  IndexTable& t = table.index;
  t.inside = inside;
  set_index<f16, bf16, float, double>(t);
}

}  // namespace plait::PLAIT_ISA_NS
