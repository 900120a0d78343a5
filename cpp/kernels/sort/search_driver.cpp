// SPDX-License-Identifier: MIT
#include "kernels/sort/search_driver.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

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

// ---- Sets ----

namespace {

// Whether x[i] is in the set, for all i.
template <class T, class F>
void store_contained(const ContainedIn& args, F is_in) {
  parallel_for(args.count, kGrainElements / 4, [&](int64_t begin, int64_t end) {
    const T* const x = static_cast<const T*>(args.values);
    for (int64_t i = begin; i < end; ++i) args.found[i] = is_in(x[i]) != args.invert;
  });
}

// Integers in a narrow range: a table with a byte for each.
template <class T>
bool try_range(const ContainedIn& args) {
  const T* const set = static_cast<const T*>(args.set);
  const auto [low, high] = std::minmax_element(set, set + args.size);
  const uint64_t least = static_cast<uint64_t>(*low), range = static_cast<uint64_t>(*high) - least;
  if (range / 8 >= static_cast<uint64_t>(args.count + args.size)) return false;
  std::vector<uint8_t> present(range + 1);
  for (int64_t i = 0; i < args.size; ++i) present[static_cast<uint64_t>(set[i]) - least] = 1;
  store_contained<T>(args, [&present, least, range](T v) {
    const uint64_t place = static_cast<uint64_t>(v) - least;
    return present[place <= range ? place : 0] != 0 && place <= range;
  });
  return true;
}

// Other numbers: a hash table with linear probing. Few slots are taken, so that the first one mostly
// decides.
template <class T>
class HashSet {
 public:
  using Number = Comparable<T>;

  HashSet(const T* set, int64_t size) {
    while ((int64_t{1} << bits_) < 8 * size) ++bits_;
    slots_.resize(size_t{1} << bits_, Slot{});
    for (int64_t i = 0; i < size; ++i) insert(convert<Number>(set[i]));
  }
  bool contains(T value) const {
    const auto v = convert<Number>(value);
    for (uint64_t at = place_of(v);; at = (at + 1) & mask()) {
      if (slots_[at].number == v && slots_[at].taken) return true;
      if (!slots_[at].taken) return false;
    }
  }

 private:
  struct Slot {
    Number number;
    bool taken;
  };

  uint64_t mask() const { return slots_.size() - 1; }
  uint64_t place_of(Number v) const {
    if (v == 0) v = 0;  // -0, and numbers that count as 0
    uint64_t bits = 0;
    std::memcpy(&bits, &v, sizeof v);
    return (bits * 0x9e3779b97f4a7c15u) >> (64 - bits_);  // the golden ratio
  }
  void insert(Number v) {
    if (v != v) return;  // NaN equals nothing
    uint64_t at = place_of(v);
    while (slots_[at].taken && slots_[at].number != v) at = (at + 1) & mask();
    slots_[at] = {v, true};
  }

  int bits_ = 4;
  std::vector<Slot> slots_;
};

}  // namespace

void contained_in(const ContainedIn& args) {
  const DenormalGuard guard;  // the set is read under the same mode as the values
  dispatch_bits(args.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (args.size == 0) return store_contained<T>(args, [](T) { return false; });
    if constexpr (std::is_integral_v<T>) {
      if (try_range<T>(args)) return;
    }
    const HashSet<T> set(static_cast<const T*>(args.set), args.size);
    store_contained<T>(args, [&set](T v) { return set.contains(v); });
  });
}

}  // namespace plait
