"""Where a sample comes from: its source image, if the workspace still knows it, and the items of
pools that it used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import zarr

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.corpora.replay import Replayed
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import Image, thumbnail
from pairmill.pipeline.html.text import file_name, plain
from pairmill.pipeline.images.decode import load, pixel_digest
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.runner.stage import M, Stage
from pairmill.pipeline.stages import ingest, ingest_pairs
from pairmill.pipeline.stages.clean_up import clean
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, PoolRef
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import ImageRecord, Role
from pairmill.schemas.ops.pooled import Aligned, Inject, InjectByLevel, PooledBlur, PooledJpeg
from pairmill.schemas.preview import OriginView, PoolRowView
from pairmill.schemas.program import Program

PATCHES = 8
"""Maximum number of noise patches of one program that are shown."""


class Images:
    """Records of ingested images by pixel digest, as far as the workspace has them."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.known: dict[str, ImageRecord] | None = None

    def find(self, digest: str) -> ImageRecord | None:
        """The record of an image, from any image set that was ever sealed here."""
        if self.known is None:
            self.known = {image.pixel_sha256: image for image in self._all()}
        return self.known.get(digest)

    def name(self, digest: str) -> str:
        """File name, or the first digits of the digest."""
        record = self.find(digest)
        if record:
            return plain(file_name(record.url))
        return f"image {digest[:16]}"

    def _all(self) -> Iterator[ImageRecord]:
        """Images of pairs, then all others."""
        for found in self._sealed(ingest_pairs.STAGE):
            for pair in found.pairs:
                yield from (pair.lq, pair.hq)
        for images in self._sealed(ingest.STAGE):
            yield from images.accepted

    def _sealed(self, stage: Stage[Any, Any, Any, Any, M]) -> Iterator[M]:
        for key in self.storage.names(layout.stage_folder(stage.name, "").rstrip("/")):
            name = layout.stage_manifest(stage.name, key)
            if self.storage.exists(name):
                yield stage.manifest.model_validate_json(self.storage.read(name))


def origin(
    sample: Replayed, manifest: CorpusManifest, images: Images, picture_files: PictureFiles
) -> OriginView:
    """The source of a sample's HR; the image is read again, cleaned up, cut and compared where it
    still can be.
    """
    record, box = images.find(sample.record.image), sample.record.box
    if record is None:
        note = "The workspace no longer knows where this image was; the corpus is whole without it."
        return OriginView(
            source=f"pixel digest {sample.record.image}", picture="", box=(0, 0, 1, 1), note=note
        )
    try:
        source = load(record)
    except PairmillError as error:
        note = f"{error.what}: {error.got}. The corpus is whole without it."
        return OriginView(source=plain(record.url), picture="", box=(0, 0, 1, 1), note=note)
    if _of_pair(sample):
        return _registered(source, record, sample, picture_files)
    hr = _hr(source, record, manifest)
    tile = hr[box.top : box.top + box.height, box.left : box.left + box.width]
    same = pixel_digest(tile) == sample.record.hr_sha256
    how = "as it is"
    if record.role == Role.REAL:
        how = f"downscaled by {_factor(manifest)}"
    said = "is not the HR of the sample: the file or the clean-up differs"
    if same:
        said = "is the HR of the sample, bit for bit"
    rows, columns = hr.shape[:2]
    return OriginView(
        source=plain(record.url),
        picture=picture_files.jpeg("source", thumbnail(hr, 480)),
        box=(box.left / columns, box.top / rows, box.width / columns, box.height / rows),
        note=f"Read again, {how} and cut at ({box.left}, {box.top}), {box.width} × {box.height}: "
        f"it {said}.",
    )


def _of_pair(sample: Replayed) -> bool:
    ops = Program.model_validate_json(sample.record.program).ops
    return any(isinstance(op, Aligned) for op in ops)


def _registered(
    source: Image, record: ImageRecord, sample: Replayed, picture_files: PictureFiles
) -> OriginView:
    """The HR photograph of a real pair: the sample's HR is a part of it after registration."""
    box = sample.record.box
    rows, columns = source.shape[:2]
    return OriginView(
        source=plain(record.url),
        picture=picture_files.jpeg("source", thumbnail(source, 480)),
        box=(box.left / columns, box.top / rows, box.width / columns, box.height / rows),
        note=f"HR of a real pair: moved to where LR stands and matched in brightness, then cut at "
        f"({box.left}, {box.top}), {box.width} × {box.height}.",
    )


def _hr(source: Image, record: ImageRecord, manifest: CorpusManifest) -> Image:
    if record.role == Role.REAL:
        return clean(source, _factor(manifest))
    return source


def _factor(manifest: CorpusManifest) -> int:
    return int(manifest.identity.recipe["clean_up"]["factor"])


def pool_rows(
    program: Program,
    storage: Storage,
    manifest: CorpusManifest,
    assets: Assets,
    images: Images,
    picture_files: PictureFiles,
) -> list[PoolRowView]:
    """Images and origins of the pool items that a program names."""
    pools = {ref.digest: ref for ref in manifest.identity.pools}
    views = []
    for digest, index in dict.fromkeys(_used(program)):
        if digest in pools:
            views.append(
                _row(pools[digest], index, storage, manifest, assets, images, picture_files)
            )
    return views


def _used(program: Program) -> Iterator[tuple[str, int]]:
    """(pool, row) of everything that is drawn from a pool, in the order of use."""
    for op in program.ops:
        if isinstance(op, PooledBlur | PooledJpeg | Aligned):
            yield op.pool, op.index
        elif isinstance(op, Inject | InjectByLevel):
            patches = sorted({place.index for place in op.placements})
            yield from ((op.pool, row) for row in patches[:PATCHES])


def _row(
    ref: PoolRef,
    index: int,
    storage: Storage,
    manifest: CorpusManifest,
    assets: Assets,
    images: Images,
    picture_files: PictureFiles,
) -> PoolRowView:
    columns, kind = _columns(ref, index, storage, manifest), POOLS[ref.kind]
    image = kind.picture(assets.item(ref.digest, index))
    return PoolRowView(
        kind=ref.kind,
        index=index,
        count=ref.count,
        pool=ref.digest,
        picture="" if image is None else picture_files.png(f"pool-{ref.kind}-{index:05d}", image),
        source=images.name(bytes(columns["image"]).hex()) if "image" in columns else "",
        facts=tuple(kind.facts(columns)),
    )


def _columns(
    ref: PoolRef, index: int, storage: Storage, manifest: CorpusManifest
) -> dict[str, Any]:
    """What the pool says of one row, by column; the items themselves are left out."""
    name = layout.corpus_pool(manifest.identity.name, manifest.version, ref.kind)

    def read() -> dict[str, Any]:
        group = zarr.open_group(storage.zarr_store(name), mode="r", zarr_format=3)
        return {key: array[index] for key, array in group.arrays() if array.ndim <= 2}

    return storage.again("read", name, read)
