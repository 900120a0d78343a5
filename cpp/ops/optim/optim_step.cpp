// SPDX-License-Identifier: MIT
// The optimizers' steps, gradient norms and scaling, each over all its tensors. The functions check
// everything before they change anything; plait.optim keeps the state and calls them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "autograd/meta.h"
#include "kernels/optim/optim_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"

namespace plait {
namespace {

using Tensors = std::vector<Tensor>;

void check_floating(const char* op, const Tensor& t) {
  PLAIT_CHECK(t.is_differentiable(), kType, op, ": expected floating-point or complex tensors, got ",
              dtype_name(t.dtype()));
}
// The steps take real and imaginary parts for numbers of their own.
int64_t count_parts(const Tensor& t) { return t.is_complex() ? 2 * t.numel() : t.numel(); }

// A dense tensor with the memory order of `like`: t itself, or a copy of it that store_back() returns to t.
class DenseCopies {
 public:
  Tensor take(const Tensor& t, const Tensor& like, bool written) {
    if (t.strides() == like.strides() || (t.is_contiguous() && like.is_contiguous())) return t;
    Tensor copy = Tensor::empty_like(like, t.dtype());
    copy_into(copy, t);
    if (written) copies_.emplace_back(t, copy);
    return copy;
  }
  void store_back() {
    for (const auto& [t, copy] : copies_) copy_into(t, copy);
  }

 private:
  std::vector<std::pair<Tensor, Tensor>> copies_;
};

struct State {
  const char* name;
  const Tensors& tensors;
};

void check_step(const char* op, const Tensors& params, std::span<const State> states) {
  for (const State& s : states) {
    PLAIT_CHECK(s.tensors.size() == params.size(), kValue, op, ": expected ", params.size(), " tensors of ",
                s.name, ", got ", s.tensors.size());
  }
  for (size_t i = 0; i < params.size(); ++i) {
    const Tensor& p = params[i];
    check_floating(op, p);
    PLAIT_CHECK(!p.is_inference() || inference_mode_enabled(), kRuntime, op,
                ": Inplace update to inference tensor outside InferenceMode is not allowed (parameter ", i,
                ")");
    const AutogradMeta* meta = meta_of(p);
    PLAIT_CHECK(meta && meta->grad.defined(), kRuntime, op, ": expected a gradient of parameter ", i,
                " of shape ", p.shape(), ", got none");
    const auto check_like = [&](const char* name, const Tensor& t) {
      PLAIT_CHECK(t.shape() == p.shape(), kValue, op, ": expected ", name, " of the parameter's shape ",
                  p.shape(), ", got ", t.shape());
      PLAIT_CHECK(t.dtype() == p.dtype(), kType, op, ": expected ", name, " of the parameter's dtype ",
                  dtype_name(p.dtype()), ", got ", dtype_name(t.dtype()));
    };
    check_like("a gradient", meta->grad);
    for (const State& s : states) check_like(s.name, s.tensors[i]);
  }
}

// One step of `rule` on all parameters. `scalars_of(i)` gives the numbers for parameter i; it is called once
// for each, after all checks, and may count the parameter's steps up.
template <class ScalarsOf>
void step_all(const char* op, OptimRule rule, const Tensors& params, std::initializer_list<State> states,
              const OptimDecay& decay, ScalarsOf scalars_of) {
  check_step(op, params, states);
  std::vector<OptimItem> items;
  items.reserve(params.size());
  std::vector<decltype(scalars_of(0))> scalars(params.size());
  DenseCopies copies;
  Tensors kept;  // copies of gradients, alive until the step is done
  for (size_t i = 0; i < params.size(); ++i) {
    const Tensor& p = params[i];
    const Tensor like = is_dense(p) ? p : Tensor::empty(p.shape(), p.dtype());
    kept.push_back(copies.take(meta_of(p)->grad, like, false));
    scalars[i] = scalars_of(i);
    if (p.is_meta()) continue;
    items.push_back({.dtype = to_real(p.dtype()),
                     .args = {.param = copies.take(p, like, true).data_ptr(),
                              .grad = kept.back().data_ptr(),
                              .state = {},
                              .n = count_parts(p),
                              .decay = decay,
                              .scalars = &scalars[i]}});
    int k = 0;
    for (const State& s : states) {
      items.back().args.state[k++] = copies.take(s.tensors[i], like, true).data_ptr();
    }
  }
  optim_step(rule, items);
  copies.store_back();
  for (size_t i = 0; i < params.size(); ++i) {
    params[i].bump_version();
    for (const State& s : states) s.tensors[i].bump_version();
  }
}

// A 0-d tensor of state as a number, and back.
double get(const Tensor& t) { return t.item_as<double>(); }
void set(const Tensor& t, double value) {
  dispatch(t.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    *t.data<T>() = convert<T>(value);
  });
  t.bump_version();
}
void check_numbers(const char* op, const char* name, const Tensors& params, const Tensors& numbers) {
  PLAIT_CHECK(numbers.size() == params.size(), kValue, op, ": expected ", params.size(), " tensors of ", name,
              ", got ", numbers.size());
  for (const Tensor& t : numbers) {
    PLAIT_CHECK(t.numel() == 1, kValue, op, ": expected ", name, " of one element, got shape ", t.shape());
  }
}
double count_up(const Tensor& step) {
  const double t = get(step) + 1;
  set(step, t);
  return t;
}

// Of a rule that takes its weight decay through the gradient, or (decoupled) off the parameter.
OptimDecay coupled(double weight_decay, bool maximize) {
  return {.weight_decay = weight_decay, .maximize = maximize};
}
OptimDecay either_decay(double lr, double weight_decay, bool decoupled, bool maximize) {
  if (!decoupled) return coupled(weight_decay, maximize);
  return {.shrink = 1 - lr * weight_decay, .maximize = maximize};
}

void sgd_step(const Tensors& params, const Tensors& buffers, double lr, double momentum, double dampening,
              double weight_decay, bool nesterov, bool maximize) {
  const OptimDecay decay = coupled(weight_decay, maximize);
  if (momentum == 0) {
    step_all("sgd_step", OptimRule::kSgd, params, {}, decay, [&](size_t) { return SgdScalars{lr}; });
  } else {
    step_all("sgd_step", OptimRule::kSgdMomentum, params, {{"momentum_buffer", buffers}}, decay, [&](size_t) {
      return SgdMomentumScalars{.lr = lr, .momentum = momentum, .dampening = dampening, .nesterov = nesterov};
    });
  }
}

// What Adam and its relatives are given.
struct AdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled, maximize;

  OptimDecay decay() const { return either_decay(lr, weight_decay, decoupled, maximize); }
};
struct AdamState {
  const Tensors &exp_avgs, &exp_avg_sqs, &steps;
};

void adam_step(const Tensors& params, const AdamState& state, const Tensors& max_exp_avg_sqs,
               const AdamOptions& o) {
  const char* op = "adam_step";
  check_numbers(op, "step", params, state.steps);
  const auto scalars = [&](size_t i) {
    const double t = count_up(state.steps[i]);
    return AdamScalars{.step_size = o.lr / (1 - std::pow(o.beta1, t)),
                       .beta1 = o.beta1,
                       .beta2 = o.beta2,
                       .root_factor = 1 / std::sqrt(1 - std::pow(o.beta2, t)),
                       .eps = o.eps};
  };
  const State m{"exp_avg", state.exp_avgs}, v{"exp_avg_sq", state.exp_avg_sqs};
  if (max_exp_avg_sqs.empty()) {
    step_all(op, OptimRule::kAdam, params, {m, v}, o.decay(), scalars);
  } else {
    step_all(op, OptimRule::kAdamAmsgrad, params, {m, v, {"max_exp_avg_sq", max_exp_avg_sqs}}, o.decay(),
             scalars);
  }
}

void rmsprop_step(const Tensors& params, const Tensors& square_avgs, const Tensors& grad_avgs,
                  const Tensors& buffers, const Tensors& steps, const RmspropScalars& numbers,
                  const OptimDecay& decay) {
  const char* op = "rmsprop_step";
  check_numbers(op, "step", params, steps);
  const auto scalars = [&](size_t i) {
    count_up(steps[i]);
    return numbers;
  };
  const State v{"square_avg", square_avgs}, mean{"grad_avg", grad_avgs}, buffer{"momentum_buffer", buffers};
  if (grad_avgs.empty() && buffers.empty()) {
    step_all(op, OptimRule::kRmsprop, params, {v}, decay, scalars);
  } else if (grad_avgs.empty()) {
    step_all(op, OptimRule::kRmspropMomentum, params, {v, buffer}, decay, scalars);
  } else if (buffers.empty()) {
    step_all(op, OptimRule::kRmspropCentered, params, {v, mean}, decay, scalars);
  } else {
    step_all(op, OptimRule::kRmspropCenteredMomentum, params, {v, mean, buffer}, decay, scalars);
  }
}

void adagrad_step(const Tensors& params, const Tensors& sums, const Tensors& steps, double lr,
                  double lr_decay, double eps, double weight_decay, bool maximize) {
  check_numbers("adagrad_step", "step", params, steps);
  step_all("adagrad_step", OptimRule::kAdagrad, params, {{"sum", sums}}, coupled(weight_decay, maximize),
           [&](size_t i) {
             return AdagradScalars{.step_size = lr / (1 + (count_up(steps[i]) - 1) * lr_decay), .eps = eps};
           });
}

void adadelta_step(const Tensors& params, const Tensors& square_avgs, const Tensors& acc_deltas,
                   const Tensors& steps, double lr, double rho, double eps, double weight_decay,
                   bool maximize) {
  check_numbers("adadelta_step", "step", params, steps);
  step_all("adadelta_step", OptimRule::kAdadelta, params,
           {{"square_avg", square_avgs}, {"acc_delta", acc_deltas}}, coupled(weight_decay, maximize),
           [&](size_t i) {
             count_up(steps[i]);
             return AdadeltaScalars{.lr = lr, .rho = rho, .eps = eps};
           });
}

void adamax_step(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_infs,
                 const Tensors& steps, const AdamOptions& o) {
  check_numbers("adamax_step", "step", params, steps);
  step_all("adamax_step", OptimRule::kAdamax, params, {{"exp_avg", exp_avgs}, {"exp_inf", exp_infs}},
           o.decay(), [&](size_t i) {
             return AdamaxScalars{.step_size = o.lr / (1 - std::pow(o.beta1, count_up(steps[i]))),
                                  .beta1 = o.beta1,
                                  .beta2 = o.beta2,
                                  .eps = o.eps};
           });
}

// mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2) weighs the running mean of step t; the state keeps the
// product of all so far.
void nadam_step(const Tensors& params, const AdamState& state, const Tensors& mu_products,
                double momentum_decay, const AdamOptions& o) {
  check_numbers("nadam_step", "step", params, state.steps);
  check_numbers("nadam_step", "mu_product", params, mu_products);
  const auto mu = [&](double t) { return o.beta1 * (1 - 0.5 * std::pow(0.96, t * momentum_decay)); };
  step_all("nadam_step", OptimRule::kNadam, params,
           {{"exp_avg", state.exp_avgs}, {"exp_avg_sq", state.exp_avg_sqs}}, o.decay(), [&](size_t i) {
             const double t = count_up(state.steps[i]);
             set(mu_products[i], get(mu_products[i]) * mu(t));
             const double product = get(mu_products[i]);  // as rounded to the state's dtype
             return NadamScalars{.grad_step = o.lr * (1 - mu(t)) / (1 - product),
                                 .mean_step = o.lr * mu(t + 1) / (1 - product * mu(t + 1)),
                                 .beta1 = o.beta1,
                                 .beta2 = o.beta2,
                                 .root_factor = 1 / std::sqrt(1 - std::pow(o.beta2, t)),
                                 .eps = o.eps};
           });
}

void radam_step(const Tensors& params, const AdamState& state, const AdamOptions& o) {
  check_numbers("radam_step", "step", params, state.steps);
  step_all("radam_step", OptimRule::kRadam, params,
           {{"exp_avg", state.exp_avgs}, {"exp_avg_sq", state.exp_avg_sqs}}, o.decay(), [&](size_t i) {
             const double t = count_up(state.steps[i]);
             const double unbiased = 1 - std::pow(o.beta2, t);
             const double r_inf = 2 / (1 - o.beta2) - 1, r = r_inf - 2 * t * std::pow(o.beta2, t) / unbiased;
             RadamScalars s{.step_size = o.lr / (1 - std::pow(o.beta1, t)),
                            .beta1 = o.beta1,
                            .beta2 = o.beta2,
                            .eps = o.eps,
                            .is_rectified = r > 5};
             if (s.is_rectified) {
               s.step_size *=
                   std::sqrt((r - 4) * (r - 2) * r_inf / ((r_inf - 4) * (r_inf - 2) * r) * unbiased);
             }
             return s;
           });
}

void rprop_step(const Tensors& params, const Tensors& prevs, const Tensors& step_sizes, const Tensors& steps,
                const RpropScalars& numbers, bool maximize) {
  check_numbers("rprop_step", "step", params, steps);
  step_all("rprop_step", OptimRule::kRprop, params, {{"prev", prevs}, {"step_size", step_sizes}},
           coupled(0, maximize), [&](size_t i) {
             count_up(steps[i]);
             return numbers;
           });
}

struct AsgdState {
  const Tensors &averages, &etas, &mus, &steps;
};
struct AsgdOptions {
  double lr, lambd, alpha, t0, weight_decay;
  bool maximize;
};

void asgd_step(const Tensors& params, const AsgdState& state, const AsgdOptions& o) {
  check_numbers("asgd_step", "step", params, state.steps);
  check_numbers("asgd_step", "eta", params, state.etas);
  check_numbers("asgd_step", "mu", params, state.mus);
  step_all("asgd_step", OptimRule::kAsgd, params, {{"ax", state.averages}},
           coupled(o.weight_decay, o.maximize), [&](size_t i) {
             const double t = count_up(state.steps[i]), eta = get(state.etas[i]);
             const AsgdScalars s{.eta = eta, .keep = 1 - o.lambd * eta, .mu = get(state.mus[i])};
             set(state.etas[i], o.lr / std::pow(1 + o.lambd * o.lr * t, o.alpha));
             set(state.mus[i], 1 / std::max(1.0, t - o.t0));
             return s;
           });
}

// ---- Gradients as a whole ----

// The given tensors that have a gradient, as the same handles.
Tensors with_grad(const Tensors& tensors) {
  Tensors result;
  result.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    const AutogradMeta* meta = meta_of(t);
    if (meta && meta->grad.defined()) result.push_back(t);
  }
  return result;
}

void zero_grad(const Tensors& tensors, bool set_to_none) {
  for (const Tensor& t : tensors) {
    AutogradMeta* meta = meta_of(t);
    if (!meta || !meta->grad.defined()) continue;
    if (set_to_none) {
      meta->grad = Tensor();
      continue;
    }
    if (requires_grad(meta->grad)) meta->grad = detach(meta->grad);
    const Tensor& g = meta->grad;
    if (is_dense(g)) {
      set_zero(g);
    } else {
      copy_into(g, Tensor::scalar(0.0, g.dtype()));
    }
    g.bump_version();
  }
}

FloatArray array_of(const Tensor& dense) {
  return {to_real(dense.dtype()), dense.data_ptr(), count_parts(dense)};
}

// The elements of t in any order.
Tensor dense_of(DenseCopies& copies, const Tensor& t, bool written) {
  return copies.take(t, is_dense(t) ? t : Tensor::empty(t.shape(), t.dtype()), written);
}

bool any_meta(const Tensors& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return t.is_meta(); });
}

Tensor grad_norm(const Tensors& tensors, double p) {
  PLAIT_CHECK(p > 0, kValue, "grad_norm: expected norm_type > 0, got ", p);
  if (any_meta(tensors)) return Tensor::empty(IntSpan{}, to_real(tensors[0].dtype()));
  DenseCopies copies;
  Tensors dense;
  std::vector<FloatArray> arrays;
  DType dtype = to_real(tensors.empty() ? default_dtype() : tensors[0].dtype());
  for (const Tensor& t : tensors) {
    check_floating("grad_norm", t);
    dtype = promote_types(dtype, to_real(t.dtype()));
    // Squares of parts add up to those of absolute values; other powers do not.
    dense.push_back(dense_of(copies, t.is_complex() && p != 2 ? abs(detach(t)) : t, false));
    arrays.push_back(array_of(dense.back()));
  }
  return Tensor::scalar(norm_all(arrays, p), dtype);
}

void scale_tensors(const Tensors& tensors, double factor) {
  for (const Tensor& t : tensors) check_floating("scale_tensors", t);
  if (any_meta(tensors)) return;
  DenseCopies copies;
  Tensors dense;
  std::vector<FloatArray> arrays;
  for (const Tensor& t : tensors) {
    dense.push_back(dense_of(copies, t, true));
    arrays.push_back(array_of(dense.back()));
  }
  scale_all(arrays, factor);
  copies.store_back();
  for (const Tensor& t : tensors) t.bump_version();
}

// ---- the calls of plait.optim, whose arguments are positional ----

void call_adam(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_avg_sqs,
               const Tensors& max_exp_avg_sqs, const Tensors& steps, double lr, double beta1, double beta2,
               double eps, double weight_decay, bool decoupled, bool maximize) {
  adam_step(params, {exp_avgs, exp_avg_sqs, steps}, max_exp_avg_sqs,
            {lr, beta1, beta2, eps, weight_decay, decoupled, maximize});
}
void call_rmsprop(const Tensors& params, const Tensors& square_avgs, const Tensors& grad_avgs,
                  const Tensors& buffers, const Tensors& steps, double lr, double alpha, double eps,
                  double weight_decay, double momentum, bool maximize) {
  rmsprop_step(params, square_avgs, grad_avgs, buffers, steps,
               {.lr = lr, .alpha = alpha, .momentum = momentum, .eps = eps}, coupled(weight_decay, maximize));
}
void call_adamax(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_infs,
                 const Tensors& steps, double lr, double beta1, double beta2, double eps, double weight_decay,
                 bool maximize) {
  adamax_step(params, exp_avgs, exp_infs, steps, {lr, beta1, beta2, eps, weight_decay, false, maximize});
}
void call_nadam(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_avg_sqs,
                const Tensors& mu_products, const Tensors& steps, double lr, double beta1, double beta2,
                double eps, double weight_decay, double momentum_decay, bool decoupled, bool maximize) {
  nadam_step(params, {exp_avgs, exp_avg_sqs, steps}, mu_products, momentum_decay,
             {lr, beta1, beta2, eps, weight_decay, decoupled, maximize});
}
void call_radam(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_avg_sqs,
                const Tensors& steps, double lr, double beta1, double beta2, double eps, double weight_decay,
                bool decoupled, bool maximize) {
  radam_step(params, {exp_avgs, exp_avg_sqs, steps},
             {lr, beta1, beta2, eps, weight_decay, decoupled, maximize});
}
void call_rprop(const Tensors& params, const Tensors& prevs, const Tensors& step_sizes, const Tensors& steps,
                double eta_minus, double eta_plus, double step_min, double step_max, bool maximize) {
  rprop_step(params, prevs, step_sizes, steps, {eta_minus, eta_plus, step_min, step_max}, maximize);
}
void call_asgd(const Tensors& params, const Tensors& averages, const Tensors& etas, const Tensors& mus,
               const Tensors& steps, double lr, double lambd, double alpha, double t0, double weight_decay,
               bool maximize) {
  asgd_step(params, {averages, etas, mus, steps}, {lr, lambd, alpha, t0, weight_decay, maximize});
}

const RegisterOps kOps{
    {"sgd_step(Tensor[] params, Tensor[] momentum_buffers, float lr, float momentum, float dampening, "
     "float weight_decay, bool nesterov, bool maximize) -> ()",
     "pc", PLAIT_BOX(sgd_step),
     "One step of plait.optim.SGD on all parameters, from their "
     "gradients. momentum_buffers: [] if momentum is 0."},
    {"adam_step(Tensor[] params, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] max_exp_avg_sqs, "
     "Tensor[] steps, float lr, float beta1, float beta2, float eps, float weight_decay, bool decoupled, "
     "bool maximize) -> ()",
     "pc", PLAIT_BOX(call_adam),
     "One step of plait.optim.Adam and AdamW on all parameters. max_exp_avg_sqs: [] without amsgrad."},
    {"rmsprop_step(Tensor[] params, Tensor[] square_avgs, Tensor[] grad_avgs, Tensor[] momentum_buffers, "
     "Tensor[] steps, float lr, float alpha, float eps, float weight_decay, float momentum, bool maximize) "
     "-> "
     "()",
     "pc", PLAIT_BOX(call_rmsprop),
     "One step of plait.optim.RMSprop on all parameters. grad_avgs: [] unless centered; momentum_buffers: [] "
     "without momentum."},
    {"adagrad_step(Tensor[] params, Tensor[] sums, Tensor[] steps, float lr, float lr_decay, float eps, "
     "float weight_decay, bool maximize) -> ()",
     "pc", PLAIT_BOX(adagrad_step), "One step of plait.optim.Adagrad on all parameters."},
    {"adadelta_step(Tensor[] params, Tensor[] square_avgs, Tensor[] acc_deltas, Tensor[] steps, float lr, "
     "float rho, float eps, float weight_decay, bool maximize) -> ()",
     "pc", PLAIT_BOX(adadelta_step), "One step of plait.optim.Adadelta on all parameters."},
    {"adamax_step(Tensor[] params, Tensor[] exp_avgs, Tensor[] exp_infs, Tensor[] steps, float lr, "
     "float beta1, float beta2, float eps, float weight_decay, bool maximize) -> ()",
     "pc", PLAIT_BOX(call_adamax), "One step of plait.optim.Adamax on all parameters."},
    {"nadam_step(Tensor[] params, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] mu_products, "
     "Tensor[] steps, float lr, float beta1, float beta2, float eps, float weight_decay, "
     "float momentum_decay, bool decoupled, bool maximize) -> ()",
     "pc", PLAIT_BOX(call_nadam), "One step of plait.optim.NAdam on all parameters."},
    {"radam_step(Tensor[] params, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] steps, float lr, "
     "float beta1, float beta2, float eps, float weight_decay, bool decoupled, bool maximize) -> ()",
     "pc", PLAIT_BOX(call_radam), "One step of plait.optim.RAdam on all parameters."},
    {"rprop_step(Tensor[] params, Tensor[] prevs, Tensor[] step_sizes, Tensor[] steps, float eta_minus, "
     "float eta_plus, float step_min, float step_max, bool maximize) -> ()",
     "pc", PLAIT_BOX(call_rprop), "One step of plait.optim.Rprop on all parameters."},
    {"asgd_step(Tensor[] params, Tensor[] averages, Tensor[] etas, Tensor[] mus, Tensor[] steps, float lr, "
     "float lambd, float alpha, float t0, float weight_decay, bool maximize) -> ()",
     "pc", PLAIT_BOX(call_asgd), "One step of plait.optim.ASGD on all parameters."},
    {"with_grad(Tensor[] tensors) -> Tensor[]", "pc", PLAIT_BOX(with_grad),
     "The tensors that have a gradient, in order and as the same objects."},
    {"zero_grad(Tensor[] tensors, bool set_to_none=True) -> ()", "pc", PLAIT_BOX(zero_grad),
     "Drop the gradients of all tensors, or fill them with zeros."},
    {"grad_norm(Tensor[] tensors, float norm_type=2.0) -> Tensor", "pc", PLAIT_BOX(grad_norm),
     "The p-norm of all elements of all tensors as one vector: a 0-d tensor of their dtype, summed in "
     "float64 in chunks that do not depend on the number of threads. norm_type may be inf."},
    {"scale_tensors(Tensor[] tensors, float factor) -> ()", "pc", PLAIT_BOX(scale_tensors),
     "Multiply all tensors by a number in place, in one pass. Not recorded by autograd."},
};

}  // namespace
}  // namespace plait
