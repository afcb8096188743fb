"""Estimate kernels: KernelGAN with several restarts on every real image, many images in one
batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pairmill.models.kernelgan.batch import largest_batch
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.runner.stage import Context, Profile, Stage, Unit
from pairmill.pipeline.stages.payload import ImagePayload, npy_bytes
from pairmill.schemas.image import ImageSet, Role
from pairmill.schemas.kernel import KernelReason
from pairmill.schemas.pool import EstimateConfig, EstimateRef, KernelEstimate, KernelEstimates


def plan(images: ImageSet, config: EstimateConfig) -> list[ImagePayload]:
    """One unit per real image."""
    return [ImagePayload(image=image) for image in images.with_role(Role.REAL)]


def work(
    units: Sequence[Unit[ImagePayload]], config: EstimateConfig, context: Context
) -> Iterator[KernelEstimate]:
    """Fit all images that are not refused as one batch; a lane does not depend on the others in
    it.
    """
    from pairmill.models.kernelgan.fit import fit_kernels
    from pairmill.models.kernelgan.sampling import check_image

    images = [load(unit.payload.image) for unit in units]
    refused: list[KernelReason | None] = [check_image(image, config.kernelgan) for image in images]
    tried = [number for number, reason in enumerate(refused) if reason is None]
    if tried:
        fits = fit_kernels(
            [images[number] for number in tried],
            [
                stream_key(config.seed, "kernelgan", units[number].payload.image.pixel_sha256)
                for number in tried
            ],
            config.kernelgan,
            device=context.profile.device,
            on_iteration=lambda done, total: context.report(0.99 * done / total),
        )
    else:
        fits = []
    by_number = dict(zip(tried, fits, strict=True))
    for number, unit in enumerate(units):
        fit = by_number.get(number)
        if fit is not None:
            for name, values in (
                ("raw", fit.raw),
                ("finished", fit.finished),
                ("curves", fit.curves),
            ):
                context.write(unit, f"{name}.npy", npy_bytes(values))
        restarts = 0 if fit is None else len(fit.raw)
        image = unit.payload.image.pixel_sha256
        yield KernelEstimate(image=image, refused=refused[number], restarts=restarts)


def seal(
    units: Sequence[Unit[ImagePayload]],
    records: Sequence[KernelEstimate],
    config: EstimateConfig,
    context: Context,
    key: str,
) -> KernelEstimates:
    """List the estimates."""
    refs = [
        EstimateRef(key=unit.key, estimate=record)
        for unit, record in zip(units, records, strict=True)
    ]
    return KernelEstimates(estimates=tuple(refs))


def batch(config: EstimateConfig, profile: Profile) -> int:
    """Images per batch, from the memory that is there."""
    return largest_batch(config.kernelgan, profile.device, profile.memory)


STAGE = Stage(
    name="estimate_kernels",
    version=1,
    title="estimate kernels",
    noun="images",
    record=KernelEstimate,
    manifest=KernelEstimates,
    plan=plan,
    work=work,
    seal=seal,
    batch=batch,
    gpu=True,
)
