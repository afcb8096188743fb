"""How long kernel estimation will take, from a short run of it on one image."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pairmill.models.camera.estimate import estimate
from pairmill.models.camera.photograph import measure
from pairmill.models.functional.chroma import grey
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.kernels.camera import judge_spectral, record
from pairmill.pipeline.kernels.quality import judge
from pairmill.pipeline.preview.sample_images import Scene
from pairmill.pipeline.stages.measure_photographs import middle, refusal
from pairmill.schemas.kernel import (
    DipFkpConfig,
    KernelGanConfig,
    KernelGanFkpConfig,
    SpectralKernelsConfig,
)
from pairmill.schemas.pool import JudgedSpectral, MeasureConfig
from pairmill.schemas.recipe import Recipe

SHORT, LONG = 10, 26
"""Iterations of the two fits of KernelGAN whose difference is measured; the first also loads and
warms everything."""
USUAL = 2.7e-3
"""Seconds per iteration and restart of KernelGAN on one core of the machine of
benchmarks/results/speed_cpu.json."""
USUAL_SPECTRAL = 0.3
"""Seconds per photograph of the other methods."""


USUAL_GAN_FKP = 0.06
"""Seconds per iteration and restart of KernelGAN-FKP on one core, three steps of each side."""
USUAL_DIP = 1.7e-7
"""Seconds per step, channel and HR pixel of a deep image prior on one core."""


@dataclass(frozen=True)
class StageCost:
    """One stage of kernel estimation."""

    stage: str
    """Its name."""
    seconds: float
    """Seconds per image on one core, without loading the image."""
    bytes: float
    """Bytes per image."""
    basis: str
    """What the figure rests on."""


@dataclass(frozen=True)
class KernelCost:
    """Time on one core."""

    stages: tuple[StageCost, ...]
    """In their order."""
    measured: bool
    """Whether it was measured now, or is the usual figure of another machine."""


def kernel_cost(recipe: Recipe, scenes: Sequence[Scene], *, measure: bool) -> KernelCost:
    """Measure with an image that can be used for it; otherwise take the usual figure."""
    settings = recipe.kernels
    if isinstance(settings, KernelGanConfig):
        return _kernelgan(recipe, settings, scenes, measure)
    if isinstance(settings, KernelGanFkpConfig | DipFkpConfig):
        return _with_flow(settings)
    return _spectral(recipe, settings, scenes, measure)


def _spectral(
    recipe: Recipe, settings: SpectralKernelsConfig, scenes: Sequence[Scene], wanted: bool
) -> KernelCost:
    config = MeasureConfig(min_side=settings.min_side, min_contrast=settings.min_contrast)
    images = (scene.source for scene in scenes)
    usable = (image for image in images if refusal(grey(image), config) is None)
    image = next(usable, None) if wanted else None
    if image is None:
        usual = StageCost("estimate_cameras", USUAL_SPECTRAL, 3e4, "usual time")
        return KernelCost((usual,), measured=False)
    estimate([measure(middle(image))])  # loads and warms everything
    times = [time.process_time()]
    spectrum = measure(middle(image))
    times.append(time.process_time())
    found = record(estimate([spectrum]), [pixel_digest(image)], 0, recipe.scale)
    times.append(time.process_time())
    own = JudgedSpectral(
        refused=None, photographs=1, form=found.form, estimate=found.photographs[0]
    )
    judge_spectral(own, recipe.kernel_quality, recipe.scale)
    times.append(time.process_time())
    measuring, fitting, judging = (after - before for before, after in pairwise(times))
    stages = (
        StageCost("measure_photographs", measuring, 6e4, "one photograph, timed"),
        StageCost("estimate_cameras", fitting, 1e3, "one photograph, timed"),
        StageCost("pool_kernels", judging, 1e4, "judging, timed"),
    )
    return KernelCost(stages, measured=True)


def _with_flow(settings: KernelGanFkpConfig | DipFkpConfig) -> KernelCost:
    """The flow itself is fitted once for all images, in a minute."""
    if isinstance(settings, KernelGanFkpConfig):
        steps, step = settings.iterations, USUAL_GAN_FKP * settings.steps / 3
    else:
        steps = settings.dip.iterations
        step = USUAL_DIP * settings.dip.channels * (2 * settings.window) ** 2
    basis = f"{settings.restarts} restarts of {steps} iterations, usual time"
    stages = (
        StageCost("estimate_fkp", settings.restarts * steps * step, 1e4, basis),
        StageCost("pool_kernels", 0.05, 1e4, "usual time"),
    )
    return KernelCost(stages, measured=False)


def _kernelgan(
    recipe: Recipe, settings: KernelGanConfig, scenes: Sequence[Scene], wanted: bool
) -> KernelCost:
    found = _fit_times(recipe, settings, scenes) if wanted else None
    per_restart, judging = found or (USUAL * settings.iterations, 0.05)
    how = "timed" if found else "usual time"
    basis = f"{settings.restarts} restarts of {settings.iterations} iterations, {how}"
    stages = (
        StageCost("estimate_kernels", settings.restarts * per_restart, 4e4, basis),
        StageCost("pool_kernels", judging, 1e4, "judging, timed"),
    )
    return KernelCost(stages, measured=found is not None)


def _fit_times(
    recipe: Recipe, settings: KernelGanConfig, scenes: Sequence[Scene]
) -> tuple[float, float] | None:
    """Seconds of all iterations of one restart, and of judging one image; none if no image can be
    used.
    """
    from pairmill.models.kernelgan.batch import CPU_LANES
    from pairmill.models.kernelgan.fit import fit_kernels
    from pairmill.models.kernelgan.sampling import check_image

    image = next(
        (scene.source for scene in scenes if check_image(scene.source, settings) is None), None
    )
    if image is None:
        return None
    seed, seconds = int(pixel_digest(image)[:16], 16), list[float]()
    for iterations in (SHORT, SHORT, LONG):
        start = time.process_time()
        short = settings.with_(iterations=iterations, restarts=CPU_LANES)
        fit = fit_kernels([image], [seed], short)[0]
        seconds.append(time.process_time() - start)
    start = time.process_time()
    judge(fit.raw, fit.finished, image, recipe.kernel_quality)
    judging = time.process_time() - start
    step = max(seconds[2] - seconds[1], 0.0) / (LONG - SHORT)
    fixed = max(seconds[1] - SHORT * step, 0.0)
    return (step * settings.iterations + fixed) / CPU_LANES, judging
