"""Describe scenes: what the clean images look like, which kernels will be put on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pairmill.models.camera.scenes import described, smallest_side
from pairmill.models.functional.chroma import grey
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.payload import ImagePayload, npy_bytes
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.image import ImageSet, Role
from pairmill.schemas.pool import DescribedScenes, SceneConfig, SceneRef


class SceneRecord(Frozen):
    """One clean image."""

    image: Digest
    """Its pixel digest."""
    used: bool
    """Whether it is large enough to be described."""


def plan(images: ImageSet, config: SceneConfig) -> list[ImagePayload]:
    """One unit per clean image."""
    return [ImagePayload(image=image) for image in images.with_role(Role.CLEAN)]


def work(
    units: Sequence[Unit[ImagePayload]], config: SceneConfig, context: Context
) -> Iterator[SceneRecord]:
    """Describe those that are large enough."""
    for unit in units:
        luma = grey(load(unit.payload.image))
        used = min(luma.shape) >= smallest_side(config.scale)
        if used:
            weights, _ = described(luma, config.scale)
            context.write(unit, "scene.npy", npy_bytes(weights))
        yield SceneRecord(image=unit.payload.image.pixel_sha256, used=used)


def seal(
    units: Sequence[Unit[ImagePayload]],
    records: Sequence[SceneRecord],
    config: SceneConfig,
    context: Context,
    key: str,
) -> DescribedScenes:
    """List the descriptions."""
    refs = [
        SceneRef(key=unit.key, image=one.image, used=one.used)
        for unit, one in zip(units, records, strict=True)
    ]
    return DescribedScenes(scenes=tuple(refs))


STAGE = Stage(
    name="describe_scenes",
    version=1,
    title="describe clean images",
    noun="images",
    record=SceneRecord,
    manifest=DescribedScenes,
    plan=plan,
    work=work,
    seal=seal,
)
