"""Generate kernels: draw new ones in the manner of the kernel pool, judge them, and seal them as a
pool of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import pool_digest, read_pool, write_pool
from pairmill.pipeline.kernels.generated import judged, spread
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.payload import npy_bytes, read_npy
from pairmill.pipeline.workspace import layout
from pairmill.schemas.base import Digest
from pairmill.schemas.errors import UserError
from pairmill.schemas.kmsr import GenerateConfig, GeneratedKernels, GeneratedPoolManifest
from pairmill.schemas.pool import KernelPoolManifest
from pairmill.schemas.work import Payload

Array = NDArray[np.float64]

MORE = 1.25
"""Kernels that are drawn for each that is wanted; what is rejected is made up for by these and no
others."""


@dataclass(frozen=True)
class Inputs:
    """A sealed kernel pool."""

    pool: KernelPoolManifest
    group: str
    """Its zarr group; a place, which does not matter."""


class GeneratePayload(Payload):
    """A kernel pool; where it lies does not matter."""

    pool: Digest
    """Its digest."""
    count: int
    """Its kernels."""
    side: int
    """Side of its kernels, in HR pixels."""
    scale: int
    """Scale that they are for."""
    group: str
    """Its zarr group."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"kernel pool {self.pool[:12]}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.pool, self.scale]


def plan(inputs: Inputs, config: GenerateConfig) -> list[GeneratePayload]:
    """One unit: the whole pool.

    Raises:
        UserError: if it is too small for a generator to be fitted to.
    """
    pool, kmsr = inputs.pool, config.kmsr
    if kmsr.method == "wgan" and pool.count < kmsr.min_kernels:
        raise UserError(
            "the kernel pool is too small to fit a generator to",
            where="recipe key kmsr.min_kernels",
            got=f"{pool.count} kernel{'s' if pool.count > 1 else ''}",
            wanted=f"at least {kmsr.min_kernels}",
            todo="set kmsr.method: mixture, which mixes what is there; or give more real images, "
            "or take degrader realsr",
        )
    return [
        GeneratePayload(
            pool=pool.digest, count=pool.count, side=pool.side, scale=pool.scale, group=inputs.group
        )
    ]


def work(
    units: Sequence[Unit[GeneratePayload]], config: GenerateConfig, context: Context
) -> Iterator[GeneratedKernels]:
    """Fit, draw and judge; write `kernels.npy` and `curves.npy`."""
    from pairmill.models.kmsr.geometry import cores, in_all_orientations

    for unit in units:
        pool = cores(read_pool(context.storage, unit.payload.group, "kernels"), unit.payload.scale)
        wanted = config.kmsr.count
        drawn, curves = _drawn(pool, round(MORE * wanted + 0.5), config, unit.payload, context)
        kernels, rejected = judged(
            drawn, pool, unit.payload.scale, config.quality, config.kmsr.min_distance
        )
        context.write(unit, "kernels.npy", npy_bytes(kernels[:wanted]))
        context.write(unit, "curves.npy", npy_bytes(curves))
        of_pool = spread(in_all_orientations(pool))
        assert of_pool is not None  # there are eight of each
        yield GeneratedKernels(
            count=min(wanted, len(kernels)),
            drawn=len(drawn),
            rejected=dict(sorted(rejected.items())),
            pool=of_pool,
            generated=spread(kernels[:wanted]),
        )


def _drawn(
    pool: Array, count: int, config: GenerateConfig, payload: GeneratePayload, context: Context
) -> tuple[Array, Array]:
    """New cores (count, n, n), and the curves of the fit, (iterations, 2): see
    `pairmill.models.kmsr.fit.Fit.curves`.
    """
    if config.kmsr.method == "mixture":
        from pairmill.models.kmsr.mixture import mixtures

        return mixtures(
            pool, count, config.kmsr.parts, stream(config.seed, "mixtures", payload.pool)
        ), np.zeros((0, 2))
    from pairmill.models.fitting.threads import one_thread
    from pairmill.models.kmsr.fit import Fit

    with one_thread():  # always on the CPU: a GPU does not help such small networks
        fit = Fit(pool, config.kmsr.fit, partial(stream, config.seed, "kmsr", payload.pool))
        for finished in fit.advance():
            context.report(finished / config.kmsr.fit.iterations)
        return fit.draw(count), np.asarray(fit.curves)


def seal(
    units: Sequence[Unit[GeneratePayload]],
    records: Sequence[GeneratedKernels],
    config: GenerateConfig,
    context: Context,
    key: str,
) -> GeneratedPoolManifest:
    """Write the kernels to a pool.

    Raises:
        UserError: if the generator failed: too many of its kernels are bad, they are all alike, or
            nothing is left.
    """
    payload, made = units[0].payload, records[0]
    _check(made, config)
    kernels = read_npy(
        context.storage, f"{layout.unit_folder(context.stage, units[0].key)}/kernels.npy"
    )
    write_pool(
        context.storage, layout.pool_group(context.stage, key), "generated_kernels", kernels, {}
    )
    return GeneratedPoolManifest(
        digest=pool_digest(kernels),
        count=len(kernels),
        side=kernels.shape[1],
        scale=payload.scale,
        source=payload.pool,
        method=config.kmsr.method,
        made=made,
    )


def _check(made: GeneratedKernels, config: GenerateConfig) -> None:
    kmsr = config.kmsr
    said = (
        ", ".join(f"{count} {reason}" for reason, count in Counter(made.rejected).most_common())
        or "none"
    )
    longer = "give more real images"
    if kmsr.method == "wgan":
        longer = "raise kmsr.fit.iterations, set kmsr.method: mixture"
    if made.share_rejected > kmsr.max_rejected:
        raise UserError(
            "too many generated kernels fail the quality rules",
            where="recipe keys kmsr.max_rejected and kernel_quality",
            got=f"{made.share_rejected:.0%} of {made.drawn}: {said}",
            wanted=f"at most {kmsr.max_rejected:.0%}",
            todo=f"{longer}, or take degrader realsr",
        )
    if not made.count:
        raise UserError(
            "no generated kernel is new",
            where="recipe key kmsr.min_distance",
            got=f"{said} of {made.drawn}",
            wanted=f"kernels that differ by {kmsr.min_distance:g} or more",
            todo=f"{longer}, or lower kmsr.min_distance",
        )
    if made.count > 1 and made.diversity < kmsr.min_diversity:
        raise UserError(
            "the generated kernels are all alike",
            where="recipe key kmsr.min_diversity",
            got=f"differences of {made.diversity:.0%} of those in the pool",
            wanted=f"at least {kmsr.min_diversity:.0%}",
            todo=f"{longer}, or lower kmsr.min_diversity",
        )


STAGE = Stage(
    name="generate_kernels",
    version=1,
    title="generate kernels",
    noun="pools",
    record=GeneratedKernels,
    manifest=GeneratedPoolManifest,
    plan=plan,
    work=work,
    seal=seal,
)
