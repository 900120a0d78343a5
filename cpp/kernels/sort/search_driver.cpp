// SPDX-License-Identifier: MIT
#include "kernels/sort/search_driver.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/sort/element_order.h"

namespace plait {
void search_sorted(const SortedSearch& args, int64_t* places) {
  dispatch(args.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const values = static_cast<const T*>(args.values);
    parallel_for(args.count, kGrainElements / 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* row = static_cast<const T*>(args.rows) + (args.per_row ? i / args.per_row * args.length : 0);
        const T* at = args.right ? std::upper_bound(row, row + args.length, values[i], is_less<T>)
                                 : std::lower_bound(row, row + args.length, values[i], is_less<T>);
        places[i] = at - row;
      }
    });
  });
}

void contained_in(DType dtype, const void* x, int64_t n, const void* set, int64_t size, bool invert,
                  bool* found) {
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const first = static_cast<const T*>(set);
    const T* const last = first + size;
    parallel_for(n, kGrainElements / 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T v = static_cast<const T*>(x)[i];
        const T* at = std::lower_bound(first, last, v, is_less<T>);
        const bool is_in = at != last && convert<Comparable<T>>(*at) == convert<Comparable<T>>(v);
        found[i] = is_in != invert;
      }
    });
  });
}

}  // namespace plait
