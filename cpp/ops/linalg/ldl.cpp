// SPDX-License-Identifier: MIT
// L D L^T factors of symmetric matrices that need not be positive-definite.
#include <cstdlib>

#include "autograd/op.h"
#include "ops/create/create.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/rearrange/rearrange.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using namespace linalg;  // NOLINT: the helpers of this family
using Factors = std::tuple<Tensor, Tensor, Tensor>;

// By the lower half. It has no derivative.
struct LdlFactor {
  static constexpr OpMeta meta{"linalg.ldl_factor"};
  static Factors forward(OpContext&, const Tensor& a, bool hermitian) {
    const Tensor ld = columns_copy(tril(a)), info = zeros(batch_of(a), DType::kInt32);
    const Tensor pivots = zeros(with_sizes(batch_of(a), {cols_of(a)}), DType::kInt32);
    if (a.has_values()) {
      dispatch_element(a.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        ldl_factor<T>(matrices<T>(ld), hermitian, pivots.data<int32_t>(), info.data<int32_t>());
      });
    }
    return {ld, pivots, info};
  }
};

struct LdlSolve {
  static constexpr OpMeta meta{"linalg.ldl_solve"};
  static Tensor forward(OpContext&, const Tensor& ld, const Tensor& pivots, const Tensor& b, bool hermitian) {
    const Tensor x = columns_copy(b);
    if (!x.has_values()) return x;
    const Tensor factors = as_columns(expand(ld, with_sizes(batch_of(b), {rows_of(ld), cols_of(ld)})));
    const Tensor order = contiguous(expand(pivots, with_sizes(batch_of(b), {rows_of(ld)})));
    dispatch_element(b.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      ldl_solve<T>(matrices<const T>(factors), order.data<int32_t>(), hermitian, matrices<T>(x));
    });
    return x;
  }
};

Factors ldl_factor_ex(const Tensor& a, bool hermitian, bool check_errors) {
  check_square("linalg.ldl_factor", a);
  auto result = apply<LdlFactor>(a, hermitian);
  if (check_errors) {
    check_info("linalg.ldl_factor", std::get<2>(result),
               "the matrix is singular: the diagonal of D is zero at");
  }
  return result;
}
std::tuple<Tensor, Tensor> ldl_factor_public(const Tensor& a, bool hermitian) {
  auto [ld, pivots, info] = ldl_factor_ex(a, hermitian, true);
  return {ld, pivots};
}

Tensor ldl_solve_public(const Tensor& ld, const Tensor& pivots, const Tensor& b, bool hermitian) {
  check_square("linalg.ldl_solve", ld);
  check_matrix("linalg.ldl_solve", b);
  check_same_dtype("linalg.ldl_solve", ld, b);
  PLAIT_CHECK(pivots.dtype() == DType::kInt32, kType, "linalg.ldl_solve: expected int32 pivots, got ",
              dtype_name(pivots.dtype()));
  PLAIT_CHECK(rows_of(b) == rows_of(ld) && pivots.shape() == with_sizes(batch_of(ld), {rows_of(ld)}), kValue,
              "linalg.ldl_solve: expected LD (*, n, n), pivots (*, n) and B (*, n, k), got shapes ",
              ld.shape(), ", ", pivots.shape(), " and ", b.shape());
  const Tensor order = contiguous(pivots);
  for (int64_t i = 0; order.has_values() && i < order.numel(); ++i) {
    const int64_t row = std::abs(static_cast<int64_t>(order.data<int32_t>()[i]));
    PLAIT_CHECK(row >= 1 && row <= rows_of(ld), kValue,
                "linalg.ldl_solve: expected pivots of magnitude 1 to ", rows_of(ld), ", got ", row);
  }
  const Dims batch = broadcast_shapes("linalg.ldl_solve", batch_of(ld), batch_of(b));
  return apply<LdlSolve>(ld, pivots, expand(b, with_sizes(batch, {rows_of(b), cols_of(b)})), hermitian);
}

constexpr const char* kFactorDoc = R"(The factors of symmetric matrices, A = L D L^T, by the lower half of A.

D has blocks of one and two rows on its diagonal (Bunch and Kaufman). There is no derivative.

Args:
    A: (*, n, n), floating point or complex.
    hermitian: for complex matrices: A = L D L^H.

Returns:
    A named tuple: LD (*, n, n), L below D, and pivots (*, n), int32, as LAPACK's sytrf gives them.

Raises:
    LinAlgError: D is singular.
    ValueError: the matrices are not square.
    RuntimeError: a tensor that requires grad.

Example:
    >>> plait.linalg.ldl_factor(plait.tensor([[2., 0.], [1., 1.]])).LD
    tensor([[2.0000, 0.0000],
            [0.5000, 0.5000]]))";

const RegisterOps kOps{
    {"linalg_ldl_factor(Tensor A, *, bool hermitian=False) -> (Tensor LD, Tensor pivots)", "sco",
     PLAIT_BOX(ldl_factor_public), kFactorDoc},
    {"linalg_ldl_factor_ex(Tensor A, *, bool hermitian=False, bool check_errors=False) -> "
     "(Tensor LD, Tensor pivots, Tensor info)",
     "sco", PLAIT_BOX(ldl_factor_ex),
     R"(The factors of symmetric matrices, and for each matrix whether D is singular; see `ldl_factor`.

Args:
    A: (*, n, n), floating point or complex.
    hermitian: for complex matrices: A = L D L^H.
    check_errors: raise for a singular D.

Returns:
    A named tuple: LD, pivots, and info (*), int32: 0, or the number of a zero on the diagonal of D, from 1.

Raises:
    LinAlgError: with `check_errors`, D is singular.
    ValueError: the matrices are not square.

Example:
    >>> plait.linalg.ldl_factor_ex(plait.zeros(2, 2)).info
    tensor(1, dtype=plait.int32))"},
    {"linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor", "soc",
     PLAIT_BOX(ldl_solve_public),
     R"(The solution X of A X = B by the L D L^T factors of A.

Args:
    LD: the factors that `ldl_factor` returns, (*, n, n).
    pivots: its pivots, (*, n), int32.
    B: (*, n, k); batches broadcast.
    hermitian: as in `ldl_factor`.

Returns:
    The shape of B in the broadcast batch.

Raises:
    ValueError: the shapes do not fit.
    RuntimeError: a tensor that requires grad.

Example:
    >>> LD, pivots = plait.linalg.ldl_factor(plait.tensor([[2., 0.], [1., 1.]]))
    >>> plait.linalg.ldl_solve(LD, pivots, plait.tensor([[3.], [2.]]))
    tensor([[1.],
            [1.]]))"},
};

}  // namespace
}  // namespace plait
