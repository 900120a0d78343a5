# SPDX-License-Identifier: MIT
"""What a net learned on six classes of photographs helps to tell four others, of which there are few pictures.

    python examples/transfer_photos.py --data DIR

DIR holds cifar10_subset.npz (the default is the folder cifar10-subset in the one PLAIT_DATA names). The ResNet of
cifar_resnet.py learns planes, cars, birds, cats, deer and frogs. Then it meets dogs, horses, ships and lorries, with
few pictures of each, in three ways:

    linear         its features stay as they are, and a linear layer on them is trained
    fine-tuned     all of it is trained further, below a new linear layer
    from scratch   the same net with random weights is trained on the few pictures alone

Each is repeated with several draws of the few pictures, the same for all three, and tested on the same pictures.
Writes transfer_photos.safetensors (the net of six classes) and transfer_photos.png (accuracy, the map of the new
classes, nearest neighbours).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from cifar_resnet import Net, as_pictures, augmented

import plait as torch
from plait.utils.data import DataLoader, TensorDataset

from _few import Results, at_ten, compare, draw_lines, draw_neighbours, draw_plane, features, few_options
from _photos import CLASSES, load_photos
from _report import STYLE, plt
from _training import Batch, data_folder, fit, options, save_and_reload, start

OLD, NEW = (0, 1, 2, 3, 4, 6), (5, 7, 8, 9)


def of_classes(part: Batch, classes: tuple[int, ...]) -> Batch:
    """The pictures of these classes, which are counted anew from 0."""
    parts = [part[0][part[1] == index] for index in classes]
    counts = torch.tensor([len(one) for one in parts])
    return torch.cat(parts), torch.arange(len(classes)).repeat_interleave(counts)


def draw(path: Path, shots: list[int], results: Results, vectors: torch.Tensor, test: Batch) -> None:
    """Accuracy over the number of pictures, the new classes on two directions, and neighbours by features."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 4.6), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1.35, 1])
        lines, plane = left.subplots(1, 2)
        draw_lines(lines, shots, results, 1 / len(NEW))
        draw_plane(plane, vectors, test[1], [CLASSES[index] for index in NEW])
        draw_neighbours(right, vectors, test, [int((test[1] == index).nonzero()[7]) for index in range(len(NEW))])
        figure.savefig(path, dpi=90)
        plt.close(figure)


def main() -> None:
    short: dict[str, Any] = {"epochs": 4, "width": 12, "draws": 1, "shots": [10], "steps": 40}
    parser = options("transfer_photos.py", "Transfer.", short=short, epochs=8, batch_size=64, lr=0.1)
    parser.add_argument("--data", type=Path, default=data_folder("cifar10-subset"), help="folder of cifar10_subset.npz")
    parser.add_argument("--width", type=int, default=16, help="channels of the first stage")
    few_options(parser)
    args = parser.parse_args()
    start(args)

    train, test = map(as_pictures, load_photos(args.data))
    old, old_test = of_classes(train, OLD), of_classes(test, OLD)
    net = Net(len(OLD), args.width)
    loader = DataLoader(TensorDataset(*old), batch_size=args.batch_size, shuffle=True)
    began = time.perf_counter()
    history = fit(net, loader, old_test, epochs=args.epochs, lr=args.lr, change=augmented, one_cycle=True)

    reloaded = save_and_reload(net, Net(len(OLD), args.width), args.output / "transfer_photos.safetensors")
    new, new_test = of_classes(train, NEW), of_classes(test, NEW)
    vectors = features(reloaded, new_test[0])
    assert vectors.equal(features(net, new_test[0])), "other features after reloading"
    results = compare(reloaded, lambda: Net(len(NEW), args.width), new, new_test, args)
    seconds = time.perf_counter() - began

    figure = args.output / "transfer_photos.png"
    draw(figure, args.shots, results, vectors, new_test)
    shots, share = at_ten(args.shots, results)
    print(
        f"transfer_photos: from {shots} pictures of each new class {share['linear']:.1%} right by the features of six "
        f"others ({history.test_accuracy[-1]:.1%} on those), {share['fine-tuned']:.1%} fine-tuned, "
        f"{share['from scratch']:.1%} from scratch, gain {100 * (share['linear'] - share['from scratch']):.1f} points; "
        f"{seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
