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
from . import _records

__all__ = ["SummaryWriter"]


def _array(values: Any) -> np.ndarray:
    if isinstance(values, Tensor):
        t = values.detach()
        return (t.float() if t.dtype == _core.bfloat16 else t).numpy()
    return np.asarray(values)


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
            new_style, double_precision: accepted and ignored.
        """
        self._add(_records.scalar_value(tag, float(scalar_value)), global_step, walltime)

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
        image = _array(img_tensor)
        if sorted(dataformats) not in (list("CHW"), list("HW")) or image.ndim != len(dataformats):
            raise ArgumentError(f"add_image: expected dimensions {dataformats}, got shape {image.shape}")
        image = image[..., None] if len(dataformats) == 2 else image
        names = dataformats + "C" if len(dataformats) == 2 else dataformats
        image = image.transpose([names.index(d) for d in "HWC"])
        if image.shape[2] not in (1, 3, 4):
            raise ArgumentError(f"add_image: expected 1, 3 or 4 channels, got {image.shape[2]}")
        if image.dtype != np.uint8:
            image = (np.nan_to_num(image).clip(0, 1) * 255).round().astype(np.uint8)
        self._add(_records.image_value(tag, image), global_step, walltime)

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
        n, h, w, c = batch.shape
        columns = int(np.ceil(np.sqrt(n)))
        rows = -(-n // columns)
        grid = np.zeros((rows * columns, h, w, c), batch.dtype)
        grid[:n] = batch
        grid = grid.reshape(rows, columns, h, w, c).transpose(0, 2, 1, 3, 4).reshape(rows * h, columns * w, c)
        self.add_image(tag, grid, global_step, walltime, "HWC")

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
