// SPDX-License-Identifier: MIT
// Powers and the exponential of matrices.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using namespace linalg;  // NOLINT: the helpers of this family

// The [m/m] Pade approximant p(A) / p(-A) is exact to rounding for |A|_1 <= theta.
// Higham, "The scaling and squaring method for the matrix exponential revisited", 2005
struct Pade {
  double theta;
  std::span<const double> b;  // coefficients of p, from A^0
};
constexpr std::array<double, 8> kPade7 = {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1};
constexpr std::array<double, 14> kPade13 = {64764752532480000,
                                            32382376266240000,
                                            7771770303897600,
                                            1187353796428800,
                                            129060195264000,
                                            10559470521600,
                                            670442572800,
                                            33522128640,
                                            1323241920,
                                            40840800,
                                            960960,
                                            16380,
                                            182,
                                            1};
Pade pade_of(DType dtype) {
  if (real_dtype(dtype) == DType::kFloat64) return {5.371920351148152, kPade13};
  return {3.925724783138660, kPade7};
}

// The halvings of each matrix that bring it below theta, as powers of 2 (*, 1, 1), and the most of them.
std::pair<Tensor, int> scales(const Tensor& a, double theta) {
  const Tensor norms = cast(amax(sum(abs(a), Dims{-2}, true), Dims{-1}, true), DType::kFloat64);
  const Tensor counts = Tensor::empty(norms.shape(), DType::kFloat64);
  int most = 0;
  for (int64_t i = 0; norms.has_values() && i < norms.numel(); ++i) {
    const double ratio = norms.data<double>()[i] / theta;
    const int n = ratio > 1 && std::isfinite(ratio) ? static_cast<int>(std::ceil(std::log2(ratio))) : 0;
    counts.data<double>()[i] = n;
    most = std::max(most, n);
  }
  return {counts, most};
}

// p(A) = V + U and p(-A) = V - U, with the even and the odd powers: V = sum b_2i A^2i, U = A sum b_2i+1 A^2i.
// From degree 13 on, powers above 6 come as A^6 times those below.
Tensor exp_of_scaled(const Tensor& a, std::span<const double> b) {
  const Tensor unit = identity_like(a), a2 = matmul(a, a), a4 = matmul(a2, a2), a6 = matmul(a2, a4);
  const std::array<Tensor, 4> powers = {unit, a2, a4, a6};
  const auto sum_of = [&](size_t from, size_t first, size_t last) {  // sum b[from + 2i] A^2i
    Tensor sum = mul(powers[first], b[from + 2 * first]);
    for (size_t i = first + 1; i <= last; ++i) sum = add(sum, mul(powers[i], b[from + 2 * i]));
    return sum;
  };
  Tensor even = sum_of(0, 0, 3), odd = sum_of(1, 0, 3);
  if (b.size() > 8) {
    even = even + matmul(a6, sum_of(6, 1, 3));
    odd = odd + matmul(a6, sum_of(7, 1, 3));
  }
  const Tensor u = matmul(a, odd);
  return solve_unchecked(even - u, even + u);
}

struct MatrixExp {
  static constexpr OpMeta meta{"linalg.matrix_exp"};
  static Tensor forward(OpContext& ctx, const Tensor& a) {
    ctx.save(a);
    if (a.numel() == 0) return clone(a);
    const Pade pade = pade_of(a.dtype());
    const auto [counts, most] = scales(a, pade.theta);
    const Tensor factor = cast(exp2(neg(counts)), real_dtype(a.dtype()));
    Tensor y = exp_of_scaled(a * factor, pade.b);
    for (int i = 0; i < most; ++i) y = where(gt(counts, i), matmul(y, y), y);
    return contiguous(y);  // in one order, whatever the values
  }
  // The derivative in the direction G is the upper right block of exp([[A, G], [0, A]]), and its adjoint the
  // same with A^H. Mathias, "A chain rule for matrix functions and applications", 1996
  static Grads backward(OpContext& ctx, const Tensor& g) {
    const Tensor ah = adjoint(ctx.saved(0));
    const int64_t n = cols_of(ah);
    const Tensor block = cat({cat({ah, g}, -1), cat({zeros_like(ah), ah}, -1)}, -2);
    const Tensor y = apply<MatrixExp>(block);
    return {narrow(narrow(y, -2, 0, n), -1, n, n)};
  }
};

Tensor matrix_exp(const Tensor& a) {
  check_square("linalg.matrix_exp", a);
  return apply<MatrixExp>(a);
}

// By squarings, from the lowest bit of n.
Tensor matrix_power(const Tensor& a, int64_t n) {
  PLAIT_CHECK(a.dim() >= 2 && rows_of(a) == cols_of(a), kValue,
              "linalg.matrix_power: expected square matrices, got shape ", a.shape());
  if (n == 0) return copy_(clone(a), identity_like(a));  // recorded: its gradient is 0
  Tensor square = n < 0 ? linalg_inv(a) : a, result;
  for (uint64_t left = n < 0 ? -static_cast<uint64_t>(n) : static_cast<uint64_t>(n); left; left >>= 1) {
    if (left & 1) result = result.defined() ? matmul(result, square) : square;
    if (left > 1) square = matmul(square, square);
  }
  return n == 1 ? clone(result) : result;
}

constexpr const char* kExpDoc = R"(The exponential of square matrices, sum of A^k / k!.

Args:
    A, input: (*, n, n), floating point or complex.

Returns:
    (*, n, n).

Raises:
    ValueError: the matrices are not square.

Source: Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM J. Matrix Anal. Appl. 2005

Example:
    >>> plait.matrix_exp(plait.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]]))";

constexpr const char* kPowerDoc =
    R"(The n-th power of square matrices, by squarings; of the inverse for negative n.

Args:
    A, input: (*, n, n).
    n: any integer; 0 gives the identity.

Returns:
    (*, n, n).

Raises:
    LinAlgError: a matrix is singular and n is negative.
    ValueError: the matrices are not square.

Example:
    >>> plait.matrix_power(plait.tensor([[1., 1.], [0., 1.]]), 3)
    tensor([[1., 3.],
            [0., 1.]]))";

const RegisterOps kOps{
    {"linalg_matrix_exp(Tensor A) -> Tensor", "sc", PLAIT_BOX(matrix_exp), kExpDoc},
    {"matrix_exp(Tensor input) -> Tensor", "fmc", PLAIT_BOX(matrix_exp), kExpDoc},
    {"linalg_matrix_power(Tensor A, int n) -> Tensor", "soc", PLAIT_BOX(matrix_power), kPowerDoc},
    {"matrix_power(Tensor input, int n) -> Tensor", "fmoc", PLAIT_BOX(matrix_power), kPowerDoc},
};

}  // namespace
}  // namespace plait
