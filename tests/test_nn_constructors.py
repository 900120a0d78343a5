# SPDX-License-Identifier: MIT
"""Every module of ``nn`` refuses constructor arguments of a wrong type, sign or range, with one clear error."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import plait
from plait import nn

_CONV = {"kernel_size": 3, "stride": 1, "padding": 1, "dilation": 1, "groups": 2, "padding_mode": "zeros"}
_TRANSPOSED = {**_CONV, "stride": 2, "output_padding": 1}
_NORM = {"eps": 1e-5, "momentum": 0.1}
_RNN = {"input_size": 4, "hidden_size": 3, "num_layers": 2, "dropout": 0.1, "bias": True, "batch_first": False}
_CELL = {"input_size": 4, "hidden_size": 3}
_LAYER = {"d_model": 4, "nhead": 2, "dim_feedforward": 8, "dropout": 0.1, "activation": "relu", "layer_norm_eps": 1e-5}
_LRN = {"size": 2, "alpha": 1e-4, "beta": 0.75, "k": 1.0}
_TABLE = {"num_embeddings": 5, "embedding_dim": 3, "padding_idx": 1, "max_norm": 1.0, "norm_type": 2.0}

# A call that works, per module; {d} is every number of dimensions.
_CALLS: dict[str, dict[str, Any]] = {
    "Conv{d}d": {"in_channels": 4, "out_channels": 4, **_CONV},
    "LazyConv{d}d": {"out_channels": 4, **_CONV},
    "ConvTranspose{d}d": {"in_channels": 4, "out_channels": 4, **_TRANSPOSED},
    "LazyConvTranspose{d}d": {"out_channels": 4, **_TRANSPOSED},
    "BatchNorm{d}d": {"num_features": 4, **_NORM},
    "InstanceNorm{d}d": {"num_features": 4, **_NORM},
    "LazyBatchNorm{d}d": _NORM,
    "LazyInstanceNorm{d}d": _NORM,
    "MaxPool{d}d": {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 1},
    "AvgPool{d}d": {"kernel_size": 3, "stride": 2, "padding": 1},
    "LPPool{d}d": {"norm_type": 2.0, "kernel_size": 3, "stride": 2},
    "AdaptiveAvgPool{d}d": {"output_size": 2},
    "AdaptiveMaxPool{d}d": {"output_size": 2},
    "MaxUnpool{d}d": {"kernel_size": 3, "stride": 2, "padding": 1},
    "CircularPad{d}d": {"padding": 1},
    "ConstantPad{d}d": {"padding": 1, "value": 2.0},
    "ReflectionPad{d}d": {"padding": 1},
    "ReplicationPad{d}d": {"padding": 1},
    "ZeroPad{d}d": {"padding": 1},
    "Dropout{d}d": {"p": 0.5},
    "FractionalMaxPool2d": {"kernel_size": 2, "output_size": 3},
    "FractionalMaxPool3d": {"kernel_size": 2, "output_ratio": 0.5},
    "AdaptiveLogSoftmaxWithLoss": {"in_features": 4, "n_classes": 10, "cutoffs": [3, 6], "div_value": 2.0},
    "AlphaDropout": {"p": 0.5},
    "BCELoss": {"reduction": "sum"},
    "BCEWithLogitsLoss": {"reduction": "sum"},
    "Bilinear": {"in1_features": 4, "in2_features": 3, "out_features": 2},
    "CELU": {"alpha": 1.0},
    "CTCLoss": {"blank": 0, "reduction": "sum"},
    "ChannelShuffle": {"groups": 2},
    "CosineEmbeddingLoss": {"margin": 0.0, "reduction": "sum"},
    "CosineSimilarity": {"dim": 1, "eps": 1e-8},
    "CrossEntropyLoss": {"ignore_index": -100, "reduction": "sum", "label_smoothing": 0.1},
    "CrossMapLRN2d": _LRN,
    "Dropout": {"p": 0.5},
    "ELU": {"alpha": 1.0},
    "Embedding": _TABLE,
    "EmbeddingBag": {**_TABLE, "mode": "sum"},
    "FeatureAlphaDropout": {"p": 0.5},
    "Flatten": {"start_dim": 1, "end_dim": -1},
    "Fold": {"output_size": (4, 4), "kernel_size": 2, "dilation": 1, "padding": 0, "stride": 1},
    "GELU": {"approximate": "tanh"},
    "GLU": {"dim": -1},
    "GRU": _RNN,
    "GRUCell": _CELL,
    "GaussianNLLLoss": {"eps": 1e-6, "reduction": "sum"},
    "GroupNorm": {"num_groups": 2, "num_channels": 4, "eps": 1e-5},
    "Hardshrink": {"lambd": 0.5},
    "Hardtanh": {"min_val": -1.0, "max_val": 1.0},
    "HingeEmbeddingLoss": {"margin": 1.0, "reduction": "sum"},
    "HuberLoss": {"delta": 1.0, "reduction": "sum"},
    "KLDivLoss": {"reduction": "batchmean"},
    "L1Loss": {"reduction": "sum"},
    "LSTM": {**_RNN, "proj_size": 2},
    "LSTMCell": _CELL,
    "LayerNorm": {"normalized_shape": (4,), "eps": 1e-5},
    "LazyLinear": {"out_features": 3},
    "LeakyReLU": {"negative_slope": 0.1},
    "Linear": {"in_features": 4, "out_features": 3},
    "LinearCrossEntropyLoss": {"in_features": 4, "num_classes": 3, "reduction": "sum", "label_smoothing": 0.1},
    "LocalResponseNorm": _LRN,
    "LogSoftmax": {"dim": 1},
    "MSELoss": {"reduction": "sum"},
    "MarginRankingLoss": {"margin": 0.0, "reduction": "sum"},
    "MultiLabelMarginLoss": {"reduction": "sum"},
    "MultiLabelSoftMarginLoss": {"reduction": "sum"},
    "MultiMarginLoss": {"p": 1, "margin": 1.0, "reduction": "sum"},
    "MultiheadAttention": {"embed_dim": 4, "num_heads": 2, "dropout": 0.1, "kdim": 3, "vdim": 5},
    "NLLLoss": {"ignore_index": -100, "reduction": "sum"},
    "NLLLoss2d": {"ignore_index": -100, "reduction": "sum"},
    "PReLU": {"num_parameters": 4, "init": 0.25},
    "PairwiseDistance": {"p": 2.0, "eps": 1e-6},
    "PixelShuffle": {"upscale_factor": 2},
    "PixelUnshuffle": {"downscale_factor": 2},
    "PoissonNLLLoss": {"eps": 1e-8, "reduction": "sum"},
    "RMSNorm": {"normalized_shape": (4,), "eps": 1e-5},
    "RNN": {**_RNN, "nonlinearity": "tanh"},
    "RNNBase": {"mode": "LSTM", **_RNN, "proj_size": 2},
    "RNNCell": {**_CELL, "nonlinearity": "tanh"},
    "RNNCellBase": {**_CELL, "bias": True, "num_chunks": 2},
    "RReLU": {"lower": 0.1, "upper": 0.3},
    "SmoothL1Loss": {"beta": 1.0, "reduction": "sum"},
    "SoftMarginLoss": {"reduction": "sum"},
    "Softmax": {"dim": 1},
    "Softmin": {"dim": 1},
    "Softplus": {"beta": 1.0, "threshold": 20.0},
    "Softshrink": {"lambd": 0.5},
    "SyncBatchNorm": {"num_features": 4, **_NORM},
    "Threshold": {"threshold": 0.1, "value": 2.0},
    "Transformer": {**_LAYER, "num_encoder_layers": 1, "num_decoder_layers": 1},
    "TransformerDecoder": {"decoder_layer": nn.TransformerDecoderLayer(4, 2, 8), "num_layers": 2},
    "TransformerDecoderLayer": _LAYER,
    "TransformerEncoder": {"encoder_layer": nn.TransformerEncoderLayer(4, 2, 8), "num_layers": 2},
    "TransformerEncoderLayer": _LAYER,
    "TripletMarginLoss": {"margin": 1.0, "p": 2.0, "eps": 1e-6, "reduction": "sum"},
    "TripletMarginWithDistanceLoss": {"margin": 1.0, "reduction": "sum"},
    "Unflatten": {"dim": 1, "unflattened_size": (2, 2)},
    "Unfold": {"kernel_size": 2, "dilation": 1, "padding": 0, "stride": 1},
    "Upsample": {"scale_factor": 2.0, "mode": "bilinear", "align_corners": False},
    "UpsamplingBilinear2d": {"size": 5},
    "UpsamplingNearest2d": {"size": 5},
}
CALLS = {
    name.replace("{d}", str(d)): call for name, call in _CALLS.items() for d in ((1, 2, 3) if "{d}" in name else (0,))
}

# No arguments, or none but flags and other modules.
_OTHERS = {
    "Container", "DataParallel", "Hardsigmoid", "Hardswish", "Identity", "LogSigmoid", "Mish", "Module", "ModuleDict",
    "ModuleList", "ParameterDict", "ParameterList", "ReLU", "ReLU6", "SELU", "Sequential", "SiLU", "Sigmoid",
    "Softmax2d", "Softsign", "Tanh", "Tanhshrink",
}  # fmt: skip

_NO_NUMBER = (object(), 1j, "3", {}, [[1]])
_SIGNED = ("dim", "start_dim", "end_dim", "ignore_index", "padding_idx", "unflattened_size")
_SIZED_FROM_0 = (
    "in_channels", "in_features", "in2_features", "out_features", "num_features", "num_channels", "num_parameters",
    "embedding_dim", "kdim", "vdim", "num_embeddings", "dim_feedforward", "padding", "output_padding",
    "normalized_shape", "proj_size", "blank", "num_chunks", "num_layers", "num_encoder_layers",
    "num_decoder_layers", "output_size",
)  # fmt: skip


def _bad_values(module: str, name: str, value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [object(), "no"] if module in ("RNN", "LSTM", "GRU", "RNNBase", "Upsample") else []
    if isinstance(value, str):
        return [3, "bogus", object()]
    if isinstance(value, float):
        return [*_NO_NUMBER, *([] if name not in ("p", "dropout", "label_smoothing") else [-0.5, float("nan")])]
    if isinstance(value, nn.Module):
        return [None, 3]
    bad = [*_NO_NUMBER, 1.5, True, float("nan")]
    many = isinstance(value, (tuple, list))
    if name not in _SIGNED and not (module.endswith(("Pad1d", "Pad2d", "Pad3d")) and name == "padding"):
        bad.append([-1] if many else -1)
        from_0 = name in _SIZED_FROM_0 and not (module in ("RNN", "LSTM", "GRU", "RNNBase") and name != "proj_size")
        if not from_0 and module not in ("GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"):
            bad.append([0] if many else 0)
    if module in ("MultiMarginLoss", "PairwiseDistance", "TripletMarginLoss"):
        bad.remove(True)
    return bad


CASES = [
    pytest.param(module, name, bad, id=f"{module}-{name}-{bad!r:.12}")
    for module, call in CALLS.items()
    for name, value in call.items()
    for bad in _bad_values(module, name, value)
    if not (module.startswith("PairwiseDistance") and name == "p" and isinstance(bad, float))
    if not (module == "TripletMarginLoss" and name == "p" and isinstance(bad, float))
]


def test_the_table_has_every_module() -> None:
    modules = {n for n in nn.__all__ if inspect.isclass(getattr(nn, n)) and issubclass(getattr(nn, n), nn.Module)}
    assert modules == set(CALLS) | _OTHERS


@pytest.mark.parametrize("module", CALLS)
def test_the_calls_of_the_table_work(module: str) -> None:
    getattr(nn, module)(**CALLS[module])


@pytest.mark.parametrize(("module", "name", "bad"), CASES)
def test_bad_arguments(module: str, name: str, bad: Any) -> None:
    with pytest.raises((plait.ArgumentError, plait.ArgumentTypeError)) as caught:
        getattr(nn, module)(**{**CALLS[module], name: bad})
    text = str(caught.value)
    assert "expected" in text or "should be" in text
    assert ": expected" not in text or text.split(":")[0].isidentifier()


@pytest.mark.parametrize("module", CALLS)
def test_positions_are_checked_as_names_are(module: str) -> None:
    cls = getattr(nn, module)
    parameters = list(inspect.signature(cls).parameters.values())
    if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        return
    first = parameters[0].name
    if not _bad_values(module, first, CALLS[module].get(first)) or first not in CALLS[module]:
        return
    rest = {name: value for name, value in CALLS[module].items() if name != first}
    with pytest.raises((plait.ArgumentError, plait.ArgumentTypeError)):
        cls(object(), **rest)


def test_integers_of_other_libraries() -> None:
    two = np.int64(2)
    assert nn.Linear(two, plait.tensor(3)).weight.shape == (3, 2)
    assert nn.Conv2d(two, 4, (two, 3), stride=np.array([2, 1])).weight.shape == (4, 2, 2, 3)
    assert len(nn.LSTM(2, 2, np.int32(2)).all_weights) == 2
    assert nn.LayerNorm(plait.tensor(3)).normalized_shape == (3,)
    assert nn.MaxPool2d(plait.tensor(2))(plait.ones(1, 1, 4, 4)).shape == (1, 1, 2, 2)
    assert nn.FractionalMaxPool2d(two, 3)(plait.ones(1, 1, 8, 8)).shape == (1, 1, 3, 3)
    nn.Dropout(np.float32(0.5)), nn.Dropout(plait.tensor(0.5)), nn.Dropout(1), nn.Unflatten(two, (2, 2))


def test_one_entry_stands_for_all_dimensions() -> None:
    for layer in (nn.Conv2d(1, 1, 3, (2,), (1,), (1,)), nn.ConvTranspose2d(1, 1, 3, (2,), (1,), (0,))):
        assert layer.stride == (2, 2) and layer.padding == (1, 1)
        layer(plait.ones(1, 1, 5, 5))


def test_entries_per_dimension() -> None:
    for make in (
        lambda: nn.Conv2d(1, 1, (3,)),
        lambda: nn.Conv2d(1, 1, 3, (1, 1, 1)),
        lambda: nn.MaxPool2d((2, 2, 2)),
        lambda: nn.AvgPool1d((2, 2)),
        lambda: nn.Unfold((2, 2, 2)),
        lambda: nn.AdaptiveAvgPool3d((2, 2)),
        lambda: nn.ReflectionPad2d((1, 1)),
        lambda: nn.LayerNorm(()),
    ):
        with pytest.raises(ValueError, match="expected"):
            make()
    assert nn.ZeroPad2d((1, 2))(plait.ones(1, 2, 2)).shape == (1, 2, 5)
    assert nn.AvgPool2d(2, ())(plait.ones(1, 4, 4)).shape == (1, 2, 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv2d(3, 4, 3, groups=2),
        lambda: nn.Conv2d(4, 3, 3, groups=2),
        lambda: nn.Conv2d(4, 4, 3, stride=2, padding="same"),
        lambda: nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"),
        lambda: nn.LazyConv2d(3, 3, groups=2),
        lambda: nn.MultiheadAttention(5, 2),
        lambda: nn.GroupNorm(3, 4),
        lambda: nn.LSTM(2, 2, proj_size=2),
        lambda: nn.GRU(2, 2, dropout=True),
        lambda: nn.Embedding(3, 2, padding_idx=3),
        lambda: nn.Embedding(3, 2, padding_idx=-4),
        lambda: nn.MaxPool2d(2, padding=2),
        lambda: nn.AvgPool1d(3, padding=2),
        lambda: nn.Upsample(),
        lambda: nn.Upsample(size=3, scale_factor=2),
        lambda: nn.Upsample(size=3, mode="nearest", align_corners=False),
        lambda: nn.Hardtanh(1.0, 1.0),
        lambda: nn.RReLU(0.5, 0.1),
        lambda: nn.RReLU(0.5, float("inf")),
        lambda: nn.HuberLoss(delta=0),
        lambda: nn.SmoothL1Loss(beta=-1),
        lambda: nn.CosineSimilarity(eps=-1),
        lambda: nn.CELU(0),
        lambda: nn.LPPool2d(0, 2),
        lambda: nn.AvgPool2d(2, divisor_override=0),
        lambda: nn.LinearCrossEntropyLoss(3, 2, weight=plait.ones(3)),
        lambda: nn.L1Loss(reduction="batchmean"),
        lambda: nn.BCELoss(weight=[1.0]),
    ],
)
def test_arguments_that_do_not_fit_together(make: Any) -> None:
    with pytest.raises((plait.ArgumentError, plait.ArgumentTypeError), match="expected"):
        make()


def test_nothing_is_drawn_by_a_refused_call() -> None:
    before = plait.get_rng_state()
    for module, name, bad in (case.values for case in CASES):
        with pytest.raises((plait.ArgumentError, plait.ArgumentTypeError)):
            getattr(nn, module)(**{**CALLS[module], name: bad})
        assert plait.equal(plait.get_rng_state(), before), (module, name, bad)


def test_batch_norm_trains_with_a_positive_eps() -> None:
    layer, x = nn.BatchNorm1d(3, eps=0.0), plait.randn(4, 3)
    with pytest.raises(ValueError, match="expected eps greater than 0"):
        layer(x)
    assert layer.eval()(x).shape == (4, 3)
    assert nn.InstanceNorm1d(3, eps=0.0)(plait.randn(2, 3, 4)).isfinite().all()


def test_tables_without_columns() -> None:
    for mode in ("sum", "mean", "max"):
        for options in ({}, {"padding_idx": 1}):
            bag = nn.EmbeddingBag(4, 0, mode=mode, **options)
            assert bag(plait.tensor([[0, 1], [2, 3]])).shape == (2, 0)
    assert nn.LinearCrossEntropyLoss(0, 3)(plait.ones(2, 0), plait.tensor([0, 2])).isfinite()
