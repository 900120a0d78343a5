// SPDX-License-Identifier: MIT
// Determinants, by LU factors.
#include <limits>

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_common.h"
#include "ops/linalg/lu.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using namespace linalg;  // NOLINT: the helpers of this family

// The factors of A or of A^T, whichever lies in memory; both have the determinant of A.
LuFactors factors_of_either(const Tensor& a) {
  return lu_factors(a.is_contiguous() ? matrix_transpose(a) : a);
}

// Products of the diagonal with the sign of the exchanges, and the same as sign and logarithm.
template <class T>
void determinants(const LuFactors& f, T* det) {
  const auto lu = matrices<const T>(f.lu);
  const Tensor odd = is_odd(f.pivots);
  for (int64_t b = 0; b < odd.numel(); ++b) {
    T product = odd.data<bool>()[b] ? T(-1) : T(1);
    for (int64_t i = 0; i < lu.rows; ++i) product *= lu.matrix(b)[i * (lu.rows + 1)];
    det[b] = product;
  }
}
template <class T>
void log_determinants(const LuFactors& f, T* sign, T* log) {
  const auto lu = matrices<const T>(f.lu);
  const Tensor odd = is_odd(f.pivots);
  for (int64_t b = 0; b < odd.numel(); ++b) {
    T s = odd.data<bool>()[b] ? T(-1) : T(1), sum = 0;
    for (int64_t i = 0; i < lu.rows; ++i) {
      const T x = lu.matrix(b)[i * (lu.rows + 1)];
      s *= x > 0 ? T(1) : x < 0 ? T(-1) : x;
      sum += std::log(std::abs(x));
    }
    sign[b] = s;
    log[b] = sum;
  }
}

// d det / dA for any A, by its singular values: the cofactors are det(U V^H) U diag(products of the other
// singular values) V^H, which does not divide by the determinant.
Tensor cofactors(const Tensor& a) {
  const auto [u, s, vh] = linalg_svd(a, false);
  const Tensor own = cast(identity_like(s), DType::kBool);
  const Tensor others = masked_fill(expand(unsqueeze(s, -2), a.shape()), own, 1);
  const Tensor sign = linalg_det(matmul(u, vh));
  return unsqueeze(unsqueeze(sign, -1), -1) * matmul(scale_columns(u, prod(others, -1)), vh);
}

struct Det {
  static constexpr OpMeta meta{"linalg.det"};
  static Tensor forward(OpContext& ctx, const Tensor& a) {
    const LuFactors f = factors_of_either(a);
    const Tensor det = Tensor::empty(batch_of(a), a.dtype());
    if (a.numel()) {
      dispatch_element(a.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        determinants<T>(f, det.data<T>());
      });
    } else {
      set_all(det, 1);
    }
    ctx.save(a, f.info);
    ctx.save_result(det);
    return det;
  }
  // gA = conj(g det) A^-H, and by cofactors where A is singular
  static Grads backward(OpContext& ctx, const Tensor& g) {
    const Tensor a = ctx.saved(0), scale = unsqueeze(unsqueeze(g, -1), -1);
    if (any_singular(ctx.saved(1))) return {scale * cofactors(a)};
    return {scale * unsqueeze(unsqueeze(ctx.saved(2), -1), -1) * adjoint(linalg_inv(a))};
  }

 private:
  static bool any_singular(const Tensor& info) {
    for (int64_t i = 0; i < info.numel(); ++i) {
      if (info.data<int32_t>()[i]) return true;
    }
    return false;
  }
};

struct SlogDet {
  static constexpr OpMeta meta{"linalg.slogdet"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& a) {
    const LuFactors f = factors_of_either(a);
    const Tensor sign = Tensor::empty(batch_of(a), a.dtype());
    const Tensor log = Tensor::empty(batch_of(a), real_dtype(a.dtype()));
    if (a.numel()) {
      dispatch_element(a.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        log_determinants<T>(f, sign.data<T>(), log.data<T>());
      });
    } else {
      set_all(sign, 1);
      set_all(log, 0);
    }
    ctx.save(a);
    return {sign, log};
  }
  // gA = g A^-H; the sign is constant
  static Grads backward(OpContext& ctx, const Grads& gys) {
    const Tensor& g = gys[1];
    if (!g.defined()) return {Tensor()};
    const Tensor a = ctx.saved(0);
    const Tensor inverse = std::get<0>(linalg_inv_ex(a, false));
    return {unsqueeze(unsqueeze(g, -1), -1) * adjoint(inverse)};
  }
};

std::tuple<Tensor, Tensor> slogdet(const Tensor& a) {
  check_square("linalg.slogdet", a);
  return apply<SlogDet>(a);
}

Tensor logdet(const Tensor& a) {
  check_square("logdet", a);
  const auto [sign, log] = apply<SlogDet>(a);
  return where(eq(sign, -1), Scalar(std::numeric_limits<double>::quiet_NaN()).to_tensor(), log);
}

}  // namespace

Tensor linalg_det(const Tensor& a) {
  check_square("linalg.det", a);
  return apply<Det>(a);
}
std::tuple<Tensor, Tensor> linalg_slogdet(const Tensor& a) { return slogdet(a); }

namespace {

constexpr const char* kDetDoc =
    R"(The determinant of square matrices, by LU factors; 1 for matrices without elements.

The gradient is that of the cofactors where a matrix is singular.

Args:
    A, input: (*, n, n), float32 or float64.

Returns:
    (*).

Raises:
    ValueError: the matrices are not square.

Example:
    >>> plait.det(plait.tensor([[2., 1.], [1., 3.]]))
    tensor(5.))";

constexpr const char* kSlogDetDoc = R"(The sign of a determinant and the logarithm of its magnitude.

They do not overflow where the determinant does. A singular matrix gives 0 and -inf.

Args:
    A, input: (*, n, n), float32 or float64.

Returns:
    A named tuple: sign (*) and logabsdet (*).

Raises:
    ValueError: the matrices are not square.

Example:
    >>> plait.slogdet(plait.tensor([[1., 0.], [0., -1.]])).sign
    tensor(-1.))";

const RegisterOps kOps{
    {"linalg_det(Tensor A) -> Tensor", "so", PLAIT_BOX(linalg_det), kDetDoc},
    {"det(Tensor input) -> Tensor", "fm", PLAIT_BOX(linalg_det), kDetDoc},
    {"linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", "s", PLAIT_BOX(linalg_slogdet),
     kSlogDetDoc},
    {"slogdet(Tensor input) -> (Tensor sign, Tensor logabsdet)", "fm", PLAIT_BOX(linalg_slogdet),
     kSlogDetDoc},
    {"logdet(Tensor input) -> Tensor", "fm", PLAIT_BOX(logdet),
     R"(The logarithm of a determinant: NaN where it is negative, -inf where it is 0.

Args:
    input: (*, n, n), float32 or float64.

Returns:
    (*).

Raises:
    ValueError: the matrices are not square.

Example:
    >>> plait.logdet(plait.eye(2))
    tensor(0.))"},
};

}  // namespace
}  // namespace plait
