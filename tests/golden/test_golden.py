"""Bytes that must not change unnoticed: programs, LR pixels, tars and streams.

`digests.json` is rewritten with `PAIRMILL_REWRITE_GOLDEN=1 pytest tests/golden`. That is right only
in a change that also raises the version of each stage whose results change, and says so in
CHANGELOG.md.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.functional.kernels import to_fixed_point
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets, pool_digest
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.pipeline.shards.tar import Sample, ShardWriter
from pairmill.pipeline.stages.synthesize import pixels_of
from pairmill.pipeline.stages.table import STAGES
from pairmill.schemas.degraders import DegraderConfig
from pairmill.schemas.ops.resize import BicubicDown, Quantise
from pairmill.schemas.program import Program
from pairmill.schemas.sample import Box, SampleRecord

FILE = Path(__file__).parent / "digests.json"
REWRITE = os.environ.get("PAIRMILL_REWRITE_GOLDEN") == "1"


def pattern(height: int, width: int, salt: int = 0) -> NDArray[np.uint8]:
    """A picture made of integers alone: edges, ramps and grain, (height, width, 3)."""
    rows, columns, channels = np.mgrid[:height, :width, :3].astype(np.int64)
    grain = (rows * 7919 + columns * 104729 + channels * 1299709 + salt) ** 2 % 65521 % 61
    return (
        (rows * 2 + columns * 3 * (channels + 1) + (rows // 11 + columns // 7) % 2 * 70 + grain)
        % 256
    ).astype(np.uint8)


def assets() -> tuple[Pools, Assets]:
    """Pools made of integers alone."""
    kernels = np.stack(
        [
            to_fixed_point(np.outer(side, side[::-1]).astype(np.float64))
            for side in ([0, 1, 4, 6, 3, 1, 0], [1, 2, 3, 9, 3, 1, 1])
        ]
    )
    noise = (np.stack([pattern(32, 32, salt) for salt in range(4)]).astype(np.float32) - 128) / 16
    names = pool_digest(kernels), pool_digest(noise)
    known = Pools(kernels=PoolInfo(names[0], 2, 7), noise=PoolInfo(names[1], 4, 32))
    return known, Assets({names[0]: kernels, names[1]: noise})


def drawn(kind: str, scale: int, number: int) -> Program:
    """A program for a tile of 37 x 31 LR pixels."""
    config = CONFIGS[kind]
    shape = (37 * scale, 31 * scale)
    return degraders.build(config, scale, assets()[0]).draw(
        stream(1, "draw", f"golden-{number}"), shape
    )


def programs() -> dict[str, str]:
    return {
        f"{kind} x{scale} #{n}": drawn(kind, scale, n).content_digest() for kind, scale, n in CASES
    }


def lr_pixels() -> dict[str, str]:
    pixels = {
        f"{kind} x{scale} #{n}": pixel_digest(
            apply(drawn(kind, scale, n), pattern(37 * scale, 31 * scale), assets()[1])
        )
        for kind, scale, n in CASES
    }
    for name, form in ("bicubic x3", "matlab"), ("bicubic in float x3", "float"):
        three = Program(scale=3, ops=(BicubicDown(scale=3, form=form), Quantise()))
        pixels[name] = pixel_digest(apply(three, pattern(111, 93), Assets()))
    return pixels


def noise_by_level() -> dict[str, str]:
    """Programs and pixels of noise that follows the level, with gains made of integers alone."""
    known, items = assets()
    levels = np.arange(257, dtype=np.float32) / 64 + np.arange(1, 4, dtype=np.float32)[:, None]
    gains = np.stack([levels / (1 << n) for n in range(4)]).astype(np.float32)
    gains[:, :, 256] = np.array([20, 90, 160, 230])[:, None]
    pool = pool_digest(gains)
    known = Pools(known, noise_levels=PoolInfo(pool, 4, 3))
    items = Assets({**items.pools, pool: gains})
    found = {}
    for n in range(3):
        program = degraders.build(CONFIGS["realsr"], 2, known).draw(
            stream(1, "draw", f"golden-{n}"), (74, 62)
        )
        found[f"program #{n}"] = program.content_digest()
        found[f"pixels #{n}"] = pixel_digest(apply(program, pattern(74, 62), items))
    return found


def shard() -> dict[str, str]:
    """Tars with made-up bytes for PNGs, so that no version of an encoder matters; and the digest of
    pixel digests."""
    records = [
        SampleRecord(
            key=f"golden-{n}",
            image=f"{n:064x}",
            box=Box(left=n, top=2, width=62, height=74),
            scale=2,
            degrader="realsr",
            program=drawn("realsr", 2, n).canonical_json(),
            seed=1,
            hr_sha256=f"{n + 5:064x}",
            lr_sha256=f"{n + 9:064x}",
        )
        for n in range(3)
    ]
    buffer = io.BytesIO()
    writer = ShardWriter(buffer)
    for record in records:
        json = record.canonical_json().encode()
        files = ("hr.png", b"\x89PNG hr" * 99), ("json", json), ("lr.png", b"\x89PNG lr" * 33)
        writer.write(Sample(record.key, files))
    writer.close()
    return {"tar": hashlib.sha256(buffer.getvalue()).hexdigest(), "pixels": pixels_of(records)}


def streams() -> dict[str, str]:
    keys: dict[str, tuple[str | int, ...]] = {
        "draw": (0, "draw", "a"),
        "split": (7, "split", "0" * 64),
        "empty": (),
    }
    return {name: stream(*parts).random(1000).tobytes().hex()[:48] for name, parts in keys.items()}


def stage_versions() -> dict[str, int]:
    """Beside the digests, so that a rewrite shows whether a version was raised."""
    return {name: stage.version for name, stage in STAGES.items()}


CLASSIC = ("bsrgan", "realesrgan", "ikc", "srmd", "block_noise")
CONFIGS: dict[str, Any] = {
    option.model_fields["kind"].default: option for option in get_args(get_args(DegraderConfig)[0])
}
CONFIGS = {kind: CONFIGS[kind]() for kind in ("bicubic", "realsr", *CLASSIC)}
CONFIGS["bicubic in float"] = CONFIGS["bicubic"].with_(form="float")
CASES = [
    (kind, scale, n) for kind in ("bicubic", "realsr") for scale in (2, 4, 8) for n in range(2)
]
CASES += [("bicubic in float", scale, 0) for scale in (2, 4, 8)]
CASES += [(kind, 4, n) for kind in CLASSIC for n in range(3)]
PARTS: dict[str, Callable[[], dict[str, str] | dict[str, int]]] = {
    "programs": programs,
    "lr pixels": lr_pixels,
    "noise by level": noise_by_level,
    "shard": shard,
    "streams": streams,
    "stage versions": stage_versions,
}


@pytest.mark.parametrize("part", PARTS)
def test_golden(part: str) -> None:
    found = PARTS[part]()
    golden = json.loads(FILE.read_text()) if FILE.exists() else {}
    if REWRITE:
        FILE.write_text(json.dumps(golden | {part: found}, indent=2, sort_keys=True) + "\n")
        return
    assert found == golden[part]
