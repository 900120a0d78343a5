// SPDX-License-Identifier: MIT
// The contract of the op table: a signature that does not say what its function takes and returns is refused.
// The compiler runs the same check on every entry; here it runs at run time, where a refusal can be seen.
#include "ops/registry.h"

#include <string>

#include "check.h"

namespace plait {
namespace {

Tensor scaled(const Tensor& x, double factor, std::optional<int64_t>) { return factor > 0 ? x : Tensor(); }
std::tuple<Tensor, Tensor> sorted(const Tensor& x, bool) { return {x, x}; }
void step(const std::vector<Tensor>&, IntSpan) {}
TensorMaybePair pooled(const Tensor& x, std::string_view) { return {x, {}}; }

// The message of the refusal; empty when there is none.
std::string refusal(const char* signature, BoxedOp op) {
  try {
    check_signature(signature, *op.type);
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

void accepts(const char* signature, BoxedOp op) {
  const std::string message = refusal(signature, op);
  TEST_CHECK(message.empty(), "%s: %s", signature, message.c_str());
}

// Refused, with a message that holds all three texts.
void refuses(const char* signature, BoxedOp op, const char* who, const char* says, const char* takes) {
  const std::string message = refusal(signature, op);
  const auto holds = [&](const char* text) { return message.find(text) != message.npos; };
  TEST_CHECK(holds(who) && holds(says) && holds(takes), "%s: '%s'", signature, message.c_str());
}

void test_accepted() {
  accepts("scaled(Tensor x, float factor, int? dim=None) -> Tensor", PLAIT_BOX(scaled));
  accepts("scaled(Operand x, float factor=2, int? dim=1, *, Device? device=None, any layout=None) -> Tensor",
          PLAIT_BOX(scaled));
  accepts("scaled(Tensor? x, *, float factor=inf, int? dim) -> Tensor", PLAIT_BOX(scaled));
  accepts("sorted(Tensor x, bool stable=False) -> (Tensor values, Tensor indices)", PLAIT_BOX(sorted));
  accepts("sorted(Tensor x, bool stable) -> (Tensor, Tensor)", PLAIT_BOX(sorted));
  accepts("step(Tensor?[] params, int[2] sizes=(1, 1)) -> ()", PLAIT_BOX(step));
  accepts("step(Tensor[] params, int?[2] sizes=1) -> ()", PLAIT_BOX(step));
  accepts("pooled(Tensor x, str mode='a, (b') -> Tensor | (Tensor, Tensor)", PLAIT_BOX(pooled));
}

void test_wrong_parameters() {
  refuses("scaled(Tensor x, int factor, int? dim) -> Tensor", PLAIT_BOX(scaled),
          "scaled: ", "'factor' as int,", "takes double");
  refuses("scaled(Tensor x, Scalar factor, int? dim) -> Tensor", PLAIT_BOX(scaled),
          "scaled: ", "'factor' as Scalar", "takes double");
  refuses("scaled(float factor, Tensor x, int? dim) -> Tensor", PLAIT_BOX(scaled),
          "scaled: ", "'factor' as float", "takes Tensor");
  refuses("scaled(Tensor x, float factor, int dim) -> Tensor", PLAIT_BOX(scaled), "scaled: ", "'dim' as int,",
          "takes optional<int64_t>");
  refuses("scaled(Tensor x, float? factor, int? dim) -> Tensor", PLAIT_BOX(scaled),
          "scaled: ", "'factor' as float?", "takes double");
  refuses("scaled(Tensor[] x, float factor, int? dim) -> Tensor", PLAIT_BOX(scaled),
          "scaled: ", "'x' as Tensor[]", "takes Tensor");
  refuses("step(Tensor[] params, int size) -> ()", PLAIT_BOX(step), "step: ", "'size' as int",
          "takes IntSpan");
}

void test_wrong_number() {
  refuses("scaled(Tensor x, float factor) -> Tensor", PLAIT_BOX(scaled), "scaled: ", "passes 2", "takes 3");
  refuses("sorted(Tensor x, bool stable, bool again) -> (Tensor, Tensor)", PLAIT_BOX(sorted),
          "sorted: ", "passes 3", "takes 2");
  refuses("sorted(Tensor x, any stable=False) -> (Tensor, Tensor)", PLAIT_BOX(sorted), "sorted: ", "passes 1",
          "takes 2");
}

void test_wrong_results() {
  refuses("scaled(Tensor x, float factor, int? dim) -> Tensor[]", PLAIT_BOX(scaled), "scaled: ", "Tensor[]",
          "returns Tensor");
  refuses("sorted(Tensor x, bool stable) -> Tensor", PLAIT_BOX(sorted), "sorted: ", "result Tensor,",
          "a tuple of 2");
  refuses("sorted(Tensor x, bool stable) -> (Tensor, Tensor, Tensor)", PLAIT_BOX(sorted),
          "sorted: ", "(Tensor, Tensor, Tensor)", "a tuple of 2");
  refuses("step(Tensor[] params, int[] sizes) -> Tensor", PLAIT_BOX(step), "step: ", "Tensor",
          "returns nothing");
  refuses("pooled(Tensor x, str mode) -> Tensor", PLAIT_BOX(pooled), "pooled: ", "result Tensor,",
          "Tensor or a tuple of 2");
}

void test_unreadable() {
  refuses("step(Tensor[] params, ints sizes) -> ()", PLAIT_BOX(step), "cannot read", "ints sizes", "step(");
  refuses("step(Tensor[] params, int[] sizes)", PLAIT_BOX(step), "cannot read", "", "step(");
  refuses("step(Tensor[] params, int[] sizes) -> Tensors", PLAIT_BOX(step), "cannot read", "'Tensors'",
          "step(");
  refuses("sorted(Tensor x, bool stable=0) -> (Tensor, Tensor)", PLAIT_BOX(sorted), "sorted: ", "'stable'",
          "default of another kind");
  refuses("sorted(Tensor x=None, bool stable=True) -> (Tensor, Tensor)", PLAIT_BOX(sorted), "sorted: ", "'x'",
          "default of another kind");
  refuses("step(Tensor[] params, int[] sizes=1) -> ()", PLAIT_BOX(step), "step: ", "'sizes'",
          "default of another kind");
}

int seen = 0;

void test_observer() {
  const Tensor x = Tensor::scalar(2.0);
  Arg args[3]{};
  args[0].kind = Arg::kTensor;
  args[0].tensor = &x;
  args[1].kind = Arg::kFloat;
  args[1].f = 2;
  const OpEntry op{"scaled(Tensor x, float factor, int? dim) -> Tensor", "p", PLAIT_BOX(scaled), ""};
  op_observer = [](const OpCall& call) {
    seen += std::string_view(call.op.signature).starts_with("scaled(") && call.args[1].f == 2 &&
            call.result.tensor.is_same(*call.args[0].tensor) && !call.out;
  };
  Result result;
  call_op(op, args, result);
  op_observer = nullptr;
  call_op(op, args, result);
  TEST_CHECK(seen == 1, "seen %d times", seen);
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  plait::test_accepted();
  plait::test_wrong_parameters();
  plait::test_wrong_number();
  plait::test_wrong_results();
  plait::test_unreadable();
  plait::test_observer();
  return plait::test::report("registry_test");
}
