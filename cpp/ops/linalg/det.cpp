// SPDX-License-Identifier: MIT
// Determinants, by LU factors.
#include <limits>

#include "autograd/op.h"
#include "ops/complex/complex.h"
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
void log_determinants(const LuFactors& f, T* sign, Real<T>* log) {
  const auto lu = matrices<const T>(f.lu);
  const Tensor odd = is_odd(f.pivots);
  for (int64_t b = 0; b < odd.numel(); ++b) {
    T s = odd.data<bool>()[b] ? T(-1) : T(1);
    Real<T> sum = 0;
    for (int64_t i = 0; i < lu.rows; ++i) {
      const T x = lu.matrix(b)[i * (lu.rows + 1)];
      const Real<T> size = std::abs(x);
      s *= size == 0 ? T(0) : x / size;
      sum += std::log(size);
    }
    sign[b] = s;
    log[b] = sum;
  }
}

// (d det / dA)^H for any A, by its singular values: the cofactors are conj(det(U V^H)) U diag(products of the
// other singular values) V^H, which does not divide by the determinant.
Tensor cofactors(const Tensor& a) {
  const auto [u, s, vh] = linalg_svd(a, false);
  const Tensor own = cast(identity_like(s), DType::kBool);
  const Tensor others = masked_fill(expand(unsqueeze(s, -2), a.shape()), own, 1);
  const Tensor sign = conj(linalg_det(matmul(u, vh)));
  return unsqueeze(unsqueeze(sign, -1), -1) * matmul(scale_columns(u, prod(others, -1)), vh);
}

struct Det {
  static constexpr OpMeta meta{"linalg.det"};
  static Tensor forward(OpContext& ctx, const Tensor& a) {
    const LuFactors f = factors_of_either(a);
    const Tensor det = Tensor::empty(batch_of(a), a.dtype());
    if (a.has_values()) {
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
  // gA = g conj(det) A^-H, and by cofactors where A is singular
  static Grads backward(OpContext& ctx, const Tensor& g) {
    const Tensor a = ctx.saved(0), scale = unsqueeze(unsqueeze(g, -1), -1);
    if (any_singular(ctx.saved(1))) return {scale * cofactors(a)};
    return {scale * unsqueeze(unsqueeze(conj(ctx.saved(2)), -1), -1) * adjoint(linalg_inv(a))};
  }

 private:
  static bool any_singular(const Tensor& info) {
    for (int64_t i = 0; info.has_values() && i < info.numel(); ++i) {
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
    if (a.has_values()) {
      dispatch_element(a.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        log_determinants<T>(f, sign.data<T>(), log.data<Real<T>>());
      });
    } else {
      set_all(sign, 1);
      set_all(log, 0);
    }
    ctx.save(a);
    ctx.save_result(sign, 0);
    return {sign, log};
  }
  // gA = (g - i Im(conj(gsign) sign)) A^-H; the sign of a real determinant is constant
  static Grads backward(OpContext& ctx, const Grads& gys) {
    Tensor g = gys[1];
    const Tensor a = ctx.saved(0);
    if (a.is_complex() && gys[0].defined()) {
      const Tensor turn = imag(conj(gys[0]) * ctx.saved(1));
      g = make_complex(g.defined() ? g : zeros_like(turn), neg(turn));
    }
    if (!g.defined()) return {Tensor()};
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
  const auto [sign, size] = apply<SlogDet>(a);
  if (a.is_complex()) return log(sign) + size;
  return where(eq(sign, -1), Scalar(std::numeric_limits<double>::quiet_NaN()).to_tensor(), size);
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
    A, input: (*, n, n), floating point or complex.

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
    A, input: (*, n, n), floating point or complex.

Returns:
    A named tuple: sign (*) and logabsdet (*).

Raises:
    ValueError: the matrices are not square.

Example:
    >>> plait.slogdet(plait.tensor([[1., 0.], [0., -1.]])).sign
    tensor(-1.))";

const RegisterOps kOps{
    {"linalg_det(Tensor A) -> Tensor", "soc", PLAIT_BOX(linalg_det), kDetDoc},
    {"det(Tensor input) -> Tensor", "fmc", PLAIT_BOX(linalg_det), kDetDoc},
    {"linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", "sco", PLAIT_BOX(linalg_slogdet),
     kSlogDetDoc},
    {"slogdet(Tensor input) -> (Tensor sign, Tensor logabsdet)", "fmco", PLAIT_BOX(linalg_slogdet),
     kSlogDetDoc},
    {"logdet(Tensor input) -> Tensor", "fmc", PLAIT_BOX(logdet),
     R"(The logarithm of a determinant: NaN where it is negative, -inf where it is 0.

Args:
    input: (*, n, n), floating point or complex.

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
