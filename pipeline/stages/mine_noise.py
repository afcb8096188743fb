"""Mine noise: measure every patch of every real image once, and keep those that are noise and
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.coded import load_coded
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.noise.candidates import candidates
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.payload import ImagePayload, npz_bytes
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.image import ImageSet, Role
from pairmill.schemas.noise import NoiseConfig, NoiseSurvey

CANDIDATES, CODED = "candidates.npz", "coded.npz"


class MinedRef(Frozen):
    """What was found in one image, and the unit with `candidates.npz`, if there are any."""

    key: Digest
    """Key of the unit."""
    survey: NoiseSurvey
    """Counts."""


class MinedNoise(Frozen):
    """All images, in the order of the image set."""

    images: tuple[MinedRef, ...]
    """One per real image."""


def plan(images: ImageSet, config: NoiseConfig) -> list[ImagePayload]:
    """One unit per real image."""
    return [ImagePayload(image=image) for image in images.with_role(Role.REAL)]


def work(
    units: Sequence[Unit[ImagePayload]], config: NoiseConfig, context: Context
) -> Iterator[NoiseSurvey]:
    """Decode, measure, and write the candidates; most images have none, and then there is nothing
    to write.
    """
    for unit in units:
        image = unit.payload.image
        found = candidates(load(image), image.pixel_sha256, config)
        if found.survey.candidates:
            arrays = npz_bytes(
                table=found.table, signatures=found.signatures, patches=found.patches
            )
            context.write(unit, CANDIDATES, arrays)
            _write_coded(unit, found.table, config.patch, context)
        yield found.survey


def _write_coded(
    unit: Unit[ImagePayload], table: NDArray[np.void], patch: int, context: Context
) -> None:
    """The same patches as their JPEG coded them, where that was not in sRGB."""
    coded = load_coded(unit.payload.image)
    if coded is None:
        return
    tops, lefts = (table[name].astype(np.intp)[:, None, None] for name in ("top", "left"))
    side = np.arange(patch)
    patches = coded.pixels[tops + side[:, None], lefts + side]
    slopes = np.stack([coded.slope(one.mean(axis=(0, 1))) for one in patches])
    context.write(unit, CODED, npz_bytes(patches=patches, slopes=slopes))


def read_coded(
    storage: Storage, ref: MinedRef
) -> tuple[NDArray[np.uint8], NDArray[np.float64]] | None:
    """Candidates of an image as its JPEG coded them, (n, p, p, 3), and what small differences of
    each become in sRGB, (n, 3, 3); none where that is sRGB.
    """
    file = f"{layout.unit_folder(STAGE.name, ref.key)}/{CODED}"
    if not storage.exists(file):
        return None
    with storage.open(file) as opened, np.load(opened, allow_pickle=False) as arrays:
        return arrays["patches"], arrays["slopes"]


def read_candidates(storage: Storage, ref: MinedRef, *names: str) -> list[NDArray[Any]]:
    """The arrays of these names, fields of `Candidates`, that were mined in an image that has
    some.
    """
    file = f"{layout.unit_folder(STAGE.name, ref.key)}/{CANDIDATES}"
    with storage.open(file) as opened, np.load(opened, allow_pickle=False) as arrays:
        return [arrays[name] for name in names]


def seal(
    units: Sequence[Unit[ImagePayload]],
    records: Sequence[NoiseSurvey],
    config: NoiseConfig,
    context: Context,
    key: str,
) -> MinedNoise:
    """List what was found."""
    return MinedNoise(
        images=tuple(
            MinedRef(key=u.key, survey=record) for u, record in zip(units, records, strict=True)
        )
    )


STAGE = Stage(
    name="mine_noise",
    version=4,
    title="mine noise",
    noun="images",
    record=NoiseSurvey,
    manifest=MinedNoise,
    plan=plan,
    work=work,
    seal=seal,
)
