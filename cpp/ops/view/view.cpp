// SPDX-License-Identifier: MIT
// Views with another shape of the same elements, and what gradients of views are made of.
#include "ops/view/view.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/parallel.h"
#include "core/walk.h"
#include "kernels/reduce/reduce_driver.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view_op.h"

namespace plait {

std::optional<Dims> strides_for_view(IntSpan shape, IntSpan strides, IntSpan new_shape) {
  // Runs of dimensions that lie one behind the other in memory are walked from the last to the first; the new
  // sizes must split each of them exactly.
  if (numel_of(shape) == 0) return contiguous_strides(new_shape);
  Dims out(static_cast<int64_t>(new_shape.size()), 1);
  auto d = static_cast<int64_t>(new_shape.size()) - 1;
  const auto size = [&](int64_t i) { return new_shape[static_cast<size_t>(i)]; };
  int64_t run = 1, run_stride = shape.empty() ? 1 : strides.back();
  for (size_t i = shape.size(); i-- > 0;) {
    run *= shape[i];
    const bool ends = i == 0 || (shape[i - 1] != 1 && strides[i - 1] != run * run_stride);
    if (!ends) continue;
    int64_t filled = 1;
    while (d >= 0 && (filled < run || size(d) == 1)) {
      out[d] = filled * run_stride;
      filled *= size(d--);
    }
    if (filled != run) return std::nullopt;
    if (i > 0) {
      run = 1;
      run_stride = strides[i - 1];
    }
  }
  for (; d >= 0; --d) {
    if (size(d) != 1) return std::nullopt;
    out[d] = 1;
  }
  return out;
}

namespace {

std::string place(int64_t i) {
  constexpr std::array<const char*, 5> kNames{"first", "second", "third", "fourth", "fifth"};
  return i < 5 ? kNames[static_cast<size_t>(i)] : "number " + std::to_string(i + 1);
}

// "\nhint: ..." naming a size that would make `shape` fit x, or "".
std::string fitting_size(IntSpan shape, int64_t free_place, const Tensor& x) {
  // With a -1 the leading size of x is assumed to be meant to stay: the usual slip is in the features.
  const int64_t kept = free_place >= 0 && x.dim() > 0 ? x.shape()[0] : 1;
  for (int64_t i = static_cast<int64_t>(shape.size()) - 1; i >= 0; --i) {
    if (i == free_place) continue;
    int64_t others = kept;
    bool overflow = false;
    for (int64_t j = 0; j < static_cast<int64_t>(shape.size()); ++j) {
      if (j != i && j != free_place) {
        overflow |= __builtin_mul_overflow(others, shape[static_cast<size_t>(j)], &others);
      }
    }
    if (overflow || others == 0 || x.numel() % others != 0) continue;
    const std::string size = std::to_string(x.numel() / others);
    if (free_place < 0) return "\nhint: a size of -1 in the " + place(i) + " place would be " + size;
    return "\nhint: a size of " + size + " in the " + place(i) + " place would fit: -1 would then be " +
           std::to_string(kept);
  }
  return "";
}

// How many times each element of a strided window is named is not known; whether any may be named twice is.
bool names_twice(IntSpan shape, IntSpan strides) {
  std::vector<std::pair<int64_t, int64_t>> dims;  // stride, size
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] > 1) dims.emplace_back(strides[i], shape[i]);
  }
  std::sort(dims.begin(), dims.end());
  int64_t reach = 0;
  for (const auto& [stride, size] : dims) {
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

// window[i] += x[i] in the order of i, one at a time: the window may name elements several times.
template <class T>
void accumulate(const Tensor& window, const Tensor& x) {
  const Walk<2> walk(x.shape(), {window.strides(), x.strides()});
  const int64_t ws = walk.stride(0), xs = walk.stride(1);
  walk.run(0, walk.numel(), [&](const auto& at, int64_t n) {
    T* w = window.data<T>() + at[0];
    const T* p = x.data<T>() + at[1];
    if (ws == 1 && xs == 1) {
      for (int64_t i = 0; i < n; ++i) w[i] = static_cast<T>(w[i] + p[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) w[i * ws] = static_cast<T>(w[i * ws] + p[i * xs]);
    }
  });
}

void accumulate(const Tensor& window, const Tensor& x) {
  dispatch(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      PLAIT_ASSERT(!"a 16-bit sum runs in float32");
    } else {
      accumulate<T>(window, x);
    }
  });
}

struct Embed {
  static constexpr OpMeta meta{"embed"};
  static Tensor forward(OpContext&, const Tensor& gy, const Dims&, const Dims& whole, const Dims& strides,
                        int64_t offset) {
    const bool twice = names_twice(gy.shape(), strides);
    if (twice && gy.is_complex()) {
      const auto pairs = [](Dims d, int64_t factor, int64_t last) {
        for (int64_t i = 0; i < d.size(); ++i) d[i] *= factor;
        d.push_back(last);
        return d;
      };
      return as_complex(embed(view_as_real(gy), pairs(whole, 1, 2), pairs(strides, 2, 1), 2 * offset));
    }
    if (twice && is_16_bit_float(gy.dtype())) {
      return cast(embed(cast(gy, DType::kFloat32), whole, strides, offset), gy.dtype());
    }
    const Tensor gx = Tensor::empty(whole, gy.dtype());
    if (gx.is_meta()) return gx;
    if (twice || gx.numel() != gy.numel()) set_zero(gx);
    const Tensor window = gx.alias(gy.shape(), strides, offset);
    if (twice) {
      accumulate(window, gy);
    } else {
      copy_into(window, gy);
    }
    return gx;
  }
  // ggy = the window of g
  static Grads backward(OpContext&, const Tensor& g, const Dims& shape, const Dims&, const Dims& strides,
                        int64_t offset) {
    const Tensor whole = contiguous(g);
    return {as_strided(whole, shape, strides, whole.offset() + offset)};
  }
};

struct SumTo {
  static constexpr OpMeta meta{"sum_to"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims&, const Dims& shape) {
    PLAIT_CHECK(x.dim() <= kMaxReduceDims, kValue, "sum_to: expected at most ", kMaxReduceDims,
                " dimensions, got shape ", x.shape());
    if (x.is_complex()) {
      Dims pairs = shape;
      pairs.push_back(2);
      return as_complex(sum_to(view_as_real(x), pairs));
    }
    const Tensor y = Tensor::empty(shape, x.dtype());
    if (y.is_meta()) return y;
    Reduction r;
    r.op = ReduceOp::kSum;
    r.dtype = x.dtype();
    r.x = x.data_ptr();
    r.ndim = static_cast<int>(x.dim());
    const int64_t more = x.dim() - shape.size();
    for (int64_t d = 0; d < x.dim(); ++d) {
      r.size[d] = x.shape()[d];
      r.stride[d] = x.strides()[d];
      r.reduced[d] = d < more || shape[d - more] != x.shape()[d];
    }
    r.out[0] = {y.data_ptr(), y.dtype(), ReduceFinish::kValue};
    reduce(r);
    return y;
  }
  // gx = gy, repeated
  static Grads backward(OpContext&, const Tensor& gy, const Dims& whole, const Dims&) {
    return {expand(gy, whole)};
  }
};

// Views that show every element once: gx is gy under the shape of x.
struct View {
  static constexpr OpMeta meta{"view"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims&, const Dims& shape, const Dims& strides) {
    return x.alias(shape, strides, x.offset());
  }
  static Grads backward(OpContext&, const Tensor& gy, const Dims& whole, const Dims&, const Dims&) {
    return {reshape(gy, whole)};
  }
};
struct Squeeze : View {
  static constexpr OpMeta meta{"squeeze"};
};
struct Unsqueeze : View {
  static constexpr OpMeta meta{"unsqueeze"};
};
struct Alias : View {
  static constexpr OpMeta meta{"alias"};
};
// The view of a fresh copy: nobody else sees the copy, so no tie is needed.
struct Reshape : View {
  static constexpr OpMeta meta{"reshape"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims&, const Dims& shape, const Dims&) {
    const Tensor y = Tensor::empty(shape, x.dtype());
    copy_into(y.alias(x.shape(), contiguous_strides(x.shape()), 0), x);
    return y;
  }
};

struct ViewAsDType {
  static constexpr OpMeta meta{"view(dtype)"};
  static Tensor forward(OpContext&, const Tensor& x, DType dtype) {
    const auto from = static_cast<int64_t>(x.item_size()), to = static_cast<int64_t>(item_size(dtype));
    Dims shape = x.shape(), strides = x.strides();
    int64_t offset = x.offset();
    if (from != to) {
      PLAIT_CHECK(x.dim() > 0 && strides.back() == 1, kValue,
                  "view: expected a last dimension of stride 1 to go from ", dtype_name(x.dtype()), " to ",
                  dtype_name(dtype), ", got shape ", shape, " with strides ", strides,
                  "\nhint: contiguous() makes one");
      const auto scale = [&](int64_t n, const char* what) {
        PLAIT_CHECK(n * from % to == 0, kValue, "view: ", what, " ", n, " of ", dtype_name(x.dtype()),
                    " is not a whole number of ", dtype_name(dtype), " elements");
        return n * from / to;
      };
      shape.back() = scale(shape.back(), "the last size");
      offset = scale(offset, "the storage offset");
      for (int64_t d = 0; d + 1 < x.dim(); ++d) strides[d] = scale(strides[d], "the stride");
    }
    Tensor y = Tensor::from_storage(x.storage(), shape, strides, offset, dtype);
    y.impl()->tracks_version = x.impl()->tracks_version;
    return y;
  }
};

struct Expand {
  static constexpr OpMeta meta{"expand"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims& shape) {
    const int64_t more = shape.size() - x.dim();
    Dims strides(shape.size(), 0);
    for (int64_t d = 0; d < x.dim(); ++d) {
      strides[more + d] = x.shape()[d] == shape[more + d] ? x.strides()[d] : 0;
    }
    return x.alias(shape, strides, x.offset());
  }
  // The engine sums gy back to the shape of x.
  static Grads backward(OpContext&, const Tensor& gy, const Dims&) { return {gy}; }
};

// The geometry of x among the storage that x and the view span together.
struct AsStrided {
  static constexpr OpMeta meta{"as_strided"};
  static Tensor forward(OpContext&, const Tensor& x, const Geometry&, const Dims& size, const Dims& stride,
                        int64_t offset) {
    return x.alias(size, stride, offset);
  }
  // gy is added up in a flat buffer that stands for the storage, from which x's elements take their share.
  static Grads backward(OpContext&, const Tensor& gy, const Geometry& x, const Dims& size, const Dims& stride,
                        int64_t offset) {
    const int64_t low = std::min(x.offset, offset);
    const Dims buffer{
        std::max(storage_extent(x.shape, x.strides, x.offset), storage_extent(size, stride, offset)) - low};
    const Tensor sums = embed(gy, buffer, stride, offset - low);
    const Tensor gx = as_strided(sums, x.shape, x.strides, x.offset - low);
    if (!names_twice(x.shape, x.strides)) return {gx};
    // Elements of x that are one element of memory share its gradient.
    const Tensor sharers = embed(ones(x.shape, gy.dtype()), buffer, x.strides, x.offset - low);
    return {div(gx, as_strided(sharers, x.shape, x.strides, x.offset - low))};
  }
};

}  // namespace

Tensor embed(const Tensor& gy, IntSpan whole, IntSpan strides, int64_t offset) {
  return apply<Embed>(gy, gy.shape(), Dims(whole), Dims(strides), offset);
}

Tensor sum_to(const Tensor& x, IntSpan shape) {
  const Dims target(shape);
  if (x.shape() == target) return x;
  const Dims broadcast = broadcast_shapes("sum_to", x.shape(), shape);
  PLAIT_CHECK(broadcast == x.shape(), kValue, "sum_to: expected a shape that broadcasts to ", x.shape(),
              ", got ", target);
  return apply<SumTo>(x, x.shape(), target);
}

Dims infer_shape(const char* op, IntSpan shape, const Tensor& x) {
  Dims out(shape);
  int64_t free_place = -1, known = 1;
  bool overflow = false, empty = false;
  for (int64_t i = 0; i < out.size(); ++i) {
    PLAIT_CHECK(out[i] >= -1, kValue, op, ": expected sizes of at least 0, or one -1, got ", out);
    if (out[i] == -1) {
      PLAIT_CHECK(free_place < 0, kValue, op, ": only one size can be -1, got ", out);
      free_place = i;
    } else {
      empty |= out[i] == 0;
      overflow |= __builtin_mul_overflow(known, out[i], &known);
    }
  }
  if (empty) {
    known = 0;
    overflow = false;
  }
  if (free_place >= 0) {
    PLAIT_CHECK(
        known != 0 || x.numel() != 0, kValue, op, ": shape ", out,
        " is ambiguous for a tensor of 0 elements: any size would do for the -1\nhint: name every size");
    if (!overflow && known != 0 && x.numel() % known == 0) {
      out[free_place] = x.numel() / known;
      return out;
    }
  } else if (!overflow && known == x.numel()) {
    return out;
  }
  PLAIT_FAIL(kValue, op, ": shape ", out, " is invalid for a tensor of ", x.numel(), " elements (shape ",
             x.shape(), ")", fitting_size(shape, free_place, x));
}

Tensor as_strided(const Tensor& x, IntSpan size, IntSpan stride, std::optional<int64_t> offset) {
  const int64_t start = offset.value_or(x.offset());
  PLAIT_CHECK(size.size() == stride.size(), kValue,
              "as_strided: expected as many strides as sizes, got size ", to_string(size), " and stride ",
              to_string(stride));
  PLAIT_CHECK(start >= 0, kValue, "as_strided: expected storage_offset of at least 0, got ", start);
  checked_numel("as_strided", size, static_cast<int64_t>(x.item_size()));
  int64_t last = start;
  bool overflow = false, empty = false;
  for (size_t i = 0; i < size.size(); ++i) {
    PLAIT_CHECK(stride[i] >= 0, kValue, "as_strided: expected strides of at least 0, got ",
                to_string(stride));
    empty |= size[i] == 0;
    int64_t reach;
    overflow |= __builtin_mul_overflow(size[i] - 1, stride[i], &reach);
    overflow |= __builtin_add_overflow(last, reach, &last);
  }
  const auto held = static_cast<int64_t>(x.storage()->nbytes() / x.item_size());
  PLAIT_CHECK(empty || (!overflow && last < held), kValue, "as_strided: size ", to_string(size), ", stride ",
              to_string(stride), " and storage_offset ", start, " reach element ", last, " of a storage of ",
              held, " elements");
  return make_view<AsStrided>(x, Geometry{x.shape(), x.strides(), x.offset()}, Dims(size), Dims(stride),
                              start);
}

Tensor view(const Tensor& x, IntSpan shape) {
  const Dims target = infer_shape("view", shape, x);
  const std::optional<Dims> strides = strides_for_view(x.shape(), x.strides(), target);
  PLAIT_CHECK(strides, kValue, "view: shape ", target, " cannot show a tensor of shape ", x.shape(),
              " with strides ", x.strides(),
              " without a copy: a dimension would span two that do not follow each other in memory",
              "\nhint: reshape() copies when it must, contiguous() makes a tensor that can be viewed");
  return make_view<View>(x, x.shape(), target, *strides);
}

Tensor view_as_dtype(const Tensor& x, DType dtype) {
  if (dtype == x.dtype()) return view_alias(x);
  return apply<ViewAsDType>(x, dtype);
}

Tensor reshape(const Tensor& x, IntSpan shape) {
  const Dims target = infer_shape("reshape", shape, x);
  if (target == x.shape()) return view_alias(x);
  if (const std::optional<Dims> strides = strides_for_view(x.shape(), x.strides(), target)) {
    return make_view<View>(x, x.shape(), target, *strides);
  }
  return apply<Reshape>(x, x.shape(), target, Dims());
}

Tensor contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  return apply<Reshape>(x, x.shape(), x.shape(), Dims());
}

Tensor view_alias(const Tensor& x) { return make_view<Alias>(x, x.shape(), x.shape(), x.strides()); }

Tensor expand(const Tensor& x, IntSpan shape) {
  Dims target(shape);
  const int64_t more = target.size() - x.dim();
  PLAIT_CHECK(more >= 0, kValue, "expand: expected at least as many sizes as the tensor has dimensions, got ",
              target, " for shape ", x.shape());
  for (int64_t d = 0; d < target.size(); ++d) {
    if (target[d] == -1 && d >= more) target[d] = x.shape()[d - more];
    PLAIT_CHECK(target[d] >= 0, kValue,
                "expand: expected sizes of at least 0 (-1 keeps an existing one), got ", Dims(shape),
                " for shape ", x.shape());
    PLAIT_CHECK(d < more || x.shape()[d - more] == target[d] || x.shape()[d - more] == 1, kValue,
                "expand: shape ", x.shape(), " cannot be expanded to ", target, ": size ",
                x.shape()[d - more], " of dimension ", d - more, " is neither 1 nor ", target[d]);
  }
  checked_numel("expand", target);
  return make_view<Expand>(x, target);
}

Tensor broadcast_to(const Tensor& x, IntSpan shape) { return expand(x, shape); }

namespace {

Tensor squeeze_where(const Tensor& x, const std::vector<bool>& drop) {
  Dims shape, strides;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (drop[static_cast<size_t>(d)] && x.shape()[d] == 1) continue;
    shape.push_back(x.shape()[d]);
    strides.push_back(x.strides()[d]);
  }
  return make_view<Squeeze>(x, x.shape(), shape, strides);
}

}  // namespace

Tensor squeeze(const Tensor& x) {
  return squeeze_where(x, std::vector<bool>(static_cast<size_t>(x.dim()), true));
}

Tensor squeeze(const Tensor& x, IntSpan dims) {
  std::vector<bool> drop(static_cast<size_t>(std::max<int64_t>(x.dim(), 1)), false);
  if (!dims.empty()) {
    for (int64_t d : wrap_dims("squeeze", dims, x.dim())) drop[static_cast<size_t>(d)] = true;
  }
  return squeeze_where(x, drop);
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  const int64_t d = wrap_dim("unsqueeze", dim, x.dim() + 1);
  Dims shape = x.shape(), strides = x.strides();
  const int64_t stride = d < x.dim() ? shape[d] * strides[d] : 1;
  shape.insert(d, 1);
  strides.insert(d, stride);
  return make_view<Unsqueeze>(x, x.shape(), shape, strides);
}

Tensor flatten(const Tensor& x, int64_t start_dim, int64_t end_dim) {
  const int64_t first = wrap_dim("flatten", start_dim, x.dim()), last = wrap_dim("flatten", end_dim, x.dim());
  PLAIT_CHECK(first <= last, kValue, "flatten: expected start_dim not to come after end_dim, got ", start_dim,
              " and ", end_dim, " for shape ", x.shape());
  if (first == last && x.dim() > 0) return x;
  Dims shape;
  int64_t run = 1;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d < first || d > last) {
      shape.push_back(x.shape()[d]);
    } else {
      run *= x.shape()[d];
      if (d == last) shape.push_back(run);
    }
  }
  if (x.dim() == 0) shape.push_back(1);
  return reshape(x, shape);
}

Tensor unflatten(const Tensor& x, int64_t dim, IntSpan sizes) {
  const int64_t d = wrap_dim("unflatten", dim, x.dim());
  PLAIT_CHECK(!sizes.empty(), kValue, "unflatten: expected at least one size, got ()");
  const int64_t size = x.dim() ? x.shape()[d] : 1;
  int64_t known = 1, free_place = -1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && free_place < 0) {
      free_place = static_cast<int64_t>(i);
    } else {
      PLAIT_CHECK(sizes[i] >= 0, kValue, "unflatten: expected sizes of at least 0, or one -1, got ",
                  to_string(sizes));
      known *= sizes[i];
    }
  }
  const bool fits = free_place < 0 ? known == size : known != 0 && size % known == 0;
  PLAIT_CHECK(fits, kValue, "unflatten: sizes ", to_string(sizes), " do not multiply to size ", size,
              " of dimension ", d, " of shape ", x.shape());
  Dims shape;
  for (int64_t i = 0; i < d; ++i) shape.push_back(x.shape()[i]);
  for (size_t i = 0; i < sizes.size(); ++i) {
    shape.push_back(static_cast<int64_t>(i) == free_place ? size / known : sizes[i]);
  }
  for (int64_t i = d + 1; i < x.dim(); ++i) shape.push_back(x.shape()[i]);
  return view(x, shape);
}

std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& xs) {
  Dims shape;
  for (const Tensor& x : xs) shape = broadcast_shapes("broadcast_tensors", shape, x.shape());
  std::vector<Tensor> out;
  for (const Tensor& x : xs) out.push_back(expand(x, shape));
  return out;
}

namespace {

// A view of x with at least n dimensions.
Tensor at_least(const Tensor& x, int64_t n) {
  Tensor y = x;
  if (n >= 1 && y.dim() == 0) y = reshape(y, Dims{1});
  if (n >= 2 && y.dim() == 1) y = unsqueeze(y, 0);
  if (n >= 3 && y.dim() == 2) y = unsqueeze(y, -1);
  return y;
}

template <int kDims>
Tensor atleast(const Tensor& x) {
  return at_least(x, kDims);
}
template <int kDims>
std::vector<Tensor> atleast_all(const std::vector<Tensor>& xs) {
  std::vector<Tensor> out;
  for (const Tensor& x : xs) out.push_back(at_least(x, kDims));
  return out;
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& xs, std::string_view indexing) {
  PLAIT_CHECK(!xs.empty(), kValue, "meshgrid: expected at least one tensor");
  PLAIT_CHECK(indexing == "ij" || indexing == "xy", kValue, "meshgrid: expected indexing 'ij' or 'xy', got '",
              indexing, "'");
  const bool swaps = indexing == "xy" && xs.size() >= 2;
  const auto n = static_cast<int64_t>(xs.size());
  const auto axis = [&](int64_t i) { return swaps && i < 2 ? 1 - i : i; };
  Dims shape(n, 1);
  for (int64_t i = 0; i < n; ++i) {
    const Tensor& x = xs[static_cast<size_t>(i)];
    PLAIT_CHECK(x.dim() <= 1, kValue, "meshgrid: expected 0-d or 1-d tensors, got shape ", x.shape());
    PLAIT_CHECK(x.dtype() == xs[0].dtype(), kType, "meshgrid: expected tensors of one dtype, got ",
                dtype_name(xs[0].dtype()), " and ", dtype_name(x.dtype()));
    shape[axis(i)] = x.numel();
  }
  std::vector<Tensor> out;
  for (int64_t i = 0; i < n; ++i) {
    Dims one(n, 1);
    one[axis(i)] = shape[axis(i)];
    out.push_back(expand(reshape(xs[static_cast<size_t>(i)], one), shape));
  }
  return out;
}

Tensor squeeze_dim(const Tensor& x, int64_t dim) { return squeeze(x, Dims{dim}); }
Tensor squeeze_all(const Tensor& x) { return squeeze(x); }
Tensor view_as(const Tensor& x, const Tensor& other) { return view(x, other.shape()); }
Tensor reshape_as(const Tensor& x, const Tensor& other) { return reshape(x, other.shape()); }
Tensor expand_as(const Tensor& x, const Tensor& other) { return expand(x, other.shape()); }
Tensor detached(const Tensor& x) { return detach(x); }

Tensor sum_to_size(const Tensor& x, IntSpan size) {
  bool fits = static_cast<int64_t>(size.size()) <= x.dim();
  for (size_t i = 0; fits && i < size.size(); ++i) {
    fits = size[i] == 1 || size[i] == x.shape()[x.dim() - static_cast<int64_t>(size.size() - i)];
  }
  PLAIT_CHECK(fits, kValue, "sum_to_size: size ", to_string(size), " does not broadcast to shape ",
              x.shape());
  return sum_to(x, size);
}
Tensor as_strided_(const Tensor& x, IntSpan size, IntSpan stride, std::optional<int64_t> offset) {
  return become("as_strided_", x, as_strided(x, size, stride, offset));
}
Tensor squeeze_(const Tensor& x) { return become("squeeze_", x, squeeze(x)); }
Tensor squeeze_dim_(const Tensor& x, int64_t dim) { return become("squeeze_", x, squeeze_dim(x, dim)); }
Tensor unsqueeze_(const Tensor& x, int64_t dim) { return become("unsqueeze_", x, unsqueeze(x, dim)); }

const RegisterOps kOps{
    {"as_strided(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor", "fmc",
     PLAIT_BOX(as_strided), R"(Show the storage of `input` under any sizes and strides.

`stride` counts elements, as many entries as `size`, none negative. `storage_offset` is where the first
element lies in the storage; by default where that of `input` does. Elements may be shown several times; the
gradient then adds up.

Raises:
    ValueError: the view would reach outside the storage.

Example:
    >>> x = plait.arange(6)
    >>> plait.as_strided(x, (3, 2), (1, 2))
    tensor([[0, 2],
            [1, 3],
            [2, 4]]))"},
    {"view(Tensor self, Dtype dtype) -> Tensor", "mc", PLAIT_BOX(view_as_dtype), ""},
    {"view(Tensor self, int[] shape) -> Tensor", "mc", PLAIT_BOX(view),
     R"(Show the elements of this tensor under another shape, without a copy.

`shape` has as many elements as the tensor; one size may be -1 and is found from the others. The memory is shared: a
change of one is seen by the other. `view(dtype)` shows the same bytes as another dtype; with a different item size the
last dimension is scaled.

Raises:
    ValueError: the sizes do not fit, naming one that would, and when strides make a copy necessary (`reshape` makes
        it).

Example:
    >>> x = plait.arange(12)
    >>> x.view(3, -1).shape
    plait.Size([3, 4])
    >>> plait.tensor([1.0]).view(plait.int32)
    tensor([1065353216], dtype=plait.int32))"},
    {"view_as(Tensor self, Tensor other) -> Tensor", "mc", PLAIT_BOX(view_as),
     R"(This tensor under the shape of `other`: `view(other.shape)`.

Example:
    >>> plait.arange(6).view_as(plait.zeros(2, 3)).shape
    plait.Size([2, 3]))"},
    {"reshape(Tensor input, int[] shape) -> Tensor", "fmc", PLAIT_BOX(reshape),
     R"(The elements of `input`, in row-major order, under another shape.

One size may be -1 and is found from the others. A view where the strides allow it, otherwise a copy: do not
rely on either.

Raises:
    ValueError: the sizes do not fit, naming one that would.

Example:
    >>> plait.arange(6).reshape(2, 3)
    tensor([[0, 1, 2],
            [3, 4, 5]]))"},
    {"reshape_as(Tensor self, Tensor other) -> Tensor", "mc", PLAIT_BOX(reshape_as),
     R"(The elements of this tensor under the shape of `other`: `reshape(other.shape)`.

Example:
    >>> plait.arange(6).reshape_as(plait.zeros(3, 2)).shape
    plait.Size([3, 2]))"},
    {"contiguous(Tensor self, *, any memory_format=None) -> Tensor", "mc", PLAIT_BOX(contiguous),
     R"(This tensor laid out in row-major order: itself when it already is, otherwise a copy.

Example:
    >>> x = plait.zeros(2, 3).t()
    >>> x.contiguous().stride()
    (2, 1))"},
    {"expand(Tensor self, int[] size) -> Tensor", "mc", PLAIT_BOX(expand),
     R"(Repeat dimensions of size 1 without a copy.

Sizes are matched from the last dimension; -1 keeps a size; new dimensions may be put in front. All repeats
share memory: `clone()` before writing. The gradient sums over the repeats.

Raises:
    ValueError: a size that is not 1 would have to change.

Example:
    >>> plait.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]]))"},
    {"expand_as(Tensor self, Tensor other) -> Tensor", "mc", PLAIT_BOX(expand_as),
     R"(This tensor expanded to the shape of `other`: `expand(other.shape)`.

Example:
    >>> plait.ones(3).expand_as(plait.zeros(2, 3)).shape
    plait.Size([2, 3]))"},
    {"broadcast_to(Tensor input, int[] size) -> Tensor", "fmc", PLAIT_BOX(broadcast_to),
     R"(`input` broadcast to `size`, as a view: `input.expand(size)`.

Example:
    >>> plait.broadcast_to(plait.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]]))"},
    {"broadcast_tensors(Tensor[] tensors) -> Tensor[]", "fc", PLAIT_BOX(broadcast_tensors),
     R"(The tensors expanded to their common broadcast shape, as views.

Raises:
    ValueError: the shapes do not broadcast.

Example:
    >>> a, b = plait.broadcast_tensors(plait.zeros(3, 1), plait.zeros(2))
    >>> a.shape, b.shape
    (plait.Size([3, 2]), plait.Size([3, 2])))"},
    {"squeeze(Tensor input) -> Tensor", "fmc", PLAIT_BOX(squeeze_all),
     R"(A view without the dimensions of size 1.

`dim`, an int or a tuple of ints, limits this to the given dimensions; those of another size stay. By default
all dimensions of size 1 go.

Raises:
    IndexError: a dimension is out of range.

Example:
    >>> x = plait.zeros(1, 3, 1)
    >>> x.squeeze().shape
    plait.Size([3])
    >>> x.squeeze(0).shape
    plait.Size([3, 1]))"},
    {"squeeze(Tensor input, int dim) -> Tensor", "fmc", PLAIT_BOX(squeeze_dim), ""},
    {"squeeze(Tensor input, int[] dim) -> Tensor", "fmc",
     PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, IntSpan)>(squeeze)), ""},
    {"squeeze_(Tensor self) -> Tensor", "mc", PLAIT_BOX(squeeze_),
     R"(`squeeze` of this tensor itself: it changes its shape and is returned.

Example:
    >>> plait.zeros(1, 3).squeeze_().shape
    plait.Size([3]))"},
    {"squeeze_(Tensor self, int dim) -> Tensor", "mc", PLAIT_BOX(squeeze_dim_), ""},
    {"unsqueeze(Tensor input, int dim) -> Tensor", "fmc", PLAIT_BOX(unsqueeze),
     R"(A view with a dimension of size 1 put in at `dim`.

`dim` counts in the result: between -input.dim() - 1 and input.dim().

Raises:
    IndexError: `dim` is out of range.

Example:
    >>> plait.tensor([1, 2]).unsqueeze(1)
    tensor([[1],
            [2]]))"},
    {"unsqueeze_(Tensor self, int dim) -> Tensor", "mc", PLAIT_BOX(unsqueeze_),
     R"(`unsqueeze` of this tensor itself: it changes its shape and is returned.

Example:
    >>> plait.zeros(3).unsqueeze_(0).shape
    plait.Size([1, 3]))"},
    {"flatten(Tensor input, int start_dim=0, int end_dim=-1) -> Tensor", "fmc", PLAIT_BOX(flatten),
     R"(The dimensions from `start_dim` to `end_dim`, both included, joined into one.

A view where the strides allow it, otherwise a copy. A 0-d tensor becomes one of shape (1,).

Raises:
    IndexError: a dimension out of range.
    ValueError: `start_dim` comes after `end_dim`.

Example:
    >>> plait.zeros(2, 3, 4).flatten(1).shape
    plait.Size([2, 12]))"},
    {"ravel(Tensor input) -> Tensor", "fmc", PLAIT_BOX(+[](const Tensor& x) { return flatten(x); }),
     R"(All elements in row-major order as a 1-d tensor; a copy only when the strides demand it.

Example:
    >>> plait.ones(2, 2).ravel()
    tensor([1., 1., 1., 1.]))"},
    {"unflatten(Tensor input, int dim, int[] sizes) -> Tensor", "fmc", PLAIT_BOX(unflatten),
     R"(Dimension `dim` split into several of the given sizes, as a view.

One size may be -1 and is found from the others.

Raises:
    ValueError: the sizes do not multiply to the size of the dimension.

Example:
    >>> plait.zeros(2, 12).unflatten(1, (3, -1)).shape
    plait.Size([2, 3, 4]))"},
    {"atleast_1d(Tensor input) -> Tensor", "fc", PLAIT_BOX(atleast<1>),
     R"(`input`, as a view with one dimension when it has none; a list of tensors gives a list.

Example:
    >>> plait.atleast_1d(plait.tensor(3.0))
    tensor([3.]))"},
    {"atleast_1d(Tensor[] tensors) -> Tensor[]", "fc", PLAIT_BOX(atleast_all<1>), ""},
    {"atleast_2d(Tensor input) -> Tensor", "fc", PLAIT_BOX(atleast<2>),
     R"(`input`, as a view with two dimensions when it has fewer; a list of tensors gives a list.

Example:
    >>> plait.atleast_2d(plait.tensor([1, 2]))
    tensor([[1, 2]]))"},
    {"atleast_2d(Tensor[] tensors) -> Tensor[]", "fc", PLAIT_BOX(atleast_all<2>), ""},
    {"atleast_3d(Tensor input) -> Tensor", "fc", PLAIT_BOX(atleast<3>),
     R"(`input`, as a view with three dimensions when it has fewer; a list of tensors gives a list.

A matrix gets its new dimension behind, a vector one on either side.

Example:
    >>> plait.atleast_3d(plait.zeros(2, 3)).shape
    plait.Size([2, 3, 1]))"},
    {"atleast_3d(Tensor[] tensors) -> Tensor[]", "fc", PLAIT_BOX(atleast_all<3>), ""},
    {"meshgrid(Tensor[] tensors, *, str indexing='ij') -> Tensor[]", "fc", PLAIT_BOX(meshgrid),
     R"(Grids of coordinates: the i-th result varies along dimension i and repeats along the others, as views.

`tensors` are 0-d or 1-d and of one dtype. With `indexing='xy'` the first two dimensions are exchanged, as
plots want it; the default is 'ij', matrix order.

Example:
    >>> a, b = plait.meshgrid(plait.tensor([1, 2]), plait.tensor([3, 4]))
    >>> b
    tensor([[3, 4],
            [3, 4]]))"},
    {"detach(Tensor input) -> Tensor", "fmc", PLAIT_BOX(detached),
     R"(The same memory outside the graph: the result never requires grad.

A change in place is seen by both, and noticed by backward.

Example:
    >>> x = plait.ones(2, requires_grad=True)
    >>> x.detach().requires_grad
    False)"},
    {"sum_to_size(Tensor self, int[] size) -> Tensor", "mc", PLAIT_BOX(sum_to_size),
     R"(The elements summed over the dimensions along which `size` would be broadcast to this tensor's shape.

Raises:
    ValueError: `size` does not broadcast to it.

Example:
    >>> plait.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]]))"},
    {"as_strided_(Tensor self, int[] size, int[] stride, int? storage_offset=None) -> Tensor", "fmc",
     PLAIT_BOX(as_strided_),
     R"(`as_strided` of this tensor itself: it changes its sizes and strides and is returned.

Example:
    >>> plait.arange(4).as_strided_((2,), (3,))
    tensor([0, 3]))"},
    {"_alias(Tensor input) -> Tensor", "pc", PLAIT_BOX(view_alias),
     R"(A new handle on the same memory, recorded.)"},
    {"_sum_to(Tensor input, int[] shape) -> Tensor", "pc", PLAIT_BOX(sum_to),
     R"(Sum the dimensions along which `shape` was broadcast to the shape of `input`.)"},
};

}  // namespace
}  // namespace plait
