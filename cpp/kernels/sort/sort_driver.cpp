// SPDX-License-Identifier: MIT
// Elements become unsigned keys whose order is theirs; a key and its place are one item, so that no two items
// are equal and any sort is stable. Short lines are sorted by comparison, longer ones by the digits of their
// keys: from the lowest up where the items fit the cache, and split by the highest first where they do not.
// Bound by the writes to many places at once that each digit takes. Selection of k keeps the best items seen
// so far and passes over what cannot be among them.
#include "kernels/sort/sort_driver.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "core/parallel.h"
#include "core/rounding.h"
#include "core/storage.h"
#include "kernels/sort/element_order.h"

namespace plait {
namespace {

template <int kBytes>
using UnsignedOf = std::conditional_t<
    kBytes == 1, uint8_t,
    std::conditional_t<kBytes == 2, uint16_t, std::conditional_t<kBytes == 4, uint32_t, uint64_t>>>;
template <class T>
using KeyOf = UnsignedOf<sizeof(T)>;

template <class T>
inline constexpr bool kIsFloating = !std::is_integral_v<T>;
template <class T>
inline constexpr int kMantissaBits = std::is_same_v<T, double>     ? 52
                                     : std::is_same_v<T, float>    ? 23
                                     : std::is_same_v<T, BFloat16> ? 7
                                                                   : 10;

// Order-preserving. Both zeros get one key, and denormals theirs where the thread takes them for zeros; so do
// all NaNs: the greatest.
template <class T>
inline KeyOf<T> to_key(T v) {
  using K = KeyOf<T>;
  constexpr K kSign = static_cast<K>(K{1} << (8 * sizeof(K) - 1));
  K bits;
  std::memcpy(&bits, &v, sizeof bits);
  if constexpr (kIsFloating<T>) {
    constexpr K kInfinity = static_cast<K>((kSign - 1) >> kMantissaBits<T> << kMantissaBits<T>);
    const K magnitude = bits & static_cast<K>(~kSign);
    if (magnitude > kInfinity) return std::numeric_limits<K>::max();
    if (convert<Comparable<T>>(v) == 0) return kSign;
    return bits & kSign ? static_cast<K>(~bits) : static_cast<K>(bits | kSign);
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<K>(bits ^ kSign);
  } else {
    return bits;
  }
}

// A key in the high and a place in the low bits of one number; keys of 8 bytes stand beside their place.
struct Packed {
  uint64_t bits;
  Packed() = default;
  Packed(uint64_t key, int64_t place) : bits(key << 32 | static_cast<uint64_t>(place)) {}
  uint64_t key() const { return bits >> 32; }
  int64_t place() const { return static_cast<int64_t>(bits & 0xffffffffu); }
  bool operator<(const Packed& other) const { return bits < other.bits; }
};
struct Wide {
  uint64_t key_bits;
  int64_t place_;
  Wide() = default;
  Wide(uint64_t key, int64_t place) : key_bits(key), place_(place) {}
  uint64_t key() const { return key_bits; }
  int64_t place() const { return place_; }
  bool operator<(const Wide& other) const {
    return key_bits != other.key_bits ? key_bits < other.key_bits : place_ < other.place_;
  }
};

template <class T>
inline uint64_t ordered_key(T v, bool descending) {
  const KeyOf<T> key = to_key(v);
  return descending ? static_cast<KeyOf<T>>(~key) : key;
}

constexpr int64_t kShort = 48;        // up to here items are compared, from here on their digits are counted
constexpr int64_t kSmall = 2048;      // up to here digits of 8 bits, whose counters cost less
constexpr int64_t kCached = 1 << 16;  // up to here items stay in the second-level cache
constexpr int kWideDigit = 11;
constexpr int64_t kUnpolled = 1 << 20;  // items that take a few milliseconds: no look whether to stop

template <int kBits, class Item>
inline uint32_t digit(const Item& item, int shift) {
  return static_cast<uint32_t>(item.key() >> shift) & ((1u << kBits) - 1);
}

// Insertion sort for a handful, introsort for a few more.
template <class Item>
void sort_short(Item* a, int64_t n) {
  if (n > 24) {
    std::sort(a, a + n);
    return;
  }
  for (int64_t i = 1; i < n; ++i) {
    const Item item = a[i];
    int64_t j = i;
    for (; j > 0 && item < a[j - 1]; --j) a[j] = a[j - 1];
    a[j] = item;
  }
}

// Orders items by the low `bits` bits of their keys, from the lowest digit on, by way of b. Returns where the
// result is.
template <int kBits, class Item>
Item* sort_by_digits(Item* a, Item* b, int64_t n, int bits) {
  constexpr int kMaxDigits = kBits == 8 ? 8 : 3;
  std::array<std::array<uint32_t, 1 << kBits>, kMaxDigits> counts{};
  const int digits = (bits + kBits - 1) / kBits;
  for (int64_t i = 0; i < n; ++i) {
    for (int d = 0; d < digits; ++d) ++counts[static_cast<size_t>(d)][digit<kBits>(a[i], d * kBits)];
  }
  for (int d = 0; d < digits; ++d) {
    auto& at = counts[static_cast<size_t>(d)];
    if (at[digit<kBits>(a[0], d * kBits)] == n) continue;  // all agree here
    uint32_t start = 0;
    for (uint32_t& c : at) start += std::exchange(c, start);
    for (int64_t i = 0; i < n; ++i) b[at[digit<kBits>(a[i], d * kBits)]++] = a[i];
    std::swap(a, b);
  }
  return a;
}

// The same for any number of items: until they fit the cache they are split by their highest digit.
template <class Item>
Item* sort_items(Item* a, Item* b, int64_t n, int bits) {
  if (n <= kShort) {
    sort_short(a, n);
    return a;
  }
  if (n <= kSmall) return sort_by_digits<8>(a, b, n, bits);
  if (n <= kCached && bits <= 3 * kWideDigit) return sort_by_digits<kWideDigit>(a, b, n, bits);
  if (bits == 0) return a;
  const int low = std::max(0, bits - kWideDigit);
  std::vector<int64_t> end(1 << kWideDigit, 0);
  for (int64_t i = 0; i < n; ++i) ++end[digit<kWideDigit>(a[i], low)];
  int64_t start = 0;
  for (int64_t& e : end) start += std::exchange(e, start);
  for (int64_t i = 0; i < n; ++i) b[end[digit<kWideDigit>(a[i], low)]++] = a[i];
  start = 0;
  for (int64_t e : end) {
    if (e > start) {
      if (n > kUnpolled) poll_interrupt();
      const Item* sorted = sort_items(b + start, a + start, e - start, low);
      if (sorted != b + start) std::copy(sorted, sorted + (e - start), b + start);
    }
    start = e;
  }
  return b;
}

// One line split between threads: by chunks when items move to the place of their highest digit, each chunk
// behind those before it; by digit afterwards.
template <class Item>
Item* sort_items_parallel(Item* a, Item* b, int64_t n, int bits) {
  const int64_t chunk = std::max(kCached, ceil_div(n, 64)), chunks = ceil_div(n, chunk);
  const auto over = [&](int64_t c, auto f) {
    for (int64_t i = c * chunk, end = std::min(n, i + chunk); i < end; ++i) f(a[i]);
  };
  const int low = std::max(0, bits - kWideDigit);
  std::vector<std::array<int64_t, 1 << kWideDigit>> at(static_cast<size_t>(chunks));
  parallel_chunks(chunks, [&](int64_t c) {
    auto& count = at[static_cast<size_t>(c)];
    count.fill(0);
    over(c, [&](const Item& item) { ++count[digit<kWideDigit>(item, low)]; });
  });
  std::vector<int64_t> starts(1, 0);
  int64_t start = 0;
  for (size_t d = 0; d < at[0].size(); ++d) {
    for (auto& count : at) start += std::exchange(count[d], start);
    if (start > starts.back()) starts.push_back(start);
  }
  parallel_chunks(chunks, [&](int64_t c) {
    auto& to = at[static_cast<size_t>(c)];
    over(c, [&](const Item& item) { b[to[digit<kWideDigit>(item, low)]++] = item; });
  });
  parallel_chunks(static_cast<int64_t>(starts.size()) - 1, [&](int64_t d) {
    const int64_t first = starts[static_cast<size_t>(d)], count = starts[static_cast<size_t>(d) + 1] - first;
    const Item* sorted = sort_items(b + first, a + first, count, low);
    if (sorted != b + first) std::copy(sorted, sorted + count, b + first);
  });
  return b;
}

template <class T, class Item>
void write_out(const T* x, const Item* items, int64_t n, T* values, int64_t* indices) {
  for (int64_t i = 0; i < n; ++i) indices[i] = items[i].place();
  if (!values) return;
  for (int64_t i = 0; i < n; ++i) values[i] = x[items[i].place()];
}

template <class T, class F>
void with_item(int64_t n, F f) {
  if (sizeof(T) == 8 || n > int64_t{UINT32_MAX}) {
    f(TypeTag<Wide>{});
  } else {
    f(TypeTag<Packed>{});
  }
}

// Memory for items, from the caching allocator.
template <class Item>
class Items {
 public:
  explicit Items(int64_t n) {
    constexpr size_t kHead = 128;  // at least what a small block keeps for itself
    const size_t bytes = static_cast<size_t>(n) * sizeof(Item);
    memory_ = bytes + kHead <= kSmallLimit ? Storage::allocate_small(bytes, 0) : Storage::allocate(bytes);
  }
  Item* get() const { return static_cast<Item*>(memory_->data()); }
  Item& operator[](int64_t i) const { return get()[i]; }

 private:
  Ref<Storage> memory_;
};

// The least and the greatest key of a line, and how many bits they are apart.
struct KeyRange {
  uint64_t low, high;
  int bits() const { return high == low ? 0 : 64 - __builtin_clzll(high - low); }
  // Keys count from the end that comes first.
  uint64_t from_start(uint64_t key, bool descending) const { return descending ? high - key : key - low; }
};
template <class T>
KeyRange key_range(const T* line, int64_t n) {
  const int64_t chunks = ceil_div(n, kCached);
  std::vector<KeyRange> part(static_cast<size_t>(chunks));
  parallel_chunks(chunks, [&](int64_t c) {
    KeyOf<T> low = to_key(line[c * kCached]), high = low;
    for (int64_t i = c * kCached, end = std::min(n, i + kCached); i < end; ++i) {
      const KeyOf<T> key = to_key(line[i]);
      low = std::min(low, key);
      high = std::max(high, key);
    }
    part[static_cast<size_t>(c)] = {low, high};
  });
  KeyRange all = part[0];
  for (const KeyRange& p : part) all = {std::min(all.low, p.low), std::max(all.high, p.high)};
  return all;
}

template <class T, class Item>
void sort_line(const T* line, int64_t n, bool descending, KeyRange range, T* values, int64_t* indices) {
  const Items<Item> a(n), b(n > kShort ? n : 0);
  parallel_for(n, kGrainElements, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) a[i] = Item(range.from_start(to_key(line[i]), descending), i);
  });
  const Item* sorted = n < 2 * kCached ? sort_items(a.get(), b.get(), n, range.bits())
                                       : sort_items_parallel(a.get(), b.get(), n, range.bits());
  parallel_for(n, kGrainElements, [&](int64_t begin, int64_t end) {
    write_out(line, sorted + begin, end - begin, values ? values + begin : nullptr, indices + begin);
  });
}

template <class T>
void sort_short_lines(const T* x, int64_t lines, int64_t n, bool descending, T* values, int64_t* indices) {
  using Item = std::conditional_t<sizeof(T) == 8, Wide, Packed>;
  parallel_for(lines, std::max<int64_t>(1, kGrainElements / 8 / n), [&](int64_t begin, int64_t end) {
    Item items[kShort];
    for (int64_t l = begin; l < end; ++l) {
      for (int64_t i = 0; i < n; ++i) items[i] = Item(ordered_key(x[l * n + i], descending), i);
      sort_short(items, n);
      write_out(x + l * n, items, n, values ? values + l * n : nullptr, indices + l * n);
    }
  });
}

template <class T>
void sort_all(const T* x, int64_t lines, int64_t n, bool descending, T* values, int64_t* indices) {
  const auto sort_one = [&](int64_t l) {
    const T* line = x + l * n;
    const KeyRange range = key_range(line, n);
    const auto f = range.bits() <= 32 && n <= int64_t{UINT32_MAX} ? sort_line<T, Packed> : sort_line<T, Wide>;
    f(line, n, descending, range, values ? values + l * n : nullptr, indices + l * n);
  };
  if (n <= kShort) return sort_short_lines(x, lines, n, descending, values, indices);
  if (n >= 2 * kCached) {  // threads share a line
    for (int64_t l = 0; l < lines; ++l) sort_one(l);
    return;
  }
  parallel_for(lines, std::max<int64_t>(1, kGrainElements / 8 / n), [&](int64_t begin, int64_t end) {
    for (int64_t l = begin; l < end; ++l) sort_one(l);
  });
}

template <class T>
bool is_nan(T v) {
  if constexpr (kIsFloating<T>) {
    return to_key(v) == std::numeric_limits<KeyOf<T>>::max();
  } else {
    return (void)v, false;
  }
}

// Whether any of n elements may have a key below that of `limit`, in the order that is asked for. NaN may.
template <class T>
bool any_ahead(const T* p, int64_t n, T limit, bool descending) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    const uint64_t key = ordered_key(limit, descending);
    for (int64_t i = 0; i < n; ++i) {
      if (ordered_key(p[i], descending) < key) return true;
    }
    return false;
  } else {
    int ahead = 0;  // counted, not found, so that the loop is one of vectors
    if (descending) {
      for (int64_t i = 0; i < n; ++i) ahead += !(p[i] <= limit);
    } else {
      for (int64_t i = 0; i < n; ++i) ahead += p[i] < limit;
    }
    return ahead != 0;
  }
}

// The k smallest items of a line, unordered, into the front of kept[2 k + kBlock]. A few
// are kept in order, many are gathered and cut down to k now and then.
constexpr int64_t kBlock = 64;
template <class T, class Item>
void keep_smallest(const T* line, int64_t n, int64_t k, bool descending, Item* kept) {
  const bool few = k <= 32;
  // Later items need a key below that of the k-th: equal ones come after it.
  uint64_t limit = UINT64_MAX;
  T limit_value{};
  int64_t count = 0;
  const auto set_limit = [&] {
    limit = kept[k - 1].key();
    limit_value = line[kept[k - 1].place()];
  };
  const auto add = [&](const Item& item) {
    int64_t j = count++;
    if (few) {
      if (count > k) j = --count - 1;
      for (; j > 0 && item < kept[j - 1]; --j) kept[j] = kept[j - 1];
    }
    kept[j] = item;
    if (few && count == k) set_limit();
  };
  const auto prune = [&] {
    if (!few && count > k) {
      std::nth_element(kept, kept + (k - 1), kept + count);
      count = k;
    }
    set_limit();
  };
  int64_t i = 0;
  for (; i < std::min(n, few ? k : 2 * k); ++i) add(Item(ordered_key(line[i], descending), i));
  prune();
  int64_t unpolled = 0;
  for (int64_t size; i < n; i += size) {
    size = std::min(n - i, kBlock);
    if ((unpolled += size) > kUnpolled) {
      poll_interrupt();
      unpolled = 0;
    }
    const bool hit =
        is_nan(limit_value) || (size == kBlock ? any_ahead(line + i, kBlock, limit_value, descending)
                                               : any_ahead(line + i, size, limit_value, descending));
    if (!hit) continue;
    for (int64_t j = i; j < i + size; ++j) {
      const uint64_t key = ordered_key(line[j], descending);
      if (key < limit) add(Item(key, j));
    }
    if (count >= 2 * k) prune();
  }
  prune();
}

template <class T, class Item>
void select_all(const T* x, int64_t lines, int64_t n, int64_t k, bool descending, T* values,
                int64_t* indices) {
  parallel_for(lines, std::max<int64_t>(1, kGrainElements / n), [&](int64_t begin, int64_t end) {
    const Items<Item> kept(2 * k + 64);
    for (int64_t l = begin; l < end; ++l) {
      keep_smallest(x + l * n, n, k, descending, kept.get());
      poll_interrupt();
      std::sort(kept.get(), kept.get() + k);
      write_out(x + l * n, kept.get(), k, values + l * k, indices + l * k);
    }
  });
}

// f(begin, end) over pieces of [0, n) between which the thread looks whether to stop.
template <class F>
void for_polled(int64_t n, F f) {
  for (int64_t begin = 0; begin < n; begin += kUnpolled) {
    if (begin > 0) poll_interrupt();
    f(begin, std::min(n, begin + kUnpolled));
  }
}

// The histogram of one digit of n keys, key_at(i). Keys of even and of odd index have counters of their own:
// equal digits in a row then do not wait for each other's store to the same counter.
template <class F>
std::vector<int64_t> count_digits(int64_t n, int shift, F key_at) {
  constexpr size_t kDigits = 1 << kWideDigit;
  std::vector<int64_t> counts(2 * kDigits, 0);
  for_polled(n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      ++counts[(static_cast<size_t>(i) & 1) * kDigits + (key_at(i) >> shift & (kDigits - 1))];
    }
  });
  for (size_t d = 0; d < kDigits; ++d) counts[d] += counts[kDigits + d];
  counts.resize(kDigits);
  return counts;
}
// The digit of item k in sorted order, and k's place among the items of that digit.
struct DigitOf {
  uint64_t digit;
  int64_t k, count;
};
inline DigitOf find_digit(const std::vector<int64_t>& counts, int64_t k) {
  uint64_t d = 0;
  for (; k >= counts[d]; ++d) k -= counts[d];
  return {d, k, counts[d]};
}

// Item k of a line in sorted order, by its digits from the highest on: of each step only the items that agree
// with it remain.
template <class T, class Item>
Item nth_item(const T* line, int64_t n, int64_t k) {
  const auto key_at = [line](int64_t i) { return ordered_key(line[i], false); };
  constexpr uint64_t kMask = (1 << kWideDigit) - 1;
  int low = 8 * static_cast<int>(sizeof(T));
  DigitOf found{0, k, n};
  if (n > kSmall) {
    low = std::max(0, low - kWideDigit);
    found = find_digit(count_digits(n, low, key_at), k);
  }
  const bool all = found.count == n;
  const Items<Item> items(found.count + 1);
  int64_t count = 0;
  for_polled(n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint64_t key = key_at(i);
      items[count] = Item(key, i);
      count += all || (key >> low & kMask) == found.digit;
    }
  });
  while (found.count > kSmall && low > 0) {
    low = std::max(0, low - kWideDigit);
    found = find_digit(count_digits(found.count, low, [&](int64_t i) { return items[i].key(); }), found.k);
    int64_t kept = 0;
    for_polled(count, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        items[kept] = items[i];
        kept += (items[kept].key() >> low & kMask) == found.digit;
      }
    });
    count = kept;
  }
  // Items of one key are in the order of their places.
  if (low > 0) std::nth_element(items.get(), items.get() + found.k, items.get() + count);
  return items[found.k];
}

// choose(line) names the place k in sorted order that is wanted, or -1 - i for element i itself.
template <class T, class Item, class F>
void nth_all(const T* x, int64_t lines, int64_t n, F choose, T* values, int64_t* indices) {
  parallel_for(lines, std::max<int64_t>(1, kGrainElements / 8 / n), [&](int64_t begin, int64_t end) {
    for (int64_t l = begin; l < end; ++l) {
      const T* line = x + l * n;
      const int64_t k = choose(line);
      indices[l] = k < 0 ? -1 - k : nth_item<T, Item>(line, n, k).place();
      values[l] = line[indices[l]];
    }
  });
}

template <class T>
int64_t median_place(const T* line, int64_t n, bool skip_nan) {
  int64_t nans = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!is_nan(line[i])) continue;
    if (!skip_nan) return -1 - i;
    ++nans;
  }
  return nans == n ? -1 : (n - nans - 1) / 2;
}

template <class T, class Item>
void mode_all(const T* x, int64_t lines, int64_t n, T* values, int64_t* indices) {
  parallel_for(lines, std::max<int64_t>(1, kGrainElements / 16 / n), [&](int64_t begin, int64_t end) {
    const Items<Item> a(n), b(n > kShort ? n : 0);
    for (int64_t l = begin; l < end; ++l) {
      const T* line = x + l * n;
      for (int64_t i = 0; i < n; ++i) a[i] = Item(ordered_key(line[i], false), i);
      const Item* const items = sort_items(a.get(), b.get(), n, 8 * static_cast<int>(sizeof(T)));
      int64_t most = 0, run = 0;
      for (int64_t i = 0; i < n; ++i) {
        ++run;
        const T value = line[items[i].place()];  // every NaN is a value of its own
        if (i + 1 < n && items[i].key() == items[i + 1].key() && !is_nan(value)) continue;
        if (run > most) {
          most = run;
          write_out(line, items + i, 1, values + l, indices + l);
        }
        run = 0;
      }
    }
  });
}

// f(TypeTag<T>, TypeTag<Item>) for the element type and lines of n.
template <class F>
void with_types(DType dtype, int64_t n, F f) {
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    with_item<T>(n, [&](auto item) { f(tag, item); });
  });
}

}  // namespace

void sort_lines(const void* x, DType dtype, int64_t lines, int64_t n, bool descending, void* values,
                int64_t* indices) {
  if (lines == 0 || n == 0) return;
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    sort_all(static_cast<const T*>(x), lines, n, descending, static_cast<T*>(values), indices);
  });
}

namespace {

// The k smallest of lines that are long, and k not small beside them.
void sort_and_cut(const void* x, DType dtype, int64_t lines, int64_t n, int64_t k, bool descending,
                  void* values, int64_t* indices) {
  const int64_t line = n * item_size(dtype), cut = k * item_size(dtype);
  const Items<char> sorted(line);
  const Items<int64_t> places(n);
  for (int64_t l = 0; l < lines; ++l) {
    sort_lines(static_cast<const char*>(x) + l * line, dtype, 1, n, descending, sorted.get(), places.get());
    std::copy_n(sorted.get(), cut, static_cast<char*>(values) + l * cut);
    std::copy_n(places.get(), k, indices + l * k);
  }
}

}  // namespace

void select_lines(const void* x, DType dtype, int64_t lines, int64_t n, int64_t k, bool descending,
                  void* values, int64_t* indices) {
  if (lines == 0 || k == 0) return;
  if (n >= 2 * kCached && k >= n / 16) {
    return sort_and_cut(x, dtype, lines, n, k, descending, values, indices);
  }
  with_types(dtype, n, [&](auto tag, auto item) {
    using T = typename decltype(tag)::type;
    select_all<T, typename decltype(item)::type>(static_cast<const T*>(x), lines, n, k, descending,
                                                 static_cast<T*>(values), indices);
  });
}

void nth_lines(const void* x, DType dtype, int64_t lines, int64_t n, int64_t k, void* values,
               int64_t* indices) {
  with_types(dtype, n, [&](auto tag, auto item) {
    using T = typename decltype(tag)::type;
    nth_all<T, typename decltype(item)::type>(
        static_cast<const T*>(x), lines, n, [k](const T*) { return k; }, static_cast<T*>(values), indices);
  });
}

void median_lines(const void* x, DType dtype, int64_t lines, int64_t n, bool skip_nan, void* values,
                  int64_t* indices) {
  with_types(dtype, n, [&](auto tag, auto item) {
    using T = typename decltype(tag)::type;
    nth_all<T, typename decltype(item)::type>(
        static_cast<const T*>(x), lines, n, [=](const T* line) { return median_place(line, n, skip_nan); },
        static_cast<T*>(values), indices);
  });
}

void mode_lines(const void* x, DType dtype, int64_t lines, int64_t n, void* values, int64_t* indices) {
  with_types(dtype, n, [&](auto tag, auto item) {
    using T = typename decltype(tag)::type;
    mode_all<T, typename decltype(item)::type>(static_cast<const T*>(x), lines, n, static_cast<T*>(values),
                                               indices);
  });
}

}  // namespace plait
