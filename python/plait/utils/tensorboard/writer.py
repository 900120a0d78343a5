# SPDX-License-Identifier: MIT
"""SummaryWriter."""

from __future__ import annotations

import os
import socket
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ... import _core
from ..._core import ArgumentError, Tensor
from . import _plugins, _records

__all__ = ["SummaryWriter"]


def _array(values: Any) -> np.ndarray:
    if isinstance(values, Tensor):
        t = values.detach()
        return (t.float() if t.dtype == _core.bfloat16 else t).numpy()
    return np.asarray(values)


def _channels_last(caller: str, image: np.ndarray, dataformats: str) -> np.ndarray:
    """An image as (height, width, channels)."""
    if sorted(dataformats) not in (list("CHW"), list("HW")) or image.ndim != len(dataformats):
        raise ArgumentError(f"{caller}: expected dimensions {dataformats}, got shape {image.shape}")
    if len(dataformats) == 2:
        image, dataformats = image[..., None], dataformats + "C"
    image = image.transpose([dataformats.index(d) for d in "HWC"])
    if image.shape[2] not in (1, 3, 4):
        raise ArgumentError(f"{caller}: expected 1, 3 or 4 channels, got {image.shape[2]}")
    return image


def _bytes_of(image: np.ndarray) -> np.ndarray:
    """uint8 as it is, floats in [0, 1] times 255."""
    return image if image.dtype == np.uint8 else (np.nan_to_num(image).clip(0, 1) * 255).round().astype(np.uint8)


def _grid(batch: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C) side by side, in a grid that is as square as it can be."""
    n, h, w, c = batch.shape
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    grid = np.zeros((rows * columns, h, w, c), batch.dtype)
    grid[:n] = batch
    return grid.reshape(rows, columns, h, w, c).transpose(0, 2, 1, 3, 4).reshape(rows * h, columns * w, c)


class SummaryWriter:
    """Write an event file that ``tensorboard --logdir`` shows.

    Args:
        log_dir: folder of the file, made if needed; default ``runs/<time>_<host>``.
        comment: appended to the default folder's name.
        purge_step, max_queue: accepted.
        flush_secs: how long values may wait before they go to the file, default 120.
        filename_suffix: appended to the file's name.

    Example:
        >>> import tempfile
        >>> from plait.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(tempfile.mkdtemp()) as writer:
        ...     for step in range(3):
        ...         writer.add_scalar("loss", 1 / (step + 1), step)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            stamp = datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = Path("runs") / f"{stamp}_{socket.gethostname()}{comment}"
        self.log_dir = str(log_dir)
        self._flush_secs = flush_secs
        self._suffix = filename_suffix
        self._lock = threading.Lock()
        self._file: Any = None
        self._children: dict[str, SummaryWriter] = {}
        self._open()

    def _open(self) -> None:
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{os.getpid()}.{id(self)}{self._suffix}"
        Path(self.log_dir).mkdir(parents=True, exist_ok=True)
        self._file = open(Path(self.log_dir) / name, "ab")  # noqa: SIM115
        self._file.write(_records.record(_records.file_header(now)))
        self._file.flush()
        self._flushed = now

    def get_logdir(self) -> str:
        """The folder of the file."""
        return self.log_dir

    def _add(self, value: bytes, step: int | None, wall_time: float | None) -> None:
        time_of_event = time.time() if wall_time is None else wall_time
        self._write(_records.event(time_of_event, 0 if step is None else int(step), value))

    def _write(self, event: bytes) -> None:
        now = time.time()
        data = _records.record(event)
        with self._lock:
            if self._file is None:
                self._open()
            self._file.write(data)
            if now - self._flushed > self._flush_secs:
                self._file.flush()
                self._flushed = now

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add a point of a curve.

        Args:
            tag: name of the curve; a slash groups curves.
            scalar_value: a number or a tensor of one element.
            global_step: position, default 0.
            walltime: seconds since the epoch, default now.
            new_style: store the number as a tensor, as TensorFlow 2 does.
            double_precision: that tensor's dtype is float64.
        """
        number = float(scalar_value)
        value = (
            _plugins.scalar_tensor_value(tag, number, double_precision)
            if new_style or double_precision
            else _records.scalar_value(tag, number)
        )
        self._add(value, global_step, walltime)

    def add_tensor(self, tag: str, tensor: Any, global_step: int | None = None, walltime: float | None = None) -> None:
        """Add a tensor, for programs that read the file.

        Args:
            tag: its name.
            tensor: of any shape.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
        """
        self._add(_plugins.tensor_value(tag, _array(tensor)), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add points to several curves of one plot, each in a folder of its own.

        Args:
            main_tag: name of the plot.
            tag_scalar_dict: numbers by name.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
        """
        for tag, value in tag_scalar_dict.items():
            folder = f"{main_tag.replace('/', '_')}_{tag}"
            if folder not in self._children:
                self._children[folder] = SummaryWriter(os.path.join(self.log_dir, folder), flush_secs=self._flush_secs)
            self._children[folder].add_scalar(main_tag, value, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: str | int = "auto",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Add the distribution of a tensor's values.

        Args:
            values: tensor or array.
            bins: number of bins, or how NumPy finds it.
            max_bins: the most bins, default 512.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ValueError: there is no value, or one is not finite.
        """
        array = _array(values).astype(np.float64).reshape(-1)
        if array.size == 0 or not np.isfinite(array).all():
            raise ArgumentError(f"add_histogram: expected finite values, got {array.size} values, not all finite")
        limit = max_bins or 512
        if not isinstance(bins, int):
            with np.errstate(all="ignore"):
                found = len(np.histogram_bin_edges(array, bins)) - 1 if np.ptp(array) else 1
            bins = min(found, limit)
        self._add(_records.histogram_value(tag, array, min(bins, limit)), global_step, walltime)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: int,
        sum: float,
        sum_squares: float,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add a distribution that was counted elsewhere.

        Args:
            min, max, num, sum, sum_squares: the least and the greatest value, how many there are, their sum, and
                that of their squares.
            bucket_limits: the upper limit of each bucket.
            bucket_counts: how many values each bucket has.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ValueError: numbers of limits and counts that differ.
        """
        limits, counts = _array(bucket_limits), _array(bucket_counts)
        if limits.shape != counts.shape:
            raise ArgumentError(
                f"add_histogram_raw: expected a limit for each count, got {limits.shape} and {counts.shape}"
            )
        moments = [float(x) for x in (min, max, num, sum, sum_squares)]
        self._add(_records.buckets_value(tag, moments, limits, counts), global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Add an image.

        Args:
            img_tensor: uint8, or floats in [0, 1]; 1, 3 or 4 channels.
            dataformats: order of the dimensions: "CHW", "HWC" or "HW".
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ValueError: the shape does not fit.
        """
        image = _bytes_of(_channels_last("add_image", _array(img_tensor), dataformats))
        self._add(_records.image_value(tag, image), global_step, walltime)

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        labels: Any = None,
    ) -> None:
        """Add an image with the outlines of boxes, in red. Needs Pillow.

        Args:
            img_tensor: as for :meth:`add_image`, with 3 channels.
            box_tensor: (N, 4), the corners xmin, ymin, xmax, ymax in pixels of the image.
            rescale: by how much the picture is enlarged.
            dataformats: order of the dimensions: "CHW" or "HWC".
            labels: a text for each box.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ImportError: Pillow is not installed.
            ValueError: the shape does not fit.
        """
        from PIL import Image, ImageDraw

        image = _bytes_of(_channels_last("add_image_with_boxes", _array(img_tensor), dataformats))
        boxes = _array(box_tensor).reshape(-1, 4) * rescale
        names = [""] * len(boxes) if labels is None else [labels] if isinstance(labels, str) else list(labels)
        if len(names) != len(boxes) or image.shape[2] != 3:
            raise ArgumentError(
                f"add_image_with_boxes: expected 3 channels and a label for each of {len(boxes)} boxes, "
                f"got {image.shape[2]} channels and {len(names)} labels"
            )
        picture = Image.fromarray(image)
        picture = picture.resize((round(picture.width * rescale), round(picture.height * rescale)))
        pen = ImageDraw.Draw(picture)
        for box, name in zip(boxes.tolist(), names, strict=True):
            pen.rectangle(box, outline=(255, 0, 0), width=2)
            pen.text((box[0] + 3, box[1] + 2), name, fill=(255, 0, 0))
        self._add(_records.image_value(tag, np.asarray(picture)), global_step, walltime)

    def add_video(
        self,
        tag: str,
        vid_tensor: Any,
        global_step: int | None = None,
        fps: float = 4,
        walltime: float | None = None,
    ) -> None:
        """Add videos side by side, as one moving GIF picture. Needs Pillow.

        Args:
            vid_tensor: (N, T, C, H, W), uint8, or floats in [0, 1]; T frames of 1 or 3 channels.
            fps: frames a second.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ImportError: Pillow is not installed.
            ValueError: another number of dimensions or channels.
        """
        import io

        from PIL import Image

        videos = _bytes_of(_array(vid_tensor))
        if videos.ndim != 5 or videos.shape[2] not in (1, 3):
            raise ArgumentError(f"add_video: expected shape (N, T, 1 or 3, H, W), got {videos.shape}")
        frames = [_grid(frame.transpose(0, 2, 3, 1)) for frame in videos.swapaxes(0, 1)]
        pictures = [Image.fromarray(f[..., 0] if f.shape[2] == 1 else f) for f in frames]
        file = io.BytesIO()
        pictures[0].save(
            file, "GIF", save_all=True, append_images=pictures[1:], duration=round(1000 / fps), loop=0, optimize=False
        )
        self._add(_records.image_value(tag, frames[0], file.getvalue()), global_step, walltime)

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Add a sound.

        Args:
            snd_tensor: (frames,) or (channels, frames), floats in [-1, 1].
            sample_rate: frames a second.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ValueError: another number of dimensions.
        """
        self._add(_plugins.audio_value(tag, _array(snd_tensor), sample_rate), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Add a batch of images side by side, in a grid that is as square as it can be.

        Args:
            img_tensor: as for :meth:`add_image`, with a dimension N.
            dataformats: "NCHW" or "NHWC".
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ValueError: another number of dimensions than ``dataformats`` has.
        """
        batch = _array(img_tensor)
        if sorted(dataformats) != list("CHNW") or batch.ndim != 4:
            raise ArgumentError(f"add_images: expected dimensions {dataformats}, got shape {batch.shape}")
        batch = batch.transpose([dataformats.index(d) for d in "NHWC"])
        self.add_image(tag, _grid(batch), global_step, walltime, "HWC")

    def add_figure(
        self, tag: str, figure: Any, global_step: int | None = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """Add a matplotlib figure as an image.

        Args:
            figure: the figure.
            close: close it afterwards.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.
        """
        from matplotlib import pyplot
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        image = np.asarray(canvas.buffer_rgba())
        if close:
            pyplot.close(figure)
        self.add_image(tag, image, global_step, walltime, "HWC")

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Add a text in Markdown.

        Args:
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.
            text_string: the text.
        """
        self._add(_records.text_value(f"{tag}/text_summary", text_string), global_step, walltime)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """Add the graph of a module: the calls of one forward, in boxes by module.

        Args:
            model: a module; it runs once, in eval mode.
            input_to_model: a tensor, or a tuple of arguments.
            verbose: print how many calls there are.
            use_strict_trace: accepted.
        """
        from ._graph import graph

        data = graph(model, () if input_to_model is None else input_to_model)
        if verbose:
            print(f"add_graph: {len(data)} bytes")
        self._write(_records.graph_event(time.time(), data))

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add a curve of precision and recall over thresholds.

        Args:
            labels: whether each sample is positive, 0 or 1.
            predictions: the probability of that, in [0, 1].
            num_thresholds: evenly spaced in [0, 1].
            weights: how much each sample counts. Default: 1.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ValueError: numbers of labels and predictions that differ, or a prediction that is no probability.
        """
        weight = None if weights is None else _array(weights).reshape(-1)
        curve = _plugins.curve_of(_array(labels), _array(predictions), num_thresholds, weight)
        self._add(_plugins.precision_recall_value(tag, curve), global_step, walltime)

    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,
        false_positive_counts: Any,
        true_negative_counts: Any,
        false_negative_counts: Any,
        precision: Any,
        recall: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add a curve of precision and recall that was counted elsewhere.

        Args:
            true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts: a number for
                each threshold.
            precision, recall: the same.
            num_thresholds: how many there are.
            weights: accepted.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ValueError: another number of values than ``num_thresholds``.
        """
        counts = [true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts]
        rows = [_array(row).astype(np.float32).reshape(-1) for row in [*counts, precision, recall]]
        if any(row.size != num_thresholds for row in rows):
            raise ArgumentError(
                f"add_pr_curve_raw: expected {num_thresholds} values each, got {[row.size for row in rows]}"
            )
        self._add(_plugins.precision_recall_value(tag, np.stack(rows)), global_step, walltime)

    def add_mesh(
        self,
        tag: str,
        vertices: Any,
        colors: Any = None,
        faces: Any = None,
        config_dict: dict[str, Any] | None = None,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add points or triangles in space, which can be turned in the browser.

        Args:
            vertices: (N, points, 3), N sets of points.
            colors: (N, points, 3), 0 to 255, a color for each point.
            faces: (N, triangles, 3), the numbers of each triangle's points.
            config_dict: settings of the scene, such as its camera and lights.
            global_step: the place on the x axis.
            walltime: seconds since 1970. Default: now.
            tag: the name of the plot; a slash groups plots.

        Raises:
            ValueError: the shape does not fit.
        """
        import json

        parts = {"VERTEX": vertices, "FACE": faces, "COLOR": colors}
        arrays = {name: None if part is None else _array(part) for name, part in parts.items()}
        for value in _plugins.mesh_values(tag, arrays, json.dumps(config_dict or {})):
            self._add(value, global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Add a run's hyper-parameters and its results, a row of TensorBoard's table of runs.

        Args:
            hparam_dict: bools, numbers and strings by name.
            metric_dict: numbers by name.
            hparam_domain_discrete: the values that a hyper-parameter may take, by name.
            run_name: of the folder. Default: the time.
            global_step: the place of the results on the x axis.

        Raises:
            ValueError: a value of another type, or a domain that does not fit it.
        """
        now = time.time()
        values = _plugins.hparam_values(hparam_dict, metric_dict, hparam_domain_discrete, now)
        with SummaryWriter(os.path.join(self.log_dir, run_name or str(now))) as writer:
            for value in values:
                writer._add(value, global_step, None)
            for name, number in metric_dict.items():
                writer.add_scalar(name, number, global_step)

    def add_custom_scalars(self, layout: dict[str, dict[str, list[Any]]]) -> None:
        """Say which curves one chart shows, for the page "Custom scalars". Call it once.

        Args:
            layout: charts by title, by category: ``["Multiline", tags]`` or ``["Margin", [value, lower, upper]]``.

        Raises:
            ValueError: another kind of chart, or a margin of other than three curves.
        """
        self._add(_plugins.layout_value(layout), None, None)

    def add_custom_scalars_multilinechart(
        self, tags: list[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Show several curves in one chart: a short form of :meth:`add_custom_scalars`.

        Args:
            tags: the names of the curves.
            category: the group of charts.
            title: of the chart.
        """
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(
        self, tags: list[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Show a curve between two others in one chart: a short form of :meth:`add_custom_scalars`.

        Args:
            tags: the names of the curve, its lower and its upper bound.
            category: the group of charts.
            title: of the chart.

        Raises:
            ValueError: other than three curves.
        """
        self.add_custom_scalars({category: {title: ["Margin", tags]}})

    def add_embedding(
        self,
        mat: Any,
        metadata: Any = None,
        label_img: Any = None,
        global_step: int | None = None,
        tag: str = "default",
        metadata_header: Any = None,
    ) -> None:
        """Add points for the projector, in files beside the event file.

        Args:
            mat: (N, D), a row for each point.
            metadata: a label for each point, or a list of them with ``metadata_header``.
            label_img: (N, C, H, W), an image for each point.
            global_step: a number that tells apart points under one tag, default 0.
            tag: name of the points.
            metadata_header: names of the labels of a point.

        Raises:
            ValueError: numbers of rows, labels and images that differ.
        """
        from ._projector import write_points

        points = _array(mat)
        images = None if label_img is None else _array(label_img)
        write_points(Path(self.log_dir), points, metadata, images, global_step or 0, tag, metadata_header)

    def flush(self) -> None:
        """Write everything to the files."""
        with self._lock:
            if self._file is not None:
                self._file.flush()
        for child in self._children.values():
            child.flush()

    def close(self) -> None:
        """Write everything and close the files; adding opens a new one."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
        for child in self._children.values():
            child.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
