"""Some rows of a version's pools, without loading the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from pairmill.models.functional.kernels import on_grey, target_centre
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import heat
from pairmill.pipeline.subset import evenly
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import POOL_ARRAYS, CorpusManifest, PoolRef

KERNEL_ARRAY = "kernel"
"""Name of the array of all pools of kernels."""
STEMS = {"kernels": "kernel", "generated_kernels": "generated"}
"""Beginnings of the names of image files, where they are not the kind of the pool."""
FAINT = 0.02
"""Share of a kernel's peak below which a value cannot be seen."""
READ_BYTES = 48 << 20
"""Most bytes of a pool that are read for a mean."""


class PoolRows:
    """A pool inside a version."""

    def __init__(self, storage: Storage, manifest: CorpusManifest, ref: PoolRef) -> None:
        name = layout.corpus_pool(manifest.identity.name, manifest.version, ref.kind)
        self.storage, self.name, self.ref = storage, name, ref
        self.array: Any = storage.again("read", name, self._open)

    def _open(self) -> Any:
        return zarr.open_group(self.storage.zarr_store(self.name), mode="r", zarr_format=3)[
            POOL_ARRAYS[self.ref.kind]
        ]

    def rows(self, indices: Sequence[int]) -> NDArray[Any]:
        """Items at ascending indices."""
        wanted = np.asarray(indices, np.int64)
        return self.storage.again("read", self.name, lambda: np.asarray(self.array.oindex[wanted]))

    def spread(self) -> NDArray[Any]:
        """As many items as memory and patience allow, evenly spread."""
        size = int(np.prod(self.array.shape[1:])) * self.array.dtype.itemsize
        return self.rows(evenly(self.ref.count, max(8, READ_BYTES // size)))


def pool_rows(storage: Storage, manifest: CorpusManifest, kind: str) -> PoolRows | None:
    """The pool of that kind, if the version has one."""
    refs = [ref for ref in manifest.identity.pools if ref.kind == kind]
    if refs:
        return PoolRows(storage, manifest, refs[0])
    return None


def kernel_pools(storage: Storage, manifest: CorpusManifest) -> dict[str, PoolRows]:
    """All pools of kernels, such as estimated and generated ones, by digest."""
    refs = [ref for ref in manifest.identity.pools if POOL_ARRAYS[ref.kind] == KERNEL_ARRAY]
    return {ref.digest: PoolRows(storage, manifest, ref) for ref in refs}


def margin(kernels: NDArray[np.floating[Any]]) -> int:
    """Pixels at every border of kernels, (n, k, k), that are too faint to be seen in any."""
    strength = np.abs(kernels) / np.abs(kernels).max(axis=(1, 2), keepdims=True)
    seen = (strength > FAINT).any(axis=0)
    side = len(seen)
    border = np.minimum(np.arange(side), np.arange(side)[::-1])
    depth = np.minimum(border[:, None], border[None])
    return int(min(depth[seen].min() if seen.any() else 0, (side - 1) // 2))


class KernelPictures:
    """Heat maps of the pool's kernels, each drawn once."""

    def __init__(self, rows: PoolRows, picture_files: PictureFiles, scale: int) -> None:
        self.pool, self.picture_files = rows, picture_files
        self.margin = margin(np.stack([on_grey(kernel) for kernel in rows.spread()]))
        self.side = rows.ref.side - 2 * self.margin
        self.centre = target_centre(rows.ref.side, scale) - self.margin
        self.peaks: dict[int, float] = {}

    def cropped(self, kernel: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """The part of a kernel that is drawn, the same of all."""
        inside = slice(self.margin, self.margin + self.side)
        return kernel[inside, inside]

    def draw(self, indices: Sequence[int]) -> None:
        """Draw kernels that will be asked for, in one read."""
        todo = sorted(set(indices) - set(self.peaks))
        for index, kernel in zip(todo, self.pool.rows(todo) if todo else (), strict=True):
            seen = on_grey(kernel)
            self.picture_files.png(self._stem(index), heat(self.cropped(seen)))
            self.peaks[index] = float(seen.max())

    def name(self, index: int) -> str:
        """Name of an image; drawn now if it was not."""
        self.draw([index])
        return f"img/{self._stem(index)}.png"

    def _stem(self, index: int) -> str:
        kind = self.pool.ref.kind
        return f"{STEMS.get(kind, kind)}-{index:05d}"
