// SPDX-License-Identifier: MIT
// Eigenvalues and eigenvectors of symmetric matrices.
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

// Eigenvalues, and over `v`, a column-major copy of A, the vectors.
Tensor run_eigh(const char* op, const Tensor& v, bool vectors) {
  const Tensor w = Tensor::empty(with_sizes(batch_of(v), {cols_of(v)}), real_dtype(v.dtype()));
  if (!v.has_values()) return w;
  const Tensor info = zeros(batch_of(v), DType::kInt32);
  dispatch_element(v.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    eigh<T>(matrices<T>(v), vectors, w.data<Real<T>>(), info.data<int32_t>());
  });
  check_info(op, info, "the iteration did not converge; values that are missing:");
  return w;
}

// By the lower half of A.
struct Eigh {
  static constexpr OpMeta meta{"linalg.eigh"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& a) {
    const Tensor v = columns_copy(a), w = run_eigh("linalg.eigh", v, true);
    ctx.save_result(w, 0);
    ctx.save_result(v, 1);
    return {w, v};
  }
  // gA = V [diag(gw) + (V^H gV) / E] V^H, E_jk = w_k - w_j (no term on the diagonal). Equal eigenvalues leave
  // their vectors free, and the gradient is infinite or NaN. Giles, "An extended collection of matrix
  // derivative results", 2008
  static Grads backward(OpContext& ctx, const Grads& gys) {
    const Tensor w = ctx.saved(0), v = ctx.saved(1), vh = adjoint(v);
    Tensor inner;
    if (gys[1].defined()) {
      const Tensor diagonal = cast(identity_like(w), DType::kBool);
      const Tensor e = masked_fill(unsqueeze(w, -2) - unsqueeze(w, -1), diagonal, 1);
      inner = masked_fill(matmul(vh, gys[1]) / e, diagonal, 0);
      if (gys[0].defined()) inner = inner + scale_columns(identity_like(w), gys[0]);
      return {matmul(matmul(v, inner), vh)};
    }
    return {gys[0].defined() ? matmul(scale_columns(v, gys[0]), vh) : Tensor()};
  }
};

struct EigVals {
  static constexpr OpMeta meta{"linalg.eigvalsh"};
  static Tensor forward(OpContext& ctx, const Tensor& a) {
    const Tensor v = columns_copy(a), w = run_eigh("linalg.eigvalsh", v, ctx.recording());
    ctx.save(a, v);
    return w;
  }
  // gA = V diag(gw) V^H
  static Grads backward(OpContext& ctx, const Tensor& gw) {
    const Tensor v = std::get<1>(linalg_eigh(ctx.saved(0)));
    return {matmul(scale_columns(v, gw), adjoint(v))};
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gw) {
    const Tensor v = ctx.saved(1);
    return {matmul(scale_columns(v, gw), adjoint(v))};
  }
};

// The matrix with the half that is meant below its diagonal.
Tensor lower_form(const char* op, const Tensor& a, std::string_view uplo) {
  check_square(op, a);
  const bool upper = uplo == "U" || uplo == "u";
  PLAIT_CHECK(upper || uplo == "L" || uplo == "l", kValue, op, ": expected UPLO to be 'L' or 'U', got '",
              uplo, "'");
  return upper ? adjoint(a) : a;
}

}  // namespace

std::tuple<Tensor, Tensor> linalg_eigh(const Tensor& a, std::string_view uplo) {
  return apply<Eigh>(lower_form("linalg.eigh", a, uplo));
}
Tensor linalg_eigvalsh(const Tensor& a, std::string_view uplo) {
  return apply<EigVals>(lower_form("linalg.eigvalsh", a, uplo));
}

namespace {

const RegisterOps kOps{
    {"linalg_eigh(Tensor A, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)", "sco",
     PLAIT_BOX(linalg_eigh),
     R"(The eigenvalues and orthonormal eigenvectors of symmetric matrices, A = V diag(w) V^T.

Vectors are unique up to a sign each, and where eigenvalues are equal up to a rotation; the gradient through them is
not finite then.

Args:
    A: (*, n, n), floating point or complex.
    UPLO: the half that is read, 'L' or 'U'.

Returns:
    A named tuple: eigenvalues (*, n), ascending, and eigenvectors (*, n, n), in columns.

Raises:
    LinAlgError: a matrix with infinities or NaN, or for which the iteration does not converge.
    ValueError: the matrices are not square, or another UPLO.

Example:
    >>> plait.linalg.eigh(plait.tensor([[2., 0.], [0., 1.]])).eigenvalues
    tensor([1., 2.]))"},
    {"linalg_eigvalsh(Tensor A, str UPLO='L') -> Tensor", "soc", PLAIT_BOX(linalg_eigvalsh),
     R"(The eigenvalues of symmetric matrices, in ascending order.

Args:
    A: (*, n, n), floating point or complex.
    UPLO: the half that is read, 'L' or 'U'.

Returns:
    (*, n).

Raises:
    LinAlgError: a matrix with infinities or NaN.
    ValueError: the matrices are not square, or another UPLO.

Example:
    >>> plait.linalg.eigvalsh(plait.tensor([[2., 0.], [0., 1.]]))
    tensor([1., 2.]))"},
};

}  // namespace
}  // namespace plait
