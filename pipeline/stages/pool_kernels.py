"""Pool kernels: judge every estimate, compose the accepted ones to the scale, and seal them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import compose, to_fixed_point, without_tails
from pairmill.pipeline.assets import columns_of, pool_digest, write_pool
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.kernels.camera import judge_spectral
from pairmill.pipeline.kernels.pairs import judge_pair
from pairmill.pipeline.kernels.quality import judge, refusal
from pairmill.pipeline.kernels.varying import varying
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import align_pairs
from pairmill.pipeline.stages.payload import npy_bytes, read_npy
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.aligned import AlignedRef
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageRecord, ImageSet
from pairmill.schemas.kernel import KernelReason, KernelVerdict
from pairmill.schemas.pool import (
    CameraEstimates,
    CellKernel,
    EstimateRef,
    JudgedKernel,
    JudgedSpectral,
    KernelEstimates,
    KernelPoolManifest,
    MeasuredPhotographs,
    PoolKernelsConfig,
)
from pairmill.schemas.work import Payload


class JudgePayload(Payload):
    """One image and what was estimated of it, or a real pair."""

    image: ImageRecord | None = None
    """The image."""
    ref: EstimateRef | None = None
    """Its estimates by KernelGAN or with a flow."""
    spectral: JudgedSpectral | None = None
    """Its estimate from spectra."""
    pair: AlignedRef | None = None
    """The pair and its unit."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return self.image.url if self.image else f"pair {self.digest[:12]}"

    @property
    def digest(self) -> str:
        """Pixel digest of the photograph whose kernel it is."""
        if self.image is not None:
            return self.image.pixel_sha256
        assert self.pair is not None
        return self.pair.pair.lr or ""

    def identity(self) -> Any:
        """See `Payload.identity`."""
        if self.pair is not None:
            return ["pair", self.pair.key]
        assert self.image is not None
        if self.spectral is not None:
            return [self.image.pixel_sha256, self.spectral.content_digest()]
        assert self.ref is not None
        return [self.image.pixel_sha256, self.ref.key]


@dataclass(frozen=True)
class Spectral:
    """What spectra gave."""

    measured: MeasuredPhotographs
    """All photographs."""
    cameras: CameraEstimates
    """Cameras, and each of their photographs."""

    def judged(self) -> dict[str, JudgedSpectral]:
        """What there is to judge, by pixel digest."""
        measures = {ref.measure.image: ref.measure for ref in self.measured.photographs}
        found = {
            image: JudgedSpectral(refused=measure.refused) for image, measure in measures.items()
        }
        for camera in self.cameras.cameras:
            for own in camera.photographs:
                found[own.image] = JudgedSpectral(
                    refused=None,
                    enlarged=measures[own.image].enlarged,
                    photographs=len(camera.photographs),
                    form=camera.form,
                    noise_sharpened=camera.noise_sharpened,
                    estimate=own,
                    field=camera.field.stretches if camera.field else (),
                    channels=camera.channels.stretches if camera.channels else (),
                )
        return found


@dataclass(frozen=True)
class Inputs:
    """The images, and what was estimated of them."""

    images: ImageSet
    found: KernelEstimates | Spectral
    pairs: tuple[AlignedRef, ...] = ()
    """Real pairs that show a kernel."""


def plan(inputs: Inputs, config: PoolKernelsConfig) -> list[JudgePayload]:
    """One unit per real image, then one per real pair."""
    images, found = inputs.images.by_digest(), inputs.found
    pairs = [JudgePayload(pair=ref) for ref in inputs.pairs]
    if isinstance(found, Spectral):
        judged = found.judged().items()
        return [*(JudgePayload(image=images[image], spectral=one) for image, one in judged), *pairs]
    estimates = [JudgePayload(image=images[ref.estimate.image], ref=ref) for ref in found.estimates]
    return [*estimates, *pairs]


def work(
    units: Sequence[Unit[JudgePayload]], config: PoolKernelsConfig, context: Context
) -> Iterator[JudgedKernel]:
    """Judge the restarts of an image; write `kernel.npy` if one is accepted."""
    for unit in units:
        kernel, verdict = _judge(unit, config, context.storage)
        cells: tuple[CellKernel, ...] = ()
        varies = config.field or config.channels
        if kernel is not None and varies and unit.payload.spectral is not None:
            found = varying(unit.payload.spectral, config)
            kernel, cells = found.kernels, found.cells
            verdict = verdict.with_(detail=f"{verdict.detail}; {found.words}")
        if kernel is not None:
            context.write(unit, "kernel.npy", npy_bytes(kernel))
        yield JudgedKernel(image=unit.payload.digest, verdict=verdict, cells=cells)


def read_estimate(
    storage: Storage, ref: EstimateRef
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Raw (R, 13, 13), or (R, 11, 11) with a flow, and finished (R, 17, 17) kernels of one image's
    restarts.
    """
    folder = layout.unit_folder(ref.stage, ref.key)
    return read_npy(storage, f"{folder}/raw.npy"), read_npy(storage, f"{folder}/finished.npy")


REFUSALS = {
    KernelReason.TOO_SMALL: "the picture is too small to show its blur: {width} x {height} px",
    KernelReason.TOO_FLAT: "the picture has too little contrast to show its blur",
    KernelReason.ENLARGED: "the picture has nothing but rounding at half its highest frequency, as "
    "if it had been enlarged: give its true pixels, or a half of its size",
}


def _judge(
    unit: Unit[JudgePayload], config: PoolKernelsConfig, storage: Storage
) -> tuple[NDArray[np.float64] | None, KernelVerdict]:
    image, ref, spectral = unit.payload.image, unit.payload.ref, unit.payload.spectral
    if unit.payload.pair is not None:
        folder = layout.unit_folder(align_pairs.STAGE.name, unit.payload.pair.key)
        return judge_pair(
            read_npy(storage, f"{folder}/{align_pairs.KERNEL}"), config.quality, config.scale
        )
    assert image is not None
    refused = spectral.refused if spectral is not None else _refused(ref)
    if refused is not None:
        words = REFUSALS[refused].format(width=image.width, height=image.height)
        return None, refusal(refused, words)
    if spectral is not None:
        return judge_spectral(spectral, config.quality, config.scale)
    assert ref is not None
    raw, finished = read_estimate(storage, ref)
    kernel, verdict = judge(raw, finished, load(image), config.quality)
    if kernel is None:
        return None, verdict
    try:
        return to_fixed_point(without_tails(compose(kernel, config.scale))), verdict
    except ValueError as error:  # too wide to be composed to this scale
        detail = f"it blurs too much for x{config.scale}: {error}"
        return None, verdict.with_(accepted=False, reason=KernelReason.TOO_WIDE, detail=detail)


def _refused(ref: EstimateRef | None) -> KernelReason | None:
    return ref.estimate.refused if ref is not None else None


def seal(
    units: Sequence[Unit[JudgePayload]],
    records: Sequence[JudgedKernel],
    config: PoolKernelsConfig,
    context: Context,
    key: str,
) -> KernelPoolManifest:
    """Write accepted kernels to the pool, in the order of the image set.

    Raises:
        UserError: if no estimate was accepted.
    """
    accepted = [
        (u, record) for u, record in zip(units, records, strict=True) if record.verdict.accepted
    ]
    if not accepted:
        raise _none_accepted(records, config)
    names = [f"{layout.unit_folder(context.stage, unit.key)}/kernel.npy" for unit, _ in accepted]
    kernels = _rows([read_npy(context.storage, name) for name in names], config)
    of_rows = [record for _, record in accepted for _ in record.cells or (None,)]
    diagnostics = [record.verdict.diagnostics for record in of_rows if record.verdict.diagnostics]
    columns = columns_of(of_rows) | columns_of(diagnostics)
    refs = [(unit, unit.payload.ref) for unit in units if unit.payload.ref is not None]
    cells = [cell for _, record in accepted for cell in record.cells or (None,)]
    places = tuple(cell.cell if cell else None for cell in cells)
    if any(cells):
        columns |= _columns_of_cells(cells, columns)
    write_pool(context.storage, layout.pool_group(context.stage, key), "kernels", kernels, columns)
    return KernelPoolManifest(
        digest=pool_digest(kernels),
        count=len(kernels),
        side=kernels.shape[-1],
        scale=config.scale,
        kernels=tuple(record.image for record in of_rows),
        cells=places if any(cells) else (),
        judged=tuple(records),
        estimates={unit.payload.digest: ref.key for unit, ref in refs},
        **({"estimated_by": refs[0][1].stage} if refs else {}),
    )


def _rows(found: Sequence[NDArray[np.float64]], config: PoolKernelsConfig) -> NDArray[np.float64]:
    """(n, k, k) or (n, 3, k, k): the kernels of all images, of each one or several."""
    axes = 3 if config.channels else 2
    return np.concatenate([one.reshape(-1, *one.shape[-axes:]) for one in found])


def _columns_of_cells(
    cells: Sequence[CellKernel | None], known: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Which cell each row is of, -1 for all of the field, and what is known of that cell."""
    own = {name: known[name].copy() for name in ("width", "support")}
    for row, cell in enumerate(cells):
        if cell is not None:
            own["width"][row], own["support"][row] = cell.width, cell.support
    numbers = [-1 if cell is None else cell.cell for cell in cells]
    return {**own, "cell": np.array(numbers)}


def _none_accepted(records: Sequence[JudgedKernel], config: PoolKernelsConfig) -> UserError:
    reasons = Counter(record.verdict.reason for record in records)
    details = [record.verdict.detail for record in records]
    nearest = nearest_thresholds(records, config)
    return UserError(
        "no kernel passed the quality checks, so there is nothing to blur with",
        where="recipe key kernel_quality",
        got=", ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
        + f"; first: {details[0]}",
        wanted="at least one accepted kernel",
        todo="look at all verdicts with `pairmill pool show RECIPE` (and the --workspace and "
        "--limit of this command); "
        f"{nearest}give sharper or larger photos, or take degrader bicubic",
    )


_SPECTRAL = {"camera", "spectral"}
"""Methods whose kernels may have lobes."""


def nearest_thresholds(records: Sequence[JudgedKernel], config: PoolKernelsConfig) -> str:
    """The smallest change of one threshold that would let a kernel in, as an instruction; empty if
    none is known.
    """
    negative = "max_negative" if config.method in _SPECTRAL else "max_raw_negative"
    limits = {
        KernelReason.DISAGREEMENT: ("max_disagreement", "disagreement"),
        KernelReason.OFF_CENTRE: ("max_offset", "offset"),
        KernelReason.BORDER: ("max_border", "border"),
        KernelReason.NEGATIVE: (negative, "negative"),
        KernelReason.UNCERTAIN: ("max_error", "error"),
        KernelReason.TOO_WIDE: ("max_support", "support"),
        KernelReason.MISALIGNED: ("max_shift", "shift"),
        KernelReason.MISMATCH: ("max_mismatch", "mismatch"),
    }
    nearest: dict[str, float] = {}
    for verdict in (record.verdict for record in records):
        if verdict.reason in limits and verdict.diagnostics is not None:
            threshold, measured = limits[verdict.reason]
            value = float(getattr(verdict.diagnostics, measured))
            if value > float(getattr(config.quality, threshold)):
                nearest[threshold] = min(nearest.get(threshold, value), value)
    tips = [f"kernel_quality.{name} above {value:.3g}" for name, value in nearest.items()]
    return f"the nearest values that would let one in: {', '.join(tips)}; or " if tips else ""


STAGE = Stage(
    name="pool_kernels",
    version=3,
    title="judge kernels",
    noun="images",
    record=JudgedKernel,
    manifest=KernelPoolManifest,
    plan=plan,
    work=work,
    seal=seal,
)
