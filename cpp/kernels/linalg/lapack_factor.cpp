// SPDX-License-Identifier: MIT
// Triangular factors: Cholesky, LU, LDL^T, QR.
#include "kernels/linalg/lapack_call.h"

namespace plait::lapack {
namespace {

const char* half(bool lower) { return lower ? "L" : "U"; }

}  // namespace

template <class T>
int potrf(bool lower, int n, T* a, int ld) {
  static const Function<T, Char, Int, T*, Int, int*, Length> f("potrf");
  int info = 0;
  f(half(lower), &n, a, &ld, &info, 1);
  return info;
}

template <class T>
int potri(bool lower, int n, T* a, int ld) {
  static const Function<T, Char, Int, T*, Int, int*, Length> f("potri");
  int info = 0;
  f(half(lower), &n, a, &ld, &info, 1);
  return info;
}

template <class T>
int getrf(int m, int n, T* a, int ld, int32_t* pivots) {
  static const Function<T, Int, Int, T*, Int, int32_t*, int*> f("getrf");
  int info = 0;
  f(&m, &n, a, &ld, pivots, &info);
  return info;
}

template <class T>
void trtrs(bool lower, char trans, bool unit, int n, int k, const T* a, int ld, T* b, int ldb) {
  // trtrs checks for zeros on the diagonal; a division by them is to give infinity.
  static const Function<T, Char, Char, Char, Char, Int, Int, const T*, const T*, Int, T*, Int, Length, Length,
                        Length, Length>
      f("trsm");
  const T one(1);
  f("L", half(lower), &trans, unit ? "U" : "N", &n, &k, &one, a, &ld, b, &ldb, 1, 1, 1, 1);
}

template <class T>
int geqrf(int m, int n, T* a, int ld, T* tau) {
  static const Function<T, Int, Int, T*, Int, T*, T*, Int, int*> f("geqrf");
  int info = 0, size = -1;
  T wanted{};
  f(&m, &n, a, &ld, tau, &wanted, &size, &info);
  size = work_size(wanted);
  f(&m, &n, a, &ld, tau, Scratch<T>(size), &size, &info);
  return info;
}

template <class T>
int orgqr(int m, int n, int k, T* a, int ld, const T* tau) {
  static const Function<T, Int, Int, Int, T*, Int, const T*, T*, Int, int*> f("orgqr", "ungqr");
  int info = 0, size = -1;
  T wanted{};
  f(&m, &n, &k, a, &ld, tau, &wanted, &size, &info);
  size = work_size(wanted);
  f(&m, &n, &k, a, &ld, tau, Scratch<T>(size), &size, &info);
  return info;
}

template <class T>
int ormqr(bool left, bool trans, int m, int n, int k, const T* a, int ld, const T* tau, T* c, int ldc) {
  static const Function<T, Char, Char, Int, Int, Int, const T*, Int, const T*, T*, Int, T*, Int, int*, Length,
                        Length>
      f("ormqr", "unmqr");
  const char* side = left ? "L" : "R";
  const char* op = !trans ? "N" : kComplex<T> ? "C" : "T";
  int info = 0, size = -1;
  T wanted{};
  f(side, op, &m, &n, &k, a, &ld, tau, c, &ldc, &wanted, &size, &info, 1, 1);
  size = work_size(wanted);
  f(side, op, &m, &n, &k, a, &ld, tau, c, &ldc, Scratch<T>(size), &size, &info, 1, 1);
  return info;
}

template <class T>
int sytrf(bool lower, bool hermitian, int n, T* a, int ld, int32_t* pivots) {
  using F = Function<T, Char, Int, T*, Int, int32_t*, T*, Int, int*, Length>;
  static const F symmetric("sytrf"), adjoint("sytrf", "hetrf");
  const F& f = hermitian ? adjoint : symmetric;
  int info = 0, size = -1;
  T wanted{};
  f(half(lower), &n, a, &ld, pivots, &wanted, &size, &info, 1);
  size = work_size(wanted);
  f(half(lower), &n, a, &ld, pivots, Scratch<T>(size), &size, &info, 1);
  return info;
}

template <class T>
int sytrs(bool lower, bool hermitian, int n, int k, const T* a, int ld, const int32_t* pivots, T* b,
          int ldb) {
  using F = Function<T, Char, Int, Int, const T*, Int, const int32_t*, T*, Int, int*, Length>;
  static const F symmetric("sytrs"), adjoint("sytrs", "hetrs");
  int info = 0;
  (hermitian ? adjoint : symmetric)(half(lower), &n, &k, a, &ld, pivots, b, &ldb, &info, 1);
  return info;
}

#define PLAIT_INSTANTIATE(T)                                                          \
  template int potrf<T>(bool, int, T*, int);                                          \
  template int potri<T>(bool, int, T*, int);                                          \
  template int getrf<T>(int, int, T*, int, int32_t*);                                 \
  template void trtrs<T>(bool, char, bool, int, int, const T*, int, T*, int);         \
  template int geqrf<T>(int, int, T*, int, T*);                                       \
  template int orgqr<T>(int, int, int, T*, int, const T*);                            \
  template int ormqr<T>(bool, bool, int, int, int, const T*, int, const T*, T*, int); \
  template int sytrf<T>(bool, bool, int, T*, int, int32_t*);                          \
  template int sytrs<T>(bool, bool, int, int, const T*, int, const int32_t*, T*, int);
PLAIT_LAPACK_TYPES(PLAIT_INSTANTIATE)
#undef PLAIT_INSTANTIATE

}  // namespace plait::lapack
