// SPDX-License-Identifier: MIT
// Products of matrices and vectors, and their sums with a third tensor.
#include "ops/matmul/matmul.h"

#include "autograd/op.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/matmul/matmul_run.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// alpha * (a b), by the op MatMul.
Tensor scaled_product(const Tensor& a, const Tensor& b, double alpha);

// Keeps each operand only if the other one's gradient asks for it.
void save_operands(OpContext& ctx, const Tensor& a, const Tensor& b, size_t first_input) {
  if (!ctx.recording()) return;
  ctx.save(ctx.needs_grad(first_input + 1) ? a : Tensor(), ctx.needs_grad(first_input) ? b : Tensor());
}

// y = alpha * (a b): ga = alpha * gy b^H, gb = alpha * a^H gy, where vectors are matrices of one row (a) or
// one column (b). They come in the broadcast shapes; the engine sums them to the operands' own.
Grads product_gradients(OpContext& ctx, const Tensor& gy, double alpha, size_t first_input) {
  const auto as_matrix = [&](int64_t a_dim, int64_t b_dim) {
    const Tensor g = b_dim == 1 ? unsqueeze(gy, -1) : gy;
    return a_dim == 1 ? unsqueeze(g, -2) : g;
  };
  Grads gs(2);
  if (ctx.needs_grad(first_input)) {
    const Tensor b = conj(ctx.saved(1));
    const int64_t a_dim = ctx.input_shape(first_input).size(), b_dim = b.dim();
    const Tensor g = as_matrix(a_dim, b_dim);
    gs[0] = scaled_product(g, matrix_transpose(b_dim == 1 ? unsqueeze(b, -1) : b), alpha);
    if (a_dim == 1) gs[0] = squeeze(gs[0], Dims{-2});
  }
  if (ctx.needs_grad(first_input + 1)) {
    Tensor a = conj(ctx.saved(0));
    const int64_t a_dim = a.dim(), b_dim = ctx.input_shape(first_input + 1).size();
    Tensor g = as_matrix(a_dim, b_dim);
    if (a_dim == 1) a = unsqueeze(a, 0);
    if (b_dim <= 2 && a_dim > 2) {  // one right matrix for the whole batch: one product sums over it
      a = flatten(a, 0, -2);
      g = flatten(g, 0, -2);
    }
    gs[1] = scaled_product(matrix_transpose(a), g, alpha);
    if (b_dim == 1) gs[1] = squeeze(gs[1], Dims{-1});
  }
  return gs;
}

struct MatMul {
  static constexpr OpMeta meta{"matmul"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b, const Dims& shape, double alpha) {
    save_operands(ctx, a, b, 0);
    const Tensor y = Tensor::empty(shape, a.dtype());
    run_product(y, a, b, {.alpha = alpha});
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims&, double alpha) {
    return product_gradients(ctx, gy, alpha, 0);
  }
};

Tensor scaled_product(const Tensor& a, const Tensor& b, double alpha) {
  return apply<MatMul>(a, b, product_shape("matmul", a, b), alpha);
}

// y = beta * x + alpha * (a b): gx = beta * gy.
struct AddProduct {
  static constexpr OpMeta meta{"addmm"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& a, const Tensor& b, const Dims& shape,
                        double beta, double alpha) {
    save_operands(ctx, a, b, 1);
    ProductOptions options{.alpha = alpha, .beta = beta};
    const Tensor& to = ctx.destination();
    if (to && to.is_contiguous() && !may_overlap(to, a) && !may_overlap(to, b)) {
      run_product(to, a, b, options);
      return to;
    }
    const Tensor y = Tensor::empty(shape, a.dtype());
    if (beta == 1 && x.dim() == 1 && shape.size() > 1 && x.size(0) == shape.back() && x.is_contiguous()) {
      options.bias = x;
      options.beta = 0;
    } else if (beta != 0) {
      copy_into(y, x);
    }
    run_product(y, a, b, options);
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims&, double beta, double alpha) {
    Grads gs = product_gradients(ctx, gy, alpha, 1);
    Tensor gx;
    if (ctx.needs_grad(0)) {  // beta * gy as a product with a 1 x 1 matrix
      gx = gy;
      if (beta != 1) {
        const Tensor factor = reshape(Tensor::scalar(beta, gy.dtype()), Dims{1, 1});
        gx = reshape(scaled_product(reshape(gy, Dims{gy.numel(), 1}), factor, 1), gy.shape());
      }
    }
    return {gx, gs[0], gs[1]};
  }
};

void check_factor(const char* op, const char* name, Scalar value, const Tensor& a) {
  PLAIT_CHECK(!value.is_complex() || a.is_complex(), kType, op, ": expected a real ", name, " for ",
              dtype_name(a.dtype()), " tensors, got a complex one");
  PLAIT_CHECK(!value.is_float() || a.is_differentiable(), kType, op, ": expected an integer ", name, " for ",
              dtype_name(a.dtype()), " tensors, got ", value.to_double());
}

// The checks of beta * x + alpha * (a b); returns the result's shape.
Dims add_product_shape(const char* op, const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta,
                       Scalar alpha) {
  const Dims shape = product_shape(op, a, b);
  check_dtypes(op, x, a);
  check_factor(op, "beta", beta, a);
  check_factor(op, "alpha", alpha, a);
  PLAIT_CHECK(x.dim() <= shape.size() && broadcast_shapes(op, x.shape(), shape) == shape, kValue, op,
              ": expected input to broadcast to the product's shape ", shape, ", got ", x.shape());
  return shape;
}

// A complex factor is multiplied into an operand first; 1 remains.
Scalar real_factor(const Scalar& s) { return s.is_complex() ? Scalar(1) : s; }

Tensor add_product(const char* op, const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta,
                   Scalar alpha) {
  const Dims shape = add_product_shape(op, x, a, b, beta, alpha);
  if (beta.is_complex() || alpha.is_complex()) {
    return add_product(op, beta.is_complex() ? mul(x, beta) : x, alpha.is_complex() ? mul(a, alpha) : a, b,
                       real_factor(beta), real_factor(alpha));
  }
  return apply<AddProduct>(x, a, b, shape, beta.to_double(), alpha.to_double());
}
Tensor add_product_(const char* op, const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta,
                    Scalar alpha) {
  const Dims shape = add_product_shape(op, x, a, b, beta, alpha);
  PLAIT_CHECK(x.shape() == shape, kValue, op, ": expected a tensor of the product's shape ", shape, ", got ",
              x.shape());
  if (beta.is_complex() || alpha.is_complex()) {
    return copy_(x, add_product(op, x, a, b, beta, alpha));
  }
  return apply_inplace<AddProduct>(x, a, b, shape, beta.to_double(), alpha.to_double());
}

void check_dims(const char* op, const char* name, const Tensor& x, int64_t dims) {
  PLAIT_CHECK(x.dim() == dims, kValue, op, ": expected ", name, " to have ", dims, " dimension",
              dims == 1 ? "" : "s", ", got shape ", x.shape());
}
void check_batch(const char* op, const Tensor& a, const Tensor& b) {
  check_dims(op, "the first tensor", a, 3);
  check_dims(op, "the second tensor", b, 3);
  PLAIT_CHECK(a.size(0) == b.size(0), kValue, op, ": expected batches of one size, got shapes ", a.shape(),
              " and ", b.shape(), "\nhint: matmul() broadcasts batches");
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) { return scaled_product(a, b, 1); }

Tensor mm(const Tensor& a, const Tensor& b) {
  check_dims("mm", "input", a, 2);
  check_dims("mm", "mat2", b, 2);
  return apply<MatMul>(a, b, product_shape("mm", a, b), 1.0);
}
Tensor bmm(const Tensor& a, const Tensor& b) {
  check_batch("bmm", a, b);
  return apply<MatMul>(a, b, product_shape("bmm", a, b), 1.0);
}
Tensor mv(const Tensor& a, const Tensor& x) {
  check_dims("mv", "input", a, 2);
  check_dims("mv", "vec", x, 1);
  return apply<MatMul>(a, x, product_shape("mv", a, x), 1.0);
}
Tensor dot(const Tensor& a, const Tensor& b) {
  check_dims("dot", "input", a, 1);
  check_dims("dot", "tensor", b, 1);
  if (a.is_complex() && a.shape() == b.shape() && a.dtype() == b.dtype()) return sum(mul(a, b));
  return apply<MatMul>(a, b, product_shape("dot", a, b), 1.0);
}

Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  check_dims("addmm", "mat1", a, 2);
  check_dims("addmm", "mat2", b, 2);
  return add_product("addmm", x, a, b, beta, alpha);
}
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  check_batch("baddbmm", a, b);
  return add_product("baddbmm", x, a, b, beta, alpha);
}
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& v, Scalar beta, Scalar alpha) {
  check_dims("addmv", "mat", a, 2);
  check_dims("addmv", "vec", v, 1);
  return add_product("addmv", x, a, v, beta, alpha);
}

namespace {

// The sum over the batch is a sum over a longer k: (m, b*k) (b*k, n).
std::pair<Tensor, Tensor> batch_as_depth(const char* op, const Tensor& a, const Tensor& b) {
  check_batch(op, a, b);
  product_shape(op, a, b);
  return {reshape(transpose(a, 0, 1), Dims{a.size(1), a.size(0) * a.size(2)}),
          reshape(b, Dims{b.size(0) * b.size(1), b.size(2)})};
}
Tensor addbmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  const auto [left, right] = batch_as_depth("addbmm", a, b);
  return add_product("addbmm", x, left, right, beta, alpha);
}
Tensor addr(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  check_dims("addr", "vec1", a, 1);
  check_dims("addr", "vec2", b, 1);
  return add_product("addr", x, unsqueeze(a, 1), unsqueeze(b, 0), beta, alpha);
}

Tensor vdot(const Tensor& a, const Tensor& b) {
  check_dims("vdot", "input", a, 1);
  return dot(conj(a), b);
}

Tensor addmm_(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  check_dims("addmm_", "mat1", a, 2);
  check_dims("addmm_", "mat2", b, 2);
  return add_product_("addmm_", x, a, b, beta, alpha);
}
Tensor baddbmm_(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  check_batch("baddbmm_", a, b);
  return add_product_("baddbmm_", x, a, b, beta, alpha);
}
Tensor addmv_(const Tensor& x, const Tensor& a, const Tensor& v, Scalar beta, Scalar alpha) {
  check_dims("addmv_", "mat", a, 2);
  check_dims("addmv_", "vec", v, 1);
  return add_product_("addmv_", x, a, v, beta, alpha);
}
Tensor addbmm_(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  const auto [left, right] = batch_as_depth("addbmm_", a, b);
  return add_product_("addbmm_", x, left, right, beta, alpha);
}
Tensor addr_(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  check_dims("addr_", "vec1", a, 1);
  check_dims("addr_", "vec2", b, 1);
  return add_product_("addr_", x, unsqueeze(a, 1), unsqueeze(b, 0), beta, alpha);
}

constexpr const char* kMatmulDoc = R"(The product of two tensors.

With two matrices (m, k) and (k, n): the matrix product (m, n). A 1-D `input` stands for one row, a 1-D `other`
for one column, and that dimension is left out of the result: two vectors give a 0-d dot product. Dimensions in
front of the last two are a batch and broadcast. Transposed and sliced operands are read in place. Sums run in
the dtype of the operands, in float32 for the 16-bit ones; integers wrap.

Raises:
    ValueError: shapes that do not fit.
    TypeError: operands of two dtypes.

Example:
    >>> a = plait.arange(6.).reshape(2, 3)
    >>> plait.matmul(a, a.mT)
    tensor([[ 5., 14.],
            [14., 50.]])
    >>> (plait.ones(5, 2, 3) @ plait.ones(3)).shape
    plait.Size([5, 2]))";

constexpr const char* kAddmmDoc = R"(beta * input + alpha * (mat1 @ mat2).

`mat1` is (m, k), `mat2` (k, n), and `input` broadcasts to (m, n). With beta=0, `input` is not read, so its NaN
do not spread. All three have one dtype; integer tensors need integer `beta` and `alpha`.

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.addmm(plait.tensor([1., 2.]), plait.ones(3, 4), plait.ones(4, 2), alpha=0.5)
    tensor([[3., 4.],
            [3., 4.],
            [3., 4.]]))";
constexpr const char* kBaddbmmDoc = R"(beta * input + alpha * (batch1 @ batch2), matrix by matrix.

`batch1` is (b, m, k), `batch2` (b, k, n), and `input` broadcasts to (b, m, n). With beta=0, `input` is not read.

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.baddbmm(plait.zeros(1), plait.ones(5, 2, 3), plait.ones(5, 3, 4)).shape
    plait.Size([5, 2, 4]))";
constexpr const char* kAddbmmDoc = R"(beta * input + alpha * the sum over i of batch1[i] @ batch2[i].

`batch1` is (b, m, k), `batch2` (b, k, n), and `input` broadcasts to (m, n).

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.addbmm(plait.zeros(1), plait.ones(5, 2, 3), plait.ones(5, 3, 1))
    tensor([[15.],
            [15.]]))";
constexpr const char* kAddmvDoc = R"(beta * input + alpha * (mat @ vec).

`mat` is (m, k), `vec` (k), and `input` broadcasts to (m). With beta=0, `input` is not read.

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.addmv(plait.ones(2), plait.ones(2, 3), plait.ones(3))
    tensor([4., 4.]))";
constexpr const char* kAddrDoc = R"(beta * input + alpha * the outer product of `vec1` and `vec2`.

`vec1` is (m), `vec2` (n), and `input` broadcasts to (m, n). With beta=0, `input` is not read.

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.addr(plait.zeros(2, 2), plait.tensor([1., 2.]), plait.tensor([3., 4.]))
    tensor([[3., 4.],
            [6., 8.]]))";
constexpr const char* kInPlaceDoc =
    R"(The op of the same name without the underscore, written into this tensor.

Example:
    >>> plait.zeros(2, 2).addmm_(plait.ones(2, 3), plait.ones(3, 2), alpha=2)
    tensor([[6., 6.],
            [6., 6.]]))";

const RegisterOps kOps{
    {"matmul(Tensor input, Tensor other) -> Tensor", "fmoc", PLAIT_BOX(matmul), kMatmulDoc},
    {"mm(Tensor input, Tensor mat2) -> Tensor", "fmoc", PLAIT_BOX(mm), R"(The product of two matrices.

(m, k) times (k, n) is (m, n). `matmul` also takes vectors and batches.

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.mm(plait.ones(2, 3), plait.ones(3, 1))
    tensor([[3.],
            [3.]]))"},
    {"bmm(Tensor input, Tensor mat2) -> Tensor", "fmoc", PLAIT_BOX(bmm),
     R"(The products of a batch of matrices.

(b, m, k) times (b, k, n) is (b, m, n). `matmul` broadcasts batches, this does not.

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.bmm(plait.ones(5, 2, 3), plait.ones(5, 3, 4)).shape
    plait.Size([5, 2, 4]))"},
    {"mv(Tensor input, Tensor vec) -> Tensor", "fmoc", PLAIT_BOX(mv), R"(The product of a matrix and a vector.

(m, k) times (k) is (m).

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.mv(plait.ones(2, 3), plait.ones(3))
    tensor([3., 3.]))"},
    {"dot(Tensor input, Tensor tensor) -> Tensor", "fmoc", PLAIT_BOX(dot),
     R"(The dot product of two vectors of one length.

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> plait.dot(plait.tensor([1., 2.]), plait.tensor([3., 4.]))
    tensor(11.))"},
    {"vdot(Tensor input, Tensor other) -> Tensor", "fmoc", PLAIT_BOX(vdot),
     R"(The dot product of two vectors with the first one conjugated; of real vectors the same as `dot`.

Example:
    >>> plait.vdot(plait.tensor([1., 2.]), plait.tensor([3., 4.]))
    tensor(11.))"},
    {"addmm(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "fmoc",
     PLAIT_BOX(addmm), kAddmmDoc},
    {"baddbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     "fmoc", PLAIT_BOX(baddbmm), kBaddbmmDoc},
    {"addbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "fmoc",
     PLAIT_BOX(addbmm), kAddbmmDoc},
    {"addmv(Tensor input, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "fmoc",
     PLAIT_BOX(addmv), kAddmvDoc},
    {"addr(Tensor input, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "fmoc",
     PLAIT_BOX(addr), kAddrDoc},
    {"addmm_(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "mc",
     PLAIT_BOX(addmm_), kInPlaceDoc},
    {"baddbmm_(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "mc",
     PLAIT_BOX(baddbmm_), kInPlaceDoc},
    {"addbmm_(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "mc",
     PLAIT_BOX(addbmm_), kInPlaceDoc},
    {"addmv_(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "fmc",
     PLAIT_BOX(addmv_), kInPlaceDoc},
    {"addr_(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", "mc",
     PLAIT_BOX(addr_), kInPlaceDoc},
};

}  // namespace
}  // namespace plait
