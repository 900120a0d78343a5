// SPDX-License-Identifier: MIT
// Adding one row to another, for gradients of look-up tables. Bound by memory latency: the rows lie anywhere.
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

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

}  // namespace

void fill_rows(KernelTable& table) {
  RowsTable& t = table.rows;
  t.add[0] = add_row<f16>;
  t.add[1] = add_row<bf16>;
  t.add[2] = add_row<float>;
  t.add[3] = add_row<double>;
}

}  // namespace plait::PLAIT_ISA_NS
