"""Pool noise: choose among the candidates of all images, take the shading off, and seal the residuals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import layout
from pipeline.noise.candidates import Candidates
from pipeline.noise.residual import residual
from pipeline.noise.select import Selection, choose, shortage
from pipeline.pools import columns_of, pool_digest, write_pool
from pipeline.stage import Context, Stage, Unit
from pipeline.stages import mine_noise
from pipeline.stages.mine_noise import MinedNoise, MinedRef
from pipeline.stages.payload import read_npy
from pipeline.storage import Storage
from schemas.noise import NoiseConfig, NoisePoolManifest
from schemas.work import Payload


class PoolPayload(Payload):
    """All that was mined: choosing needs the whole set."""

    images: tuple[MinedRef, ...]
    """One per real image."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"candidates of {len(self.images)} images"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [ref.key for ref in self.images]


def plan(mined: MinedNoise, config: NoiseConfig) -> list[PoolPayload]:  # noqa: ARG001
    """One unit for the whole set."""
    return [PoolPayload(images=mined.images)]


def work(units: Sequence[Unit[PoolPayload]], config: NoiseConfig, context: Context) -> Iterator[NoisePoolManifest]:
    """Choose and detrend.

    Raises:
        UserError: if fewer patches than the recipe asks for are left.
    """
    for unit in units:
        found = [_read(context.storage, ref) for ref in unit.payload.images]
        selection = choose(found, config)
        error = shortage(selection, config)
        if error is not None:
            raise error
        patches = _residuals(context.storage, unit.payload.images, selection)
        group = f"{layout.unit_folder(context.stage, unit.key)}/pool.zarr"
        write_pool(context.storage, group, "noise", patches, columns_of(selection.patches))
        yield _manifest(patches, selection, config)


def _read(storage: Storage, ref: MinedRef) -> Candidates:
    table, signatures = (_array(storage, ref, name) for name in ("table", "signatures"))
    return Candidates(ref.survey, table, signatures, np.zeros((0, 0, 0, 3), np.uint8))


def _array(storage: Storage, ref: MinedRef, name: str) -> NDArray[Any]:
    return read_npy(storage, f"{layout.unit_folder(mine_noise.STAGE.name, ref.key)}/{name}.npy")


def _residuals(storage: Storage, images: Sequence[MinedRef], selection: Selection) -> NDArray[np.float32]:
    rows: list[NDArray[np.float32]] = []
    current, patches = -1, np.zeros((0, 0, 0, 3), np.uint8)
    for image, row in selection.picks:
        if image != current:
            current, patches = image, _array(storage, images[image], "patches")
        rows.append(residual(patches[row]))
    return np.stack(rows)


def _manifest(patches: NDArray[np.float32], selection: Selection, config: NoiseConfig) -> NoisePoolManifest:
    std = np.sqrt(np.square(patches.astype(np.float64)).mean(axis=(0, 1, 2)))
    return NoisePoolManifest(
        digest=pool_digest(patches),
        count=len(patches),
        patch=config.patch,
        max_variance=selection.max_variance,
        threshold_source=selection.threshold_source,
        std=(round(float(std[0]), 4), round(float(std[1]), 4), round(float(std[2]), 4)),
        patches=selection.patches,
        coverage=selection.coverage,
    )


def seal(
    units: Sequence[Unit[PoolPayload]], records: Sequence[NoisePoolManifest], config: NoiseConfig, context: Context, key: str  # noqa: ARG001
) -> NoisePoolManifest:
    """Give the pool its place."""
    source = f"{layout.unit_folder(context.stage, units[0].key)}/pool.zarr"
    context.storage.link_tree(source, layout.pool_group(context.stage, key))
    return records[0]


STAGE = Stage(
    name="pool_noise", version=1, title="choose noise", noun="pool",
    record=NoisePoolManifest, manifest=NoisePoolManifest, plan=plan, work=work, seal=seal,
)  # fmt: skip
