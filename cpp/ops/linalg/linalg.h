// SPDX-License-Identifier: MIT
// Linear algebra as C++ functions, recorded for backward. Matrices are the last two dimensions; the others
// are a batch, which broadcasts where there are two operands. Raises LinAlgError where a matrix has no
// decomposition, but for the functions that return `info`.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "core/tensor.h"

namespace plait {

// ---- Triangular factors (cholesky.cpp, lu.cpp) ----
Tensor linalg_cholesky(const Tensor& a, bool upper = false);
std::tuple<Tensor, Tensor> linalg_cholesky_ex(const Tensor& a, bool upper, bool check_errors);
Tensor cholesky_solve(const Tensor& b, const Tensor& l, bool upper = false);
std::tuple<Tensor, Tensor, Tensor> linalg_lu_factor_ex(const Tensor& a, bool pivot, bool check_errors);
std::tuple<Tensor, Tensor, Tensor> linalg_lu(const Tensor& a, bool pivot);  // P, L, U
Tensor linalg_lu_solve(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left, bool adjoint);

// ---- Systems (solve.cpp) ----
Tensor linalg_solve(const Tensor& a, const Tensor& b, bool left = true);
// Without the error for singular matrices.
Tensor solve_unchecked(const Tensor& a, const Tensor& b);
Tensor linalg_solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left = true,
                               bool unitriangular = false);
Tensor linalg_inv(const Tensor& a);
std::tuple<Tensor, Tensor> linalg_inv_ex(const Tensor& a, bool check_errors);

// ---- Determinants (det.cpp) ----
Tensor linalg_det(const Tensor& a);
std::tuple<Tensor, Tensor> linalg_slogdet(const Tensor& a);  // sign, log |det|

// ---- Orthogonal factors (qr.cpp, svd.cpp, eigh.cpp) ----
std::tuple<Tensor, Tensor> linalg_qr(const Tensor& a, std::string_view mode = "reduced");
Tensor linalg_householder_product(const Tensor& a, const Tensor& tau);
std::tuple<Tensor, Tensor, Tensor> linalg_svd(const Tensor& a, bool full_matrices = true);  // U, S, Vh
Tensor linalg_svdvals(const Tensor& a);
std::tuple<Tensor, Tensor> linalg_eigh(const Tensor& a, std::string_view uplo = "L");
std::tuple<Tensor, Tensor> linalg_eig(const Tensor& a);  // eigenvalues, vectors; complex
Tensor linalg_eigvalsh(const Tensor& a, std::string_view uplo = "L");

}  // namespace plait
