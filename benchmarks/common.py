"""Images to measure on, the machine, tables, and result files."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pairmill.flows.cli.demo import collect
from pairmill.pipeline.images.decode import decode
from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.runner.stage import Batch
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import software
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.image import IngestConfig

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]


def photographs(folder: Path, count: int, side: int) -> Path:
    """Write `count` PNG images of `side` x `side`: upscaled pieces of the bundled photos,
    with sensor noise.
    """
    import cv2

    sources, target = folder / "sources", folder / f"{count}x{side}"
    collect(sources)
    target.mkdir(parents=True, exist_ok=True)
    images = [decode(path.read_bytes(), IngestConfig())[0] for path in sorted(sources.iterdir())]
    for number in range(count):
        rng = np.random.default_rng(number)
        image = images[number % len(images)]
        top, left = (int(rng.integers(0, length - 280)) for length in image.shape[:2])
        piece = cv2.resize(
            image[top : top + 280, left : left + 280], (side, side), interpolation=cv2.INTER_CUBIC
        )
        noisy = piece[:: rng.choice([1, -1]), :: rng.choice([1, -1])] + rng.normal(
            0, 3, piece.shape
        )
        (target / f"{number:05d}.png").write_bytes(
            encode_png(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))
        )
    return target


def best(work: Callable[[], Any], repeats: int = 5) -> float:
    """Shortest wall time of some calls, in seconds."""
    return best_by_turns(lambda: None, work, repeats=repeats)[0]


def best_by_turns(
    before: Callable[[], Any],
    *works: Callable[[], Any],
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Shortest time of each, in seconds of the clock, called by turns, so that the machine's moods
    meet all alike.

    `before` is called before each round and not counted.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        before()
        for own, work in zip(times, works, strict=True):
            start = clock()
            work()
            own.append(clock() - start)
    return [min(own) for own in times]


def forget(batch: Batch) -> None:
    """Remove the finished units of a batch."""
    for unit in batch.units:
        Storage(batch.profile.workspace).remove(layout.unit_folder(batch.stage.name, unit.key))


def row(what: str, against: str, value: float, goal: str, *, reached: bool, detail: str) -> Row:
    """One line of the table: a ratio, its goal, and what was measured."""
    return {
        "what": what,
        "against": against,
        "value": round(value, 3),
        "goal": goal,
        "reached": reached,
        "detail": detail,
    }


def show(rows: list[Row]) -> None:
    """Print the table."""
    for item in rows:
        mark = "ok  " if item["reached"] else "MISS"
        print(
            f"{mark} {item['what']:<58} {item['value']:>9.3f}  goal {item['goal']:<9} "
            f"{item['detail']}"
        )


def save(rows: list[Row], name: str) -> Path:
    """Write the table with machine, versions and date under `benchmarks/results/`."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "software": software(),
        "rows": rows,
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def machine() -> dict[str, Any]:
    """Processor, cores and memory."""
    import psutil

    models = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
    }
