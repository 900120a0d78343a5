// SPDX-License-Identifier: MIT
// Fourier transforms: three ops, each other's gradients, and the functions of torch.fft made of them.
#include "ops/fft/fft.h"

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "autograd/op.h"
#include "kernels/fft/fft_driver.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/rearrange/combine.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// f(T) for the type of the parts of a complex dtype, or of a real one.
template <class F>
void with_parts(DType dtype, F f) {
  to_real(dtype) == DType::kFloat64 ? f(double()) : f(float());
}

int64_t product(const Dims& shape, int64_t begin, int64_t end) {
  int64_t n = 1;
  for (int64_t d = begin; d < end; ++d) n *= shape[d];
  return n;
}

// Along the first of dims from x to y, along the others in place.
struct FftAlong {
  static constexpr OpMeta meta{"fft"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims& dims, bool inverse, double scale) {
    const Tensor in = contiguous_as(x, x.dtype());
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    if (y.is_meta()) return y;
    with_parts(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      T* const to = static_cast<T*>(y.data_ptr());
      const T* from = static_cast<const T*>(in.data_ptr());
      for (const int64_t dim : dims) {
        fft_complex<T>({from, to, product(x.shape(), 0, dim), x.shape()[dim],
                        product(x.shape(), dim + 1, x.dim()), inverse, from == to ? 1 : scale});
        from = to;
      }
    });
    return y;
  }
  // The matrix of the transform is symmetric, its adjoint its conjugate: gx = the other direction of gy
  static Grads backward(OpContext&, const Tensor& gy, const Dims& dims, bool inverse, double scale) {
    return {fft_along(gy, dims, !inverse, scale)};
  }
};

// 1, w, w, ..., and 1 at n / 2 of an even n: the weights of the numbers that a half spectrum holds once or,
// with their conjugates, twice.
Tensor half_weights(int64_t n, double w, DType dtype) {
  const Tensor weights = full(Dims{n / 2 + 1}, Scalar(w), dtype);
  if (weights.is_meta()) return weights;
  with_parts(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* const p = static_cast<T*>(weights.data_ptr());
    p[0] = 1;
    if (n % 2 == 0) p[n / 2] = 1;
  });
  return weights;
}

struct FftOfReal {
  static constexpr OpMeta meta{"rfft"};
  static Tensor forward(OpContext&, const Tensor& x, double scale) {
    const Tensor in = contiguous_as(x, x.dtype());
    Dims shape = x.shape();
    const int64_t n = shape[x.dim() - 1];
    shape[x.dim() - 1] = n / 2 + 1;
    const Tensor y = Tensor::empty(shape, to_complex(x.dtype()));
    if (y.is_meta()) return y;
    with_parts(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      plait::fft_of_real<T>(static_cast<const T*>(in.data_ptr()), static_cast<T*>(y.data_ptr()),
                            product(shape, 0, x.dim() - 1), n, scale);
    });
    return y;
  }
  // gx = real(the other direction of gy, zeros behind it): numbers in the middle count half, their conjugates
  // the rest
  static Grads backward(OpContext& ctx, const Tensor& gy, double scale) {
    const int64_t n = ctx.input_shape(0)[gy.dim() - 1];
    return {fft_to_real(gy * half_weights(n, 0.5, to_real(gy.dtype())), n, scale)};
  }
};

struct FftToReal {
  static constexpr OpMeta meta{"irfft"};
  static Tensor forward(OpContext&, const Tensor& x, int64_t n, double scale) {
    const Tensor in = contiguous_as(x, x.dtype());
    Dims shape = x.shape();
    shape[x.dim() - 1] = n;
    const Tensor y = Tensor::empty(shape, to_real(x.dtype()));
    if (y.is_meta()) return y;
    with_parts(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      plait::fft_to_real<T>(static_cast<const T*>(in.data_ptr()), static_cast<T*>(y.data_ptr()),
                            product(shape, 0, x.dim() - 1), n, scale);
    });
    return y;
  }
  // gx = the half spectrum of gy; numbers that stand for their conjugates too count twice
  static Grads backward(OpContext&, const Tensor& gy, int64_t n, double scale) {
    return {plait::fft_of_real(gy, scale) * half_weights(n, 2, gy.dtype())};
  }
};

// ---- Arguments ----

// What the 18 functions differ in.
enum class Form : uint8_t { kComplex, kToHalf, kFromHalf };  // c2c; reals to half a spectrum; back
struct Function {
  const char* name;
  Form form;
  bool inverse;    // the direction that norm is about
  bool conjugate;  // hfft, ihfft: the half is that of a signal, not of a spectrum
};

enum class Norm : uint8_t { kBackward, kOrtho, kForward };
Norm read_norm(const char* name, std::optional<std::string_view> norm) {
  if (!norm || *norm == "backward") return Norm::kBackward;
  if (*norm == "ortho") return Norm::kOrtho;
  PLAIT_CHECK(*norm == "forward", kValue, name,
              ": expected norm to be 'backward', 'ortho' or 'forward', got '", std::string(*norm), "'");
  return Norm::kForward;
}
double scale_of(Norm norm, bool inverse, double n) {
  if (norm == Norm::kOrtho) return 1 / std::sqrt(n);
  return (norm == Norm::kForward) != inverse ? 1 / n : 1;
}

// x as floats, or as complex numbers.
Tensor operand(const Function& f, const Tensor& x) {
  const DType dtype = is_integral(x.dtype()) ? default_dtype() : x.dtype();
  PLAIT_CHECK(!is_16_bit_float(dtype), kType, f.name, ": expected float32, float64 or a complex dtype, got ",
              dtype_name(x.dtype()));
  if (f.form != Form::kToHalf) return cast(x, to_complex(dtype));
  PLAIT_CHECK(!is_complex(dtype), kType, f.name, ": expected a real dtype, got ", dtype_name(x.dtype()));
  return cast(x, dtype);
}

// x cut or padded with zeros to n along dim.
Tensor resized(const Tensor& x, int64_t dim, int64_t n) {
  const int64_t size = x.shape()[dim];
  if (n <= size) return n == size ? x : narrow(x, dim, 0, n);
  Dims rest = x.shape();
  rest[dim] = n - size;
  return cat({x, zeros(rest, x.dtype())}, dim);
}

Tensor to_last(const Tensor& x, int64_t dim) { return movedim(x, Dims{dim}, Dims{-1}); }
Tensor from_last(const Tensor& x, int64_t dim) { return movedim(x, Dims{-1}, Dims{dim}); }

void check_length(const Function& f, int64_t n, const Tensor& x) {
  PLAIT_CHECK(n >= 1, kValue, f.name, ": expected at least 1 element along a dimension, got ", n,
              " of a tensor of shape ", x.shape());
}

// wrap_dim takes 0 and -1 for dimensions of a 0-d tensor too, but there is nothing to transform.
void check_has_dims(const Function& f, const Tensor& x) {
  PLAIT_CHECK(x.dim() > 0, kIndex, f.name, ": expected a tensor with dimensions, got a 0-d tensor");
}

// ---- One and several dimensions ----

// The transform along dims, the last of which is that of the half; sizes: the lengths of the signal there.
Tensor transform(const Function& f, const Tensor& input, const Dims& dims, const Dims& sizes, Norm norm) {
  Tensor x = operand(f, input);
  double numel = 1;
  for (int64_t i = 0; i < dims.size(); ++i) {
    const bool half = f.form == Form::kFromHalf && i + 1 == dims.size();
    check_length(f, sizes[i], input);
    x = resized(x, dims[i], half ? sizes[i] / 2 + 1 : sizes[i]);
    numel *= static_cast<double>(sizes[i]);
  }
  // All factors at once, where the first transform is.
  double scale = scale_of(norm, f.inverse, numel);
  const auto take_scale = [&] { return std::exchange(scale, 1.0); };
  const bool inverse = f.inverse;
  const int64_t last = dims.empty() ? 0 : dims[dims.size() - 1];
  if (f.form == Form::kToHalf) {
    x = from_last(fft_of_real(to_last(x, last), take_scale()), last);
    if (f.conjugate) x = conj(x);
  }
  Dims others;
  for (int64_t i = 0; i < dims.size() - (f.form == Form::kComplex ? 0 : 1); ++i) others.push_back(dims[i]);
  if (!others.empty()) x = fft_along(x, others, inverse, take_scale());
  if (f.form == Form::kFromHalf) {
    if (f.conjugate) x = conj(x);
    x = from_last(fft_to_real(to_last(x, last), sizes[dims.size() - 1], take_scale()), last);
  }
  return x;
}

// The length of the signal along dim where none is given.
int64_t default_size(const Function& f, const Tensor& x, int64_t dim, bool last) {
  const int64_t n = x.shape()[dim];
  return f.form == Form::kFromHalf && last ? 2 * (n - 1) : n;
}

Tensor run_1d(const Function& f, const Tensor& x, std::optional<int64_t> n, int64_t dim,
              std::optional<std::string_view> norm) {
  check_has_dims(f, x);
  const int64_t d = wrap_dim(f.name, dim, x.dim());
  return transform(f, x, {d}, {n ? *n : default_size(f, x, d, true)}, read_norm(f.name, norm));
}

Tensor run_nd(const Function& f, const Tensor& x, const std::optional<Dims>& s,
              const std::optional<Dims>& dim, std::optional<std::string_view> norm) {
  Dims dims;
  if (dim) {
    if (!dim->empty()) {  // which wrap_dims takes for all
      check_has_dims(f, x);
      dims = wrap_dims(f.name, *dim, x.dim());
    }
    PLAIT_CHECK(!s || s->size() == dims.size(), kValue, f.name,
                ": expected as many sizes as dimensions, got ", s ? s->size() : 0, " and ", dims.size());
  } else {
    const int64_t count = s ? s->size() : x.dim();
    PLAIT_CHECK(count <= x.dim(), kValue, f.name, ": expected at most ", x.dim(),
                " sizes for a tensor of shape ", x.shape(), ", got ", count);
    for (int64_t i = x.dim() - count; i < x.dim(); ++i) dims.push_back(i);
  }
  PLAIT_CHECK(f.form == Form::kComplex || !dims.empty(), kValue, f.name,
              ": expected at least one dimension to transform, got none");
  Dims sizes;
  for (int64_t i = 0; i < dims.size(); ++i) {
    sizes.push_back(s && (*s)[i] != -1 ? (*s)[i] : default_size(f, x, dims[i], i + 1 == dims.size()));
  }
  return transform(f, x, dims, sizes, read_norm(f.name, norm));
}

constexpr Function kFunctions[] = {
    {"fft", Form::kComplex, false, false},  {"ifft", Form::kComplex, true, false},
    {"rfft", Form::kToHalf, false, false},  {"irfft", Form::kFromHalf, true, false},
    {"hfft", Form::kFromHalf, false, true}, {"ihfft", Form::kToHalf, true, true},
};

template <int kIndex>
Tensor one(const Tensor& x, std::optional<int64_t> n, int64_t dim, std::optional<std::string_view> norm) {
  return run_1d(kFunctions[kIndex], x, n, dim, norm);
}
template <int kIndex>
Tensor several(const Tensor& x, std::optional<Dims> s, std::optional<Dims> dim,
               std::optional<std::string_view> norm) {
  return run_nd(kFunctions[kIndex], x, s, dim, norm);
}
template <int kIndex>
Tensor two(const Tensor& x, std::optional<Dims> s, IntSpan dim, std::optional<std::string_view> norm) {
  return run_nd(kFunctions[kIndex], x, s, Dims(dim), norm);
}

}  // namespace

Tensor fft_along(const Tensor& x, const Dims& dims, bool inverse, double scale) {
  return apply<FftAlong>(x, dims, inverse, scale);
}
Tensor fft_of_real(const Tensor& x, double scale) { return apply<FftOfReal>(x, scale); }
Tensor fft_to_real(const Tensor& x, int64_t n, double scale) { return apply<FftToReal>(x, n, scale); }

// ---- Registration ----

namespace {

constexpr const char* kSummaries[] = {
    "The discrete Fourier transform: X[k] = sum over j of x[j] e**(-2 pi i j k / n).",
    "The inverse discrete Fourier transform: x[j] = sum over k of X[k] e**(2 pi i j k / n), divided by n.",
    "The first half of the Fourier transform of reals; the rest are its conjugates.",
    "The inverse of `rfft`: reals from the first half of their spectrum.",
    "The Fourier transform, real, of a signal of which the first half is given, the rest being its "
    "conjugates.",
    "The inverse of `hfft`: the first half of the signal whose spectrum is given.",
};
constexpr const char* kExamples[][2] = {
    {"plait.tensor([1., 2., 3., 4.])", "tensor([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])"},
    {"plait.tensor([4., 0., 0., 0.])", "tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])"},
    {"plait.tensor([1., 2., 3., 4.])", "tensor([10.+0.j, -2.+2.j, -2.+0.j])"},
    {"plait.tensor([4., 0., 0.])", "tensor([1., 1., 1., 1.])"},
    {"plait.tensor([1., 0., 0.])", "tensor([1., 1., 1., 1.])"},
    {"plait.tensor([4., 0., 0., 0.])", "tensor([1.-0.j, 1.-0.j, 1.-0.j])"},
};
constexpr const char* kShapes[] = {
    "A complex tensor of the shape of `input`",
    "A complex tensor with size // 2 + 1 numbers in place of size along the (last) dimension",
    "A real tensor with 2 * (size - 1) numbers in place of size along the (last) dimension",
};

std::string documentation(int index, std::string_view dims) {
  const Function& f = kFunctions[index];
  const std::string name = std::string(f.name) + std::string(dims);
  const bool single = dims.empty();
  std::string doc = kSummaries[index];
  if (!single) doc += dims == "2" ? " Here along two dimensions." : " Here along several dimensions.";
  doc += "\n\n" + std::string(kShapes[static_cast<int>(f.form)]) + ", where `" + (single ? "n" : "s") +
         "` does not say otherwise. Integers are taken as floats of the default dtype; float16 and bfloat16 "
         "raise "
         "TypeError" +
         (f.form == Form::kToHalf ? ", and so do complex tensors" : "") +
         ". Lengths are free: factors up to 13 are fastest. Derivatives of every order exist.\n\nArgs:\n";
  doc +=
      single
          ? "    n: the length of the signal, which is cut or padded with zeros. Default: that of the "
            "input.\n"
            "    dim: the dimension. Default: the last.\n"
          : "    s: the lengths of the signal, which is cut or padded with zeros; -1 is that of the input.\n"
            "    dim: the dimensions. Default: " +
                std::string(dims == "2" ? "the last two.\n" : "the last len(s), or all.\n");
  doc +=
      "    norm: 'backward' divides the inverse by the number of elements, 'forward' the transform, 'ortho' "
      "both by "
      "its root.\n\nRaises:\n    ValueError: a length below 1, another `norm`.\n\n"
      "Source: Cooley and Tukey, \"An algorithm for the machine calculation of complex Fourier series\", "
      "Mathematics of Computation 1965; Bluestein, \"A linear filtering approach to the computation of the "
      "discrete "
      "Fourier transform\", 1970.\n\nExample:\n    >>> ";
  const std::string argument = kExamples[index][0];
  doc += "plait.fft." + name + "(" + argument + (single ? ")" : dims == "2" ? "[None])" : ")") + "\n    ";
  const std::string result = kExamples[index][1];
  return doc + (dims == "2" ? "tensor([" + result.substr(7, result.size() - 8) + "])" : result) + "\n";
}

template <int kIndex>
void register_function() {
  const std::string name = std::string("fft_") + kFunctions[kIndex].name;
  register_op(name + "(Tensor input, int? n=None, int dim=-1, str? norm=None) -> Tensor", "soc",
              PLAIT_BOX(one<kIndex>), documentation(kIndex, ""));
  register_op(name + "2(Tensor input, int[]? s=None, int[] dim=(-2, -1), str? norm=None) -> Tensor", "soc",
              PLAIT_BOX(two<kIndex>), documentation(kIndex, "2"));
  register_op(name + "n(Tensor input, int[]? s=None, int[]? dim=None, str? norm=None) -> Tensor", "soc",
              PLAIT_BOX(several<kIndex>), documentation(kIndex, "n"));
}

const bool kRegistered = [] {
  register_function<0>();
  register_function<1>();
  register_function<2>();
  register_function<3>();
  register_function<4>();
  register_function<5>();
  return true;
}();

}  // namespace
}  // namespace plait
