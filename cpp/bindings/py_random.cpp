// SPDX-License-Identifier: MIT
// The Generator type. Its state is a seed and a position in the seed's stream, so copies, pickles and saved
// states are two numbers.
#include <cstring>
#include <utility>

#include <pybind11/stl.h>

#include "bindings/call_args.h"
#include "bindings/python_api.h"

namespace plait::python {
namespace {

using Holder = Ref<Generator>;

// The state as a uint8 tensor of 16 bytes: seed, then position. Within a part of a stream (start_part) there
// are 8 more, the seed that initial_seed() gives.
Tensor get_state(const Generator& g) {
  const Generator::State s = g.state();
  const bool in_part = s.initial_seed != s.position.seed;
  const Tensor t = Tensor::empty({in_part ? 24 : 16}, DType::kUInt8);
  std::memcpy(t.data_ptr(), &s, static_cast<size_t>(t.numel()));
  return t;
}

void set_state(Generator& g, const Tensor& state) {
  PLAIT_CHECK(state.defined() && state.dtype() == DType::kUInt8 && state.is_contiguous() &&
                  (state.shape() == Dims{16} || state.shape() == Dims{24}),
              kType, "set_state: expected a contiguous uint8 tensor of shape (16,), as get_state() gives");
  Generator::State s;
  std::memcpy(&s, state.data_ptr(), static_cast<size_t>(state.numel()));
  if (state.numel() == 16) s.initial_seed = s.position.seed;
  g.set_state(s);
}

// Python ints of any size and sign name a seed, as in PyTorch: -1 is 2**64 - 1.
uint64_t seed_from(py::handle o) {
  PyObject* index = PyNumber_Index(o.ptr());
  if (!index) throw py::error_already_set();
  const uint64_t seed = PyLong_AsUnsignedLongLongMask(index);
  Py_DECREF(index);
  if (PyErr_Occurred()) throw py::error_already_set();
  return seed;
}

struct PyGenerator {
  Holder g;
};

PyGenerator in_state(const Generator::State& state) {
  PyGenerator made{Holder(new Generator(0))};
  made.g->set_state(state);
  return made;
}

py::object set_generator_of_thread(py::object generator) {
  static thread_local Holder held;  // keeps the thread's generator alive
  Generator* g = generator.is_none() ? nullptr : generator_of(generator.ptr());
  PLAIT_CHECK(g || generator.is_none(), kType, "_set_thread_generator: expected a Generator or None");
  set_thread_generator(g);
  const Holder previous = std::exchange(held, Holder(g));
  return previous ? py::cast(PyGenerator{previous}) : py::none();
}

}  // namespace

Generator* generator_of(PyObject* o) {
  if (!py::isinstance<PyGenerator>(o)) return nullptr;
  return py::cast<PyGenerator&>(py::handle(o)).g.get();
}

void init_random(py::module_& m) {
  py::class_<PyGenerator>(m, "Generator", R"(Generator(device='cpu')

A stream of random numbers. The numbers depend on the seed and on how many were drawn, not on the number of threads
(Philox4x32-10).

Example:
    >>> g = plait.Generator().manual_seed(0)
    >>> a = plait.rand(3, generator=g)
)")
      .def(py::init([](py::object device) {
             PLAIT_CHECK(place_of("Generator", device.ptr()) != Place::kMeta, kRuntime,
                         "Generator: expected the device cpu, got meta, which draws no numbers");
             return PyGenerator{Holder(new Generator(67280421310721ull))};
           }),
           py::arg("device") = py::none())
      .def(
          "manual_seed",
          [](py::object self, py::object seed) {
            self.cast<PyGenerator&>().g->manual_seed(seed_from(seed));
            return self;
          },
          py::arg("seed"), "Start the stream of this seed; return self.")
      .def(
          "seed",
          [](PyGenerator& self) {
            const uint64_t seed = entropy_seed();
            self.g->manual_seed(seed);
            return seed;
          },
          "Seed from the system's entropy; return the seed.")
      .def(
          "initial_seed", [](const PyGenerator& self) { return self.g->state().initial_seed; },
          "The seed in use.")
      .def(
          "get_state", [](const PyGenerator& self) { return get_state(*self.g); },
          "The state, a uint8 tensor of 16 bytes.")
      .def(
          "set_state", [](PyGenerator& self, const Tensor& state) { set_state(*self.g, state); },
          py::arg("state"), "Continue from a state that get_state() gave.")
      .def(
          "clone_state", [](const PyGenerator& self) { return in_state(self.g->state()); },
          "A new Generator at the same place.")
      .def_property_readonly(
          "device", [](const PyGenerator&) { return py::handle(device_object()); }, "The CPU.")
      .def("__deepcopy__", [](const PyGenerator& self, py::dict) { return in_state(self.g->state()); })
      .def(py::pickle(
          [](const PyGenerator& self) {
            const Generator::State s = self.g->state();
            return py::make_tuple(s.position.seed, s.position.counter, s.initial_seed);
          },
          [](py::tuple state) {
            const auto number = [&](size_t i) { return state[i].cast<uint64_t>(); };
            return in_state({{number(0), number(1)}, number(state.size() > 2 ? 2 : 0)});
          }))
      .def(
          "_start_part", [](PyGenerator& self, uint64_t seed) { self.g->start_part(seed); }, py::arg("seed"),
          "Go on with the numbers of this seed; initial_seed() stays.");
  m.def("_set_thread_generator", &set_generator_of_thread, py::arg("generator"),
        "Make ops of this thread draw from this generator by default "
        "(None: the global one). Returns the one before.");
  m.def(
      "_current_generator", [] { return PyGenerator{Holder(&default_generator())}; },
      "The generator that ops of this thread draw from by default.");
  m.attr("default_generator") = PyGenerator{Holder(&default_generator())};
}

}  // namespace plait::python
