// SPDX-License-Identifier: MIT
// Singular values, eigenvalues and what is made of them: least squares.
#include <algorithm>
#include <vector>

#include "kernels/linalg/lapack_call.h"

namespace plait::lapack {
namespace {

// A function of work arrays is called twice: with lwork = -1 it reports their sizes. `call(work, lwork)`.
template <class T, class F>
int with_work(F call) {
  T wanted{};
  int info = call(&wanted, -1);
  if (info != 0) return info;
  const int size = work_size(wanted);
  return call(Scratch<T>(size), size);
}

}  // namespace

template <class T>
int gesdd(char job, int m, int n, T* a, int ld, Real<T>* s, T* u, int ldu, T* vh, int ldv, bool fall_back) {
  using R = Real<T>;
  const int64_t least = std::min(m, n), most = std::max(m, n);
  if (fall_back) {
    const Scratch<R> real_work(kComplex<T> ? 5 * least : 0);
    return with_work<T>([&](T* work, int size) {
      int info = 0;
      if constexpr (kComplex<T>) {
        static const Function<T, Char, Char, Int, Int, T*, Int, R*, T*, Int, T*, Int, T*, Int, R*, int*,
                              Length, Length>
            f("gesvd");
        f(&job, &job, &m, &n, a, &ld, s, u, &ldu, vh, &ldv, work, &size, real_work, &info, 1, 1);
      } else {
        static const Function<T, Char, Char, Int, Int, T*, Int, R*, T*, Int, T*, Int, T*, Int, int*, Length,
                              Length>
            f("gesvd");
        f(&job, &job, &m, &n, a, &ld, s, u, &ldu, vh, &ldv, work, &size, &info, 1, 1);
      }
      return info;
    });
  }
  const Scratch<int> int_work(8 * least);
  const Scratch<R> real_work(!kComplex<T> ? 0
                             : job == 'N' ? 7 * least
                                          : least * std::max(5 * least + 7, 2 * most + 2 * least + 1));
  return with_work<T>([&](T* work, int size) {
    int info = 0;
    if constexpr (kComplex<T>) {
      static const Function<T, Char, Int, Int, T*, Int, R*, T*, Int, T*, Int, T*, Int, R*, int*, int*, Length>
          f("gesdd");
      f(&job, &m, &n, a, &ld, s, u, &ldu, vh, &ldv, work, &size, real_work, int_work, &info, 1);
    } else {
      static const Function<T, Char, Int, Int, T*, Int, R*, T*, Int, T*, Int, T*, Int, int*, int*, Length> f(
          "gesdd");
      f(&job, &m, &n, a, &ld, s, u, &ldu, vh, &ldv, work, &size, int_work, &info, 1);
    }
    return info;
  });
}

template <class T>
int syevd(bool vectors, bool lower, int n, T* a, int ld, Real<T>* w) {
  using R = Real<T>;
  const char* job = vectors ? "V" : "N";
  const char* half = lower ? "L" : "U";
  const int int_size = vectors ? 3 + 5 * n : 1;
  const int real_size = vectors ? 1 + 5 * n + 2 * n * n : std::max(1, n);
  const Scratch<int> int_work(int_size);
  const Scratch<R> real_work(kComplex<T> ? real_size : 0);
  return with_work<T>([&](T* work, int size) {
    int info = 0;
    if constexpr (kComplex<T>) {
      static const Function<T, Char, Char, Int, T*, Int, R*, T*, Int, R*, Int, int*, Int, int*, Length,
                            Length>
          f("heevd");
      if (size < 0) {
        int query = -1;
        R reals = 0;
        int ints = 0;
        f(job, half, &n, a, &ld, w, work, &query, &reals, &query, &ints, &query, &info, 1, 1);
      } else {
        f(job, half, &n, a, &ld, w, work, &size, real_work, &real_size, int_work, &int_size, &info, 1, 1);
      }
    } else {
      static const Function<T, Char, Char, Int, T*, Int, R*, T*, Int, int*, Int, int*, Length, Length> f(
          "syevd");
      const int ints = size < 0 ? -1 : int_size;
      int reported = 0;
      f(job, half, &n, a, &ld, w, work, &size, size < 0 ? &reported : static_cast<int*>(int_work), &ints,
        &info, 1, 1);
    }
    return info;
  });
}

template <class T>
int sytrd(bool lower, int n, T* a, int ld, T* d, T* e, T* tau) {
  static const Function<T, Char, Int, T*, Int, T*, T*, T*, T*, Int, int*, Length> f("sytrd");
  return with_work<T>([&](T* work, int size) {
    int info = 0;
    f(lower ? "L" : "U", &n, a, &ld, d, e, tau, work, &size, &info, 1);
    return info;
  });
}

template <class T>
int stedc(int n, T* d, T* e, T* z, int ld) {
  if (!z) {
    static const Function<T, Int, T*, T*, int*> values("sterf");
    int info = 0;
    values(&n, d, e, &info);
    return info;
  }
  static const Function<T, Char, Int, T*, T*, T*, Int, T*, Int, int*, Int, int*, Length> f("stedc");
  const int int_size = 3 + 5 * n;
  const Scratch<int> int_work(int_size);
  return with_work<T>([&](T* work, int size) {
    int info = 0, reported = 0;
    const int ints = size < 0 ? -1 : int_size;
    f("I", &n, d, e, z, &ld, work, &size, size < 0 ? &reported : static_cast<int*>(int_work), &ints, &info,
      1);
    return info;
  });
}

template <class T>
int bdsdc(int n, T* d, T* e, T* u, int ldu, T* vt, int ldvt) {
  static const Function<T, Char, Char, Int, T*, T*, T*, Int, T*, Int, T*, int*, T*, int*, int*, Length,
                        Length>
      f("bdsdc");
  const auto size = static_cast<int64_t>(n);
  const Scratch<int> int_work(8 * size);
  const Scratch<T> work(u ? 3 * size * size + 4 * size : 4 * size);
  int info = 0, none = 0;
  T nothing{};
  f("U", u ? "I" : "N", &n, d, e, u ? u : &nothing, &ldu, vt ? vt : &nothing, &ldvt, &nothing, &none, work,
    int_work, &info, 1, 1);
  return info;
}

template <class T>
int geev(int n, T* a, int ld, std::complex<Real<T>>* w, std::complex<Real<T>>* v, int ldv) {
  using R = Real<T>;
  const char* job = v ? "V" : "N";
  const int one = 1;
  if constexpr (kComplex<T>) {
    static const Function<T, Char, Char, Int, T*, Int, T*, T*, Int, T*, Int, T*, Int, R*, int*, Length,
                          Length>
        f("geev");
    const Scratch<R> real_work(2 * n);
    return with_work<T>([&](T* work, int size) {
      int info = 0;
      f("N", job, &n, a, &ld, w, nullptr, &one, v, &ldv, work, &size, real_work, &info, 1, 1);
      return info;
    });
  } else {
    static const Function<T, Char, Char, Int, T*, Int, T*, T*, T*, Int, T*, Int, T*, Int, int*, Length,
                          Length>
        f("geev");
    const Scratch<T> re(n), im(n), vectors(v ? static_cast<int64_t>(n) * n : 0);
    const int info = with_work<T>([&](T* work, int size) {
      int result = 0;
      f("N", job, &n, a, &ld, re, im, nullptr, &one, vectors, &n, work, &size, &result, 1, 1);
      return result;
    });
    for (int j = 0; j < n; ++j) w[j] = {re[j], im[j]};
    // A pair of conjugate eigenvalues has one complex vector, in two columns: x + i y and x - i y.
    for (int j = 0; v && j < n; ++j) {
      const T* x = vectors + static_cast<int64_t>(j) * n;
      std::complex<R>* to = v + static_cast<int64_t>(j) * ldv;
      if (im[j] == 0) {
        std::copy(x, x + n, to);
      } else if (j + 1 < n) {
        for (int i = 0; i < n; ++i) {
          to[i] = {x[i], x[n + i]};
          to[ldv + i] = {x[i], -x[n + i]};
        }
        ++j;
      }
    }
    return info;
  }
}

template <class T>
int gels(int m, int n, int k, T* a, int ld, T* b, int ldb) {
  static const Function<T, Char, Int, Int, Int, T*, Int, T*, Int, T*, Int, int*, Length> f("gels");
  return with_work<T>([&](T* work, int size) {
    int info = 0;
    f("N", &m, &n, &k, a, &ld, b, &ldb, work, &size, &info, 1);
    return info;
  });
}

template <class T>
int gelsy(int m, int n, int k, T* a, int ld, T* b, int ldb, Real<T> rcond, int* rank) {
  using R = Real<T>;
  const Scratch<int> order(n);
  std::fill_n(static_cast<int*>(order), n, 0);
  const Scratch<R> real_work(kComplex<T> ? 2 * n : 0);
  return with_work<T>([&](T* work, int size) {
    int info = 0;
    if constexpr (kComplex<T>) {
      static const Function<T, Int, Int, Int, T*, Int, T*, Int, int*, const R*, int*, T*, Int, R*, int*> f(
          "gelsy");
      f(&m, &n, &k, a, &ld, b, &ldb, order, &rcond, rank, work, &size, real_work, &info);
    } else {
      static const Function<T, Int, Int, Int, T*, Int, T*, Int, int*, const R*, int*, T*, Int, int*> f(
          "gelsy");
      f(&m, &n, &k, a, &ld, b, &ldb, order, &rcond, rank, work, &size, &info);
    }
    return info;
  });
}

template <class T>
int gelss(bool divide, int m, int n, int k, T* a, int ld, T* b, int ldb, Real<T>* s, Real<T> rcond,
          int* rank) {
  using R = Real<T>;
  const int64_t least = std::max(1, std::min(m, n));
  // Bounds of the manual with smlsiz = 25, whose levels are at most 31.
  const int64_t levels = 32, tree = 26;
  const Scratch<int> int_work(divide ? 3 * least * levels + 11 * least : 0);
  const Scratch<R> real_work(!kComplex<T> ? 0
                             : divide ? 10 * n + 2 * n * tree + 8 * least * levels + 3 * tree * k +
                                            std::max(tree * tree, n * (1 + k) + 2 * static_cast<int64_t>(k)) +
                                            10 * m + 2 * m * tree
                                      : 5 * least);
  return with_work<T>([&](T* work, int size) {
    int info = 0;
    if constexpr (kComplex<T>) {
      static const Function<T, Int, Int, Int, T*, Int, T*, Int, R*, const R*, int*, T*, Int, R*, int*, int*>
          f("gelsd");
      static const Function<T, Int, Int, Int, T*, Int, T*, Int, R*, const R*, int*, T*, Int, R*, int*> g(
          "gelss");
      if (divide) {
        f(&m, &n, &k, a, &ld, b, &ldb, s, &rcond, rank, work, &size, real_work, int_work, &info);
      } else {
        g(&m, &n, &k, a, &ld, b, &ldb, s, &rcond, rank, work, &size, real_work, &info);
      }
    } else {
      static const Function<T, Int, Int, Int, T*, Int, T*, Int, R*, const R*, int*, T*, Int, int*, int*> f(
          "gelsd");
      static const Function<T, Int, Int, Int, T*, Int, T*, Int, R*, const R*, int*, T*, Int, int*> g("gelss");
      if (divide) {
        f(&m, &n, &k, a, &ld, b, &ldb, s, &rcond, rank, work, &size, int_work, &info);
      } else {
        g(&m, &n, &k, a, &ld, b, &ldb, s, &rcond, rank, work, &size, &info);
      }
    }
    return info;
  });
}

#define PLAIT_INSTANTIATE(T)                                                               \
  template int gesdd<T>(char, int, int, T*, int, Real<T>*, T*, int, T*, int, bool);        \
  template int syevd<T>(bool, bool, int, T*, int, Real<T>*);                               \
  template int geev<T>(int, T*, int, std::complex<Real<T>>*, std::complex<Real<T>>*, int); \
  template int gels<T>(int, int, int, T*, int, T*, int);                                   \
  template int gelsy<T>(int, int, int, T*, int, T*, int, Real<T>, int*);                   \
  template int gelss<T>(bool, int, int, int, T*, int, T*, int, Real<T>*, Real<T>, int*);
PLAIT_LAPACK_TYPES(PLAIT_INSTANTIATE)
#undef PLAIT_INSTANTIATE
template int sytrd<float>(bool, int, float*, int, float*, float*, float*);
template int sytrd<double>(bool, int, double*, int, double*, double*, double*);
template int bdsdc<float>(int, float*, float*, float*, int, float*, int);
template int bdsdc<double>(int, double*, double*, double*, int, double*, int);
template int stedc<float>(int, float*, float*, float*, int);
template int stedc<double>(int, double*, double*, double*, int);

}  // namespace plait::lapack
