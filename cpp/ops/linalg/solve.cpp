// SPDX-License-Identifier: MIT
// Systems of linear equations and inverses.
#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/linalg/lu.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/rearrange.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using namespace linalg;  // NOLINT: the helpers of this family

constexpr const char* kSingular = "the matrix is singular: the diagonal of U is zero at";

// ---- Triangular systems ----

Tensor triangle(const Tensor& g, bool upper, bool unit) {
  return upper ? triu(g, unit ? 1 : 0) : tril(g, unit ? -1 : 0);
}

// A X = B, B in the broadcast batch, A in its own.
struct SolveTriangular {
  static constexpr OpMeta meta{"linalg.solve_triangular"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b, bool upper, bool unit) {
    const Tensor x = columns_copy(b);
    if (x.has_values()) {
      // The rows of A are columns of A^T in the same memory.
      const bool by_rows = a.is_contiguous() && !matrix_transpose(a).is_contiguous();
      const Tensor m = by_rows ? a : as_columns(a);
      run(m, x, {.lower = by_rows == upper, .trans = by_rows ? Trans::kTranspose : Trans::kNo, .unit = unit});
    }
    ctx.save(a);
    ctx.save_result(x);
    return x;
  }
  // gB = A^-H gX, gA = -gB X^H within the triangle
  static Grads backward(OpContext& ctx, const Tensor& gx, bool upper, bool unit) {
    const Tensor a = ctx.saved(0), x = ctx.saved(1);
    const Tensor gb = linalg_solve_triangular(adjoint(a), gx, !upper, true, unit);
    return {ctx.needs_grad(0) ? triangle(neg(matmul(gb, adjoint(x))), upper, unit) : Tensor(), gb};
  }

 private:
  static void run(const Tensor& a, const Tensor& x, const TriangleOptions& options) {
    dispatch_element(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const Spread<T> s(a, x);
      linalg::solve_triangular<T>(s.a, options, s.b);
    });
  }
};

// ---- General systems ----

// A X = B: X and info.
struct Solve {
  static constexpr OpMeta meta{"linalg.solve"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& a, const Tensor& b) {
    const LuFactors f = lu_factors(a);
    const Tensor x = columns_copy(b);
    lu_solve_into(f, x, false);
    ctx.save(a, f.lu, f.pivots);
    ctx.save_result(x);
    return {x, f.info};
  }
  // gB = A^-H gX, gA = -gB X^H
  static Grads backward(OpContext& ctx, const Grads& gys) {
    if (!gys[0].defined()) return Grads(2);
    return gradients(ctx, linalg_solve(adjoint(ctx.saved(0)), gys[0]));
  }
  static Grads fused_backward(OpContext& ctx, const Grads& gys) {
    if (!gys[0].defined()) return Grads(2);
    const Tensor gb = columns_copy(gys[0]);
    lu_solve_into({ctx.saved(1), ctx.saved(2), {}}, gb, true);
    return gradients(ctx, gb);
  }

 private:
  static Grads gradients(OpContext& ctx, const Tensor& gb) {
    return {ctx.needs_grad(0) ? neg(matmul(gb, adjoint(ctx.saved(3)))) : Tensor(), gb};
  }
};

// A^-1 and info.
struct Inverse {
  static constexpr OpMeta meta{"linalg.inv"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& a) {
    // The inverse of A^T is that of A transposed: either order of the memory serves.
    const auto [lu, by_rows] = any_copy(a);
    const Tensor info = zeros(batch_of(a), DType::kInt32);
    const Tensor y = Tensor::empty_strided(a.shape(), lu.strides(), a.dtype());
    if (a.has_values()) {
      dispatch_element(a.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        linalg::inverse<T>(matrices<T>(lu), matrices<T>(y), info.data<int32_t>());
      });
    }
    ctx.save_result(y);
    return {y, info};
  }
  // gA = -Y^H gY Y^H
  static Grads backward(OpContext& ctx, const Grads& gys) {
    if (!gys[0].defined()) return {Tensor()};
    const Tensor yh = adjoint(ctx.saved(0));
    return {neg(matmul(yh, matmul(gys[0], yh)))};
  }
};

// ---- Arguments ----

// Whether B is a batch of vectors: one vector, or of A's shape without its last dimension.
bool is_vector(const Tensor& a, const Tensor& b) {
  return b.dim() == 1 ||
         (b.dim() == a.dim() - 1 && IntSpan(b.shape()).size() + 1 == IntSpan(a.shape()).size() &&
          b.shape() == Dims(IntSpan(a.shape()).first(static_cast<size_t>(a.dim() - 1))));
}

void check_system(const char* op, const Tensor& a, const Tensor& b, bool left) {
  check_square(op, a);
  check_same_dtype(op, a, b);
  PLAIT_CHECK(b.dim() >= 2, kValue, op, ": expected a right side of at least 2 dimensions, got shape ",
              b.shape());
  PLAIT_CHECK((left ? rows_of(b) : cols_of(b)) == rows_of(a), kValue, op, ": expected A and B to fit in ",
              left ? "A X = B" : "X A = B", ", got shapes ", a.shape(), " and ", b.shape());
}

// B in the batch that it and A broadcast to.
Tensor broadcast_right(const char* op, const Tensor& a, const Tensor& b) {
  const Dims batch = broadcast_shapes(op, batch_of(a), batch_of(b));
  return batch == Dims(batch_of(b)) ? b : expand(b, with_sizes(batch, {rows_of(b), cols_of(b)}));
}

std::tuple<Tensor, Tensor> solve_raw(const char* op, const Tensor& a, const Tensor& b, bool left) {
  check_square(op, a);
  if (is_vector(a, b)) {
    PLAIT_CHECK(left, kValue, op, ": expected a matrix B with left=False, got shape ", b.shape());
    check_system(op, a, unsqueeze(b, -1), true);
    auto [x, info] = apply<Solve>(a, broadcast_right(op, a, unsqueeze(b, -1)));
    return {squeeze(x, Dims{-1}), info};
  }
  check_system(op, a, b, left);
  if (left) return apply<Solve>(a, broadcast_right(op, a, b));
  // X A = B is A^T X^T = B^T.
  const Tensor at = matrix_transpose(a);
  auto [x, info] = apply<Solve>(at, broadcast_right(op, at, matrix_transpose(b)));
  return {matrix_transpose(x), info};
}

std::tuple<Tensor, Tensor> solve_ex(const Tensor& a, const Tensor& b, bool left, bool check_errors) {
  auto result = solve_raw("linalg.solve_ex", a, b, left);
  if (check_errors) check_info("linalg.solve_ex", std::get<1>(result), kSingular);
  return result;
}

std::tuple<Tensor, Tensor> triangular_solve(const Tensor& b, const Tensor& a, bool upper, bool transpose,
                                            bool unitriangular) {
  check_system("triangular_solve", a, b, true);
  const Tensor x = transpose ? linalg_solve_triangular(matrix_transpose(a), b, !upper, true, unitriangular)
                             : linalg_solve_triangular(a, b, upper, true, unitriangular);
  return {x, clone(a)};
}

}  // namespace

Tensor linalg_solve(const Tensor& a, const Tensor& b, bool left) {
  auto [x, info] = solve_raw("linalg.solve", a, b, left);
  check_info("linalg.solve", info, kSingular);
  return x;
}

Tensor solve_unchecked(const Tensor& a, const Tensor& b) {
  return std::get<0>(solve_raw("linalg.solve", a, b, true));
}

Tensor linalg_solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unitriangular) {
  check_system("linalg.solve_triangular", a, b, left);
  if (!left) {  // X A = B is A^T X^T = B^T
    return matrix_transpose(
        linalg_solve_triangular(matrix_transpose(a), matrix_transpose(b), !upper, true, unitriangular));
  }
  return apply<SolveTriangular>(a, broadcast_right("linalg.solve_triangular", a, b), upper, unitriangular);
}

std::tuple<Tensor, Tensor> linalg_inv_ex(const Tensor& a, bool check_errors) {
  check_square("linalg.inv", a);
  auto result = apply<Inverse>(a);
  if (check_errors) check_info("linalg.inv", std::get<1>(result), kSingular);
  return result;
}

Tensor linalg_inv(const Tensor& a) { return std::get<0>(linalg_inv_ex(a, true)); }

namespace {

constexpr const char* kInvDoc = R"(The inverse of square matrices.

To multiply by an inverse, `linalg.solve` is faster and more accurate.

Args:
    A, input: (*, n, n), floating point or complex.

Returns:
    (*, n, n).

Raises:
    LinAlgError: a matrix is singular; the message names the element of the batch.
    ValueError: the matrices are not square.

Example:
    >>> plait.inverse(plait.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]]))";

const RegisterOps kOps{
    {"linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", "soc", PLAIT_BOX(linalg_solve),
     R"(The solution X of A X = B, by LU factors with partial pivoting.

Args:
    A: (*, n, n), floating point or complex; batches broadcast.
    B: (*, n, k), or vectors: (n), or the shape of A without its last dimension.
    left: False solves X A = B, B (*, k, n).

Returns:
    The shape of B in the broadcast batch.

Raises:
    LinAlgError: a matrix is singular; the message names the element of the batch.
    ValueError: the shapes do not fit.

Example:
    >>> plait.linalg.solve(plait.tensor([[2., 0.], [0., 4.]]), plait.tensor([2., 2.]))
    tensor([1.0000, 0.5000]))"},
    {"linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, "
     "Tensor info)",
     "sco", PLAIT_BOX(solve_ex),
     R"(The solution X of A X = B, and for each matrix whether it is singular; see `solve`.

Args:
    A: (*, n, n), floating point or complex; batches broadcast.
    B: (*, n, k), or vectors: (n), or the shape of A without its last dimension.
    left: False solves X A = B.
    check_errors: raise for a singular matrix.

Returns:
    A named tuple: result, and info (*), int32: 0, or the number of a zero on the diagonal of U, from 1.

Raises:
    LinAlgError: with `check_errors`, a matrix is singular.
    ValueError: the shapes do not fit.

Example:
    >>> plait.linalg.solve_ex(plait.zeros(2, 2), plait.ones(2)).info
    tensor(1, dtype=plait.int32))"},
    {"linalg_solve_triangular(Tensor A, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) "
     "-> Tensor",
     "soc", PLAIT_BOX(linalg_solve_triangular),
     R"(The solution X of A X = B for triangular matrices A.

A zero on the diagonal gives infinities and NaN, no error.

Args:
    A: (*, n, n), floating point or complex; batches broadcast. The other half is not read.
    B: (*, n, k).
    upper: whether A is upper triangular.
    left: False solves X A = B, B (*, k, n).
    unitriangular: take the diagonal of A for ones.

Returns:
    The shape of B in the broadcast batch.

Raises:
    ValueError: the shapes do not fit.

Example:
    >>> plait.linalg.solve_triangular(plait.tensor([[2., 0.], [1., 1.]]), plait.tensor([[2.], [3.]]), upper=False)
    tensor([[1.],
            [2.]]))"},
    {"triangular_solve(Tensor input, Tensor A, bool upper=True, bool transpose=False, bool "
     "unitriangular=False) -> "
     "(Tensor solution, Tensor cloned_coefficient)",
     "fmco", PLAIT_BOX(triangular_solve),
     R"(The solution X of A X = B for triangular matrices A; the older form of `linalg.solve_triangular`.

Args:
    input: the right side B, (*, n, k).
    A: (*, n, n); batches broadcast.
    upper: whether A is upper triangular.
    transpose: solve A^T X = B.
    unitriangular: take the diagonal of A for ones.

Returns:
    A named tuple: solution and cloned_coefficient, a copy of A.

Raises:
    ValueError: the shapes do not fit.

Example:
    >>> plait.triangular_solve(plait.tensor([[2.], [3.]]), plait.eye(2)).solution
    tensor([[2.],
            [3.]]))"},
    {"linalg_inv(Tensor A) -> Tensor", "soc", PLAIT_BOX(linalg_inv), kInvDoc},
    {"inverse(Tensor input) -> Tensor", "fmoc", PLAIT_BOX(linalg_inv), kInvDoc},
    {"linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)", "sco",
     PLAIT_BOX(linalg_inv_ex),
     R"(The inverse of square matrices, and for each whether there is one.

Args:
    A: (*, n, n), floating point or complex.
    check_errors: raise for a singular matrix.

Returns:
    A named tuple: inverse, and info (*), int32: 0, or the number of a zero on the diagonal of U, from 1.

Raises:
    LinAlgError: with `check_errors`, a matrix is singular.
    ValueError: the matrices are not square.

Example:
    >>> plait.linalg.inv_ex(plait.zeros(2, 2)).info
    tensor(1, dtype=plait.int32))"},
};

}  // namespace
}  // namespace plait
