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

  int64_t named() const { return static_cast<int64_t>(labels.size()); }
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

// The terms of the operands, checked against their numbers of dimensions.
std::vector<Term> read_terms(std::string_view equation, std::string_view left,
                             const std::vector<Tensor>& operands) {
  const std::vector<std::string_view> texts = split_terms(left);
  PLAIT_CHECK(texts.size() == operands.size(), kValue, "einsum: expected ", texts.size(),
              " operands for the equation '", equation, "', got ", operands.size());
  std::vector<Term> terms;
  for (size_t i = 0; i < texts.size(); ++i) {
    terms.push_back(read_term(equation, texts[i]));
    const Term& term = terms.back();
    const bool dots = term.ellipsis >= 0;
    const int64_t dims = operands[i].dim(), named = term.named();
    PLAIT_CHECK(dots ? dims >= named : dims == named, kValue, "einsum: expected ", dots ? "at least " : "",
                named, " dimensions for '", texts[i], "' in '", equation, "', got operand ", i, " of shape ",
                operands[i].shape());
  }
  return terms;
}

// The most dimensions under an ellipsis of an operand.
int64_t count_ellipsis_dims(const std::vector<Term>& terms, const std::vector<Tensor>& operands) {
  int64_t most = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].ellipsis >= 0) most = std::max(most, operands[i].dim() - terms[i].named());
  }
  return most;
}

// The labels of a term with those of the dimensions under its ellipsis, which are aligned at its end, as in
// broadcasting.
std::vector<int> expand(const Term& term, int64_t under_ellipsis, int64_t ellipsis_dims) {
  std::vector<int> labels = term.labels;
  if (term.ellipsis < 0) return labels;
  std::vector<int> dots;
  for (int64_t d = ellipsis_dims - under_ellipsis; d < ellipsis_dims; ++d) {
    dots.push_back(kLetters + static_cast<int>(d));
  }
  labels.insert(labels.begin() + term.ellipsis, dots.begin(), dots.end());
  return labels;
}

std::string label_name(int label) {
  if (label >= kLetters) return "...";
  return std::string(1, static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26));
}

// Whether labels[i] does not stand before i.
bool is_first(const std::vector<int>& labels, std::ptrdiff_t i) {
  return std::find(labels.begin(), labels.begin() + i, labels[static_cast<size_t>(i)]) == labels.begin() + i;
}

// Every label has one size over all operands, or 1 where it broadcasts. sizes[label] starts at -1.
void check_sizes(std::string_view equation, const std::vector<int>& labels, size_t operand, const Tensor& x,
                 std::vector<int64_t>& sizes) {
  for (int64_t d = 0; d < x.dim(); ++d) {
    const int label = labels[static_cast<size_t>(d)];
    int64_t& size = sizes[static_cast<size_t>(label)];
    const bool broadcasts = is_first(labels, d) && (size == 1 || x.size(d) == 1);
    PLAIT_CHECK(size < 0 || size == x.size(d) || broadcasts, kValue,
                "einsum: expected every dimension called '", label_name(label), "' in '", equation,
                "' to have one size, got ", size, " and ", x.size(d), " (operand ", operand, " of shape ",
                x.shape(), ")");
    if (size < 0 || size == 1) size = x.size(d);
  }
}

// Without an arrow: the ellipsis, then letters that occur once, in order.
std::vector<int> implicit_output(int64_t ellipsis_dims, const std::vector<int>& uses) {
  std::vector<int> output;
  for (int64_t d = 0; d < ellipsis_dims; ++d) output.push_back(kLetters + static_cast<int>(d));
  for (int label = 0; label < kLetters; ++label) {
    if (uses[static_cast<size_t>(label)] == 1) output.push_back(label);
  }
  return output;
}

std::vector<int> explicit_output(std::string_view equation, std::string_view right, int64_t ellipsis_dims,
                                 const std::vector<int>& uses) {
  std::vector<int> output = expand(read_term(equation, right), ellipsis_dims, ellipsis_dims);
  for (size_t i = 0; i < output.size(); ++i) {
    PLAIT_CHECK(uses[static_cast<size_t>(output[i])] > 0, kValue,
                "einsum: expected the labels of the result to be in an operand, got '", equation, "'");
    PLAIT_CHECK(is_first(output, static_cast<std::ptrdiff_t>(i)), kValue,
                "einsum: expected every label of the result once, got '", equation, "'");
  }
  return output;
}

}  // namespace

EinsumPlan plan_einsum(std::string_view equation, const std::vector<Tensor>& operands) {
  PLAIT_CHECK(!operands.empty(), kValue, "einsum: expected at least one operand for '", equation, "'");
  const size_t arrow = equation.find("->");
  const std::vector<Term> terms = read_terms(equation, equation.substr(0, arrow), operands);
  const int64_t ellipsis_dims = count_ellipsis_dims(terms, operands);
  EinsumPlan plan;
  plan.labels = kLetters + static_cast<int>(ellipsis_dims);
  std::vector<int64_t> sizes(static_cast<size_t>(plan.labels), -1);
  std::vector<int> uses(static_cast<size_t>(plan.labels), 0);
  for (size_t i = 0; i < terms.size(); ++i) {
    plan.inputs.push_back(expand(terms[i], operands[i].dim() - terms[i].named(), ellipsis_dims));
    check_sizes(equation, plan.inputs[i], i, operands[i], sizes);
    for (const int label : plan.inputs[i]) ++uses[static_cast<size_t>(label)];
  }
  plan.output = arrow == equation.npos
                    ? implicit_output(ellipsis_dims, uses)
                    : explicit_output(equation, equation.substr(arrow + 2), ellipsis_dims, uses);
  return plan;
}

}  // namespace plait
