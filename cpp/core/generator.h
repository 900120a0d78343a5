// SPDX-License-Identifier: MIT
// Counter-based random numbers: the value at index i depends on the seed and i alone, never on threads.
// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "core/ref.h"

namespace plait {

// Four 32-bit random words for one (key, counter).
inline std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter, uint64_t stream = 0) {
  uint32_t c0 = static_cast<uint32_t>(counter), c1 = static_cast<uint32_t>(counter >> 32);
  uint32_t c2 = static_cast<uint32_t>(stream), c3 = static_cast<uint32_t>(stream >> 32);
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0, p1 = uint64_t{0xCD9E8D57} * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0,
                   n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

// A seed and a position in its sequence. An op that fills n elements reserves ceil(n / 4) counters at once:
// element i then uses word i % 4 of counter base + i / 4.
class Generator {
 public:
  explicit Generator(uint64_t seed) : state_{{seed, 0}, seed} {}

  struct Position {
    uint64_t seed;
    uint64_t counter;
  };
  struct State {
    Position position;
    uint64_t initial_seed;  // differs from position.seed only after start_part()
  };
  // Returns the position and advances it by `counters`.
  Position reserve(uint64_t counters) {
    std::lock_guard<std::mutex> lock(mutex_);
    const Position p = state_.position;
    state_.position.counter += counters;
    return p;
  }
  State state() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return state_;
  }
  void set_state(State state) {
    std::lock_guard<std::mutex> lock(mutex_);
    state_ = state;
  }
  void manual_seed(uint64_t seed) { set_state({{seed, 0}, seed}); }
  // Goes on with the numbers of another seed, under the name of this one: the parts of a stream that are to
  // be found again one by one.
  void start_part(uint64_t seed) {
    std::lock_guard<std::mutex> lock(mutex_);
    state_.position = {seed, 0};
  }

  void incref() { refs_.increment(); }
  void decref() {
    if (refs_.decrement()) delete this;
  }

 private:
  RefCount refs_;
  mutable std::mutex mutex_;
  State state_;
};

// The generator of ops of this thread that are given none: that of the process, seeded from the system's
// entropy at first use, unless set_thread_generator() sets another one.
Generator& default_generator();
// Borrowed: the caller keeps it alive until it is replaced. Null restores the generator of the process.
void set_thread_generator(Generator* generator);
uint64_t entropy_seed();

}  // namespace plait
