"""A synthetic big build in one process: tiny tiles, many shards; says how much memory it took.

python -m tests.support.big_build SAMPLES FOLDER
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.workspace.provenance import circumstance, now
from pairmill.schemas.recipe import Recipe
from tests.support.make import make_stages, photograph, save

TILE, SIDE = 16, 512
PER_IMAGE = (SIDE // TILE) ** 2


def peak() -> float:
    """Most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def big_build(samples: int, folder: Path) -> dict[str, float]:
    """Build a corpus of at least that many pairs of 16 x 16 and 8 x 8 pixels; peaks in MiB."""
    for seed in range(-(-samples // PER_IMAGE)):
        side = SIDE if samples >= PER_IMAGE else TILE * 10
        save(photograph(seed, side, side), folder / f"clean/{seed:04d}.png")
    recipe = Recipe.model_validate(
        {
            "name": "big",
            "scale": 2,
            "images": {"clean": [str(folder / "clean")]},
            "tiles": {"size": TILE, "min_contrast": 0, "min_detail": 0},
            "degraders": [{"kind": "bicubic"}],
            "splits": {"train": 1.0},
            "shards": {"samples": 500},
        }
    )
    one_thread()
    started, begin = peak(), time.monotonic()
    made = make_stages(recipe, folder / "workspace")
    worked, seconds = peak(), time.monotonic() - begin
    manifest = publish(
        made, Profile(str(folder / "workspace")), circumstance(now(), "tests", "", ()), write_report
    )
    return {
        "samples": sum(manifest.identity.samples.values()),
        "shards": len(manifest.shard_names),
        "started": started,
        "worked": worked,
        "sealed": peak(),
        "seconds": seconds,
    }


if __name__ == "__main__":
    print(json.dumps(big_build(int(sys.argv[1]), Path(sys.argv[2]))))  # noqa: T201
