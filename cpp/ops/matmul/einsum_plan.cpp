// SPDX-License-Identifier: MIT
#include "ops/matmul/einsum_plan.h"

#include <algorithm>
#include <string>

namespace plait {
namespace {

constexpr int kLetters = 52;

int letter_label(std::string_view equation, char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  PLAIT_CHECK(c >= 'a' && c <= 'z', kValue,
              "einsum: expected letters, commas, '...' and '->' in the equation, got '", std::string(1, c),
              "' in '", equation, "'");
  return 26 + (c - 'a');
}

// One side's term: labels, and where an ellipsis stands (or -1).
struct Term {
  std::vector<int> labels;
  std::ptrdiff_t ellipsis = -1;
};

Term read_term(std::string_view equation, std::string_view text) {
  Term term;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text[i] == '.') {
      PLAIT_CHECK(text.substr(i, 3) == "..." && term.ellipsis < 0, kValue,
                  "einsum: expected at most one '...' per term, got '", text, "' in '", equation, "'");
      term.ellipsis = static_cast<std::ptrdiff_t>(term.labels.size());
      i += 2;
    } else {
      term.labels.push_back(letter_label(equation, text[i]));
    }
  }
  return term;
}

std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  for (size_t start = 0;;) {
    const size_t comma = text.find(',', start);
    terms.push_back(text.substr(start, comma == text.npos ? text.npos : comma - start));
    if (comma == text.npos) return terms;
    start = comma + 1;
  }
}

}  // namespace

EinsumPlan plan_einsum(std::string_view equation, const std::vector<Tensor>& operands) {
  PLAIT_CHECK(!operands.empty(), kValue, "einsum: expected at least one operand for '", equation, "'");
  const size_t arrow = equation.find("->");
  const std::string_view left = equation.substr(0, arrow);
  const std::vector<std::string_view> texts = split_terms(left);
  PLAIT_CHECK(texts.size() == operands.size(), kValue, "einsum: expected ", texts.size(),
              " operands for the equation '", equation, "', got ", operands.size());
  std::vector<Term> terms;
  int64_t ellipsis_dims = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    terms.push_back(read_term(equation, texts[i]));
    const Term& term = terms.back();
    const auto named = static_cast<int64_t>(term.labels.size());
    const bool fits = term.ellipsis >= 0 ? operands[i].dim() >= named : operands[i].dim() == named;
    PLAIT_CHECK(fits, kValue, "einsum: expected ", term.ellipsis >= 0 ? "at least " : "", named,
                " dimensions for '", texts[i], "' in '", equation, "', got operand ", i, " of shape ",
                operands[i].shape());
    if (term.ellipsis >= 0) ellipsis_dims = std::max(ellipsis_dims, operands[i].dim() - named);
  }
  EinsumPlan plan;
  plan.labels = kLetters + static_cast<int>(ellipsis_dims);
  // Dimensions under an ellipsis are aligned at its end, as in broadcasting.
  const auto expand = [&](const Term& term, int64_t under_ellipsis) {
    std::vector<int> labels = term.labels;
    if (term.ellipsis < 0) return labels;
    std::vector<int> dots;
    for (int64_t d = ellipsis_dims - under_ellipsis; d < ellipsis_dims; ++d) {
      dots.push_back(kLetters + static_cast<int>(d));
    }
    labels.insert(labels.begin() + term.ellipsis, dots.begin(), dots.end());
    return labels;
  };
  std::vector<int64_t> sizes(static_cast<size_t>(plan.labels), -1);
  std::vector<int> uses(static_cast<size_t>(plan.labels), 0);
  for (size_t i = 0; i < terms.size(); ++i) {
    const Tensor& x = operands[i];
    plan.inputs.push_back(expand(terms[i], x.dim() - static_cast<int64_t>(terms[i].labels.size())));
    for (int64_t d = 0; d < x.dim(); ++d) {
      const int label = plan.inputs[i][static_cast<size_t>(d)];
      int64_t& size = sizes[static_cast<size_t>(label)];
      ++uses[static_cast<size_t>(label)];
      const bool first_here =
          std::find(plan.inputs[i].begin(), plan.inputs[i].begin() + d, label) == plan.inputs[i].begin() + d;
      const bool fits = size < 0 || size == x.size(d) || (first_here && (size == 1 || x.size(d) == 1));
      PLAIT_CHECK(fits, kValue, "einsum: expected every dimension called '",
                  label < kLetters
                      ? std::string(1, static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26))
                      : std::string("..."),
                  "' in '", equation, "' to have one size, got ", size, " and ", x.size(d), " (operand ", i,
                  " of shape ", x.shape(), ")");
      if (size < 0 || size == 1) size = x.size(d);
    }
  }
  if (arrow == equation.npos) {  // implicit: the ellipsis, then letters that occur once, in order
    for (int64_t d = 0; d < ellipsis_dims; ++d) plan.output.push_back(kLetters + static_cast<int>(d));
    for (int label = 0; label < kLetters; ++label) {
      if (uses[static_cast<size_t>(label)] == 1) plan.output.push_back(label);
    }
    return plan;
  }
  const Term out = read_term(equation, equation.substr(arrow + 2));
  plan.output = expand(out, ellipsis_dims);
  for (size_t i = 0; i < plan.output.size(); ++i) {
    const int label = plan.output[i];
    PLAIT_CHECK(uses[static_cast<size_t>(label)] > 0, kValue,
                "einsum: expected the labels of the result to be in an operand, got '", equation, "'");
    PLAIT_CHECK(std::find(plan.output.begin(), plan.output.begin() + static_cast<std::ptrdiff_t>(i), label) ==
                    plan.output.begin() + static_cast<std::ptrdiff_t>(i),
                kValue, "einsum: expected every label of the result once, got '", equation, "'");
  }
  return plan;
}

}  // namespace plait
