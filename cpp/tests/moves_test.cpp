// SPDX-License-Identifier: MIT
// Drivers that move elements, against loops over single ones: padding, joining, triangles, sequences,
// searches, gathering and scattering, masks, tables, indexed arrays. At 1 and 3 threads.
#include <algorithm>
#include <numeric>

#include "core/parallel.h"
#include "kernels/index/embedding_driver.h"
#include "kernels/index/gather_driver.h"
#include "kernels/index/index_driver.h"
#include "kernels/index/masked_driver.h"
#include "kernels/random/random_driver.h"
#include "kernels/rearrange/rearrange_driver.h"
#include "kernels/sequence/sequence_driver.h"
#include "kernels/sort/search_driver.h"
#include "values.h"

namespace plait {
namespace {

using test::g_random;
using test::random_values;
using Ints = std::vector<int64_t>;

size_t at(int64_t i) { return static_cast<size_t>(i); }
int64_t below(int64_t n) { return static_cast<int64_t>(g_random() % static_cast<uint64_t>(n)); }

void check_pad() {
  const Dims shape{3, 70, 5}, strides{350, 5, 1}, pads{1, 2, 0, 3, 2, 1};
  const std::vector<float> x = random_values<float>(1050);
  const float value = 7;
  for (const Border border : {Border::kConstant, Border::kReplicate, Border::kReflect, Border::kCircular}) {
    std::vector<float> y(6 * 73 * 8);
    pad_array({DType::kFloat32, &value, shape, strides, pads, border}, x.data(), y.data());
    int64_t o = 0;
    for (int64_t i = 0; i < 6; ++i)
      for (int64_t j = 0; j < 73; ++j)
        for (int64_t k = 0; k < 8; ++k, ++o) {
          const int64_t a = pad_source(i - 1, 3, border), b = pad_source(j, 70, border),
                        c = pad_source(k - 2, 5, border);
          const bool outside = a == kNowhere || b == kNowhere || c == kNowhere;
          const float want = outside ? value : x[at((a * 70 + b) * 5 + c)];
          TEST_CHECK(y[at(o)] == want, "pad[%ld]", o);
        }
  }
}

void check_join_and_triangle() {
  const std::vector<float> a = random_values<float>(700 * 3), b = random_values<float>(700 * 40);
  std::vector<float> y(700 * 43);
  const JoinPiece pieces[] = {{reinterpret_cast<const char*>(a.data()), 12},
                              {reinterpret_cast<const char*>(b.data()), 160}};
  join_rows(pieces, 700, reinterpret_cast<char*>(y.data()));
  for (int64_t r = 0; r < 700; ++r)
    for (int64_t c = 0; c < 43; ++c)
      TEST_CHECK(y[at(r * 43 + c)] == (c < 3 ? a[at(r * 3 + c)] : b[at(r * 40 + c - 3)]), "join[%ld, %ld]", r,
                 c);
  const Dims shape{7, 100, 40}, strides{4000, 40, 1}, transposed{4000, 1, 100};
  for (const bool lower : {false, true})
    for (const int64_t diagonal : {-3, 0, 5, 60})
      for (const Dims* xs : {&strides, &transposed}) {
        std::vector<float> out(28000);
        triangle({DType::kFloat32, shape, *xs, strides, diagonal, lower}, b.data(), out.data());
        for (int64_t i = 0; i < 28000; ++i) {
          const int64_t c = i % 40, r = i / 40 % 100, m = i / 4000;
          const bool kept = lower ? c - r <= diagonal : c - r >= diagonal;
          const float want = kept ? b[at(m * 4000 + r * (*xs)[1] + c * (*xs)[2])] : 0;
          TEST_CHECK(out[at(i)] == want, "triangle[%ld]", i);
        }
      }
}

void check_sequences() {
  std::vector<double> d(70000);
  std::vector<float> f(70000);
  std::vector<int16_t> s(70000);
  spaced_values(DType::kFloat64, d.data(), 70000, 1.5, 0.25);
  spaced_values(DType::kFloat32, f.data(), 70000, 1.5, 0.25);
  counted_values(DType::kInt16, s.data(), 70000, -5, 3);
  for (int64_t i = 0; i < 70000; ++i) {
    TEST_CHECK(d[at(i)] == 1.5 + 0.25 * double(i) && f[at(i)] == float(d[at(i)]), "spaced[%ld]", i);
    TEST_CHECK(s[at(i)] == static_cast<int16_t>(3 * i - 5), "counted[%ld]", i);
  }
  const float value = -9;
  fill_array(DType::kFloat32, f.data() + 1, Dims{100, 300}, Dims{600, 2}, &value);
  for (int64_t i = 0; i < 60000; ++i) {
    const bool filled = i % 2 == 1;
    TEST_CHECK((f[at(i)] == -9) == filled, "fill[%ld]", i);
  }
  fill_zero_bytes(f.data(), 70000, 4);
  TEST_CHECK(std::all_of(f.begin(), f.end(), [](float v) { return v == 0; }), "zero");
}

void check_search() {
  std::vector<float> rows = random_values<float>(3 * 50), values = random_values<float>(3 * 2000);
  for (int r = 0; r < 3; ++r) std::sort(rows.begin() + r * 50, rows.begin() + (r + 1) * 50);
  for (int i = 0; i < 6000; i += 7) values[at(i)] = rows[at(i % 150)];
  for (const bool right : {false, true}) {
    Ints places(6000);
    search_sorted({DType::kFloat32, rows.data(), 50, 2000, values.data(), 6000, right}, places.data());
    for (int64_t i = 0; i < 6000; ++i) {
      int64_t want = 0;
      for (int64_t j = 0; j < 50; ++j) {
        const float v = rows[at(i / 2000 * 50 + j)];
        want += right ? v <= values[at(i)] : v < values[at(i)];
      }
      TEST_CHECK(places[at(i)] == want, "search[%ld]: %ld, expected %ld", i, places[at(i)], want);
    }
  }
  bool found[6000];
  contained_in({DType::kFloat32, values.data(), 6000, rows.data(), 50, true, found});
  for (int64_t i = 0; i < 6000; ++i) {
    const bool is_in = std::find(rows.begin(), rows.begin() + 50, values[at(i)]) != rows.begin() + 50;
    TEST_CHECK(found[at(i)] != is_in, "contained[%ld]", i);
  }
}

// Over dimension `dim` of x[4, 30, 50] by an index of `length` entries.
void check_gather(int64_t dim, int64_t length) {
  const Dims x_shape{4, 30, 50}, xs{1500, 50, 1};
  Dims shape = x_shape, strides(3, 1);
  shape[dim] = length;
  strides[1] = shape[2];
  strides[0] = shape[1] * shape[2];
  const int64_t n = numel_of(shape);
  const std::vector<float> x = random_values<float>(6000), src = random_values<float>(n);
  Ints index(at(n));
  for (int64_t& i : index) i = below(x_shape[dim]);
  const LineIndex lines{shape, index.data(), strides, xs, strides, dim};
  const auto place = [&](int64_t i) {  // of entry i in x
    Dims where{i / strides[0], i / strides[1] % shape[1], i % shape[2]};
    where[dim] = index[at(i)];
    return at(where[0] * 1500 + where[1] * 50 + where[2]);
  };
  std::vector<float> y(at(n)), sum = x, set = x, want_sum = x, want_set = x;
  check_index_range("test", lines, x_shape[dim]);
  gather_lines("test", DType::kFloat32, lines, x_shape[dim], x.data(), y.data());
  scatter_lines(DType::kFloat32, Scatter::kAdd, lines, sum.data(), src.data());
  scatter_lines(DType::kFloat32, Scatter::kAssign, lines, set.data(), src.data());
  for (int64_t i = 0; i < n; ++i) TEST_CHECK(y[at(i)] == x[place(i)], "gather[%ld]", i);
  for (int64_t i = 0; i < n; ++i) want_sum[place(i)] += src[at(i)], want_set[place(i)] = src[at(i)];
  TEST_CHECK(set == want_set && sum == want_sum, "scatter along %ld of %ld", dim, length);
  index[at(n / 2)] = x_shape[dim];
  for (const bool reads : {false, true}) {
    try {
      reads ? gather_lines("test", DType::kFloat32, lines, x_shape[dim], x.data(), y.data())
            : check_index_range("test", lines, x_shape[dim]);
      TEST_CHECK(false, "an index out of range is no error");
    } catch (const Error&) {
    }
  }
}

void check_masks() {
  const int64_t n = 3 * 100 * 400;
  const std::vector<float> x = random_values<float>(n);
  std::vector<uint8_t> keep(at(n));
  for (uint8_t& k : keep) k = g_random() % 3 == 0;
  const std::vector<int64_t> before = count_nonzero_chunks(DType::kUInt8, keep.data(), n);
  Ints want;
  for (int64_t i = 0; i < n; ++i)
    if (keep[at(i)]) want.push_back(i);
  TEST_CHECK(before.back() == static_cast<int64_t>(want.size()), "count");
  std::vector<float> taken(want.size()), put(at(n), -1);
  Ints places(3 * want.size());
  take_masked(DType::kFloat32, x.data(), keep.data(), before, taken.data());
  nonzero_coordinates(DType::kUInt8, keep.data(), Dims{3, 100, 400}, before, places.data());
  put_masked(DType::kFloat32, taken.data(), keep.data(), before, Dims{3, 100, 400}, Dims{40000, 1, 100},
             put.data());
  for (size_t i = 0; i < want.size(); ++i) {
    const int64_t w = want[i], *p = &places[3 * i];
    TEST_CHECK(taken[i] == x[at(w)] && p[0] * 40000 + p[1] * 400 + p[2] == w, "mask[%zu]", i);
    TEST_CHECK(put[at(p[0] * 40000 + p[1] + p[2] * 100)] == x[at(w)], "put[%zu]", i);
  }
  TEST_CHECK(std::count(put.begin(), put.end(), -1.0f) == n - before.back(), "put elsewhere");
}

void check_tables() {
  const int64_t rows = 100, width = 33, n = 5000;
  const std::vector<float> table = random_values<float>(rows * width), g = random_values<float>(n * width),
                           scale = random_values<float>(n);
  Ints index(at(n)), bounds{0, 7, 7, 2500, 5000};
  for (int64_t& i : index) i = below(rows);
  TEST_CHECK(all_inside(index.data(), n, rows) && !all_inside(index.data(), n, 50), "inside");
  std::vector<float> y(at(n * width)), sums(at(rows * width), 9), bags(at(4 * width));
  take_table_rows(table.data(), width * 4, index.data(), n, y.data());
  sum_into_table({DType::kFloat32, rows, width, index.data(), n, 3, scale.data()}, g.data(), sums.data());
  sum_table_rows(DType::kFloat32, table.data(), width, index.data(), bounds.data(), 4, bags.data());
  std::vector<double> want(sums.size(), 0), want_bags(bags.size(), 0);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t bag = i < 7 ? 0 : i < 2500 ? 2 : 3;
    for (int64_t c = 0; c < width; ++c) {
      const auto row = at(index[at(i)] * width + c);
      TEST_CHECK(y[at(i * width + c)] == table[row], "row[%ld]", i);
      want_bags[at(bag * width + c)] += double(table[row]);
      if (index[at(i)] != 3) want[row] += double(scale[at(i)]) * double(g[at(i * width + c)]);
    }
  }
  test::check_near(sums, want, "table", 1e-4);
  test::check_near(bags, want_bags, "bags", 1e-3);
}

// x[5, 40, 9] indexed along its middle.
void check_indexed(int64_t count) {
  const std::vector<float> x = random_values<float>(1800), values = random_values<float>(5 * count * 9);
  std::vector<int32_t> index(at(count));
  for (int32_t& i : index) i = static_cast<int32_t>(below(80)) - 40;
  Ints places(at(count), -1);
  const Dims one{count}, step{1}, before{5}, before_strides{360}, after{9}, after_strides{1};
  add_places("test", one, {DType::kInt32, index.data(), step, 1, 40, 9, true}, true, places.data());
  const IndexedArray plan{before, before_strides, after, after_strides, places.data(), count};
  std::vector<float> y(at(5 * count * 9)), sum = x, set = x, want_sum = x, want_set = x;
  read_indexed(DType::kFloat32, plan, x.data(), y.data());
  write_indexed(DType::kFloat32, plan, sum.data(), values.data(), false, true);
  write_indexed(DType::kFloat32, plan, set.data(), values.data(), false, false);
  for (int64_t b = 0, o = 0; b < 5; ++b)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t c = 0; c < 9; ++c, ++o) {
        const auto p = at(b * 360 + (index[at(i)] + 40) % 40 * 9 + c);
        TEST_CHECK(y[at(o)] == x[p], "read[%ld]", o);
        want_sum[p] += values[at(o)];
        want_set[p] = values[at(o)];
      }
  TEST_CHECK(sum == want_sum && set == want_set, "write at %ld places", count);
}

void check_random() {
  const int64_t n = 100000;
  std::vector<uint32_t> words(at(n)), again(at(n));
  std::vector<float> u(at(n)), y(at(n)), kept_only(at(n));
  std::vector<double> z(at(n));
  std::vector<uint8_t> kept(at(round_up(n, kRandomPiece) / 8));
  Generator g(3);
  g.manual_seed(3);
  draw_words(words.data(), n, &g);
  g.manual_seed(3);
  draw_by_element<1>(n, &g, [&](int64_t i, const uint32_t* w) { again[at(i)] = *w; });
  TEST_CHECK(words == again, "words");
  draw_uniform(DType::kFloat32, u.data(), n, 2, 3, &g);
  draw_normal(DType::kFloat64, z.data(), n, 1, 2, &g);
  const double mean_u = std::accumulate(u.begin(), u.end(), 0.0) / n,
               mean_z = std::accumulate(z.begin(), z.end(), 0.0) / n;
  TEST_CHECK(std::fabs(mean_u - 2.5) < 0.01 && std::fabs(mean_z - 1) < 0.05, "means %g and %g", mean_u,
             mean_z);
  dropout_values(DType::kFloat32, {5, 0, 0.25}, u.data(), y.data(), n, kept.data(), false);
  dropout_values(DType::kFloat32, {5, 0, 0.25}, u.data(), kept_only.data(), n, kept.data(), true);
  const auto zeros = std::count(y.begin(), y.end(), 0.0f);
  TEST_CHECK(y == kept_only && std::abs(zeros - n / 4) < 1000, "dropout: %ld zeros", zeros);
  const double weights[] = {0, 1, 3, 0.5, 0, 2};
  Ints out(6);
  const std::vector<double> v{0.1, 0.5, 0.99, 0.1, 0.7, 0.3};
  draw_categories({weights, v.data(), out.data(), 2, 3, 3, true});
  TEST_CHECK((out == Ints{1, 2, 2, 0, 2, 2}), "categories");
}

}  // namespace
}  // namespace plait

int main() {
  using namespace plait;
  test::require_isa();
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    check_pad();
    check_join_and_triangle();
    check_sequences();
    check_search();
    for (const int64_t dim : {0, 1, 2}) {
      for (const int64_t length : {1, 20, 1500}) check_gather(dim, length);
    }
    check_masks();
    check_tables();
    for (const int64_t count : {1, 30, 2000}) check_indexed(count);
    check_random();
  }
  return test::report("moves");
}
