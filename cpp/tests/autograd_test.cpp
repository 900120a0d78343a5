// SPDX-License-Identifier: MIT
// Which form of an op's backward pass runs: toy ops that declare one, both or neither.
#include <cstring>
#include <string>

#include "autograd/engine.h"
#include "autograd/op.h"
#include "check.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"

namespace plait {
namespace {

int fused_runs = 0, recorded_runs = 0;

// y = x^2
struct Toy {
  static constexpr OpMeta meta{"toy"};
  static Tensor forward(OpContext& ctx, const Tensor& x, double) {
    ctx.save(x);
    return mul(x, x);
  }
};
struct FusedOnly : Toy {
  static constexpr OpMeta meta{"toy_fused", "use toy_both"};
  // gx = 2 gy x, with a kernel's result: no graph
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, double) {
    ++fused_runs;
    return {mul(detach(mul(gy, ctx.saved(0))), 2.0)};
  }
};
struct RecordedOnly : Toy {
  // gx = 2 gy x
  static Grads backward(OpContext& ctx, const Tensor& gy, double) {
    ++recorded_runs;
    return {mul(mul(gy, ctx.saved(0)), 2.0)};
  }
};
struct Both : FusedOnly {
  static Grads backward(OpContext& ctx, const Tensor& gy, double unused) {
    return RecordedOnly::backward(ctx, gy, unused);
  }
};

Tensor leaf(double value) {
  const Tensor x = Tensor::scalar(value, DType::kFloat64);
  set_requires_grad(x, true);
  return x;
}

Tensor gradient(const Tensor& y, const Tensor& x, bool create_graph) {
  const std::vector<Tensor> inputs{x};
  return run_backward(
      {y}, {},
      {.retain_graph = true, .create_graph = create_graph, .accumulate = false, .inputs = &inputs})[0];
}

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    TEST_CHECK(e.kind() == ErrorKind::kNotImplemented, "another kind: %s", e.what());
    return e.what();
  }
  return "";
}
bool contains(const std::string& text, const char* part) { return text.find(part) != text.npos; }

void test_fused_only() {
  const Tensor x = leaf(3), y = apply<FusedOnly>(x, 0.0);
  TEST_CHECK(gradient(y, x, false).item_as<double>() == 6, "2 x");
  TEST_CHECK(fused_runs == 1, "%d runs", fused_runs);
  const std::string message = message_of([&] { gradient(y, x, true); });
  TEST_CHECK(contains(message, "toy_fused"), "names the op: %s", message.c_str());
  TEST_CHECK(contains(message, "second derivative") && contains(message, "use toy_both"), "%s",
             message.c_str());
  TEST_CHECK(fused_runs == 1, "it ran under create_graph");
}

template <class Op>
void test_second_derivative(int fused, int recorded) {
  fused_runs = recorded_runs = 0;
  const Tensor x = leaf(3), y = apply<Op>(x, 0.0);
  TEST_CHECK(gradient(y, x, false).item_as<double>() == 6, "2 x");
  TEST_CHECK(fused_runs == fused && recorded_runs == 1 - fused, "%d and %d runs", fused_runs, recorded_runs);
  const Tensor g = gradient(y, x, true);
  TEST_CHECK(g.item_as<double>() == 6, "2 x");
  TEST_CHECK(fused_runs == fused && recorded_runs == recorded, "%d and %d runs", fused_runs, recorded_runs);
  TEST_CHECK(requires_grad(g), "a graph is wanted");
  TEST_CHECK(gradient(g, x, false).item_as<double>() == 2, "the second derivative");
}

void test_neither() {
  const Tensor x = leaf(3);
  const std::string message = message_of([&] { apply<Toy>(x, 0.0); });
  TEST_CHECK(contains(message, "toy: no derivative"), "%s", message.c_str());
  TEST_CHECK(apply<Toy>(detach(x), 0.0).item_as<double>() == 9, "without a gradient");
  NoGradGuard guard;
  TEST_CHECK(apply<Toy>(x, 0.0).item_as<double>() == 9, "under no_grad");
}

void test_in_place() {
  const Tensor x = leaf(3), y = mul(x, 1.0);
  apply_inplace<Both>(y, 0.0);
  TEST_CHECK(y.item_as<double>() == 9, "the value");
  TEST_CHECK(gradient(y, x, false).item_as<double>() == 6, "the old value is kept");
}

}  // namespace
}  // namespace plait

int main() {
  using namespace plait;
  test::require_isa();
  test_fused_only();
  test_second_derivative<RecordedOnly>(0, 2);
  test_second_derivative<Both>(1, 1);
  test_neither();
  test_in_place();
  return test::report("autograd_test");
}
