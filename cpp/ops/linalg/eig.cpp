// SPDX-License-Identifier: MIT
// Eigenvalues and eigenvectors of general matrices, which are complex.
#include "autograd/op.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using namespace linalg;  // NOLINT: the helpers of this family

// Eigenvalues, and vectors where `v` is defined.
Tensor run_eig(const char* op, const Tensor& a, const Tensor& v) {
  const Tensor w = Tensor::empty(with_sizes(batch_of(a), {cols_of(a)}), to_complex(a.dtype()));
  if (!a.has_values()) return w;
  const Tensor copy = columns_copy(a), info = zeros(batch_of(a), DType::kInt32);
  dispatch_element(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = std::complex<Real<T>>;
    eig<T>(matrices<T>(copy), w.data<C>(), v.defined() ? matrices<C>(v) : Matrices<C>{},
           info.data<int32_t>());
  });
  check_info(op, info, "the iteration did not converge; values that are missing:");
  return w;
}

// The gradient of a real A is real.
Tensor of_kind(const Tensor& ga, DType dtype) { return is_complex(dtype) ? ga : real(ga); }

// gA = V^-H M V^H
Tensor from_eigenbasis(const Tensor& v, const Tensor& m) {
  const Tensor vh = adjoint(v);
  return solve_unchecked(vh, matmul(m, vh));
}

struct Eig {
  static constexpr OpMeta meta{"linalg.eig"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& a) {
    const Tensor v = empty_columns(batch_of(a), rows_of(a), cols_of(a), to_complex(a.dtype()));
    const Tensor w = run_eig("linalg.eig", a, v);
    ctx.save_result(w, 0);
    ctx.save_result(v, 1);
    ctx.save(a);
    return {w, v};
  }
  // gA = V^-H [diag(gw) + (V^H gV - V^H V diag(Re(V^H gV))) / conj(E)] V^H, E_jk = w_k - w_j (no term on the
  // diagonal): vectors have norm 1. Equal eigenvalues leave their vectors free, and the gradient is not
  // finite. Boeddeker et al., "On the computation of complex-valued gradients with application to
  // statistically optimum beamforming", 2017
  static Grads backward(OpContext& ctx, const Grads& gys) {
    const Tensor w = ctx.saved(0), v = ctx.saved(1);
    const DType dtype = ctx.saved(2).dtype();
    if (!gys[0].defined() && !gys[1].defined()) return {Tensor()};
    const Tensor unit = identity_like(w);
    Tensor m = gys[0].defined() ? scale_columns(unit, gys[0]) : zeros_like(v);
    if (gys[1].defined()) {
      const Tensor vh = adjoint(v), vgv = matmul(vh, gys[1]);
      const Tensor diagonal = cast(identity_like(real(w)), DType::kBool);
      const Tensor e = masked_fill(conj(unsqueeze(w, -2) - unsqueeze(w, -1)), diagonal, 1);
      const Tensor lengths = real(plait::diagonal(vgv, 0, -2, -1));
      m = m + masked_fill((vgv - scale_columns(matmul(vh, v), lengths)) / e, diagonal, 0);
    }
    return {of_kind(from_eigenbasis(v, m), dtype)};
  }
};

struct GeneralEigVals {
  static constexpr OpMeta meta{"linalg.eigvals"};
  static Tensor forward(OpContext& ctx, const Tensor& a) {
    ctx.save(a);
    return run_eig("linalg.eigvals", a, Tensor());
  }
  // gA = V^-H diag(gw) V^H
  static Grads backward(OpContext& ctx, const Tensor& gw) {
    const Tensor a = ctx.saved(0), v = std::get<1>(linalg_eig(a));
    return {of_kind(from_eigenbasis(v, scale_rows(gw, identity_like(v))), a.dtype())};
  }
};

Tensor eigvals(const Tensor& a) {
  check_square("linalg.eigvals", a);
  return apply<GeneralEigVals>(a);
}

}  // namespace

std::tuple<Tensor, Tensor> linalg_eig(const Tensor& a) {
  check_square("linalg.eig", a);
  return apply<Eig>(a);
}

namespace {

const RegisterOps kOps{
    {"linalg_eig(Tensor A) -> (Tensor eigenvalues, Tensor eigenvectors)", "sco", PLAIT_BOX(linalg_eig),
     R"(The eigenvalues and right eigenvectors of square matrices, A V = V diag(w).

Vectors have norm 1 and are unique up to a phase each. For symmetric matrices `eigh` is faster and more accurate.

Args:
    A: (*, n, n), floating point or complex.

Returns:
    A named tuple of complex tensors: eigenvalues (*, n), in no order, and eigenvectors (*, n, n), in columns.

Raises:
    LinAlgError: a matrix with infinities or NaN, or for which the iteration does not converge.
    ValueError: the matrices are not square.

Example:
    >>> plait.linalg.eig(plait.tensor([[0., 1.], [-1., 0.]])).eigenvalues.imag.abs()
    tensor([1., 1.]))"},
    {"linalg_eigvals(Tensor A) -> Tensor", "soc", PLAIT_BOX(eigvals),
     R"(The eigenvalues of square matrices, in no order.

Args:
    A: (*, n, n), floating point or complex.

Returns:
    (*, n), complex.

Raises:
    LinAlgError: a matrix with infinities or NaN.
    ValueError: the matrices are not square.

Example:
    >>> plait.linalg.eigvals(plait.tensor([[0., 1.], [-1., 0.]])).imag.abs()
    tensor([1., 1.]))"},
};

}  // namespace
}  // namespace plait
