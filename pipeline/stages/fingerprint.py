"""Fingerprint: find what every image is recognised by, and which pairs of images are worth
comparing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pairmill.pipeline.curation.candidates import Pairs, by_hash, by_keypoints
from pairmill.pipeline.curation.keypoints import Keypoints, grey_of, keypoints, whole_hash
from pairmill.pipeline.curation.scores import scores
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.runner.stage import Context, Profile, Stage, Unit
from pairmill.pipeline.stages.payload import ImagePayload, npy_bytes, read_npy
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Frozen
from pairmill.schemas.curation import Fingerprint, FingerprintRef, FingerprintSet
from pairmill.schemas.image import ImageRecord


class FingerprintConfig(Frozen):
    """Nothing can be set: fingerprints of all recipes of a workspace are the same."""

    format: int = 1
    """Layout of the keypoints."""


class PicturePayload(ImagePayload):
    """An image, source image or of a benchmark alike."""

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return self.image.pixel_sha256


def plan(images: Sequence[ImageRecord], config: FingerprintConfig) -> list[PicturePayload]:
    """One unit per image; images that are both a source image and of a benchmark count once."""
    distinct = {image.pixel_sha256: image for image in reversed(images)}
    return [PicturePayload(image=distinct[digest]) for digest in sorted(distinct)]


def work(
    units: Sequence[Unit[PicturePayload]], config: FingerprintConfig, context: Context
) -> Iterator[Fingerprint]:
    """Decode, describe, and write the keypoints."""
    for unit in units:
        grey = grey_of(load(unit.payload.image))
        found, whole = keypoints(grey), whole_hash(grey)
        context.write(unit, "places.npy", npy_bytes(found.places))
        context.write(unit, "codes.npy", npy_bytes(found.codes))
        yield Fingerprint(
            keypoints=len(found.codes),
            whole=None if whole is None else f"{whole:016x}",
            scores=scores(grey),
        )


def read_keypoints(storage: Storage, key: str) -> Keypoints:
    """The keypoints that the unit `key` of this stage wrote."""
    folder = layout.unit_folder(STAGE.name, key)
    return Keypoints(
        read_npy(storage, f"{folder}/places.npy"), read_npy(storage, f"{folder}/codes.npy")
    )


def seal(
    units: Sequence[Unit[PicturePayload]],
    records: Sequence[Fingerprint],
    config: FingerprintConfig,
    context: Context,
    key: str,
) -> FingerprintSet:
    """Sort all codes and list the pairs that share some."""
    folders = [layout.unit_folder(STAGE.name, unit.key) for unit in units]
    codes = context.storage.each(
        lambda folder: read_npy(context.storage, f"{folder}/codes.npy"), folders
    )
    digests = [unit.payload.image.pixel_sha256 for unit in units]
    picture = np.repeat(np.arange(len(codes)), [len(part) for part in codes])
    alike = by_keypoints(np.concatenate(codes), picture)
    whole = by_hash([None if record.whole is None else int(record.whole, 16) for record in records])
    return FingerprintSet(
        images=tuple(
            FingerprintRef(key=unit.key, image=digest, scores=record.scores)
            for unit, digest, record in zip(units, digests, records, strict=True)
        ),
        pairs=tuple((digests[a], digests[b]) for a, b in _both(alike, whole)),
    )


def _both(first: Pairs, second: Pairs) -> list[list[int]]:
    pairs: list[list[int]] = np.unique(np.concatenate([first, second]), axis=0).tolist()
    return pairs


def batch(_config: object, _profile: Profile) -> int:
    """Images that a worker takes at once."""
    return 8


STAGE = Stage(
    name="fingerprint",
    version=1,
    title="fingerprint",
    noun="images",
    record=Fingerprint,
    manifest=FingerprintSet,
    plan=plan,
    work=work,
    seal=seal,
    batch=batch,
)
