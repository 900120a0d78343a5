// SPDX-License-Identifier: MIT
// QR factors and Householder reflections.
#include "autograd/op.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/rearrange/rearrange.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using namespace linalg;  // NOLINT: the helpers of this family

struct Reflectors {
  Tensor a;    // column-major: R and the reflectors below it
  Tensor tau;  // (*, min(m, n))
};
Reflectors reflectors_of(const Tensor& a) {
  const Reflectors r{columns_copy(a),
                     Tensor::empty(with_sizes(batch_of(a), {std::min(rows_of(a), cols_of(a))}), a.dtype())};
  if (a.has_values()) {
    dispatch_element(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      qr_factor<T>(matrices<T>(r.a), r.tau.data<T>());
    });
  }
  return r;
}

// The first q.size(-1) columns of the product of the reflectors in the first columns of q, over q.
void form_q_of(const Tensor& q, const Tensor& tau) {
  if (!q.has_values()) return;
  dispatch_element(q.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    form_q<T>(matrices<T>(q), tau.data<T>(), tau.shape().back());
  });
}

enum class QrMode { kReduced, kComplete, kR };

QrMode qr_mode(std::string_view mode) {
  if (mode == "reduced") return QrMode::kReduced;
  if (mode == "complete") return QrMode::kComplete;
  PLAIT_CHECK(mode == "r", kValue, "linalg.qr: expected mode 'reduced', 'complete' or 'r', got '", mode, "'");
  return QrMode::kR;
}

struct Qr {
  static constexpr OpMeta meta{"linalg.qr"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& a, QrMode mode) {
    const int64_t m = rows_of(a), n = cols_of(a), k = std::min(m, n);
    const Reflectors f = reflectors_of(a);
    const int64_t rows = mode == QrMode::kComplete ? m : k;
    Tensor q = Tensor::empty(Dims{0}, a.dtype());
    if (mode != QrMode::kR) {
      q = empty_columns(batch_of(a), m, rows, a.dtype());
      copy_into(narrow(q, -1, 0, k), narrow(f.a, -1, 0, k));
      form_q_of(q, f.tau);
    }
    const Tensor r = triu(narrow(f.a, -2, 0, rows));
    ctx.save_result(q, 0);
    ctx.save_result(r, 1);
    return {q, r};
  }

  // m >= n:  gA = (gQ + Q S) R^-H, S the Hermitian matrix with the lower half of R gR^H - gQ^H Q.
  // m < n:   A = (X | Y), R = (U | V), X = Q U: gQ gains Y gV^H, gY = Q gV, and X as above.
  // Walter and Lehmann, "Walter Lehmann: Algorithmic differentiation of linear algebra functions", 2018
  static Grads backward(OpContext& ctx, const Grads& gys, QrMode mode) {
    const Tensor q = ctx.saved(0), r = ctx.saved(1);
    PLAIT_CHECK(mode != QrMode::kR, kRuntime,
                "linalg.qr: expected a mode that computes Q, which the derivative needs",
                "\nhint: use mode='reduced'");
    PLAIT_CHECK(mode != QrMode::kComplete || rows_of(q) <= cols_of(r), kRuntime,
                "linalg.qr: expected at most as many rows as columns for the derivative with mode='complete'",
                "\nhint: use mode='reduced'");
    const Tensor gq = gys[0].defined() ? gys[0] : zeros_like(q),
                 gr = gys[1].defined() ? gys[1] : zeros_like(r);
    const int64_t m = rows_of(q), n = cols_of(r);
    if (m >= n) return {tall_gradient(q, r, gq, gr)};
    const Tensor u = narrow(r, -1, 0, m), v = narrow(r, -1, m, n - m);
    const Tensor gu = narrow(gr, -1, 0, m), gv = narrow(gr, -1, m, n - m);
    const Tensor y = matmul(q, v);
    return {cat({tall_gradient(q, u, gq + matmul(y, adjoint(gv)), gu), matmul(q, gv)}, -1)};
  }

 private:
  static Tensor tall_gradient(const Tensor& q, const Tensor& r, const Tensor& gq, const Tensor& gr) {
    const Tensor s = from_lower(matmul(r, adjoint(gr)) - matmul(adjoint(gq), q));
    return linalg_solve_triangular(adjoint(r), gq + matmul(q, s), false, false);
  }
};

// Vector i of the reflectors: 0 above, 1, and the column below: (*, m, 1).
Tensor reflector(const Tensor& a, int64_t i) {
  const Tensor column = narrow(a, -1, i, 1);
  const Tensor below = constant_pad(narrow(column, -2, i + 1, rows_of(a) - i - 1), Dims{0, 0, i + 1, 0}, 0);
  const Tensor one = constant_pad(ones(Dims{1, 1}, a.dtype()), Dims{0, 0, i, rows_of(a) - i - 1}, 0);
  return below + one;
}

// tau_i as a factor of matrices.
Tensor factor(const Tensor& tau, int64_t i) { return unsqueeze(narrow(tau, -1, i, 1), -1); }

// With Q_i = H_i Q_{i+1} = Q_{i+1} - tau v w^H, w^H = v^H Q_{i+1}, Q_{k+1} = I, Q = Q_1, and G_1 = gQ:
//   gtau = -v^H G_i w,  gv = -conj(tau) G_i w - tau Q_{i+1} G_i^H v,  G_{i+1} = G_i - conj(tau) v (v^H G_i).
Grads product_gradients(const Tensor& a, const Tensor& tau, const Tensor& gq) {
  const int64_t k = tau.shape().back();
  std::vector<Tensor> q(static_cast<size_t>(k) + 1), v(static_cast<size_t>(k));
  q[static_cast<size_t>(k)] = expand(eye(rows_of(gq), cols_of(gq), a.dtype()), gq.shape());
  for (int64_t i = k; i-- > 0;) {
    const auto at = static_cast<size_t>(i);
    v[at] = reflector(a, i);
    q[at] = q[at + 1] - factor(tau, i) * matmul(v[at], matmul(adjoint(v[at]), q[at + 1]));
  }
  std::vector<Tensor> columns, taus;
  Tensor g = gq;
  for (int64_t i = 0; i < k; ++i) {
    const auto at = static_cast<size_t>(i);
    const Tensor w = matmul(adjoint(q[at + 1]), v[at]), vg = matmul(adjoint(v[at]), g);
    taus.push_back(squeeze(neg(matmul(vg, w)), Dims{-1}));
    const Tensor t = factor(tau, i), tc = conj(t);
    const Tensor gv = neg(tc * matmul(g, w) + t * matmul(q[at + 1], adjoint(vg)));
    const int64_t rest = rows_of(a) - i - 1;
    columns.push_back(constant_pad(narrow(gv, -2, i + 1, rest), Dims{0, 0, i + 1, 0}, 0));
    g = g - tc * matmul(v[at], vg);
  }
  if (k == 0) return {zeros_like(a), zeros_like(tau)};
  Tensor ga = cat(columns, -1);
  if (cols_of(a) > k) ga = constant_pad(ga, Dims{0, cols_of(a) - k}, 0);
  return {ga, cat(taus, -1)};
}

struct HouseholderProduct {
  static constexpr OpMeta meta{"linalg.householder_product"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& tau) {
    const Tensor q = columns_copy(a);
    form_q_of(q, contiguous(tau));
    ctx.save(a, tau);
    return q;
  }
  static Grads backward(OpContext& ctx, const Tensor& gq) {
    return product_gradients(ctx.saved(0), ctx.saved(1), gq);
  }
};

// Q C, C Q, or the same with Q^H; Q is square, of as many reflectors as A has columns.
struct MultiplyQ {
  static constexpr OpMeta meta{"ormqr"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& tau, const Tensor& c, bool left,
                        bool trans) {
    const Tensor y = columns_copy(c), reflectors = as_columns(a), factors = contiguous(tau);
    if (y.has_values()) {
      dispatch_element(a.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        apply_q<T>(matrices<const T>(reflectors), factors.data<T>(), tau.shape().back(), left, trans,
                   matrices<T>(y));
      });
    }
    ctx.save(a, tau, c);
    return y;
  }
  // Y = Q C: gC = Q^H gY and gQ = gY C^H; the others alike.
  static Grads backward(OpContext& ctx, const Tensor& gy, bool left, bool trans) {
    const Tensor a = ctx.saved(0), tau = ctx.saved(1), c = ctx.saved(2);
    const Tensor gc = apply<MultiplyQ>(a, tau, gy, left, !trans);
    if (!ctx.needs_grad(0) && !ctx.needs_grad(1)) return {Tensor(), Tensor(), gc};
    Tensor gq = left ? matmul(gy, adjoint(c)) : matmul(adjoint(c), gy);
    if (trans) gq = adjoint(gq);
    const int64_t m = rows_of(a), k = tau.shape().back();
    const Grads gs = product_gradients(constant_pad(a, Dims{0, m - k}, 0), tau, gq);
    return {narrow(gs[0], -1, 0, k), gs[1], gc};
  }
};

// It has no derivative; that of linalg.qr serves.
struct Geqrf {
  static constexpr OpMeta meta{"geqrf"};
  static std::tuple<Tensor, Tensor> forward(OpContext&, const Tensor& a) {
    const Reflectors f = reflectors_of(a);
    return {f.a, f.tau};
  }
};

void check_reflectors(const char* op, const Tensor& a, const Tensor& tau) {
  check_matrix(op, a);
  check_same_dtype(op, a, tau);
  PLAIT_CHECK(tau.dim() == a.dim() - 1 &&
                  Dims(batch_of(a)) == Dims(IntSpan(tau.shape()).first(static_cast<size_t>(tau.dim() - 1))) &&
                  tau.shape().back() <= std::min(rows_of(a), cols_of(a)),
              kValue, op,
              ": expected tau of shape (*, k) with k up to the number of rows and columns, got shapes ",
              a.shape(), " and ", tau.shape());
}

std::tuple<Tensor, Tensor> geqrf(const Tensor& a) {
  check_matrix("geqrf", a);
  return apply<Geqrf>(a);
}

Tensor ormqr(const Tensor& a, const Tensor& tau, const Tensor& c, bool left, bool transpose) {
  check_reflectors("ormqr", a, tau);
  check_matrix("ormqr", c);
  check_same_dtype("ormqr", a, c);
  PLAIT_CHECK((left ? rows_of(c) : cols_of(c)) == rows_of(a) && Dims(batch_of(a)) == Dims(batch_of(c)),
              kValue, "ormqr: expected Q, of as many rows as the reflectors, to fit ", left ? "Q C" : "C Q",
              ", got shapes ", a.shape(), " and ", c.shape());
  return apply<MultiplyQ>(narrow(a, -1, 0, tau.shape().back()), tau, c, left, transpose);
}

std::tuple<Tensor, Tensor> qr_old(const Tensor& a, bool some) {
  return linalg_qr(a, some ? "reduced" : "complete");
}

}  // namespace

std::tuple<Tensor, Tensor> linalg_qr(const Tensor& a, std::string_view mode) {
  check_matrix("linalg.qr", a);
  return apply<Qr>(a, qr_mode(mode));
}

Tensor linalg_householder_product(const Tensor& a, const Tensor& tau) {
  check_reflectors("linalg.householder_product", a, tau);
  PLAIT_CHECK(rows_of(a) >= cols_of(a), kValue,
              "linalg.householder_product: expected at least as many rows as columns, got shape ", a.shape());
  return apply<HouseholderProduct>(a, tau);
}

namespace {

constexpr const char* kProductDoc = R"(The first n columns of a product of Householder reflections.

The reflections are I - tau_i v_i v_i^T, v_i = (0, ..., 0, 1, A[i + 1:, i]), as `geqrf` returns them.

Args:
    A, input: (*, m, n) with m >= n, floating point or complex.
    tau, input2: (*, k) with k <= n.

Returns:
    (*, m, n), with orthonormal columns.

Raises:
    ValueError: the shapes do not fit.

Example:
    >>> plait.linalg.householder_product(plait.tensor([[1.], [1.]]), plait.tensor([1.]))
    tensor([[ 0.],
            [-1.]]))";

const RegisterOps kOps{
    {"linalg_qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)", "sco", PLAIT_BOX(linalg_qr),
     R"(The factors of A = Q R: orthonormal columns and an upper triangular matrix.

The diagonal of R may have either sign.

Args:
    A: (*, m, n), floating point or complex.
    mode: 'reduced' gives min(m, n) columns of Q, 'complete' all m, 'r' none (Q is empty).

Returns:
    A named tuple: Q (*, m, k) and R (*, k, n).

Raises:
    ValueError: fewer than 2 dimensions, or another mode.
    RuntimeError: backward through mode 'r', or through 'complete' with more rows than columns.

Example:
    >>> plait.linalg.qr(plait.tensor([[3.], [4.]])).R
    tensor([[-5.]]))"},
    {"qr(Tensor input, bool some=True) -> (Tensor Q, Tensor R)", "fmco", PLAIT_BOX(qr_old),
     R"(The factors of A = Q R; the older form of `linalg.qr`.

Args:
    input: (*, m, n), floating point or complex.
    some: only min(m, n) columns of Q.

Raises:
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.qr(plait.tensor([[3.], [4.]])).R
    tensor([[-5.]]))"},
    {"geqrf(Tensor input) -> (Tensor a, Tensor tau)", "fmco", PLAIT_BOX(geqrf),
     R"(QR factors in one matrix: R, and below it the vectors of Householder reflections.

Args:
    input: (*, m, n), floating point or complex.

Returns:
    A named tuple: a (*, m, n) and tau (*, min(m, n)); `linalg.householder_product` makes Q of them.

Raises:
    ValueError: fewer than 2 dimensions.
    RuntimeError: a tensor that requires grad.

Example:
    >>> plait.geqrf(plait.tensor([[3.], [4.]])).a
    tensor([[-5.0000],
            [ 0.5000]]))"},
    {"linalg_householder_product(Tensor A, Tensor tau) -> Tensor", "soc",
     PLAIT_BOX(linalg_householder_product), kProductDoc},
    {"orgqr(Tensor input, Tensor input2) -> Tensor", "fmoc", PLAIT_BOX(linalg_householder_product),
     kProductDoc},
    {"ormqr(Tensor input, Tensor tau, Tensor other, bool left=True, bool transpose=False) -> Tensor", "fmoc",
     PLAIT_BOX(ormqr),
     R"(A matrix multiplied by the Q of Householder reflections.

Args:
    input: the vectors of the reflections as `geqrf` returns them, (*, m, n).
    tau: their factors, (*, k); other columns of `input` are not read.
    other: (*, m, p), or (*, p, m) if not `left`.
    left: Q other, else other Q.
    transpose: multiply by the transpose of Q.

Returns:
    The shape of `other`.

Raises:
    ValueError: the shapes do not fit.

Example:
    >>> plait.ormqr(plait.tensor([[1.], [0.]]), plait.tensor([2.]), plait.tensor([[1.], [1.]]))
    tensor([[-1.],
            [ 1.]]))"},
};

}  // namespace
}  // namespace plait
