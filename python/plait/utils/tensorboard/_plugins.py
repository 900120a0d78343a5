# SPDX-License-Identifier: MIT
"""What TensorBoard's plugins read: a tensor or nothing, beside a message in the plugin's own format.

The comments give the fields' numbers of each message.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._core import ArgumentError, Tensor
from ._records import _bytes, _double, _float, _int

__all__ = [
    "audio_value",
    "curve_of",
    "hparam_values",
    "layout_value",
    "mesh_values",
    "precision_recall_value",
    "scalar_tensor_value",
    "tensor_value",
]

_SCALARS, _TENSORS = 1, 2  # SummaryMetadata.data_class
_DTYPES = {np.dtype("float32"): 1, np.dtype("float64"): 2, np.dtype("int32"): 3, np.dtype("int64"): 9}


def _shape(sizes: Iterable[int]) -> bytes:
    return b"".join(_bytes(2, _int(1, size)) for size in sizes)  # TensorShapeProto.dim.size


def _value(tag: str, tensor: bytes, plugin: str, content: bytes, data_class: int) -> bytes:
    """Summary.Value: tag 1, tensor 8, metadata 9 (plugin_data 1: name 1, content 2; data_class 4)."""
    metadata = _bytes(1, _bytes(1, plugin) + (_bytes(2, content) if content else b""))
    metadata += _int(4, data_class) if data_class else b""
    return _bytes(1, tag) + (_bytes(8, tensor) if tensor else b"") + _bytes(9, metadata)


def _tensor(array: np.ndarray) -> bytes:
    """TensorProto: dtype 1, tensor_shape 2, tensor_content 4."""
    data = np.ascontiguousarray(array)
    return _int(1, _DTYPES[data.dtype]) + _bytes(2, _shape(data.shape)) + _bytes(4, data.tobytes())


def tensor_value(tag: str, array: np.ndarray) -> bytes:
    """A tensor that no plugin draws."""
    if array.dtype not in _DTYPES:
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
    return _value(tag, _tensor(array), "tensor", b"", _TENSORS)


def scalar_tensor_value(tag: str, value: float, double_precision: bool) -> bytes:
    """A number as a tensor."""
    number = np.asarray(value, np.float64 if double_precision else np.float32)
    return _value(tag, _tensor(number), "scalars", b"", _SCALARS)


# ---- precision and recall --------------------------------------------------------------------------------


def curve_of(labels: np.ndarray, predictions: np.ndarray, num_thresholds: int, weights: Any) -> np.ndarray:
    """float32 (6, thresholds): true and false positives, true and false negatives, precision, recall.

    A prediction counts as positive for all thresholds i / (num_thresholds - 1) that are at most it.
    """
    labels, predictions = labels.reshape(-1).astype(np.float64), predictions.reshape(-1).astype(np.float64)
    if labels.shape != predictions.shape or ((predictions < 0) | (predictions > 1)).any():
        raise ArgumentError(
            f"add_pr_curve: expected a prediction in [0, 1] for each of {labels.size} labels, got {predictions.size}"
        )
    if num_thresholds < 2:
        raise ArgumentError(f"add_pr_curve: expected at least 2 thresholds, got {num_thresholds}")
    weight = np.broadcast_to(1.0 if weights is None else weights, labels.shape)
    buckets = np.floor(predictions * (num_thresholds - 1)).astype(np.int64)

    def at_least(amounts: np.ndarray) -> np.ndarray:
        return np.bincount(buckets, amounts, num_thresholds)[::-1].cumsum()[::-1]

    hits, alarms = at_least(labels * weight), at_least((1 - labels) * weight)
    misses = hits[0] - hits
    least = 1e-7  # no count
    precision = hits / np.maximum(least, hits + alarms)
    recall = hits / np.maximum(least, hits + misses)
    return np.stack([hits, alarms, alarms[0] - alarms, misses, precision, recall]).astype(np.float32)


def precision_recall_value(tag: str, curve: np.ndarray) -> bytes:
    """PrCurvePluginData: version 1, num_thresholds 2."""
    return _value(tag, _tensor(curve), "pr_curves", _int(1, 0) + _int(2, curve.shape[1]), _TENSORS)


# ---- hyper-parameters ------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor | np.generic | np.ndarray) else value


def _any(value: Any) -> bytes:
    """google.protobuf.Value: number 2, string 3, bool 4."""
    if isinstance(value, bool):
        return _int(4, value)
    return _double(2, float(value)) if isinstance(value, int | float) else _bytes(3, value)


def _hparam_info(name: str, value: Any, domain: Sequence[Any] | None) -> bytes:
    """HParamInfo: name 1, type 4 (string 1, bool 2, float64 3), domain_discrete 5 (values 1)."""
    kinds = [(bool, 2), (int | float, 3), (str, 1)]
    kind = next(((types, number) for types, number in kinds if isinstance(value, types)), None)
    if kind is None:
        raise ArgumentError(
            f"add_hparams: expected a bool, a number or a string for {name!r}, got {type(value).__name__}"
        )
    info = _bytes(1, name) + _int(4, kind[1])
    if domain is None:
        return info
    if not all(isinstance(d, kind[0]) for d in domain):
        raise ArgumentError(f"add_hparams: expected a domain of values like {value!r} for {name!r}, got {domain}")
    return info + _bytes(5, b"".join(_bytes(1, _any(d)) for d in domain))


def hparam_values(
    hparams: Mapping[str, Any], metrics: Mapping[str, Any], domains: Mapping[str, Sequence[Any]] | None, now: float
) -> list[bytes]:
    """The experiment, its start and its end. HParamsPluginData: version 1, experiment 2, start 3, end 4.

    Experiment: hparam_infos 4, metric_infos 5 (name 1: tag 2). Start: hparams 1 (a map: key 1, value 2),
    start_time_secs 5. End: status 1 (success 1), end_time_secs 2.
    """
    domains = domains or {}
    if unknown := set(domains) - set(hparams):
        raise ArgumentError(f"add_hparams: expected domains of {list(hparams)}, got {sorted(unknown)}")
    values = {name: _plain(value) for name, value in hparams.items()}
    infos = [_hparam_info(name, value, domains.get(name)) for name, value in values.items()]
    experiment = b"".join(_bytes(4, info) for info in infos)
    experiment += b"".join(_bytes(5, _bytes(1, _bytes(2, name))) for name in metrics)
    start = b"".join(_bytes(1, _bytes(1, name) + _bytes(2, _any(value))) for name, value in values.items())
    start += _double(5, now)
    end = _int(1, 1) + _double(2, now)
    parts = [("experiment", 2, experiment), ("session_start_info", 3, start), ("session_end_info", 4, end)]
    return [_value(f"_hparams_/{name}", b"", "hparams", _int(1, 0) + _bytes(n, data), 0) for name, n, data in parts]


# ---- layouts of charts, meshes, sounds -------------------------------------------------------------------


def layout_value(layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> bytes:
    """Layout: category 2 (title 1, chart 2: title 1, multiline 2 (tag 1), margin 3 (series 1))."""
    categories = b""
    for category, charts in layout.items():
        parts = b""
        for title, (kind, tags) in charts.items():
            if kind not in ("Multiline", "Margin") or (kind == "Margin" and len(tags) != 3):
                raise ArgumentError(
                    f"add_custom_scalars: expected ['Multiline', tags] or ['Margin', [value, lower, upper]] for "
                    f"{title!r}, got {[kind, tags]}"
                )
            if kind == "Margin":  # value 1, lower 2, upper 3
                content = _bytes(3, _bytes(1, b"".join(_bytes(i, tag) for i, tag in enumerate(tags, 1))))
            else:
                content = _bytes(2, b"".join(_bytes(1, tag) for tag in tags))
            parts += _bytes(2, _bytes(1, title) + content)
        categories += _bytes(2, _bytes(1, category) + parts)
    tensor = _int(1, 7) + _bytes(2, b"") + _bytes(8, categories)  # a string, of no dimension
    return _value("custom_scalars__config__", tensor, "custom_scalars", b"", _TENSORS)


def mesh_values(tag: str, parts: Mapping[str, np.ndarray | None], config: str) -> list[bytes]:
    """MeshPluginData: version 1, name 2, content_type 3, json_config 5, shape 6, components 7."""
    numbers = {"VERTEX": 1, "FACE": 2, "COLOR": 3}
    present = {name: part for name, part in parts.items() if part is not None}
    components = sum(1 << numbers[name] for name in present)
    values = []
    for name, part in present.items():
        if part.ndim != 3 or part.shape[2] != 3:
            raise ArgumentError(f"add_mesh: expected shapes (N, number, 3), got {part.shape}")
        content = _int(1, 0) + _bytes(2, tag) + _int(3, numbers[name]) + _bytes(5, config)
        content += b"".join(_int(6, size) for size in part.shape) + _int(7, components)
        array = part.astype(np.int32 if name == "FACE" else np.float32)
        values.append(_value(f"{tag}_{name}", _tensor(array), "mesh", content, _TENSORS))
    return values


def audio_value(tag: str, sound: np.ndarray, sample_rate: int) -> bytes:
    """Floats (channels, frames) in [-1, 1], as a WAV file of 16 bits.

    Audio: sample_rate 1, num_channels 2, length_frames 3, encoded_audio_string 4, content_type 5.
    """
    sound = sound[None] if sound.ndim == 1 else sound
    if sound.ndim != 2:
        raise ArgumentError(f"add_audio: expected shape (channels, frames), got {sound.shape}")
    samples = (np.nan_to_num(sound).clip(-1, 1) * 32767).astype("<i2")
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.T.tobytes())
    fields = _float(1, sample_rate) + _int(2, len(samples)) + _int(3, samples.shape[1])
    fields += _bytes(4, data.getvalue()) + _bytes(5, "audio/wav")
    return _bytes(1, tag) + _bytes(6, fields)
