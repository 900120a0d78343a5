// SPDX-License-Identifier: MIT
#include "core/tensor.h"

#include <algorithm>
#include <new>
#include <numeric>

namespace plait {
namespace {

// Data up to this size shares one block with its Storage and TensorImpl.
constexpr size_t kSmallData = 1024;

// Strides without gaps in the memory order of the dimensions of `like`: they are assigned from the smallest
// to the largest.
Dims dense_strides(const Tensor& like) {
  if (like.is_contiguous()) return contiguous_strides(like.shape());
  const int64_t ndim = like.dim();
  Dims order(ndim, 0);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return like.strides()[a] > like.strides()[b]; });
  if (std::any_of(like.strides().begin(), like.strides().end(), [](int64_t s) { return s == 0; })) {
    return contiguous_strides(like.shape());
  }
  Dims strides(ndim, 1);
  int64_t stride = 1;
  for (int64_t i = ndim - 1; i >= 0; --i) {
    strides[order[i]] = stride;
    stride *= std::max<int64_t>(like.shape()[order[i]], 1);
  }
  return strides;
}

TensorImpl* new_impl() { return new (pool_alloc(sizeof(TensorImpl))) TensorImpl; }

Tensor allocate(IntSpan shape, Dims strides, int64_t extent, DType dtype, bool meta) {
  const size_t nbytes = static_cast<size_t>(extent) * item_size(dtype);
  TensorImpl* impl;
  if (nbytes <= kSmallData || meta) {
    Ref<Storage> storage = meta ? Storage::allocate_none(nbytes, sizeof(TensorImpl))
                                : Storage::allocate_small(nbytes, sizeof(TensorImpl));
    impl = new (storage->extra()) TensorImpl;
    impl->impl_in_storage = true;
    impl->storage = std::move(storage);
  } else {
    Ref<Storage> storage = Storage::allocate(nbytes);
    impl = new_impl();
    impl->storage = std::move(storage);
  }
  impl->dtype = dtype;
  impl->shape = Dims(shape);
  impl->strides = std::move(strides);
  impl->refresh();
  return Tensor(Ref<TensorImpl>(impl));
}

}  // namespace

void TensorImpl::destroy() noexcept {
  if (impl_in_storage) {
    // A storage owns the memory this object lives in: release it last.
    Ref<Storage> keep = home ? std::move(home) : std::move(storage);
    this->~TensorImpl();
    return;
  }
  this->~TensorImpl();
  pool_free(this, sizeof(TensorImpl));
}

void TensorImpl::refresh() {
  numel = numel_of(shape);
  contiguous = true;
  int64_t expected = 1;
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 1) continue;
    if (strides[i] != expected) {
      contiguous = numel == 0;
      break;
    }
    expected *= shape[i];
  }
  meta = storage->is_meta();
  data =
      meta ? nullptr : static_cast<char*>(storage->data()) + offset * static_cast<int64_t>(item_size(dtype));
}

void no_values() {
  throw NoValues(ErrorKind::kNotImplemented,
                 "expected a tensor with values, got one on the device meta, which has a shape and no data");
}

Tensor Tensor::empty(IntSpan shape, DType dtype) {
  const int64_t n = checked_numel("empty", shape, static_cast<int64_t>(plait::item_size(dtype)));
  return allocate(shape, contiguous_strides(shape), n, dtype, meta_mode());
}

Tensor Tensor::empty_strided(IntSpan shape, IntSpan strides, DType dtype) {
  checked_numel("empty_strided", shape, static_cast<int64_t>(plait::item_size(dtype)));
  PLAIT_CHECK(shape.size() == strides.size(), kValue,
              "empty_strided: expected as many strides as sizes, got shape ", to_string(shape),
              " and strides ", to_string(strides));
  return allocate(shape, Dims(strides), storage_extent(shape, strides, 0), dtype, meta_mode());
}

Tensor Tensor::empty_like(const Tensor& like) { return empty_like(like, like.dtype()); }

Tensor Tensor::empty_like(const Tensor& like, DType dtype) {
  return empty_like_on(like, dtype, like.is_meta() || meta_mode());
}

Tensor Tensor::empty_like_on(const Tensor& like, DType dtype, bool meta) {
  const int64_t n = checked_numel("empty_like", like.shape(), static_cast<int64_t>(plait::item_size(dtype)));
  return allocate(like.shape(), dense_strides(like), n, dtype, meta);
}

Tensor Tensor::from_storage(Ref<Storage> storage, IntSpan shape, IntSpan strides, int64_t offset,
                            DType dtype) {
  TensorImpl* impl = new_impl();
  impl->storage = std::move(storage);
  impl->dtype = dtype;
  impl->shape = Dims(shape);
  impl->strides = Dims(strides);
  impl->offset = offset;
  impl->refresh();
  return Tensor(Ref<TensorImpl>(impl));
}

Tensor Tensor::alias() const { return alias(shape(), strides(), offset()); }

Tensor Tensor::alias(IntSpan shape, IntSpan strides, int64_t offset) const {
  Tensor t = from_storage(storage(), shape, strides, offset, dtype());
  t.impl()->tracks_version = impl_->tracks_version;
  return t;
}

void Tensor::set_data(const Tensor& other) const {
  TensorImpl* to = impl_.get();
  if (to->impl_in_storage && !to->home) to->home = to->storage;
  to->storage = other.storage();
  to->dtype = other.dtype();
  to->shape = other.shape();
  to->strides = other.strides();
  to->offset = other.offset();
  to->refresh();
}

int64_t storage_extent(IntSpan shape, IntSpan strides, int64_t offset) {
  int64_t last = offset;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    last += (shape[i] - 1) * strides[i];
  }
  return last + 1;
}

bool may_overlap(const Tensor& a, const Tensor& b) {
  if (!(a.storage() == b.storage()) || a.numel() == 0 || b.numel() == 0) return false;
  const int64_t item_a = static_cast<int64_t>(a.item_size()), item_b = static_cast<int64_t>(b.item_size());
  const int64_t a0 = a.offset() * item_a, a1 = storage_extent(a.shape(), a.strides(), a.offset()) * item_a;
  const int64_t b0 = b.offset() * item_b, b1 = storage_extent(b.shape(), b.strides(), b.offset()) * item_b;
  return a0 < b1 && b0 < a1;
}

bool has_internal_overlap(const Tensor& t) {
  if (t.is_contiguous()) return false;
  for (int64_t i = 0; i < t.dim(); ++i) {
    if (t.strides()[i] == 0 && t.shape()[i] > 1) return true;
  }
  return false;
}

bool is_dense(const Tensor& t) {
  if (t.is_contiguous()) return true;
  return !has_internal_overlap(t) && storage_extent(t.shape(), t.strides(), 0) == t.numel();
}

}  // namespace plait
