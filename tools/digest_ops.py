# SPDX-License-Identifier: MIT
"""Writes the digests of every op's results and gradients, and of a training run, to compare two builds bit for bit.

    PLAIT_ISA=avx2 python tools/digest_ops.py before.json
    PLAIT_ISA=avx2 python tools/digest_ops.py after.json --against before.json

A change that only moves or renames code leaves every digest as it was, at every instruction-set level. The samples
are those of tests/op_table (--tests names another checkout's, so that both sides run the same ones): every layout
of the small samples, and the large ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

import plait


def op_digests() -> dict[str, str]:
    """Digest of the results and gradients of every sample, or the class of the error that it raises."""
    from op_table import SPECS
    from op_table.harness import LAYOUTS, digest, forward_and_backward, run

    found = {}
    for spec in SPECS:
        samples = [("small", s) for s in spec.samples(spec.gen())]
        if spec.large is not None:
            samples += [("large", s) for s in spec.large(spec.gen("large"))]
        for dtype in spec.dtypes:
            for number, (size, sample) in enumerate(samples):
                if size == "large" and dtype not in (spec.dtypes[0], "float32"):
                    continue
                key = f"{spec.id} {dtype} {size} {number}"
                for layout in LAYOUTS if size == "small" else LAYOUTS[:1]:
                    try:
                        if layout == "contiguous":
                            found[key] = digest(forward_and_backward(spec, sample, dtype))
                        else:
                            found[f"{key} {layout}"] = digest(run(spec, sample, dtype, layout))
                    except Exception as error:
                        found[f"{key} {layout}"] = type(error).__name__
    return found


def training_digests() -> dict[str, str]:
    """Digest of the parameters of small networks after some steps of each optimizer."""
    nn, found = plait.nn, {}
    networks = {
        "convolutional": lambda: nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(8 * 14 * 14, 64), nn.LayerNorm(64), nn.GELU(), nn.Dropout(0.2), nn.Linear(64, 10),
        ),
        "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.SiLU(), nn.Linear(32, 10)),
    }  # fmt: skip
    rules = ("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD")
    for name, make in networks.items():
        for rule in rules if name == "linear" else ("SGD", "Adam"):
            plait.manual_seed(0)
            net = make()
            optimizer = getattr(plait.optim, rule)(net.parameters(), lr=1e-3)
            x, y = plait.randn(64, 1, 28, 28), plait.randint(0, 10, (64,))
            for _ in range(3):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            value = hashlib.sha256()
            for p in net.parameters():
                value.update(np.ascontiguousarray(p.detach().numpy()).tobytes())
            found[f"training {name} {rule}"] = value.hexdigest()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="the file to write")
    parser.add_argument("--against", type=Path, help="a file written before: print what differs and exit with 1")
    parser.add_argument("--tests", type=Path, default=Path(__file__).parents[1] / "tests", help="the op table's folder")
    args = parser.parse_args()
    sys.path.insert(0, str(args.tests))
    found = op_digests() | training_digests()
    args.output.write_text(json.dumps(found, indent=0))
    print(f"{len(found)} digests, {plait.get_num_threads()} threads")
    if args.against is None:
        return 0
    before = json.loads(args.against.read_text())
    different = [k for k in sorted(before.keys() | found.keys()) if before.get(k) != found.get(k)]
    for key in different:
        print(f"{key}: {before.get(key)} before, {found.get(key)} now")
    print(f"{len(different)} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
