// SPDX-License-Identifier: MIT
// Cholesky factors and what is solved with them.
#include "autograd/op.h"
#include "ops/create/create.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using namespace linalg;  // NOLINT: the helpers of this family

// A = L L^H by the lower half of A.
struct Cholesky {
  static constexpr OpMeta meta{"linalg.cholesky"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& a) {
    const Tensor l = columns_copy(a), info = zeros(batch_of(a), DType::kInt32);
    if (a.has_values()) {
      dispatch_element(a.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        linalg::cholesky<T>(matrices<T>(l), info.data<int32_t>());
      });
    }
    ctx.save_result(l);
    return {l, info};
  }
  // With Phi(X) the lower half of X, its diagonal halved, dL = L Phi(L^-1 dA L^-H). A is symmetric, so its
  // gradient is made so: gA = L^-H (Phi(P) + Phi(P)^H) / 2 L^-1, P = L^H gL.
  // Murray, "Differentiation of the Cholesky decomposition", 2016
  static Grads backward(OpContext& ctx, const Grads& gys) {
    if (!gys[0].defined()) return {Tensor()};
    const Tensor l = ctx.saved(0), lh = adjoint(l);
    const Tensor s = mul(from_lower(matmul(lh, gys[0])), 0.5);
    return {linalg_solve_triangular(l, linalg_solve_triangular(lh, s, true), false, false)};
  }
};

constexpr const char* kNotPositive =
    "the matrix is not positive-definite; this is the first leading minor that is not:";

Tensor raised(const char* op, const std::tuple<Tensor, Tensor>& result, bool check) {
  if (check) check_info(op, std::get<1>(result), kNotPositive);
  return std::get<0>(result);
}

Tensor cholesky_old(const Tensor& a, bool upper) {
  return raised("cholesky", linalg_cholesky_ex(a, upper, false), true);
}

// X of L L^H X = B. The gradient is that of A = L L^H with all of L, the half that is not read too, as if L
// were the triangle that it stands for: gB = A^-1 gX, gL = (gA + gA^H) L, gA = -gB X^H.
struct CholeskySolve {
  static constexpr OpMeta meta{"cholesky_solve"};
  static Tensor forward(OpContext& ctx, const Tensor& b, const Tensor& l) {
    const Tensor x = linalg_solve_triangular(adjoint(l), linalg_solve_triangular(l, b, false), true);
    ctx.save(l);
    ctx.save_result(x);
    return x;
  }
  static Grads backward(OpContext& ctx, const Tensor& gx) {
    const Tensor l = ctx.saved(0), gb = cholesky_solve(gx, l);
    if (!ctx.needs_grad(1)) return {gb, Tensor()};
    const Tensor ga = matmul(gb, adjoint(ctx.saved(1)));
    return {gb, neg(matmul(ga + adjoint(ga), l))};
  }
};

Tensor cholesky_inverse(const Tensor& l, bool upper) {
  check_square("cholesky_inverse", l);
  return cholesky_solve(expand(identity_like(l), l.shape()), l, upper);
}

}  // namespace

std::tuple<Tensor, Tensor> linalg_cholesky_ex(const Tensor& a, bool upper, bool check_errors) {
  check_square("linalg.cholesky", a);
  // The upper half of A is the lower one of A^H, whose factor is U^H.
  auto [l, info] = apply<Cholesky>(upper ? adjoint(a) : a);
  if (check_errors) check_info("linalg.cholesky", info, kNotPositive);
  return {upper ? adjoint(l) : l, info};
}
Tensor linalg_cholesky(const Tensor& a, bool upper) {
  return std::get<0>(linalg_cholesky_ex(a, upper, true));
}

Tensor cholesky_solve(const Tensor& b, const Tensor& l, bool upper) {
  check_matrix("cholesky_solve", b);
  check_square("cholesky_solve", l);
  check_same_dtype("cholesky_solve", b, l);
  PLAIT_CHECK(rows_of(b) == rows_of(l), kValue,
              "cholesky_solve: expected as many rows as the factor has, got shapes ", b.shape(), " and ",
              l.shape());
  const Dims batch = broadcast_shapes("cholesky_solve", batch_of(b), batch_of(l));
  return apply<CholeskySolve>(expand(b, with_sizes(batch, {rows_of(b), cols_of(b)})), upper ? adjoint(l) : l);
}

namespace {

const RegisterOps kOps{
    {"linalg_cholesky(Tensor A, *, bool upper=False) -> Tensor", "soc", PLAIT_BOX(linalg_cholesky),
     R"(The Cholesky factor of symmetric positive-definite matrices: the lower triangular L with A = L L^T.

Only one half of A is read. The gradient is symmetric.

Args:
    A: (*, n, n), floating point or complex.
    upper: read the upper half and return the upper triangular factor, L^T.

Returns:
    (*, n, n), zero in the other half.

Raises:
    LinAlgError: a matrix is not positive-definite; the message names the element of the batch and the order of
        the leading minor.
    ValueError: the matrices are not square.

Example:
    >>> plait.linalg.cholesky(plait.tensor([[4., 2.], [2., 5.]]))
    tensor([[2., 0.],
            [1., 2.]]))"},
    {"linalg_cholesky_ex(Tensor A, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)",
     "sco", PLAIT_BOX(linalg_cholesky_ex),
     R"(The Cholesky factor, and for each matrix whether there is one; see `cholesky`.

Args:
    A: (*, n, n), floating point or complex.
    upper: read the upper half and return the upper triangular factor.
    check_errors: raise for a matrix that has none.

Returns:
    A named tuple: L (*, n, n) and info (*), int32: 0, or the order of the leading minor that is not
    positive-definite.

Raises:
    LinAlgError: with `check_errors`, a matrix is not positive-definite.
    ValueError: the matrices are not square.

Example:
    >>> plait.linalg.cholesky_ex(-plait.eye(2)).info
    tensor(1, dtype=plait.int32))"},
    {"cholesky(Tensor input, bool upper=False) -> Tensor", "fmoc", PLAIT_BOX(cholesky_old),
     R"(The Cholesky factor of symmetric positive-definite matrices; the older form of `linalg.cholesky`.

Args:
    input: (*, n, n), floating point or complex.
    upper: read the upper half and return the upper triangular factor.

Raises:
    LinAlgError: a matrix is not positive-definite.
    ValueError: the matrices are not square.

Example:
    >>> plait.cholesky(plait.tensor([[4., 2.], [2., 5.]]))
    tensor([[2., 0.],
            [1., 2.]]))"},
    {"cholesky_solve(Tensor input, Tensor L, bool upper=False) -> Tensor", "fmoc", PLAIT_BOX(cholesky_solve),
     R"(The solution X of A X = B by the Cholesky factor of A.

Args:
    input: the right side B, (*, n, k).
    L: the factor, (*, n, n); batches broadcast.
    upper: whether the factor is the upper triangular one.

Returns:
    (*, n, k).

Raises:
    ValueError: the shapes do not fit.

Example:
    >>> plait.cholesky_solve(plait.tensor([[4.], [1.]]), plait.tensor([[2., 0.], [0., 1.]]))
    tensor([[1.],
            [1.]]))"},
    {"cholesky_inverse(Tensor input, bool upper=False) -> Tensor", "fmoc", PLAIT_BOX(cholesky_inverse),
     R"(The inverse of a matrix by its Cholesky factor.

Args:
    input: the factor, (*, n, n).
    upper: whether the factor is the upper triangular one.

Raises:
    ValueError: the matrices are not square.

Example:
    >>> plait.cholesky_inverse(plait.tensor([[2., 0.], [0., 1.]]))
    tensor([[0.2500, 0.0000],
            [0.0000, 1.0000]]))"},
};

}  // namespace
}  // namespace plait
