// SPDX-License-Identifier: MIT
// Fourier transforms of as many lines as a vector has lanes; see kernels/fft/fft_args.h.
//
// Passes of Stockham's autosort algorithm (Stockham, 1966) of radix 8, 4, 2 and the odd primes up to 13: no
// reordering, and the elements of a butterfly are whole vectors. Lengths with other prime factors are
// convolutions (Bluestein, 1970). A buffer of one pass is in the L1 cache for up to 128 (AVX-512) elements,
// in L2 for up to 4,096. Bound by arithmetic, of long lines by L2.
#include "kernels/fft/fft_args.h"

#include "kernels/isa/transpose.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
struct Complex {
  using V = Vec<T>;
  V re, im;
};
template <class T>
PLAIT_INLINE Complex<T> operator+(Complex<T> a, Complex<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
PLAIT_INLINE Complex<T> operator-(Complex<T> a, Complex<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T>
PLAIT_INLINE Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class T>
PLAIT_INLINE Complex<T> minus_i(Complex<T> a) {
  return {a.im, -a.re};
}
template <class T>
PLAIT_INLINE Complex<T> swapped(Complex<T> a, bool swap) {
  return swap ? Complex<T>{a.im, a.re} : a;
}
// A complex number in every lane.
template <class T>
PLAIT_INLINE Complex<T> broadcast(const T* w) {
  return {splat<Vec<T>>(w[0]), splat<Vec<T>>(w[1])};
}

// ---- Memory ----

// Vectors of real and imaginary parts, one behind the other.
template <class T>
PLAIT_INLINE Complex<T> load_split(const T* p) {
  return {load(p), load(p + kLanes<T>)};
}
template <class T>
PLAIT_INLINE void store_split(T* p, Complex<T> z) {
  store(p, z.re);
  store(p + kLanes<T>, z.im);
}

template <class V, int kStart, int kStep, int kSecond>
PLAIT_INLINE V pick(V a, V b) {
  MaskOf<V> from;
  constexpr int kN = sizeof(V) / sizeof(ElemT<V>);
  for (int i = 0; i < kN; ++i) from[i] = kSecond ? kStart + i / 2 + (i % 2) * kN : kStart + i * kStep;
  return __builtin_shuffle(a, b, from);
}
// Complex numbers side by side; the first n of them, the others are 0.
template <class T>
PLAIT_INLINE Complex<T> load_pairs(const T* p, int64_t n) {
  constexpr int L = kLanes<T>;
  Vec<T> a, b{};
  if (n >= L) {
    a = load(p);
    b = load(p + L);
  } else {
    a = load_n(p, 2 * n < L ? 2 * n : L);
    if (2 * n > L) b = load_n(p + L, 2 * n - L);
  }
  return {pick<Vec<T>, 0, 2, 0>(a, b), pick<Vec<T>, 1, 2, 0>(a, b)};
}
template <class T>
PLAIT_INLINE void store_pairs(T* p, Complex<T> z, int64_t n) {
  constexpr int L = kLanes<T>;
  const Vec<T> a = pick<Vec<T>, 0, 0, 1>(z.re, z.im), b = pick<Vec<T>, L / 2, 0, 1>(z.re, z.im);
  if (n >= L) {
    store(p, a);
    store(p + L, b);
  } else {
    store_n(p, a, 2 * n < L ? 2 * n : L);
    if (2 * n > L) store_n(p + L, b, 2 * n - L);
  }
}

// Groups of 16 bytes of lines: they are loaded to, and stored from, any place in a vector without a shuffle,
// so that half of a transpose costs nothing.
template <class T>
inline constexpr int kGroup = 16 / static_cast<int>(sizeof(T));

// Group q of the vector is at p + q distance.
template <class T>
PLAIT_INLINE Vec<T> load_groups(const T* p, [[maybe_unused]] int64_t distance) {
#if PLAIT_ISA_LEVEL == 2
  const auto at = [&](int64_t q) { return _mm_loadu_ps(reinterpret_cast<const float*>(p + q * distance)); };
  __m512 v = _mm512_castps128_ps512(at(0));
  v = _mm512_mask_broadcast_f32x4(v, 0x00f0, at(1));
  v = _mm512_mask_broadcast_f32x4(v, 0x0f00, at(2));
  return (Vec<T>)_mm512_mask_broadcast_f32x4(v, 0xf000, at(3));
#elif PLAIT_ISA_LEVEL == 1
  return combine(load_bytes<HalfVec<Vec<T>>>(p), load_bytes<HalfVec<Vec<T>>>(p + distance));
#else
  return load(p);
#endif
}
template <class T>
PLAIT_INLINE void store_groups(T* p, [[maybe_unused]] int64_t distance, Vec<T> v) {
#if PLAIT_ISA_LEVEL == 2
  const auto put = [&](int64_t q, __m128 x) { _mm_storeu_ps(reinterpret_cast<float*>(p + q * distance), x); };
  put(0, _mm512_castps512_ps128((__m512)v));
  put(1, _mm512_extractf32x4_ps((__m512)v, 1));
  put(2, _mm512_extractf32x4_ps((__m512)v, 2));
  put(3, _mm512_extractf32x4_ps((__m512)v, 3));
#elif PLAIT_ISA_LEVEL == 1
  const auto low = low_half(v), high = high_half(v);
  __builtin_memcpy(p, &low, sizeof low);
  __builtin_memcpy(p + distance, &high, sizeof high);
#else
  store(p, v);
#endif
}
// Transposes kGroup vectors within each group.
template <class T>
PLAIT_INLINE void transpose_groups(Vec<T>* r) {
  using V = Vec<T>;
  if constexpr (kGroup<T> == 4) {
    using W = Vec<double>;
    const W a = (W)unpack<V, false>(r[0], r[1]), b = (W)unpack<V, true>(r[0], r[1]),
            c = (W)unpack<V, false>(r[2], r[3]), d = (W)unpack<V, true>(r[2], r[3]);
    r[0] = (V)unpack<W, false>(a, c);
    r[1] = (V)unpack<W, true>(a, c);
    r[2] = (V)unpack<W, false>(b, d);
    r[3] = (V)unpack<W, true>(b, d);
  } else {
    const V a = unpack<V, false>(r[0], r[1]), b = unpack<V, true>(r[0], r[1]);
    r[0] = a;
    r[1] = b;
  }
}

// ---- Butterflies: z[k] = sum over j of z[j] e^(-2 pi i j k / R) ----

template <int R>
struct Roots;
template <>
struct Roots<3> {
  static constexpr double cosine[] = {1.0, -0.5, -0.5};
  static constexpr double sine[] = {0.0, 0.86602540378443864676, -0.86602540378443864676};
};
template <>
struct Roots<5> {
  static constexpr double cosine[] = {1.0, 0.3090169943749474241, -0.8090169943749474241,
                                      -0.8090169943749474241, 0.3090169943749474241};
  static constexpr double sine[] = {0.0, 0.95105651629515357212, 0.58778525229247312917,
                                    -0.58778525229247312917, -0.95105651629515357212};
};
template <>
struct Roots<7> {
  static constexpr double cosine[] = {1.0,
                                      0.62348980185873353053,
                                      -0.22252093395631440429,
                                      -0.90096886790241912624,
                                      -0.90096886790241912624,
                                      -0.22252093395631440429,
                                      0.62348980185873353053};
  static constexpr double sine[] = {0.0,
                                    0.78183148246802980871,
                                    0.97492791218182360702,
                                    0.43388373911755812048,
                                    -0.43388373911755812048,
                                    -0.97492791218182360702,
                                    -0.78183148246802980871};
};
template <>
struct Roots<11> {
  static constexpr double cosine[] = {1.0,
                                      0.84125353283118116886,
                                      0.41541501300188642553,
                                      -0.14231483827328514044,
                                      -0.65486073394528506406,
                                      -0.95949297361449738989,
                                      -0.95949297361449738989,
                                      -0.65486073394528506406,
                                      -0.14231483827328514044,
                                      0.41541501300188642553,
                                      0.84125353283118116886};
  static constexpr double sine[] = {0.0,
                                    0.54064081745559758211,
                                    0.90963199535451837141,
                                    0.98982144188093273238,
                                    0.75574957435425828377,
                                    0.28173255684142969771,
                                    -0.28173255684142969771,
                                    -0.75574957435425828377,
                                    -0.98982144188093273238,
                                    -0.90963199535451837141,
                                    -0.54064081745559758211};
};
template <>
struct Roots<13> {
  static constexpr double cosine[] = {1.0,
                                      0.8854560256532098959,
                                      0.56806474673115580251,
                                      0.12053668025532305335,
                                      -0.35460488704253562597,
                                      -0.74851074817110109863,
                                      -0.97094181742605202716,
                                      -0.97094181742605202716,
                                      -0.74851074817110109863,
                                      -0.35460488704253562597,
                                      0.12053668025532305335,
                                      0.56806474673115580251,
                                      0.8854560256532098959};
  static constexpr double sine[] = {0.0,
                                    0.46472317204376854566,
                                    0.82298386589365639458,
                                    0.9927088740980539928,
                                    0.93501624268541482344,
                                    0.66312265824079520238,
                                    0.23931566428755776715,
                                    -0.23931566428755776715,
                                    -0.66312265824079520238,
                                    -0.93501624268541482344,
                                    -0.9927088740980539928,
                                    -0.82298386589365639458,
                                    -0.46472317204376854566};
};

template <class T>
PLAIT_INLINE void butterfly(Complex<T> (&z)[2]) {
  const Complex<T> a = z[0];
  z[0] = a + z[1];
  z[1] = a - z[1];
}
template <class T>
PLAIT_INLINE void butterfly(Complex<T> (&z)[4]) {
  const Complex<T> a = z[0] + z[2], b = z[0] - z[2], c = z[1] + z[3], d = minus_i(z[1] - z[3]);
  z[0] = a + c;
  z[1] = b + d;
  z[2] = a - c;
  z[3] = b - d;
}
template <class T>
PLAIT_INLINE void butterfly(Complex<T> (&z)[8]) {
  Complex<T> even[4] = {z[0], z[2], z[4], z[6]}, odd[4] = {z[1], z[3], z[5], z[7]};
  butterfly(even);
  butterfly(odd);
  const Vec<T> half = splat<Vec<T>>(static_cast<T>(0.70710678118654752440));
  const Complex<T> u{(odd[1].re + odd[1].im) * half, (odd[1].im - odd[1].re) * half},
      v = minus_i(odd[2]), w{(odd[3].im - odd[3].re) * half, -(odd[3].re + odd[3].im) * half};
  z[0] = even[0] + odd[0];
  z[1] = even[1] + u;
  z[2] = even[2] + v;
  z[3] = even[3] + w;
  z[4] = even[0] - odd[0];
  z[5] = even[1] - u;
  z[6] = even[2] - v;
  z[7] = even[3] - w;
}
// Odd R: with s_j = z_j + z_(R-j) and d_j = z_j - z_(R-j)
//   z_k, z_(R-k) = z_0 + sum of s_j cos(2 pi j k / R)  -+  i (sum of d_j sin(2 pi j k / R))
template <class T, int R>
PLAIT_INLINE void butterfly(Complex<T> (&z)[R]) {
  constexpr int H = R / 2;
  Complex<T> s[H], d[H], zero = z[0];
#pragma GCC unroll 8
  for (int j = 0; j < H; ++j) {
    s[j] = z[1 + j] + z[R - 1 - j];
    d[j] = z[1 + j] - z[R - 1 - j];
    zero = zero + s[j];
  }
#pragma GCC unroll 8
  for (int k = 1; k <= H; ++k) {
    Complex<T> a = z[0], b{};
#pragma GCC unroll 8
    for (int j = 0; j < H; ++j) {
      const T c = static_cast<T>(Roots<R>::cosine[(j + 1) * k % R]),
              t = static_cast<T>(Roots<R>::sine[(j + 1) * k % R]);
      a = {a.re + s[j].re * c, a.im + s[j].im * c};
      b = {b.re + d[j].re * t, b.im + d[j].im * t};
    }
    z[k] = a;
    z[R - k] = b;
  }
#pragma GCC unroll 8
  for (int k = 1; k <= H; ++k) {
    const Complex<T> a = z[k], b = minus_i(z[R - k]);
    z[k] = a + b;
    z[R - k] = a - b;
  }
  z[0] = zero;
}

// ---- Passes ----

// y[q + stride (R p + j)] = w^(j p) butterfly_j(x[q + stride (p + rest k)])
template <class T, int R>
void run_pass(const FftPass<T>& pass, const T* x, int64_t element, T* y) {
  constexpr int64_t kOut = 2 * kLanes<T>;
  const int64_t s = pass.stride, m = pass.rest;
  const T* w = pass.twiddles;
  for (int64_t q = 0; q < s; ++q) {
    Complex<T> z[R];
#pragma GCC unroll 16
    for (int k = 0; k < R; ++k) z[k] = load_split(x + (q + s * m * k) * element);
    butterfly(z);
#pragma GCC unroll 16
    for (int j = 0; j < R; ++j) store_split(y + (q + s * j) * kOut, z[j]);
  }
  for (int64_t p = 1; p < m; ++p, w += 2 * (R - 1)) {
    const T* from = x + s * p * element;
    T* to = y + s * R * p * kOut;
    for (int64_t q = 0; q < s; ++q) {
      Complex<T> z[R];
#pragma GCC unroll 16
      for (int k = 0; k < R; ++k) z[k] = load_split(from + (q + s * m * k) * element);
      butterfly(z);
      store_split(to + q * kOut, z[0]);
#pragma GCC unroll 16
      for (int j = 1; j < R; ++j) store_split(to + (q + s * j) * kOut, z[j] * broadcast(w + 2 * (j - 1)));
    }
  }
}

// All passes from x, whose elements are `element` apart, through the buffers a and b. The result is in one of
// them.
template <class T>
T* run_passes(const FftLanes<T>& plan, const T* x, int64_t element, T* a, T* b) {
  T* y = x == a ? b : a;
  for (int i = 0; i < plan.passes; ++i) {
    const FftPass<T>& pass = plan.pass[i];
    switch (pass.radix) {
      case 2:
        run_pass<T, 2>(pass, x, element, y);
        break;
      case 3:
        run_pass<T, 3>(pass, x, element, y);
        break;
      case 4:
        run_pass<T, 4>(pass, x, element, y);
        break;
      case 5:
        run_pass<T, 5>(pass, x, element, y);
        break;
      case 7:
        run_pass<T, 7>(pass, x, element, y);
        break;
      case 8:
        run_pass<T, 8>(pass, x, element, y);
        break;
      case 11:
        run_pass<T, 11>(pass, x, element, y);
        break;
      default:
        run_pass<T, 13>(pass, x, element, y);
    }
    x = y;
    element = 2 * kLanes<T>;
    y = y == a ? b : a;
  }
  return y == a ? b : a;
}

// c = conj(chirp): Y[k] = conj(c[k]) sum over j of (x[j] conj(c[j])) c[k - j], a convolution.
template <class T>
T* run_convolution(const FftLanes<T>& plan, const T* x, int64_t element, T* a, T* b) {
  constexpr int64_t kOut = 2 * kLanes<T>;
  const FftLanes<T>& inner = *plan.convolution;
  // x may be in a: the products go to b.
  for (int64_t j = 0; j < plan.n; ++j) {
    store_split(b + j * kOut, load_split(x + j * element) * broadcast(plan.chirp + 2 * j));
  }
  for (int64_t j = plan.n; j < inner.n; ++j) store_split(b + j * kOut, Complex<T>{});
  T* spectrum = run_passes(inner, b, kOut, b, a);
  for (int64_t j = 0; j < inner.n; ++j) {
    store_split(spectrum + j * kOut,
                swapped(load_split(spectrum + j * kOut) * broadcast(plan.filter + 2 * j), true));
  }
  T* const y = run_passes(inner, spectrum, kOut, spectrum, spectrum == a ? b : a);
  for (int64_t j = 0; j < plan.n; ++j) {
    store_split(y + j * kOut, swapped(load_split(y + j * kOut), true) * broadcast(plan.chirp + 2 * j));
  }
  return y;
}

// x may be the start of scratch. Returns where the result is, its elements behind one another.
template <class T>
T* transform(const FftLanes<T>& plan, const T* x, int64_t element, T* scratch) {
  T* const a = scratch;
  T* const b = scratch + plan.scratch / 2 * kLanes<T>;
  if (plan.convolution) return run_convolution(plan, x, element, a, b);
  if (plan.passes == 0) {  // one element
    store_split(b, load_split(x));
    return b;
  }
  return run_passes(plan, x, element, a, b);
}

// ---- Real transforms from complex ones of half the length ----

// E = (u + conj v) / 2, O = (u - conj v) / 2i: out[k] = E + w O, out[n - k] = conj(E - w O). half: 1/2, or
// times a scale.
template <class T>
PLAIT_INLINE void split_half(Complex<T>& u, Complex<T>& v, Complex<T> w, T half) {
  const Complex<T> e{(u.re + v.re) * half, (u.im - v.im) * half},
      o{(u.im + v.im) * half, (v.re - u.re) * half}, p = o * w;
  u = e + p;
  v = {e.re - p.re, p.im - e.im};
}
// S = u + conj v, D = (u - conj v) conj(w): out[k] = S + i D, out[n - k] = conj(S - i D)
template <class T>
PLAIT_INLINE void join_half(Complex<T>& u, Complex<T>& v, Complex<T> w) {
  const Complex<T> s{u.re + v.re, u.im - v.im},
      p = Complex<T>{u.re - v.re, u.im + v.im} * Complex<T>{w.re, -w.im};
  u = {s.re - p.im, s.im + p.re};
  v = {s.re + p.im, p.re - s.im};
}

// ---- Lines ----

// Element j of each line at buffer + j 2 lanes, from lines in memory.
template <class T>
void load_lines(const FftArray<const T>& x, int64_t n, int64_t lines, bool swap, T* buffer) {
  constexpr int64_t L = kLanes<T>;
  if (x.line == 1) {
    for (int64_t j = 0; j < n; ++j) {
      store_split(buffer + j * 2 * L, swapped(load_pairs(x.data + 2 * j * x.element, lines), swap));
    }
    return;
  }
  constexpr int G = kGroup<T>;
  int64_t j = 0;
  for (; lines == L && j + G / 2 <= n; j += G / 2) {
    Vec<T> r[G];
#pragma GCC unroll 4
    for (int l = 0; l < G; ++l) r[l] = load_groups(x.data + 2 * (j + l * x.line), 2 * G * x.line);
    transpose_groups<T>(r);
#pragma GCC unroll 4
    for (int i = 0; i < G; i += 2) {
      store_split(buffer + (j + i / 2) * 2 * L, swapped(Complex<T>{r[i], r[i + 1]}, swap));
    }
  }
  for (; j < n; j += L) {
    Vec<T> re[L], im[L];
#pragma GCC unroll 16
    for (int64_t l = 0; l < L; ++l) {
      const Complex<T> z = l < lines ? load_pairs(x.data + 2 * (j + l * x.line), n - j) : Complex<T>{};
      re[l] = z.re;
      im[l] = z.im;
    }
    transpose<T>(re);
    transpose<T>(im);
    const int64_t count = n - j < L ? n - j : L;
    for (int64_t i = 0; i < count; ++i) {
      store_split(buffer + (j + i) * 2 * L, swapped(Complex<T>{re[i], im[i]}, swap));
    }
  }
}
template <class T>
void store_lines(const FftArray<T>& y, int64_t n, int64_t lines, bool swap, T scale, const T* buffer) {
  constexpr int64_t L = kLanes<T>;
  const auto scaled = [&](int64_t j) {
    const Complex<T> z = swapped(load_split(buffer + j * 2 * L), swap);
    return Complex<T>{z.re * scale, z.im * scale};
  };
  if (y.line == 1) {
    for (int64_t j = 0; j < n; ++j) store_pairs(y.data + 2 * j * y.element, scaled(j), lines);
    return;
  }
  constexpr int G = kGroup<T>;
  int64_t j = 0;
  for (; lines == L && j + G / 2 <= n; j += G / 2) {
    Vec<T> r[G];
#pragma GCC unroll 4
    for (int i = 0; i < G; i += 2) {
      const Complex<T> z = scaled(j + i / 2);
      r[i] = z.re;
      r[i + 1] = z.im;
    }
    transpose_groups<T>(r);
#pragma GCC unroll 4
    for (int l = 0; l < G; ++l) store_groups(y.data + 2 * (j + l * y.line), 2 * G * y.line, r[l]);
  }
  for (; j < n; j += L) {
    Vec<T> re[L], im[L];
#pragma GCC unroll 16
    for (int64_t i = 0; i < L; ++i) {
      const Complex<T> z = j + i < n ? scaled(j + i) : Complex<T>{};
      re[i] = z.re;
      im[i] = z.im;
    }
    transpose<T>(re);
    transpose<T>(im);
    for (int64_t l = 0; l < lines; ++l) {
      store_pairs(y.data + 2 * (j + l * y.line), Complex<T>{re[l], im[l]}, n - j);
    }
  }
}
template <class T>
void lanes_of(const FftLanes<T>& plan, FftArray<const T> x, FftArray<T> y, int64_t lines, bool inverse,
              T scale, T* scratch) {
  load_lines(x, plan.n, lines, inverse, scratch);
  store_lines(y, plan.n, lines, inverse, scale, transform(plan, scratch, 2 * kLanes<T>, scratch));
}

// For pairs k, n - k of the lanes' elements, z[k] and z[n - k] = f(z[k], z[n - k], twiddles[k]).
template <class T, class F>
PLAIT_INLINE void for_lane_pairs(T* z, const T* twiddles, int64_t n, F f) {
  constexpr int64_t kStep = 2 * kLanes<T>;
  for (int64_t k = 1; k <= n - k; ++k) {
    Complex<T> u = load_split(z + k * kStep), v = load_split(z + (n - k) * kStep);
    f(u, v, broadcast(twiddles + 2 * k));
    store_split(z + k * kStep, u);
    store_split(z + (n - k) * kStep, v);
  }
}
// The transform of n numbers leaves room for one more.
template <class T>
void real_lanes_of(const FftLanes<T>& plan, FftArray<const T> x, const T* twiddles, FftArray<T> y,
                   int64_t lines, T scale, T* scratch) {
  const int64_t n = plan.n;
  load_lines(x, n, lines, false, scratch);
  T* const z = transform(plan, scratch, 2 * kLanes<T>, scratch);
  for_lane_pairs(z, twiddles, n, [](Complex<T>& u, Complex<T>& v, Complex<T> w) {
    split_half(u, v, w, static_cast<T>(0.5));
  });
  const Complex<T> first = load_split(z);
  store_split(z, Complex<T>{first.re + first.im, Vec<T>{}});
  store_split(z + n * 2 * kLanes<T>, Complex<T>{first.re - first.im, Vec<T>{}});
  store_lines(y, n + 1, lines, false, scale, z);
}
template <class T>
void inverse_real_lanes_of(const FftLanes<T>& plan, FftArray<const T> y, const T* twiddles, FftArray<T> x,
                           int64_t lines, T scale, T* scratch) {
  const int64_t n = plan.n;
  load_lines(y, n + 1, lines, false, scratch);
  // The inverse takes them with re and im exchanged.
  for_lane_pairs(scratch, twiddles, n, [](Complex<T>& u, Complex<T>& v, Complex<T> w) {
    join_half(u, v, w);
    u = swapped(u, true);
    v = swapped(v, true);
  });
  const Vec<T> a = load(scratch), b = load(scratch + n * 2 * kLanes<T>);
  store_split(scratch, Complex<T>{a - b, a + b});
  store_lines(x, n, lines, true, scale, transform(plan, scratch, 2 * kLanes<T>, scratch));
}

// ---- One long line ----

template <class T>
void columns_of(const FftLine<T>& plan, const T* x, T* t, int64_t group, bool inverse, T* scratch) {
  constexpr int64_t L = kLanes<T>;
  const int64_t first = group * L, left = plan.columns - first, blocks = (plan.rows + L - 1) / L;
  const int64_t lines = left < L ? left : L;
  load_lines({x + 2 * first, plan.columns, 1}, plan.rows, lines, inverse, scratch);
  const T* const z = transform(*plan.along_rows, scratch, 2 * L, scratch);
  const T* const w = plan.first + group * 2 * plan.rows;
  const int64_t row = blocks * 2 * L;
  const auto turned = [&](int64_t k) {
    return k < plan.rows
               ? load_split(z + k * 2 * L) * (broadcast(w + 2 * k) * load_split(plan.second + k * 2 * L))
               : Complex<T>{};
  };
  if (lines == L) {
    constexpr int G = kGroup<T>;
    for (int64_t k = 0; k < blocks * L; k += G) {
      Vec<T> re[G], im[G];
#pragma GCC unroll 4
      for (int i = 0; i < G; ++i) {
        const Complex<T> v = turned(k + i);
        re[i] = v.re;
        im[i] = v.im;
      }
      transpose_groups<T>(re);
      transpose_groups<T>(im);
      T* const to = t + first * row + k / L * 2 * L + k % L;
#pragma GCC unroll 4
      for (int l = 0; l < G; ++l) {
        store_groups(to + l * row, G * row, re[l]);
        store_groups(to + l * row + L, G * row, im[l]);
      }
    }
    return;
  }
  for (int64_t block = 0; block < blocks; ++block) {
    Vec<T> re[L], im[L];
#pragma GCC unroll 16
    for (int64_t i = 0; i < L; ++i) {
      const Complex<T> v = turned(block * L + i);
      re[i] = v.re;
      im[i] = v.im;
    }
    transpose<T>(re);
    transpose<T>(im);
    for (int64_t l = 0; l < lines; ++l) {
      store_split(t + (first + l) * row + block * 2 * L, Complex<T>{re[l], im[l]});
    }
  }
}
template <class T>
void rows_of(const FftLine<T>& plan, const T* t, T* y, int64_t block, bool inverse, T scale, T* scratch) {
  constexpr int64_t L = kLanes<T>;
  const int64_t left = plan.rows - block * L, blocks = (plan.rows + L - 1) / L;
  const T* const z = transform(*plan.along_columns, t + block * 2 * L, blocks * 2 * L, scratch);
  store_lines({y + 2 * block * L, plan.rows, 1}, plan.columns, left < L ? left : L, inverse, scale, z);
}

// ---- Products, real transforms ----

template <class T>
void multiply(const T* a, const T* b, T* y, int64_t n, bool conjugate_a, bool conjugate_y, T scale) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t j = 0; j < n; j += L) {
    Complex<T> z = load_pairs(a + 2 * j, n - j);
    if (conjugate_a) z.im = -z.im;
    z = z * load_pairs(b + 2 * j, n - j);
    store_pairs(y + 2 * j, Complex<T>{z.re * scale, (conjugate_y ? -z.im : z.im) * scale}, n - j);
  }
}

// The first n lanes, the last one of them first.
template <class T>
PLAIT_INLINE Complex<T> reversed(Complex<T> z, int64_t n) {
  using I = MaskOf<Vec<T>>;
  const I from = splat<I>(static_cast<ElemT<I>>(n - 1)) - iota<I>();
  return {__builtin_shuffle(z.re, from), __builtin_shuffle(z.im, from)};
}

// For each k from 1 to n / 2, u = in[k] and v = in[n - k], out[k] and out[n - k] = f(u, v, twiddles[k]). In
// the middle both are the same number; the second one stays.
template <class T, class F>
PLAIT_INLINE void for_pairs(const T* in, const T* twiddles, T* out, int64_t n, F f) {
  for (int64_t k = 1; k <= n - k; k += kLanes<T>) {
    const int64_t left = n / 2 - k + 1, count = left < kLanes<T> ? left : kLanes<T>;
    const int64_t mirrored = 2 * (n - k - count + 1);
    Complex<T> u = load_pairs(in + 2 * k, count), v = reversed(load_pairs(in + mirrored, count), count);
    f(u, v, load_pairs(twiddles + 2 * k, count));
    store_pairs(out + 2 * k, u, count);
    store_pairs(out + mirrored, reversed(v, count), count);
  }
}

template <class T>
void real_from_half(const T* z, const T* twiddles, T* y, int64_t n, T scale) {
  const T half = static_cast<T>(0.5) * scale;
  for_pairs(z, twiddles, y, n,
            [half](Complex<T>& u, Complex<T>& v, Complex<T> w) { split_half(u, v, w, half); });
  const T re = z[0], im = z[1];
  y[0] = (re + im) * scale;
  y[1] = 0;
  y[2 * n] = (re - im) * scale;
  y[2 * n + 1] = 0;
}
template <class T>
void half_from_real(const T* y, const T* twiddles, T* z, int64_t n) {
  for_pairs(y, twiddles, z, n, [](Complex<T>& u, Complex<T>& v, Complex<T> w) { join_half(u, v, w); });
  const T a = y[0], b = y[2 * n];
  z[0] = a + b;
  z[1] = a - b;
}

template <class T>
constexpr FftKernels<T> kKernels = {kLanes<T>,        lanes_of<T>, real_lanes_of<T>, inverse_real_lanes_of<T>,
                                    columns_of<T>,    rows_of<T>,  multiply<T>,      real_from_half<T>,
                                    half_from_real<T>};

}  // namespace

void fill_fft(KernelTable& table) {
  table.fft.f32 = kKernels<float>;
  table.fft.f64 = kKernels<double>;
}

}  // namespace plait::PLAIT_ISA_NS
