// SPDX-License-Identifier: MIT
// What belongs to no tensor: threads, treatment of numbers, memory, and what the build is.
#include <pybind11/stl.h>

#include "bindings/python_api.h"
#include "core/allocator.h"
#include "core/cpu_info.h"
#include "core/parallel.h"
#include "core/warning.h"
#include "kernels/gemm/blas.h"
#include "ops/autocast.h"

namespace plait::python {
namespace {

void warn_in_python(const std::string& message) {
  py::gil_scoped_acquire gil;
  py::module_::import("plait._warn").attr("warn_user")(message);
}

// Runs the handlers of the signals that have come; one that raises, as Ctrl-C's does, ends the op.
void check_signals() {
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

void add_threads(py::module_& m) {
  set_interrupt_check(check_signals);
  m.def(
      "get_num_threads", [] { return thread_is_serial() ? 1 : num_threads(); },
      "The most threads an op may use; 1 in the workers of a DataLoader.");
  m.def(
      "set_num_threads",
      [](int64_t n) {
        PLAIT_CHECK(n > 0 && n <= 4096, kValue,
                    "set_num_threads: expected a positive number of threads, got ", n);
        set_num_threads(static_cast<int>(n));
      },
      py::arg("n"), "Set the most threads an op may use. Results do not depend on it.");
  m.def("_set_thread_serial", &set_thread_serial, py::arg("on"),
        "Whether ops called from this thread compute on it alone.");
}

void add_numbers(py::module_& m) {
  m.def(
      "set_flush_denormal",
      [](bool on) {
        set_flush_denormal(on);
        return true;
      },
      py::arg("mode"),
      "Whether kernels treat denormal numbers as zero; on by default. Products of bfloat16 always do where "
      "the CPU has AVX512-BF16. Returns True.");
  m.def("get_default_dtype", &default_dtype, "The dtype of floating-point results and factories.");
  m.def(
      "set_default_dtype",
      [](DType d) {
        PLAIT_CHECK(is_floating(d), kType,
                    "set_default_dtype: only floating-point types are supported as the default type, got ",
                    dtype_name(d));
        set_default_dtype(d);
      },
      py::arg("d"), "Set the dtype of floating-point results and factories.");
  m.def("promote_types", &promote_types, py::arg("type1"), py::arg("type2"),
        "The smallest dtype that both promote to.\n\n>>> plait.promote_types(plait.int32, "
        "plait.float32)\nplait.float32");
  m.def(
      "can_cast", [](DType from, DType to) { return category(from) <= category(to); }, py::arg("from_"),
      py::arg("to"), "Whether in-place ops and out= may convert from one dtype to the other.");
}

void add_autocast(py::module_& m) {
  m.def("_autocast_enabled", &autocast_enabled, "Whether this thread is within autocast.");
  m.def("_set_autocast_enabled", &set_autocast_enabled, py::arg("on"), "Begin or end autocast here.");
  m.def("_autocast_dtype", &autocast_dtype, "The 16-bit dtype of autocast.");
  m.def("_set_autocast_dtype", &set_autocast_dtype, py::arg("dtype"), "Set the 16-bit dtype of autocast.");
  m.def("_autocast_cache_enabled", &autocast_cache_enabled, "Whether converted weights are kept.");
  m.def("_set_autocast_cache_enabled", &set_autocast_cache_enabled, py::arg("on"),
        "Set whether converted weights are kept.");
  m.def("_clear_autocast_cache", &clear_autocast_cache, "Forget the converted weights.");
}

void add_memory(py::module_& m) {
  m.def(
      "memory_stats",
      [] {
        const MemoryStats s = memory_stats();
        py::dict d;
        d["allocated_bytes"] = s.allocated_bytes;
        d["peak_allocated_bytes"] = s.peak_allocated_bytes;
        d["cached_bytes"] = s.cached_bytes;
        d["allocations"] = s.allocations;
        d["cache_hits"] = s.cache_hits;
        return d;
      },
      R"(memory_stats() -> dict

Counts of the allocator for blocks above one kilobyte: `allocated_bytes` in use, `peak_allocated_bytes` since the
start or reset_peak_memory_stats(), `cached_bytes` kept for reuse, `allocations` made and `cache_hits` among them.

Example:
    >>> plait.memory_stats()["allocated_bytes"] >= 0
    True
)");
  m.def("reset_peak_memory_stats", &reset_peak_memory_stats, "Start the peak of memory_stats() anew.");
  m.def("empty_cache", &empty_cache, "Give the memory kept for reuse back to the system.");
  m.def("set_memory_cache_limit", &set_cache_limit, py::arg("bytes"), "Set the most bytes kept for reuse.");
  m.def("_fail_allocation_after", &fail_allocation_after, py::arg("k"));
}

void add_build(py::module_& m) {
  m.def("_isa_name", [] { return isa_name(isa_level()); });
  m.def("_cpu_model", [] { return cpu_info().model; });
  m.def("_gemm_provider", &gemm_provider);
  m.def("_compiler", [] { return "g++ " __VERSION__; });
}

}  // namespace

void init_runtime(py::module_& m) {
  set_warner(warn_in_python);
  add_threads(m);
  add_numbers(m);
  add_autocast(m);
  add_memory(m);
  add_build(m);
}

}  // namespace plait::python
