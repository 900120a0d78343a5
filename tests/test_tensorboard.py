# SPDX-License-Identifier: MIT
"""Event files, read back by a parser of their format."""

from __future__ import annotations

import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import plait
from plait.utils.tensorboard import SummaryWriter, _records


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of a protocol-buffer message."""

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    at = 0
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 1:
            yield key >> 3, struct.unpack_from("<d", data, at)[0]
            at += 8
        elif key & 7 == 5:
            yield key >> 3, struct.unpack_from("<f", data, at)[0]
            at += 4
        else:
            n = varint()
            yield key >> 3, data[at : at + n]
            at += n


def events(folder: pathlib.Path) -> list[tuple[int, dict[int, Any]]]:
    """(step, summary value) of all events in the folder's file."""
    (path,) = folder.glob("events.out.tfevents.*")
    data = path.read_bytes()
    found, at = [], 0
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert check == _records._masked_crc(data[at : at + 8])
        body = data[at + 12 : at + 12 + length]
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == _records._masked_crc(body)
        at += 16 + length
        message = dict(fields(body))
        if 3 in message:
            assert message[3] == b"brain.Event:2"
            assert not found
        else:
            found.append((message.get(2, 0), dict(fields(dict(fields(message[5]))[1]))))
    return found


def test_checksum_is_castagnoli() -> None:
    crc = (_records._masked_crc(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert ((crc >> 17) | (crc << 15)) & 0xFFFFFFFF == 0xE3069283


def test_scalars_and_text(tmp_path: pathlib.Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", plait.tensor(0.5), 3)
        writer.add_scalar("loss", 0.25)
        writer.add_scalar("big", 1.0, 2**40)
        writer.add_text("note", "**bold** \u00e4", 1)
        writer.add_scalars("acc", {"a": 1.0, "b": 0.5}, 2)
    found = events(tmp_path)
    assert [(step, value[1], value.get(2)) for step, value in found[:3]] == [
        (3, b"loss", 0.5),
        (0, b"loss", 0.25),
        (2**40, b"big", 1.0),
    ]
    text = found[3][1]
    assert text[1] == b"note/text_summary"
    assert dict(fields(text[8]))[8] == "**bold** \u00e4".encode()
    assert events(tmp_path / "acc_b")[0][1][2] == 0.5


def test_histogram(tmp_path: pathlib.Path) -> None:
    values = plait.tensor([0.0, 1.0, 1.0, 3.0])
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", values, 1, bins=3)
        writer.add_histogram("constant", plait.ones(5), 1)
        for bad in (plait.zeros(0), plait.tensor([float("nan")])):
            with pytest.raises(ValueError, match="finite"):
                writer.add_histogram("bad", bad)
    (_, first), _ = events(tmp_path)
    numbers = dict(fields(first[5]))
    assert [numbers[i] for i in range(1, 6)] == [0.0, 3.0, 4.0, 5.0, 11.0]
    assert np.frombuffer(numbers[6], "<f8").tolist() == [0, 1, 2, 3]
    assert np.frombuffer(numbers[7], "<f8").tolist() == [0, 1, 2, 1]


def pixels(data: bytes) -> np.ndarray:
    """The image in an unfiltered PNG file."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, body, head = 8, b"", b""
    while at < len(data):
        (n,) = struct.unpack_from(">I", data, at)
        kind, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + n]
        assert struct.unpack_from(">I", data, at + 8 + n)[0] == zlib.crc32(kind + chunk)
        head = chunk if kind == b"IHDR" else head
        body += chunk if kind == b"IDAT" else b""
        at += 12 + n
    width, height, _, color = struct.unpack_from(">IIBB", head)
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, {0: 1, 2: 3, 6: 4}[color])


def test_images(tmp_path: pathlib.Path) -> None:
    image = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("hwc", image, 1, dataformats="HWC")
        writer.add_image("chw", plait.from_numpy(image.transpose(2, 0, 1).copy()))
        writer.add_image("float", plait.tensor([[0.0, 0.5], [1.0, 2.0]]), dataformats="HW")
        writer.add_images("grid", np.full((3, 1, 2, 2), 9, np.uint8))
        for bad, dims in ((np.zeros((2, 2)), "CHW"), (np.zeros((2, 3, 3)), "CHW"), (np.zeros((2, 2)), "XY")):
            with pytest.raises(ValueError, match="add_image"):
                writer.add_image("bad", bad, dataformats=dims)
    values = [dict(fields(value[4])) for _, value in events(tmp_path)]
    assert (values[0][1], values[0][2], values[0][3]) == (2, 5, 3)
    np.testing.assert_array_equal(pixels(values[0][4]), image)
    np.testing.assert_array_equal(pixels(values[1][4]), image)
    assert pixels(values[2][4]).reshape(-1).tolist() == [0, 128, 255, 255]
    grid = pixels(values[3][4])[..., 0]
    assert grid.shape == (4, 4)
    assert (grid[2:, 2:] == 0).all()
    assert (grid[:2] == 9).all()


def test_closed_writer_opens_again(tmp_path: pathlib.Path) -> None:
    writer = SummaryWriter(tmp_path / "a" / "b")
    assert writer.get_logdir().endswith("b")
    writer.add_scalar("x", 1.0, 0)
    writer.flush()
    assert len(events(tmp_path / "a" / "b")) == 1
    writer.close()
    writer.close()
    writer.add_scalar("x", 2.0, 1)
    writer.close()


def test_graph(tmp_path: pathlib.Path) -> None:
    class Net(plait.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = plait.nn.Sequential(plait.nn.Linear(4, 3), plait.nn.ReLU(), plait.nn.Dropout(0.5))
            self.head = plait.nn.Linear(3, 2)

        def forward(self, x: plait.Tensor, scale: plait.Tensor) -> plait.Tensor:
            y = self.body(x)
            return self.head(y) + self.head(y * scale)

    net = Net()
    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(net, (plait.ones(5, 4), plait.tensor(2.0)))
    assert net.training and not net.body[0]._forward_hooks
    (path,) = tmp_path.glob("events.out.tfevents.*")
    data = path.read_bytes()
    (first,) = struct.unpack_from("<Q", data, 0)
    (length,) = struct.unpack_from("<Q", data, 16 + first)
    event = dict(fields(data[16 + first + 12 :][:length]))
    nodes = {}
    for number, node in fields(event[4]):
        if number == 1:
            inputs = [v.decode() for k, v in fields(node) if k == 3]
            parts = dict(fields(node))
            nodes[parts[1].decode()] = (parts[2].decode(), inputs)
    assert nodes["input/0"] == ("IO Node", []) and nodes["Net/head/weight"] == ("Parameter", [])
    assert nodes["Net/body/0/linear"] == ("linear", ["input/0", "Net/body/0/weight", "Net/body/0/bias"])
    assert nodes["Net/body/1/relu"] == ("relu", ["Net/body/0/linear"])
    assert nodes["Net/add"][1] == ["Net/head/linear", "Net/head/linear_1"]
    assert nodes["output/0"] == ("IO Node", ["Net/add"])


def test_embedding(tmp_path: pathlib.Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_embedding(plait.eye(3), ["a", "b\tc", 3], plait.rand(3, 1, 2, 4), global_step=7, tag="points")
        writer.add_embedding(np.ones((2, 2)), [["x", 1], ["y", 2]], metadata_header=["name", "n"])
        with pytest.raises(ValueError, match="label"):
            writer.add_embedding(plait.eye(3), ["a"])
    folder = tmp_path / "00007" / "points"
    assert (folder / "tensors.tsv").read_text().splitlines()[1] == "0.0\t1.0\t0.0"
    assert (folder / "metadata.tsv").read_text() == "a\nb c\n3\n"
    assert struct.unpack_from(">II", (folder / "sprite.png").read_bytes(), 16) == (8, 4)
    assert (tmp_path / "00000" / "default" / "metadata.tsv").read_text() == "name\tn\nx\t1\ny\t2\n"
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert config.count("embeddings {") == 2 and "single_image_dim: 4 single_image_dim: 2" in config


# ---- by TensorBoard's own reader ---------------------------------------------------------------------------


def summaries(folder: pathlib.Path) -> dict[str, Any]:
    """The values in a folder's event file by tag, read by TensorBoard."""
    pytest.importorskip("tensorboard", reason="reads the file")
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event

    (path,) = folder.glob("events.out.tfevents.*")
    found = [Event.FromString(data) for data in RawEventFileLoader(str(path)).Load()]
    return {value.tag: value for event in found for value in event.summary.value}


def array(value: Any) -> np.ndarray:
    from tensorboard.util.tensor_util import make_ndarray

    return make_ndarray(value.tensor)


def test_tensorboard_reads_plain_values(tmp_path: pathlib.Path) -> None:
    x = plait.arange(6.0).reshape(2, 3)
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("old", 0.1, 1)
        writer.add_scalar("new", 0.1, 1, new_style=True)
        writer.add_scalar("double", 0.1, 1, double_precision=True)
        writer.add_tensor("tensor", x)
        writer.add_tensor("counts", plait.tensor([1, 2], dtype=plait.uint8))
        writer.add_histogram("histogram", x, bins=2)
        writer.add_histogram_raw("raw", 0.0, 5.0, 6, 15.0, 55.0, [2.5, 5.0], plait.tensor([3, 3]))
        writer.add_text("text", "**bold**")
        with pytest.raises(ValueError, match="limit for each count"):
            writer.add_histogram_raw("bad", 0, 1, 2, 1, 1, [1], [1, 1])
    found = summaries(tmp_path)
    assert found["old"].simple_value == np.float32(0.1)
    assert array(found["new"]) == np.float32(0.1) and found["new"].metadata.plugin_data.plugin_name == "scalars"
    assert array(found["double"]) == 0.1
    np.testing.assert_array_equal(array(found["tensor"]), x.numpy())
    assert array(found["counts"]).tolist() == [1, 2]
    assert list(found["histogram"].histo.bucket) == [0, 3, 3]
    raw = found["raw"].histo
    assert [raw.min, raw.max, raw.num, raw.sum, raw.sum_squares] == [0, 5, 6, 15, 55]
    assert (list(raw.bucket_limit), list(raw.bucket)) == ([2.5, 5.0], [3.0, 3.0])
    assert array(found["text/text_summary"]).tolist() == [b"**bold**"]


def test_tensorboard_reads_precision_and_recall(tmp_path: pathlib.Path) -> None:
    labels, scores = plait.tensor([0, 1, 1, 0, 1]), plait.tensor([0.1, 0.9, 0.4, 0.6, 1.0])
    with SummaryWriter(tmp_path) as writer:
        writer.add_pr_curve("pr", labels, scores, num_thresholds=5)
        writer.add_pr_curve("weighted", labels, scores, num_thresholds=3, weights=plait.tensor([1.0, 2, 1, 1, 1]))
        writer.add_pr_curve_raw("raw", *np.arange(12.0).reshape(6, 2), num_thresholds=2)
        for bad in (scores[:4], scores * 2):
            with pytest.raises(ValueError, match="add_pr_curve"):
                writer.add_pr_curve("bad", labels, bad)
        with pytest.raises(ValueError, match="expected 3 values"):
            writer.add_pr_curve_raw("bad", *np.ones((6, 2)), num_thresholds=3)
    found = summaries(tmp_path)
    from tensorboard.plugins.pr_curve.metadata import parse_plugin_metadata

    assert parse_plugin_metadata(found["pr"].metadata.plugin_data.content).num_thresholds == 5
    curve = array(found["pr"])
    for i, threshold in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
        positive, truth = scores.numpy() >= threshold, labels.numpy() == 1
        counts = [(positive & truth).sum(), (positive & ~truth).sum(), (~positive & ~truth).sum()]
        assert curve[:3, i].tolist() == counts
        assert curve[4, i] == np.float32(counts[0] / max(1, counts[0] + counts[1]))
        assert curve[5, i] == np.float32(counts[0] / 3)
    assert array(found["weighted"])[0].tolist() == [4, 3, 1]
    np.testing.assert_array_equal(array(found["raw"]), np.arange(12).reshape(6, 2))


def test_tensorboard_reads_hparams(tmp_path: pathlib.Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        hparams = {"rate": plait.tensor(0.5), "layers": 3, "act": "relu", "bias": True}
        writer.add_hparams(hparams, {"loss": 0.25}, {"act": ["relu", "gelu"]}, run_name="one", global_step=4)
        for bad, domain in (({"a": [1]}, None), ({"a": 1}, {"b": [1]}), ({"a": 1}, {"a": ["x"]})):
            with pytest.raises(ValueError, match="add_hparams"):
                writer.add_hparams(bad, {}, domain)
    found = summaries(tmp_path / "one")
    from tensorboard.plugins.hparams import metadata

    def content(name: str) -> bytes:
        return found[f"_hparams_/{name}"].metadata.plugin_data.content

    experiment = metadata.parse_experiment_plugin_data(content("experiment"))
    assert [(i.name, i.type) for i in experiment.hparam_infos] == [("rate", 3), ("layers", 3), ("act", 1), ("bias", 2)]
    assert list(experiment.hparam_infos[2].domain_discrete) == ["relu", "gelu"]
    assert [m.name.tag for m in experiment.metric_infos] == ["loss"]
    start = metadata.parse_session_start_info_plugin_data(content("session_start_info"))
    assert start.hparams["rate"].number_value == 0.5 and start.hparams["bias"].bool_value
    assert start.hparams["act"].string_value == "relu" and start.hparams["layers"].number_value == 3
    assert metadata.parse_session_end_info_plugin_data(content("session_end_info")).status == 1
    assert found["loss"].simple_value == 0.25


def test_tensorboard_reads_layouts_and_meshes(tmp_path: pathlib.Path) -> None:
    points = plait.rand(1, 4, 3)
    with SummaryWriter(tmp_path) as writer:
        writer.add_custom_scalars({"a": {"x": ["Multiline", ["l/1", "l/2"]], "y": ["Margin", ["v", "lo", "hi"]]}})
        writer.add_mesh("mesh", points, points * 255, plait.tensor([[[0, 1, 2]]]), {"camera": {"fov": 75}})
        for bad in (["Margin", ["v"]], ["Other", []]):
            with pytest.raises(ValueError, match="add_custom_scalars"):
                writer.add_custom_scalars({"a": {"x": bad}})
        with pytest.raises(ValueError, match="add_mesh"):
            writer.add_mesh("bad", plait.rand(4, 3))
    with SummaryWriter(tmp_path / "short") as writer:
        writer.add_custom_scalars_multilinechart(["p", "q"], title="both")
        with pytest.raises(ValueError, match="add_custom_scalars"):
            writer.add_custom_scalars_marginchart(["p", "q"])
    found = summaries(tmp_path)
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
    from tensorboard.plugins.mesh.metadata import get_components_bitmask, parse_plugin_metadata

    (category,) = Layout.FromString(array(found["custom_scalars__config__"]).item()).category
    assert (category.title, [c.title for c in category.chart]) == ("a", ["x", "y"])
    assert list(category.chart[0].multiline.tag) == ["l/1", "l/2"]
    (series,) = category.chart[1].margin.series
    assert (series.value, series.lower, series.upper) == ("v", "lo", "hi")
    np.testing.assert_array_equal(array(found["mesh_VERTEX"]), points.numpy())
    assert array(found["mesh_FACE"]).tolist() == [[[0, 1, 2]]]
    data = parse_plugin_metadata(found["mesh_COLOR"].metadata.plugin_data.content)
    assert (data.name, data.content_type, list(data.shape)) == ("mesh", 3, [1, 4, 3])
    assert data.json_config == '{"camera": {"fov": 75}}' and data.components == get_components_bitmask([1, 2, 3])
    short = summaries(tmp_path / "short")["custom_scalars__config__"]
    assert Layout.FromString(array(short).item()).category[0].chart[0].title == "both"


def test_tensorboard_reads_sounds_and_videos(tmp_path: pathlib.Path) -> None:
    import io
    import wave

    image_files = pytest.importorskip("PIL.Image", reason="writes GIF files")
    sound = plait.tensor([[0.0, 1.0, -1.0, 2.0], [0.5, 0.0, 0.0, 0.0]])
    video = plait.zeros(3, 4, 1, 5, 6, dtype=plait.uint8)
    video[1, 2] = 200
    with SummaryWriter(tmp_path) as writer:
        writer.add_audio("sound", sound, sample_rate=8000)
        writer.add_video("video", video, fps=10)
        writer.add_image_with_boxes("boxes", plait.zeros(3, 20, 30), plait.tensor([[2.0, 3, 20, 12]]), labels=["cat"])
        with pytest.raises(ValueError, match="add_audio"):
            writer.add_audio("bad", plait.zeros(1, 1, 3))
        with pytest.raises(ValueError, match="add_video"):
            writer.add_video("bad", plait.zeros(1, 2, 2, 5, 5))
        with pytest.raises(ValueError, match="a label for each"):
            writer.add_image_with_boxes("bad", plait.zeros(3, 4, 4), plait.zeros(1, 4), labels=["a", "b"])
    found = summaries(tmp_path)
    audio = found["sound"].audio
    assert (audio.sample_rate, audio.num_channels, audio.length_frames) == (8000, 2, 4)
    with wave.open(io.BytesIO(audio.encoded_audio_string)) as file:
        samples = np.frombuffer(file.readframes(4), "<i2").reshape(4, 2)
    assert samples.tolist() == [[0, 16383], [32767, 0], [-32767, 0], [32767, 0]]
    gif = image_files.open(io.BytesIO(found["video"].image.encoded_image_string))
    assert (gif.n_frames, gif.size, gif.info["duration"]) == (3, (12, 10), 200)  # two frames are alike
    gif.seek(1)
    assert gif.convert("L").getpixel((7, 1)) == 200
    picture = pixels(found["boxes"].image.encoded_image_string)
    assert picture[3, 10].tolist() == [255, 0, 0] and not picture[15:].any()


def test_tensorboard_reads_graphs_and_figures(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("tensorboard", reason="reads the file")
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="draws the figure")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    figure = pyplot.figure(figsize=(2, 1), dpi=50)
    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(plait.nn.Sequential(plait.nn.Linear(2, 3), plait.nn.ReLU()), plait.ones(4, 2))
        writer.add_figure("figure", figure, 2)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert isinstance(events.Graph(), GraphDef)
    nodes = {node.name: node for node in events.Graph().node}
    assert list(nodes["Sequential/1/relu"].input) == ["Sequential/0/linear"]
    (image,) = events.Images("figure")
    assert (image.step, image.width, image.height) == (2, 100, 50)
