// SPDX-License-Identifier: MIT
// Singular values and vectors.
#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using namespace linalg;  // NOLINT: the helpers of this family

struct SvdResult {
  Tensor u, s, vh;
};

SvdResult run_svd(const Tensor& a, bool vectors, bool full) {
  const int64_t m = rows_of(a), n = cols_of(a), k = std::min(m, n);
  SvdResult r;
  r.s = Tensor::empty(with_sizes(batch_of(a), {k}), real_dtype(a.dtype()));
  if (vectors) {
    r.u = empty_columns(batch_of(a), m, full ? m : k, a.dtype());
    r.vh = empty_columns(batch_of(a), full ? n : k, n, a.dtype());
  }
  if (k == 0) {
    for (const Tensor& x : {r.u, r.vh}) {
      if (x.defined() && x.numel()) copy_into(x, eye(rows_of(x), cols_of(x), x.dtype()));
    }
    return r;
  }
  const Tensor copy = columns_copy(a), info = zeros(batch_of(a), DType::kInt32);
  if (!copy.has_values()) return r;
  dispatch_element(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    Matrices<T> u{}, vh{};
    if (vectors) u = matrices<T>(r.u), vh = matrices<T>(r.vh);
    svd<T>(matrices<T>(copy), u, r.s.data<Real<T>>(), vh, info.data<int32_t>());
  });
  check_info("linalg.svd", info, "the iteration did not converge; values that are missing:");
  return r;
}

// X - X^H
Tensor skew(const Tensor& x) { return x - adjoint(x); }

struct Svd {
  static constexpr OpMeta meta{"linalg.svd"};
  static std::tuple<Tensor, Tensor, Tensor> forward(OpContext& ctx, const Tensor& a, bool full) {
    const SvdResult r = run_svd(a, true, full);
    ctx.save_result(r.u, 0);
    ctx.save_result(r.s, 1);
    ctx.save_result(r.vh, 2);
    return {r.u, r.s, r.vh};
  }

  // With E_jk = s_k^2 - s_j^2 (1 on the diagonal) and skew(X) = X - X^H,
  //   gA = U [(skew(U^H gU) / E) S + S (skew(V^H gV) / E) + diag(gS)] V^H  (no skew terms on the diagonal)
  //        + (I - U U^H) gU S^-1 V^H + U S^-1 gV^H (I - V V^H).
  // Complex vectors add diag(skew(U^H gU)) / (2 S) within the brackets: what follows may depend on the phases
  // of u_i and v_i only as on those of both. Equal singular values leave their vectors free, and the gradient
  // is infinite or NaN. Giles, "An extended collection of matrix derivative results", 2008; Wan and Zhang,
  // "Automatic differentiation for complex valued SVD", 2019
  static Grads backward(OpContext& ctx, const Grads& gys, bool) {
    const Tensor s = ctx.saved(1);
    const int64_t k = s.shape().back();
    const Tensor u = narrow(ctx.saved(0), -1, 0, k), vh = narrow(ctx.saved(2), -2, 0, k);
    if (!gys[0].defined() && !gys[2].defined()) {
      return {gys[1].defined() ? matmul(scale_columns(u, gys[1]), vh) : Tensor()};
    }
    const Tensor squares = s * s;
    Tensor e = unsqueeze(squares, -2) - unsqueeze(squares, -1);
    const Tensor diagonal = cast(identity_like(s), DType::kBool);
    e = masked_fill(e, diagonal, 1);
    Tensor inner = gys[1].defined() ? scale_columns(identity_like(s), gys[1]) : Tensor();
    Tensor ga;
    const auto accumulate = [](Tensor& sum, const Tensor& x) { sum = sum.defined() ? sum + x : x; };
    if (gys[0].defined()) {
      const Tensor gu = narrow(gys[0], -1, 0, k), ugu = matmul(adjoint(u), gu);
      accumulate(inner, scale_columns(masked_fill(skew(ugu), diagonal, 0) / e, s));
      if (u.is_complex())
        accumulate(inner, masked_fill(skew(ugu), ne(diagonal, true), 0) / unsqueeze(mul(s, 2), -2));
      if (rows_of(u) > k)
        accumulate(ga, matmul(gu / unsqueeze(s, -2) - matmul(u, ugu / unsqueeze(s, -2)), vh));
    }
    if (gys[2].defined()) {
      const Tensor gvh = narrow(gys[2], -2, 0, k), vgv = matmul(vh, adjoint(gvh));
      accumulate(inner, scale_rows(s, masked_fill(skew(vgv), diagonal, 0) / e));
      if (cols_of(vh) > k) {
        accumulate(ga, matmul(u, gvh / unsqueeze(s, -1) - matmul(adjoint(vgv) / unsqueeze(s, -1), vh)));
      }
    }
    accumulate(ga, matmul(matmul(u, inner), vh));
    return {ga};
  }
};

struct SvdVals {
  static constexpr OpMeta meta{"linalg.svdvals"};
  static Tensor forward(OpContext& ctx, const Tensor& a) {
    const SvdResult r = run_svd(a, ctx.recording(), false);
    ctx.save(a, r.u, r.vh);
    return r.s;
  }
  // gA = U diag(gS) V^H
  static Grads backward(OpContext& ctx, const Tensor& gs) {
    const auto [u, s, vh] = linalg_svd(ctx.saved(0), false);
    return {matmul(scale_columns(u, gs), vh)};
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gs) {
    return {matmul(scale_columns(ctx.saved(1), gs), ctx.saved(2))};
  }
};

std::tuple<Tensor, Tensor, Tensor> svd_public(const Tensor& a, bool full_matrices,
                                              std::optional<std::string_view>) {
  return linalg_svd(a, full_matrices);
}
Tensor svdvals_public(const Tensor& a, std::optional<std::string_view>) { return linalg_svdvals(a); }

std::tuple<Tensor, Tensor, Tensor> svd_old(const Tensor& a, bool some, bool compute_uv) {
  check_matrix("svd", a);
  if (!compute_uv) {
    const int64_t m = rows_of(a), n = cols_of(a);
    return {zeros(with_sizes(batch_of(a), {m, m}), a.dtype()), linalg_svdvals(a),
            zeros(with_sizes(batch_of(a), {n, n}), a.dtype())};
  }
  const auto [u, s, vh] = linalg_svd(a, !some);
  return {u, s, adjoint(vh)};
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> linalg_svd(const Tensor& a, bool full_matrices) {
  check_matrix("linalg.svd", a);
  return apply<Svd>(a, full_matrices);
}
Tensor linalg_svdvals(const Tensor& a) {
  check_matrix("linalg.svdvals", a);
  return apply<SvdVals>(a);
}

namespace {

const RegisterOps kOps{
    {"linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)",
     "sco", PLAIT_BOX(svd_public),
     R"(The singular value decomposition A = U diag(S) Vh.

Vectors are unique up to a sign each, and where singular values are equal up to a rotation; the gradient through them
is not finite then. Gradients of the columns that `full_matrices` adds are ignored.

Args:
    A: (*, m, n), floating point or complex.
    full_matrices: all columns of U and rows of Vh, else the first min(m, n).
    driver: accepted; there is one method.

Returns:
    A named tuple, with k = min(m, n): U (*, m, m or k), S (*, k), descending, and Vh (*, n or k, n).

Raises:
    LinAlgError: a matrix with infinities or NaN, or for which the iteration does not converge.
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.linalg.svd(plait.tensor([[0., 2.], [1., 0.]])).S
    tensor([2., 1.]))"},
    {"linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor", "soc", PLAIT_BOX(svdvals_public),
     R"(The singular values, in descending order.

Args:
    A: (*, m, n), floating point or complex.
    driver: accepted; there is one method.

Returns:
    (*, min(m, n)).

Raises:
    LinAlgError: a matrix with infinities or NaN.
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.linalg.svdvals(plait.tensor([[0., 2.], [1., 0.]]))
    tensor([2., 1.]))"},
    {"svd(Tensor input, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor V)", "fmco",
     PLAIT_BOX(svd_old),
     R"(The singular value decomposition A = U diag(S) V^T; the older form of `linalg.svd`, which returns V transposed.

Args:
    input: (*, m, n), floating point or complex.
    some: only the first min(m, n) columns of U and V.
    compute_uv: False gives zeros for U and V.

Raises:
    LinAlgError: a matrix with infinities or NaN.
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.svd(plait.tensor([[0., 2.], [1., 0.]])).S
    tensor([2., 1.]))"},
};

}  // namespace
}  // namespace plait
