// SPDX-License-Identifier: MIT
// Pseudoinverses and least squares.
#include <limits>

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
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

double epsilon(DType dtype) {
  return real_dtype(dtype) == DType::kFloat64 ? std::numeric_limits<double>::epsilon()
                                              : static_cast<double>(std::numeric_limits<float>::epsilon());
}

// Singular values at most this count as 0: max(atol, rtol * the largest). Without either tolerance rtol is
// max(m, n) * eps, with atol above 0 alone it is 0. s (*, k) in any order and sign; the result is (*, 1).
Tensor tolerance(const Tensor& a, const Tensor& s, const Tensor& atol, const Tensor& rtol) {
  const Tensor largest = amax(abs(s), Dims{-1}, true);
  const double usual = static_cast<double>(std::max(rows_of(a), cols_of(a))) * epsilon(a.dtype());
  const auto spread = [&](const Tensor& t) { return unsqueeze(cast(t, s.dtype()), -1); };
  Tensor relative;
  if (rtol.defined()) {
    relative = spread(rtol);
  } else if (atol.defined()) {
    relative = where(gt(spread(atol), 0), zeros(IntSpan{}, s.dtype()), full(IntSpan{}, usual, s.dtype()));
  } else {
    relative = full(IntSpan{}, usual, s.dtype());
  }
  const Tensor product = relative * largest;
  return atol.defined() ? maximum(spread(atol), product) : product;
}

// The gradient of A from that of P = A^+, for a constant rank:
//   gA = -P^H gP P^H + (I - A P) gP^H P P^H + P^H P gP^H (I - P A).
// Golub and Pereyra, "The differentiation of pseudo-inverses", 1973
Tensor pinv_gradient(const Tensor& a, const Tensor& p, const Tensor& g) {
  const Tensor ph = adjoint(p), gh = adjoint(g);
  const Tensor left = matmul(matmul(gh, p), ph), right = matmul(ph, matmul(p, gh));
  return matmul(matmul(neg(ph), g), ph) + (left - matmul(a, matmul(p, left))) +
         (right - matmul(matmul(right, p), a));
}

struct PseudoInverse {
  static constexpr OpMeta meta{"linalg.pinv"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& atol, const Tensor& rtol,
                        bool hermitian) {
    Tensor p;
    if (a.numel() == 0) {
      p = zeros(with_sizes(batch_of(a), {cols_of(a), rows_of(a)}), a.dtype());
    } else if (hermitian) {
      const auto [w, v] = linalg_eigh(a);
      p = matmul(scale_columns(v, inverted(a, w, atol, rtol)), adjoint(v));
    } else {
      const auto [u, s, vh] = linalg_svd(a, false);
      p = matmul(scale_columns(adjoint(vh), inverted(a, s, atol, rtol)), adjoint(u));
    }
    ctx.save(a);
    ctx.save_result(p);
    return p;
  }
  static Grads backward(OpContext& ctx, const Tensor& g, bool) {
    return {pinv_gradient(ctx.saved(0), ctx.saved(1), g), Tensor(), Tensor()};
  }

 private:
  static Tensor inverted(const Tensor& a, const Tensor& s, const Tensor& atol, const Tensor& rtol) {
    return where(gt(abs(s), tolerance(a, s, atol, rtol)), reciprocal(s), zeros(IntSpan{}, s.dtype()));
  }
};

Tensor pinv(const Tensor& a, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  if (hermitian) {
    check_square("linalg.pinv", a);
  } else {
    check_matrix("linalg.pinv", a);
  }
  return apply<PseudoInverse>(a, atol, rtol, hermitian);
}
Tensor pinv_rcond(const Tensor& a, const Tensor& rcond, bool hermitian) {
  return pinv(a, {}, rcond, hermitian);
}
Tensor pinverse(const Tensor& a, double rcond) { return pinv(a, {}, Scalar(rcond).to_tensor(), false); }

Tensor rank(const char* op, const Tensor& a, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  if (hermitian) {
    check_square(op, a);
  } else {
    check_matrix(op, a);
  }
  if (a.numel() == 0) return zeros(batch_of(a), DType::kInt64);
  const Tensor x = detach(a), s = hermitian ? abs(linalg_eigvalsh(x)) : linalg_svdvals(x);
  return sum(gt(s, tolerance(a, s, atol, rtol)), Dims{-1});
}
Tensor matrix_rank(const Tensor& a, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  return rank("linalg.matrix_rank", a, atol, rtol, hermitian);
}
Tensor matrix_rank_tol(const Tensor& a, const Tensor& tol, bool hermitian) {
  return rank("linalg.matrix_rank", a, tol, zeros(IntSpan{}, DType::kFloat64), hermitian);
}

// ---- Least squares ----

LeastSquares method_of(std::string_view driver) {
  if (driver == "gels") return LeastSquares::kQr;
  if (driver == "gelsy") return LeastSquares::kPivotedQr;
  if (driver == "gelsd") return LeastSquares::kDividedSvd;
  PLAIT_CHECK(driver == "gelss", kValue,
              "linalg.lstsq: expected driver 'gels', 'gelsy', 'gelsd' or 'gelss', got '", driver, "'");
  return LeastSquares::kSvd;
}

using LstsqResult = std::tuple<Tensor, Tensor, Tensor, Tensor>;

struct Lstsq {
  static constexpr OpMeta meta{"linalg.lstsq"};
  static LstsqResult forward(OpContext& ctx, const Tensor& a, const Tensor& b, double rcond,
                             LeastSquares method) {
    const int64_t m = rows_of(a), n = cols_of(a), k = cols_of(b), least = std::min(m, n);
    const bool by_svd = method == LeastSquares::kSvd || method == LeastSquares::kDividedSvd;
    const Tensor x = empty_columns(batch_of(b), std::max(m, n), k, a.dtype());
    copy_into(narrow(x, -2, 0, m), b);
    const Tensor ranks =
        method == LeastSquares::kQr ? zeros(Dims{0}, DType::kInt64) : zeros(batch_of(a), DType::kInt64);
    const Tensor s = by_svd ? zeros(with_sizes(batch_of(a), {least}), real_dtype(a.dtype()))
                            : zeros(Dims{0}, real_dtype(a.dtype()));
    const Tensor info = zeros(batch_of(a), DType::kInt32);
    if (a.has_values() && k) run(columns_copy(a), x, method, rcond, ranks, s, info);
    if (!a.numel()) set_zero(x);
    check_info("linalg.lstsq", info, "the matrix has no full rank, or the iteration did not converge:");
    ctx.save(a, b);
    return {narrow(x, -2, 0, n), residuals(method, x, b, n, ranks), ranks, s};
  }
  // X = P B, P = A^+: gB = P^H gX, and gA from gP = gX B^H.
  static Grads backward(OpContext& ctx, const Grads& gys, double, LeastSquares) {
    const Tensor& gx = gys[0];
    if (!gx.defined()) return Grads(2);
    const Tensor a = ctx.saved(0), p = pinv(a, {}, {}, false);
    return {pinv_gradient(a, p, matmul(gx, adjoint(ctx.saved(1)))), matmul(adjoint(p), gx)};
  }

 private:
  static void run(const Tensor& a, const Tensor& x, LeastSquares method, double rcond, const Tensor& ranks,
                  const Tensor& s, const Tensor& info) {
    dispatch_element(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      least_squares<T>(matrices<T>(a), matrices<T>(x), method, rcond,
                       ranks.numel() ? ranks.data<int64_t>() : nullptr,
                       s.numel() ? s.data<Real<T>>() : nullptr, info.data<int32_t>());
    });
  }
  // Sums of squares of the rows below the solution, where they are the residual: more rows than columns and
  // full rank. Empty otherwise.
  static Tensor residuals(LeastSquares method, const Tensor& x, const Tensor& b, int64_t n,
                          const Tensor& ranks) {
    const int64_t m = rows_of(b);
    bool full = m > n && method != LeastSquares::kPivotedQr;
    for (int64_t i = 0; full && i < ranks.numel(); ++i) full = ranks.data<int64_t>()[i] == n;
    if (!full) return zeros(Dims{0}, real_dtype(b.dtype()));
    const Tensor sizes = abs(narrow(x, -2, n, m - n));
    return sum(sizes * sizes, Dims{-2});
  }
};

LstsqResult lstsq(const Tensor& a, const Tensor& b, std::optional<double> rcond,
                  std::optional<std::string_view> driver) {
  check_matrix("linalg.lstsq", a);
  check_same_dtype("linalg.lstsq", a, b);
  const bool vector = b.dim() == a.dim() - 1;
  const Tensor right = vector ? unsqueeze(b, -1) : b;
  PLAIT_CHECK(right.dim() == a.dim() && rows_of(right) == rows_of(a), kValue,
              "linalg.lstsq: expected A (*, m, n) and B (*, m, k) or (*, m), got shapes ", a.shape(), " and ",
              b.shape());
  const Dims batch = broadcast_shapes("linalg.lstsq", batch_of(a), batch_of(right));
  const Tensor wide = expand(a, with_sizes(batch, {rows_of(a), cols_of(a)}));
  const Tensor wide_b = expand(right, with_sizes(batch, {rows_of(right), cols_of(right)}));
  const double limit =
      rcond.value_or(epsilon(a.dtype()) * static_cast<double>(std::max(rows_of(a), cols_of(a))));
  auto result = apply<Lstsq>(wide, wide_b, limit, method_of(driver.value_or("gelsy")));
  if (!vector) return result;
  auto& [x, residuals, ranks, s] = result;
  return {squeeze(x, Dims{-1}), residuals.numel() ? squeeze(residuals, Dims{-1}) : residuals, ranks, s};
}

constexpr const char* kPinvDoc = R"(The pseudoinverse of Moore and Penrose, by singular values.

Those at most max(atol, rtol * the largest) count as 0. The derivative is that for a constant rank.

Args:
    A: (*, m, n), floating point or complex.
    atol: absolute tolerance, a number or a tensor of the batch. Default: 0.
    rtol: relative tolerance. Default: max(m, n) times the dtype's eps, or 0 where atol is given and above 0.
    rcond: the older name of rtol.
    hermitian: take the lower half of symmetric matrices, and eigenvalues in place of singular values.

Returns:
    (*, n, m).

Raises:
    LinAlgError: a matrix with infinities or NaN.
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.linalg.pinv(plait.tensor([[2., 0.], [0., 0.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]]))";

constexpr const char* kRankDoc = R"(The number of singular values above max(atol, rtol * the largest).

Args:
    A: (*, m, n), floating point or complex.
    atol: absolute tolerance, a number or a tensor of the batch. Default: 0.
    rtol: relative tolerance. Default: max(m, n) times the dtype's eps, or 0 where atol is given and above 0.
    tol: the older name of atol, with rtol = 0.
    hermitian: take the lower half of symmetric matrices, and eigenvalues in place of singular values.

Returns:
    (*), int64.

Raises:
    LinAlgError: a matrix with infinities or NaN.
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.linalg.matrix_rank(plait.ones(3, 3))
    tensor(1))";

const RegisterOps kOps{
    {"linalg_pinv(Tensor A, *, Operand? atol=None, Operand? rtol=None, bool hermitian=False) -> Tensor",
     "soc", PLAIT_BOX(pinv), kPinvDoc},
    {"linalg_pinv(Tensor A, Operand rcond, bool hermitian=False) -> Tensor", "soc", PLAIT_BOX(pinv_rcond),
     ""},
    {"pinverse(Tensor input, float rcond=1e-15) -> Tensor", "fmc", PLAIT_BOX(pinverse),
     R"(The pseudoinverse; the older form of `linalg.pinv`.

Args:
    input: (*, m, n), floating point or complex.
    rcond: singular values at most this times the largest count as 0.

Returns:
    (*, n, m).

Raises:
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.pinverse(plait.tensor([[2.], [0.]]))
    tensor([[0.5000, 0.0000]]))"},
    {"linalg_matrix_rank(Tensor A, *, Operand? atol=None, Operand? rtol=None, bool hermitian=False) -> "
     "Tensor",
     "soc", PLAIT_BOX(matrix_rank), kRankDoc},
    {"linalg_matrix_rank(Tensor A, Operand tol, bool hermitian=False) -> Tensor", "soc",
     PLAIT_BOX(matrix_rank_tol), ""},
    {"linalg_lstsq(Tensor A, Tensor B, float? rcond=None, *, str? driver=None) -> "
     "(Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)",
     "sco", PLAIT_BOX(lstsq),
     R"(The X that makes the columns of A X - B smallest, and of these the smallest X.

Args:
    A: (*, m, n), floating point or complex.
    B: (*, m, k) or (*, m); batches broadcast.
    rcond: the rank counts singular values above this times the largest. Default: max(m, n) times the dtype's eps.
    driver: 'gelsy' (QR with pivots, the default), 'gels' (QR, for full rank), 'gelsd' or 'gelss' (singular values).

Returns:
    A named tuple: solution (*, n, k) or (*, n); residuals, the squared norms of the columns of A X - B, empty for
    'gelsy', for m <= n and below full rank; rank (*), empty for 'gels'; singular_values (*, min(m, n)), empty for
    'gels' and 'gelsy'.

Raises:
    LinAlgError: no full rank with 'gels'.
    ValueError: the shapes do not fit, or another driver.

Example:
    >>> plait.linalg.lstsq(plait.tensor([[1.], [1.]]), plait.tensor([[1.], [3.]])).solution.round(decimals=3)
    tensor([[2.]]))"},
};

}  // namespace
}  // namespace plait
