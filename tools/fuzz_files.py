#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Load mutated files: each gives an object or a FileFormatError, soon, in little memory, and calls nothing.

    PYTHONPATH=python python tools/fuzz_files.py --count 100000 --seed 1 tests/references/files/*

Each file is one of the given ones with bytes flipped, replaced by interesting ones, cut out, doubled or moved; in zip
files an entry is also mutated alone, with checksums that are right, so that the changes reach what is behind them. A
failure is reported with the seed that makes the file again (``--only SEED``).
"""

from __future__ import annotations

import argparse
import codecs
import io
import random
import resource
import sys
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable

import plait
from plait.serialization import FileFormatError

OPCODES = b"()].IJKMLFGSTUVXBCNRQPabcdeghijlopqrstu}012" + bytes(range(0x80, 0x99))
NUMBERS = (b"\x00" * 8, b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\xff" * 7 + b"\x7f", b"\x01" + b"\x00" * 7)
GLOBALS = (
    b"cos\nsystem\n",
    b"cbuiltins\nexec\n",
    b"cbuiltins\nbytearray\n",
    b"ccollections\ndefaultdict\n",
    b"cbuiltins\nlist\n",
)
SECONDS = 2.0  # for one file
FORBIDDEN = (
    "exec",
    "compile",
    "os.system",
    "os.exec",
    "os.spawn",
    "subprocess.Popen",
    "import",
    "pickle.find_class",
    "ctypes",
)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """``data`` with a few changes."""
    out = bytearray(data)
    for _ in range(1 + min(rng.getrandbits(2), rng.getrandbits(3))):
        if not out:
            break
        at = rng.randrange(len(out))
        kind = rng.randrange(9)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.randrange(256)
        elif kind == 2:
            out[at] = rng.choice(OPCODES)
        elif kind == 3:
            out[at:at] = bytes([rng.choice(OPCODES)]) * rng.choice((1, 1, 2, 3, 50))
        elif kind == 4:
            del out[at : at + rng.choice((1, 1, 2, 4, 9, len(out)))]
        elif kind == 5:
            number = rng.choice(NUMBERS)[: rng.choice((1, 2, 4, 8))]
            out[at : at + len(number)] = number
        elif kind == 6:
            piece = out[at : at + rng.randrange(1, 40)]
            to = rng.randrange(len(out))
            out[to:to] = piece * rng.choice((1, 1, 1, 20))
        elif kind == 7:
            to = rng.randrange(len(out))
            n = rng.randrange(1, 20)
            out[at : at + n] = out[to : to + n]
        else:
            out[at:at] = rng.choice(GLOBALS) + rng.choice((b"", b")R", b"(R", b")\x81", b"K\xff\x85R"))
    return bytes(out)


def mutate_entry(data: bytes, rng: random.Random) -> bytes:
    """A zip file of the same entries, of which one is changed."""
    source = zipfile.ZipFile(io.BytesIO(data))
    entries = source.infolist()
    chosen = rng.choice([e for e in entries if e.filename.endswith("data.pkl")] * 8 + entries)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as z:
        for e in entries:
            content = source.read(e)
            z.writestr(e.filename, mutate(content, rng) if e is chosen else content, rng.choice((0, 0, 0, 8)))
    return target.getvalue()


def mutated(files: list[bytes], seed: int) -> bytes:
    """The file of a seed."""
    rng = random.Random(seed)
    data = rng.choice(files)
    if data[:2] == b"PK" and rng.random() < 0.75:
        return mutate_entry(data, rng)
    return mutate(data, rng)


class Watch:
    """Notes calls that no file may cause, by Python's audit events."""

    def __init__(self) -> None:
        self.on, self.seen = False, []  # type: tuple[bool, list[str]]
        sys.addaudithook(self)

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if self.on and event.startswith(FORBIDDEN):
            self.seen.append(f"{event}{args!r:.100}")


def walk(obj: object) -> None:
    """Use what was loaded: print it, and sum its tensors."""
    text = repr(obj) if not isinstance(obj, (dict, list, tuple)) else ""
    del text
    for value in obj.values() if isinstance(obj, dict) else obj if isinstance(obj, (list, tuple)) else ():
        if isinstance(value, plait.Tensor) and value.layout == "strided" and 0 < value.numel() < 10**6:
            value.detach().to(plait.float64 if not value.is_complex() else None).sum()


def outcome(data: bytes, watch: Watch) -> str:
    """What a file gave: ``loaded``, the kind of its error, or what it did wrong."""
    watch.seen.clear()
    before = time.process_time()
    watch.on = True
    try:
        obj = plait.load(io.BytesIO(data))
        result = "loaded"
    except FileFormatError:
        result = "refused"
    except Exception as error:
        result = f"WRONG {type(error).__name__}: {error}"[:300]
    finally:
        watch.on = False
    if result == "loaded":
        walk(obj)
    if watch.seen:
        return f"WRONG call: {watch.seen[0]}"
    took = time.process_time() - before
    return result if took < SECONDS else f"WRONG took {took:.1f} s"


def run(files: list[bytes], seeds: range, report: Callable[[str], None]) -> Counter[str]:
    """Load the files of all seeds; failures are reported and counted."""
    watch, counts = Watch(), Counter()  # type: tuple[Watch, Counter[str]]
    for name in ("cp437", "raw_unicode_escape"):  # imported by zipfile and pickles when they are first needed
        codecs.lookup(name)
    for data in files:
        outcome(data, watch)  # which imports what is imported lazily
        if outcome(data, watch).startswith("WRONG"):
            raise SystemExit(f"a file that is not mutated: {outcome(data, watch)}")
    for seed in seeds:
        result = outcome(mutated(files, seed), watch)
        counts[result.split(" ")[0]] += 1
        if result.startswith("WRONG"):
            report(f"seed {seed}: {result}")
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--only", type=int, help="write the file of this seed to mutated.bin and load it")
    parser.add_argument("--memory", type=int, default=4, help="GiB of address space")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (options.memory << 30, options.memory << 30))
    warnings.simplefilter("ignore")
    files = []
    for path in sorted(options.files):
        with open(path, "rb") as f:
            files.append(f.read())
    if options.only is not None:
        with open("mutated.bin", "wb") as f:
            f.write(mutated(files, options.only))
        print(plait.load("mutated.bin"))
        return 0
    counts = run(files, range(options.seed, options.seed + options.count), print)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{sum(counts.values())} files: {dict(counts)}, peak {peak} MiB")
    return 1 if counts["WRONG"] else 0


if __name__ == "__main__":
    sys.exit(main())
