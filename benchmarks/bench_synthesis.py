"""Synthesis against codec work alone, and reading a corpus against decoding alone; one thread, one
process.

The goal for synthesis dates from when PNG was OpenCV's, and is kept against that: the same tiles
through OpenCV's PNG at its default, which most scripts use. What synthesis by any encoder cannot
leave out is a row of its own: decoding, digests of HR, LR and shard, the encoder in use, and a copy
into a file.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row, best, best_by_turns, forget, photographs, row, show
from pairmill.pipeline.build.build import make
from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode_png, encode
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.execution import local_profile, one_thread, run_batch, runner
from pairmill.pipeline.runner.stage import Batch, Profile, Unit
from pairmill.pipeline.shards.reader import pairs
from pairmill.pipeline.shards.tar import read_members
from pairmill.pipeline.stages import clean_up, synthesize
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import circumstance, now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.shard import Encoding, SynthesizeConfig

ANYTHING = {
    "max_variance": 400,
    "max_inconsistency": 1e9,
    "max_structure": 1e9,
    "max_unlike": 1e9,
    "max_blank": 1,
    "max_plateau": 1,
    "max_coherence": 1,
    "max_periodicity": 1e9,
    "max_outlier": 1e9,
}
"""Rules that let most patches through: speed does not depend on what they hold."""
LENIENT = {
    "max_sum_error": 10,
    "max_offset": 9,
    "max_border": 1,
    "max_negative": 1,
    "max_raw_negative": 1,
    "max_support": 400,
    "min_support": 1,
    "max_disagreement": 3,
    "max_shift": 9,
    "max_mismatch": 99,
}
"""Any kernel will do: the images are upscaled, and only the flow of work is measured."""


def recipe(images: Path, name: str = "bench", iterations: int = 12, samples: int = 32) -> Recipe:
    """Kernel + noise pairs at x2, tiles of 256."""
    return Recipe.model_validate(
        {
            "name": name,
            "images": {"real": str(images)},
            "kernels": {"iterations": iterations},
            "kernel_quality": LENIENT,
            "noise": {"patch": 64, "max_patches": 256, **ANYTHING},
            "shards": {"samples": samples},
            "clean_up": {"factor": 1},
            "tiles": {"min_detail": 0, "min_contrast": 0},
        }
    )


def _two_roles(folder: Path, real: int, clean: int) -> Recipe:
    """Kernels and noise of `real` images; HR of these and of `clean` others: a shard as full as
    it is by default.
    """
    from shutil import move

    images = photographs(folder, real + clean, 1024)
    others = folder / "clean"
    others.mkdir()
    for path in sorted(images.iterdir())[real:]:
        move(path, others)
    made = recipe(images, iterations=1500, samples=512).model_dump(exclude_unset=True)
    return Recipe.model_validate(made | {"images": {"real": str(images), "clean": str(others)}})


def build(chosen: Recipe, profile: Profile) -> tuple[BuildResult, CorpusManifest]:
    """A corpus made in this process."""
    made = make(chosen, "/", runner(profile))
    return made, publish(made, profile, circumstance(now(), "bench", "", ()), write_report)


def run(quick: bool) -> list[Row]:
    """Both measurements; `quick` uses fewer images."""
    one_thread()
    with tempfile.TemporaryDirectory() as folder:
        profile = local_profile(f"{folder}/ws", workers=1)
        made, manifest = build(_two_roles(Path(folder), 4, 4 if quick else 28), profile)
        return [*_synthesis(made, profile), _reading(Storage(profile.workspace), manifest)]


def batch_of(made: BuildResult, profile: Profile) -> Batch:
    """All units of stage `synthesize` of a corpus that was made."""
    inputs = synthesize.Inputs(
        made.images.manifest,
        made.hr.manifest,
        tuple(group for _, group in made.pools),
        made.recipe.seed,
        made.recipe.splits,
        made.recipe.shards,
    )
    config = SynthesizeConfig(
        seed=made.recipe.seed,
        scale=made.recipe.scale,
        tile=made.recipe.tiles.size,
        samples_per_tile=made.recipe.samples_per_tile,
        degraders=made.recipe.degraders,
        pools=tuple(ref for ref, _ in made.pools),
        encoding=made.recipe.shards.encoding,
        lr=made.recipe.shards.lr,
    )
    return Batch(synthesize.STAGE, tuple(synthesize.STAGE.units(inputs, config)), config, profile)


def _synthesis(made: BuildResult, profile: Profile) -> list[Row]:
    storage, batch = Storage(profile.workspace), batch_of(made, profile)
    units = list(batch.units)
    run_batch(batch)
    lr = _low_resolution(storage, units)
    spare = Path(profile.workspace) / "spare"
    ours, codec, needed = best_by_turns(
        lambda: forget(batch),
        lambda: run_batch(batch),
        lambda: _codec_only(storage, units, lr, "opencv"),
        lambda: _needed(storage, units, lr, made.recipe.shards.encoding, spare),
        clock=time.process_time,
    )
    spare.unlink()
    pixels = made.hr.manifest.tiles * made.recipe.tiles.size**2 / 1e6
    speed = f"{pixels / ours:.1f} MP/s of HR"
    return [
        row(
            "synthesis, kernel + noise",
            "the same images through OpenCV's PNG",
            ours / codec,
            "<= 1.4",
            reached=ours <= 1.4 * codec,
            detail=f"{speed}, OpenCV's PNG alone {pixels / codec:.1f}",
        ),
        row(
            "synthesis, kernel + noise",
            "decoding, digests, encoding and a copy",
            ours / needed,
            "report",
            reached=True,
            detail=f"{speed}, what cannot be left out alone {pixels / needed:.1f}",
        ),
    ]


def _low_resolution(storage: Storage, units: list[Unit[Any]]) -> list[NDArray[np.uint8]]:
    """The LR tiles that were made, in order."""
    tars = [
        Path(storage.path(f"{layout.unit_folder('synthesize', unit.key)}/shard.tar"))
        for unit in units
    ]
    return [
        decode_png(fields["lr.png"])
        for tar in tars
        for _, fields in read_members(io.BytesIO(tar.read_bytes()))
    ]


def _codec_only(
    storage: Storage, units: list[Unit[Any]], made: list[NDArray[np.uint8]], encoding: Encoding
) -> None:
    """Decode every source once, encode every HR tile and its LR tile; write nothing."""
    lr = iter(made)
    for unit in units:
        for part in unit.payload.images:
            image = clean_up.read_hr(storage, part.image, part.hr_key, cleaned=part.cleaned)
            for left, top in part.tiles:
                encode(image[top : top + 256, left : left + 256], encoding)
                encode(next(lr), encoding)


def _needed(
    storage: Storage,
    units: list[Unit[Any]],
    made: list[NDArray[np.uint8]],
    encoding: Encoding,
    spare: Path,
) -> None:
    """`_codec_only` with the digests that are sealed, and a file that gets the bytes."""
    lr = iter(made)
    with spare.open("wb") as file:
        for unit in units:
            shard = hashlib.sha256()
            for part in unit.payload.images:
                image = clean_up.read_hr(storage, part.image, part.hr_key, cleaned=part.cleaned)
                for left, top in part.tiles:
                    for tile in (image[top : top + 256, left : left + 256], next(lr)):
                        pixel_digest(tile)
                        data = encode(tile, encoding)
                        shard.update(data)
                        file.write(data)


def _reading(storage: Storage, manifest: CorpusManifest) -> Row:
    folder = f"{storage.root}/corpora/bench/{manifest.version}/shards"
    shards = [f"{folder}/{name}" for name in manifest.shard_names]
    members = []
    for shard in shards:
        with Path(shard).open("rb") as file:
            members += [(fields["hr.png"], fields["lr.png"]) for _, fields in read_members(file)]
    decode = best(lambda: [(decode_png(hr), decode_png(lr)) for hr, lr in members])
    ours = best(lambda: sum(1 for _ in pairs(shards, 128, seed=0)))
    return row(
        "reading for training, random crops",
        "decoding the same tiles",
        decode / ours,
        ">= 0.85",
        reached=decode >= 0.85 * ours,
        detail=f"{len(members) / ours:.0f} pairs/s, decoding alone {len(members) / decode:.0f}",
    )


if __name__ == "__main__":
    show(run(quick=False))
