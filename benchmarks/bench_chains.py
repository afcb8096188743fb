"""Synthesis of whole corpora, HR megapixels per second on one core: kernel + noise pairs, and the
hand-made chains; on request against another checkout of this project. Beside each, its floor: the
libraries' calls alone, see `benchmarks.library_calls`.

    python -m benchmarks.bench_chains [--quick] [--against CHECKOUT]

The stage is timed alone: pools and HR are there already, and reading HR, drawing, applying,
digesting, encoding and writing are in it. Each checkout is asked in a process of its own, which
makes corpora of the same images, by turns; processor time, so that what else runs does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import Row, row, show

GOALS = {"kernel + noise": 2.5, "bsrgan": 2.0, "realesrgan": 2.0}
"""How many times as fast as in commit 963de47 synthesis is to be, by corpus."""
IMAGES = 4
"""Images of 1024 x 1024 of a corpus."""
TURNS = 3
ASKED = """
import json, sys, time
from pathlib import Path
time.perf_counter = time.process_time
from benchmarks import bench_synthesis as bench
from benchmarks.common import photographs
folder, images, iterations = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
bench.one_thread()
pictures = photographs(folder, images, 1024)
base = bench.recipe(pictures, iterations=iterations, samples=512).model_dump(exclude_unset=True)
made = {}
for line in sys.stdin:
    what, name = line.split()
    profile = bench.local_profile(f"{folder}/{name}", workers=1)
    if name not in made:
        chain = {"degraders": [{"kind": name}], "images": {"clean": str(pictures)}}
        kept = {key: base[key] for key in ("name", "shards", "clean_up", "tiles")}
        recipe = bench.Recipe.model_validate(base if name == "realsr" else kept | chain)
        made[name] = bench.build(recipe, profile)[0]
    if what == "calls":
        from benchmarks.library_calls import milliseconds
        found = milliseconds(made[name], profile)
    else:
        row = bench._synthesis(made[name], profile)
        row = row[0] if isinstance(row, list) else row
        found = float(row["detail"].split()[0])
    print(json.dumps(found), flush=True)
"""
"""What a process of a checkout does: for a line with `speed` or `calls` and the name of a degrader,
one with megapixels of HR per second, or with milliseconds of the libraries' calls."""


def run(quick: bool, against: Path | None = None) -> list[Row]:
    """A row per corpus: a ratio where there is a checkout, else the speed."""
    here = Path(__file__).resolve().parent.parent
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sides = [
            _side(checkout, Path(folder) / str(number), quick)
            for number, checkout in enumerate([here, *([against] if against else [])])
        ]
        for what, goal in GOALS.items():
            name = what if what != "kernel + noise" else "realsr"
            turns = range(1 if quick else TURNS)
            speeds = [[_ask(side, f"speed {name}") for side in sides] for _ in turns]
            ours, *others = map(max, zip(*speeds, strict=True))
            calls = min((_ask(sides[0], f"calls {name}") for _ in turns), key=_total)
            for other in others or [None]:
                rows += [_row(what, ours, other, goal), _floor(what, calls, ours, other)]
        for side in sides:
            side.communicate()
    return rows


def _side(checkout: Path, folder: Path, quick: bool) -> subprocess.Popen[str]:
    """A process that measures what a checkout does."""
    folder.mkdir()
    arguments = [str(folder), str(IMAGES), "300" if quick else "1500"]
    return subprocess.Popen(
        [sys.executable, "-c", ASKED, *arguments],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(side: subprocess.Popen[str], what: str) -> Any:
    """What a side answers to a line; see `ASKED`."""
    assert side.stdin is not None
    assert side.stdout is not None
    side.stdin.write(f"{what}\n")
    side.stdin.flush()
    for line in side.stdout:
        try:
            return json.loads(line)
        except ValueError:
            continue  # what a build says
    raise RuntimeError(f"the process that was asked for {what} ended with {side.wait()}")


def _total(calls: dict[str, float]) -> float:
    return sum(calls.values())


def _floor(what: str, calls: dict[str, float], ours: float, other: float | None) -> Row:
    """The libraries' calls alone: how many times as fast as the other checkout nothing but them
    would be, or their speed.
    """
    speed, share = 1e3 / _total(calls), ours * _total(calls) / 1e3
    parts = ", ".join(f"{name} {taken:.1f}" for name, taken in calls.items())
    return row(
        f"floor of synthesis, {what}: the libraries' calls alone",
        "MP/s of HR" if other is None else "the other checkout",
        speed / (other or 1),
        "report",
        reached=True,
        detail=f"{speed:.1f} MP/s of HR, {share:.0%} of the time of synthesis; ms per MP: {parts}",
    )


def _row(what: str, ours: float, other: float | None, goal: float) -> Row:
    found: dict[str, Any] = {"what": f"synthesis of a corpus, {what}"}
    if other is None:
        return row(
            **found,
            against="MP/s of HR",
            value=ours,
            goal="report",
            reached=True,
            detail=f"{1e3 / ours:.1f} ms per MP of HR on one core",
        )
    return row(
        **found,
        against="the other checkout",
        value=ours / other,
        goal=f">= {goal}",
        reached=ours >= goal * other,
        detail=f"{ours:.1f} MP/s of HR, the other {other:.1f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one turn, kernels in fewer steps")
    parser.add_argument("--against", type=Path, help="folder of another checkout")
    arguments = parser.parse_args()
    show(run(arguments.quick, arguments.against))


if __name__ == "__main__":
    main()
