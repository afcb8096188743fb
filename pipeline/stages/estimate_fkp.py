"""Estimate kernels with a flow as their prior: KernelGAN-FKP or DIP-FKP on every real image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.decode import load
from pairmill.pipeline.rng import stream, stream_key
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.fit_fkp import read_prior
from pairmill.pipeline.stages.payload import ImagePayload, npy_bytes
from pairmill.schemas.image import ImageSet, Role
from pairmill.schemas.kernel import DipFkpConfig, KernelGanFkpConfig
from pairmill.schemas.pool import EstimateRef, FkpConfig, KernelEstimate, KernelEstimates

if TYPE_CHECKING:
    from pairmill.models.fkp.prior import KernelPrior

Image = NDArray[np.uint8]


def plan(images: ImageSet, config: FkpConfig) -> list[ImagePayload]:
    """One unit per real image."""
    return [ImagePayload(image=image) for image in images.with_role(Role.REAL)]


def work(
    units: Sequence[Unit[ImagePayload]], config: FkpConfig, context: Context
) -> Iterator[KernelEstimate]:
    """Estimate each image that is not refused; write `raw.npy` and `finished.npy`."""
    from pairmill.models.fitting.threads import one_thread
    from pairmill.models.fkp.kernelgan import finish
    from pairmill.models.kernelgan.sampling import refusal_of

    prior, settings = read_prior(context.storage, config.flow), config.settings
    for number, unit in enumerate(units):
        image, digest = load(unit.payload.image), unit.payload.image.pixel_sha256
        refused = refusal_of(image, settings.min_side, settings.min_contrast, settings.window)
        if refused is None:
            report = partial(_reported, context, number, len(units))
            with one_thread():
                raw = _estimated(image, digest, config, prior, report)
            context.write(unit, "raw.npy", npy_bytes(raw))
            finished = np.stack([finish(kernel) for kernel in raw])
            context.write(unit, "finished.npy", npy_bytes(finished))
        restarts = 0 if refused else settings.restarts
        yield KernelEstimate(image=digest, refused=refused, restarts=restarts)


def _reported(context: Context, before: int, units: int, share: float) -> None:
    context.report(0.99 * (before + share) / units)


def _estimated(
    image: Image,
    digest: str,
    config: FkpConfig,
    prior: KernelPrior,
    report: Callable[[float], None],
) -> NDArray[np.float64]:
    """(R, 11, 11)."""
    if isinstance(config.settings, KernelGanFkpConfig):
        from pairmill.models.fkp.kernelgan import fit_kernels

        seed = stream_key(config.seed, "kernelgan_fkp", digest)
        return fit_kernels(
            [image], [seed], config.settings, prior, report=lambda done, of: report(done / of)
        )[0]
    return _by_dip(image, digest, config.seed, config.settings, prior, report)


def _by_dip(
    image: Image,
    digest: str,
    seed: int,
    settings: DipFkpConfig,
    prior: KernelPrior,
    report: Callable[[float], None],
) -> NDArray[np.float64]:
    from pairmill.models.dip.blind import FromFlow
    from pairmill.models.dip.fit import restore
    from pairmill.models.kernelgan.sampling import centre_window

    window, kernels = centre_window(image, settings.window), []
    total = settings.restarts * settings.dip.iterations
    for restart in range(settings.restarts):
        keyed = partial(stream, seed, "dip_fkp", digest, restart)
        advanced = partial(_advanced, report, restart * settings.dip.iterations, total)
        source = FromFlow(prior, keyed("kernel"))
        found = restore(window, 2, source, settings.dip, keyed, report=advanced)
        kernels.append(found.kernel)
    return np.stack(kernels)


def _advanced(report: Callable[[float], None], before: int, total: int, done: int) -> None:
    report((before + done) / total)


def seal(
    units: Sequence[Unit[ImagePayload]],
    records: Sequence[KernelEstimate],
    config: FkpConfig,
    context: Context,
    key: str,
) -> KernelEstimates:
    """List the estimates."""
    refs = [
        EstimateRef(key=unit.key, estimate=record, stage=context.stage)
        for unit, record in zip(units, records, strict=True)
    ]
    return KernelEstimates(estimates=tuple(refs))


STAGE = Stage(
    name="estimate_fkp",
    version=1,
    title="estimate kernels",
    noun="images",
    record=KernelEstimate,
    manifest=KernelEstimates,
    plan=plan,
    work=work,
    seal=seal,
)
