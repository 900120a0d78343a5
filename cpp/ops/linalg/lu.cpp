// SPDX-License-Identifier: MIT
// LU factors with partial pivoting, A = P L U.
#include "ops/linalg/lu.h"

#include <numeric>

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/rearrange/rearrange.h"
#include "ops/registry.h"
#include "ops/sort/sort.h"
#include "ops/view/view.h"

namespace plait {
namespace linalg {

LuFactors lu_factors(const Tensor& a) {
  const int64_t k = std::min(rows_of(a), cols_of(a));
  LuFactors f{columns_copy(a), Tensor::empty(with_sizes(batch_of(a), {k}), DType::kInt32),
              zeros(batch_of(a), DType::kInt32)};
  if (a.has_values()) {
    dispatch_element(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      lu_factor<T>(matrices<T>(f.lu), f.pivots.data<int32_t>(), f.info.data<int32_t>());
    });
  }
  return f;
}

void lu_solve_into(const LuFactors& f, const Tensor& x, bool adjoint) {
  if (!x.has_values()) return;
  dispatch_element(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Spread<T> s(as_columns(f.lu), x);
    Tensor pivots = contiguous(f.pivots);
    if (s.a.count > 1 && Dims(batch_of(f.lu)) != Dims(batch_of(x))) {
      pivots = contiguous(expand(pivots, with_sizes(batch_of(x), {rows_of(f.lu)})));
    }
    lu_solve<T>(s.a, pivots.data<int32_t>(), adjoint ? Trans::kAdjoint : Trans::kNo, s.b);
  });
}

Tensor row_order(const Tensor& pivots, int64_t m) {
  const Tensor p = contiguous(pivots);
  const int64_t k = p.shape().back(),
                count = numel_of(IntSpan(p.shape()).first(static_cast<size_t>(p.dim() - 1)));
  Dims shape = p.shape();
  shape.back() = m;
  const Tensor order = Tensor::empty(shape, DType::kInt64);
  if (order.is_meta()) return order;
  for (int64_t b = 0; b < count; ++b) {
    int64_t* const rows = order.data<int64_t>() + b * m;
    const int32_t* const exchanges = p.data<int32_t>() + b * k;
    std::iota(rows, rows + m, 0);
    for (int64_t i = 0; i < k; ++i) {
      PLAIT_CHECK(exchanges[i] >= 1 && exchanges[i] <= m, kValue, "linalg: expected pivots from 1 to ", m,
                  ", got ", exchanges[i]);
      std::swap(rows[i], rows[exchanges[i] - 1]);
    }
  }
  return order;
}

Tensor is_odd(const Tensor& pivots) {
  const Tensor p = contiguous(pivots);
  const int64_t k = p.shape().back();
  const Tensor odd = Tensor::empty(IntSpan(p.shape()).first(static_cast<size_t>(p.dim() - 1)), DType::kBool);
  for (int64_t b = 0; odd.has_values() && b < odd.numel(); ++b) {
    bool flip = false;
    for (int64_t i = 0; i < k; ++i) flip ^= p.data<int32_t>()[b * k + i] != i + 1;
    odd.data<bool>()[b] = flip;
  }
  return odd;
}

}  // namespace linalg

namespace {

using namespace linalg;  // NOLINT: the helpers of this family

constexpr const char* kZeroPivot = "the matrix is singular: the diagonal of U is zero at";

// Rows of m (*, n, k) in another order: row i of the result is row order[i].
Tensor rows_in_order(const Tensor& m, const Tensor& order) {
  return gather(m, -2, expand(unsqueeze(order, -1), m.shape()));
}

Tensor narrow_rows(const Tensor& a, int64_t from, int64_t n) { return narrow(a, -2, from, n); }
Tensor narrow_cols(const Tensor& a, int64_t from, int64_t n) { return narrow(a, -1, from, n); }

// L^-H x and x U^-H by the packed factors.
Tensor solve_l_adjoint(const Tensor& lu, const Tensor& x) {
  return linalg_solve_triangular(adjoint(lu), x, true, true, true);
}
Tensor solve_u_adjoint(const Tensor& lu, const Tensor& x) {
  return linalg_solve_triangular(adjoint(lu), x, false, false);
}

// The gradient of P^T A from G, the gradient of the packed factors: gL is its part below the diagonal, gU the
// rest. From dA = dL U + L dU (A here with its rows in order), for the square part
//   gA = L^-H (tril(L^H gL, -1) + triu(gU U^H)) U^-H.
// With more columns, A2 = L U2: gA2 = L^-H gU2, and gL loses gA2 U2^H. With more rows, A2 = L2 U: gA2 = gL2
// U^-H, and gU loses L2^H gA2.
Tensor packed_gradient(const Tensor& lu, const Tensor& g) {
  const int64_t m = rows_of(lu), n = cols_of(lu), k = std::min(m, n);
  const Tensor square = narrow_cols(narrow_rows(lu, 0, k), 0, k),
               g1 = narrow_cols(narrow_rows(g, 0, k), 0, k);
  const Tensor l = add(tril_strict(square), identity_like(square)), u = triu(square);
  Tensor below = matmul(adjoint(l), tril_strict(g1)), above = matmul(triu(g1), adjoint(u)), rest;
  if (n > k) {
    const Tensor u2 = narrow_cols(lu, k, n - k), g2 = narrow_cols(g, k, n - k);
    below = below - matmul(g2, adjoint(u2));
    rest = solve_l_adjoint(square, g2);
  } else if (m > k) {
    const Tensor l2 = narrow_rows(lu, k, m - k), g2 = narrow_rows(g, k, m - k);
    above = above - matmul(adjoint(l2), g2);
    rest = solve_u_adjoint(square, g2);
  }
  const Tensor first = solve_u_adjoint(square, solve_l_adjoint(square, tril_strict(below) + triu(above)));
  return rest.defined() ? cat({first, rest}, n > k ? -1 : -2) : first;
}

struct LuFactor {
  static constexpr OpMeta meta{"linalg.lu_factor"};
  static std::tuple<Tensor, Tensor, Tensor> forward(OpContext& ctx, const Tensor& a) {
    const LuFactors f = lu_factors(a);
    ctx.save_result(f.lu);
    ctx.save(f.pivots);
    return {f.lu, f.pivots, f.info};
  }
  static Grads backward(OpContext& ctx, const Grads& gys) {
    if (!gys[0].defined()) return {Tensor()};
    const Tensor lu = ctx.saved(0), g = packed_gradient(lu, gys[0]);
    return {rows_in_order(g, argsort(row_order(ctx.saved(1), rows_of(lu)), -1))};
  }
};

// X of A X = B or A^H X = B, A by its factors.
struct LuSolve {
  static constexpr OpMeta meta{"linalg.lu_solve"};
  static Tensor forward(OpContext& ctx, const Tensor& lu, const Tensor& pivots, const Tensor& b,
                        bool adjoint) {
    const Tensor x = columns_copy(b);
    lu_solve_into({lu, pivots, {}}, x, adjoint);
    ctx.save(lu, pivots);
    ctx.save_result(x);
    return x;
  }
  // gB = A^-H gX and gA = -gB X^H; for A^H X = B: gB = A^-1 gX and gA = -X gB^H. Then, with P^T A = L U,
  // gL = tril(P^T gA U^H, -1) and gU = triu(L^H P^T gA).
  static Grads backward(OpContext& ctx, const Tensor& gx, bool adjoint) {
    const Tensor lu = ctx.saved(0), pivots = ctx.saved(1), x = ctx.saved(2);
    const Tensor gb = linalg_lu_solve(lu, pivots, gx, true, !adjoint);
    if (!ctx.needs_grad(0)) return {Tensor(), Tensor(), gb};
    const Tensor ga = adjoint ? matmul(x, linalg::adjoint(gb)) : matmul(gb, linalg::adjoint(x));
    const Tensor order = row_order(pivots, rows_of(lu));
    const Tensor g = neg(rows_in_order(ga, expand(order, with_sizes(batch_of(ga), {rows_of(lu)}))));
    const Tensor l = add(tril_strict(lu), identity_like(lu)), u = triu(lu);
    const Tensor gl = tril_strict(matmul(g, linalg::adjoint(u))), gu = triu(matmul(linalg::adjoint(l), g));
    return {gl + gu, Tensor(), gb};
  }
};

void check_pivots(const char* op, const Tensor& lu, const Tensor& pivots) {
  PLAIT_CHECK(pivots.dtype() == DType::kInt32, kType, op, ": expected int32 pivots, got ",
              dtype_name(pivots.dtype()));
  Dims wanted = with_sizes(batch_of(lu), {std::min(rows_of(lu), cols_of(lu))});
  PLAIT_CHECK(pivots.shape() == wanted, kValue, op, ": expected pivots of shape ", wanted,
              " for factors of shape ", lu.shape(), ", got ", pivots.shape());
  row_order(pivots, rows_of(lu));  // raises for rows that are not there
}

void check_pivoting(const char* op, bool pivot) {
  PLAIT_CHECK(pivot, kValue, op,
              ": expected pivot=True, got pivot=False\nhint: there are no factors without pivots");
}

std::tuple<Tensor, Tensor> lu_factor_public(const Tensor& a, bool pivot) {
  auto [lu, pivots, info] = linalg_lu_factor_ex(a, pivot, true);
  return {lu, pivots};
}

// The rows of the identity in order: P with A = P L U.
Tensor permutation(const Tensor& pivots, int64_t m, DType dtype) {
  const Tensor order = row_order(pivots, m);
  return index_select(eye(m, m, dtype), 0, flatten(argsort(order, -1)));
}

std::tuple<Tensor, Tensor, Tensor> unpack(const Tensor& lu, const Tensor& pivots, bool unpack_data,
                                          bool unpack_pivots) {
  check_matrix("lu_unpack", lu);
  check_pivots("lu_unpack", lu, pivots);
  const int64_t m = rows_of(lu), n = cols_of(lu), k = std::min(m, n);
  Tensor p = zeros(Dims{0}, lu.dtype()), l = p, u = p;
  if (unpack_pivots) p = reshape(permutation(pivots, m, lu.dtype()), with_sizes(batch_of(lu), {m, m}));
  if (unpack_data) {
    l = add(tril_strict(narrow_cols(lu, 0, k)), eye(m, k, lu.dtype()));
    u = triu(narrow_rows(lu, 0, k));
  }
  return {p, l, u};
}

Tensor lu_solve_old(const Tensor& b, const Tensor& lu, const Tensor& pivots) {
  return linalg_lu_solve(lu, pivots, b, true, false);
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> linalg_lu_factor_ex(const Tensor& a, bool pivot, bool check_errors) {
  check_matrix("linalg.lu_factor", a);
  check_pivoting("linalg.lu_factor", pivot);
  auto result = apply<LuFactor>(a);
  if (check_errors) check_info("linalg.lu_factor", std::get<2>(result), kZeroPivot);
  return result;
}

std::tuple<Tensor, Tensor, Tensor> linalg_lu(const Tensor& a, bool pivot) {
  check_matrix("linalg.lu", a);
  check_pivoting("linalg.lu", pivot);
  auto [lu, pivots, info] = apply<LuFactor>(a);
  return unpack(lu, pivots, true, true);
}

Tensor linalg_lu_solve(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left, bool adjoint) {
  check_square("linalg.lu_solve", lu);
  check_pivots("linalg.lu_solve", lu, pivots);
  check_matrix("linalg.lu_solve", b);
  check_same_dtype("linalg.lu_solve", lu, b);
  PLAIT_CHECK((left ? rows_of(b) : cols_of(b)) == rows_of(lu), kValue,
              "linalg.lu_solve: expected factors and B to fit in ", left ? "A X = B" : "X A = B",
              ", got shapes ", lu.shape(), " and ", b.shape());
  // X A = B is A^H X^H = B^H.
  if (!left) return linalg::adjoint(linalg_lu_solve(lu, pivots, linalg::adjoint(b), true, !adjoint));
  const Dims batch = broadcast_shapes("linalg.lu_solve", batch_of(lu), batch_of(b));
  return apply<LuSolve>(lu, pivots, expand(b, with_sizes(batch, {rows_of(b), cols_of(b)})), adjoint);
}

namespace {

constexpr const char* kLuFactorDoc = R"(LU factors with partial pivoting in one matrix, A = P L U.

L stands below the diagonal, without its ones, U on it and above. `lu_unpack` makes matrices of them.

Args:
    A: (*, m, n), floating point or complex.
    pivot: True.

Returns:
    A named tuple: LU (*, m, n) and pivots (*, min(m, n)), int32: row i was exchanged with row pivots[i] - 1.

Raises:
    LinAlgError: U has a zero on its diagonal; the message names the element of the batch.
    ValueError: fewer than 2 dimensions, or pivot=False.

Example:
    >>> plait.linalg.lu_factor(plait.tensor([[0., 2.], [1., 3.]])).pivots
    tensor([2, 2], dtype=plait.int32))";

const RegisterOps kOps{
    {"linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)", "sco",
     PLAIT_BOX(lu_factor_public), kLuFactorDoc},
    {"linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> "
     "(Tensor LU, Tensor pivots, Tensor info)",
     "sco", PLAIT_BOX(linalg_lu_factor_ex),
     R"(LU factors with partial pivoting, and for each matrix whether U is singular; see `lu_factor`.

Args:
    A: (*, m, n), floating point or complex.
    pivot: True.
    check_errors: raise for a zero on the diagonal of U.

Returns:
    A named tuple: LU, pivots, and info (*), int32: 0, or the number of a zero on the diagonal, from 1.

Raises:
    LinAlgError: with `check_errors`, U has a zero on its diagonal.
    ValueError: fewer than 2 dimensions, or pivot=False.

Example:
    >>> plait.linalg.lu_factor_ex(plait.zeros(2, 2)).info
    tensor(1, dtype=plait.int32))"},
    {"linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", "sco", PLAIT_BOX(linalg_lu),
     R"(The factors of A = P L U: a permutation, a unit lower and an upper triangular matrix.

Args:
    A: (*, m, n), floating point or complex.
    pivot: True.

Returns:
    A named tuple, with k = min(m, n): P (*, m, m), L (*, m, k) and U (*, k, n).

Raises:
    ValueError: fewer than 2 dimensions, or pivot=False.

Example:
    >>> plait.linalg.lu(plait.tensor([[0., 2.], [1., 3.]])).U
    tensor([[1., 3.],
            [0., 2.]]))"},
    {"linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor",
     "soc", PLAIT_BOX(linalg_lu_solve),
     R"(The solution X of A X = B by the LU factors of A.

Args:
    LU: the factors that `lu_factor` returns, (*, n, n).
    pivots: its pivots, (*, n), int32.
    B: (*, n, k); batches broadcast.
    left: False solves X A = B.
    adjoint: solve with the conjugate transpose of A.

Returns:
    The shape of B in the broadcast batch.

Raises:
    ValueError: the shapes do not fit.
    TypeError: pivots of another dtype.

Example:
    >>> LU, pivots = plait.linalg.lu_factor(plait.tensor([[0., 2.], [1., 3.]]))
    >>> plait.linalg.lu_solve(LU, pivots, plait.tensor([[2.], [4.]]))
    tensor([[1.],
            [1.]]))"},
    {"lu_solve(Tensor input, Tensor LU_data, Tensor LU_pivots) -> Tensor", "fmoc", PLAIT_BOX(lu_solve_old),
     R"(The solution X of A X = B by the LU factors of A; the older form of `linalg.lu_solve`.

Args:
    input: the right side B, (*, n, k).
    LU_data: the factors, (*, n, n).
    LU_pivots: the pivots, (*, n), int32.

Raises:
    ValueError: the shapes do not fit.

Example:
    >>> LU, pivots = plait.linalg.lu_factor(plait.tensor([[0., 2.], [1., 3.]]))
    >>> plait.lu_solve(plait.tensor([[2.], [4.]]), LU, pivots)
    tensor([[1.],
            [1.]]))"},
    {"lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> "
     "(Tensor P, Tensor L, Tensor U)",
     "fco", PLAIT_BOX(unpack),
     R"(The matrices P, L and U of LU factors.

Args:
    LU_data: the factors, (*, m, n).
    LU_pivots: the pivots, (*, min(m, n)), int32.
    unpack_data: make L and U; they are empty otherwise.
    unpack_pivots: make P; it is empty otherwise.

Returns:
    A named tuple, with k = min(m, n): P (*, m, m), L (*, m, k) and U (*, k, n).

Raises:
    ValueError: the shapes do not fit.

Example:
    >>> plait.lu_unpack(*plait.linalg.lu_factor(plait.tensor([[0., 2.], [1., 3.]]))).P
    tensor([[0., 1.],
            [1., 0.]]))"},
};

}  // namespace
}  // namespace plait
