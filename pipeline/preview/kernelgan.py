"""How long kernel estimation will take, from a few iterations of the real fit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.kernels.quality import judge
from pairmill.pipeline.preview.sample_images import Scene
from pairmill.schemas.recipe import Recipe

SHORT, LONG = 10, 26
"""Iterations of the two fits whose difference is measured; the first also loads and warms
everything."""
USUAL = 2.7e-3
"""Seconds per iteration and restart on one core of the machine of
benchmarks/results/speed_cpu.json."""


@dataclass(frozen=True)
class FitCost:
    """Time on one core."""

    per_restart: float
    """Seconds for all iterations of one restart."""
    judging: float
    """Seconds to judge the kernels of one image."""
    measured: bool
    """Whether it was measured now, or is the usual figure of another machine."""


def fit_cost(recipe: Recipe, scenes: Sequence[Scene], *, measure: bool) -> FitCost:
    """Measure with an image that can be used for it; otherwise take the usual figure."""
    usual = FitCost(USUAL * recipe.kernels.iterations, 0.05, measured=False)
    if measure:
        return _measured(recipe, scenes) or usual
    return usual


def _measured(recipe: Recipe, scenes: Sequence[Scene]) -> FitCost | None:
    from pairmill.models.kernelgan.fit import CPU_LANES, fit_kernels
    from pairmill.models.kernelgan.sampling import check_image

    image = next(
        (scene.source for scene in scenes if check_image(scene.source, recipe.kernels) is None),
        None,
    )
    if image is None:
        return None
    seed, seconds = int(pixel_digest(image)[:16], 16), list[float]()
    for iterations in (SHORT, SHORT, LONG):
        start = time.process_time()
        fit = fit_kernels(
            [image], [seed], recipe.kernels.with_(iterations=iterations, restarts=CPU_LANES)
        )[0]
        seconds.append(time.process_time() - start)
    start = time.process_time()
    judge(fit.raw, fit.finished, image, recipe.kernel_quality)
    judging = time.process_time() - start
    step = max(seconds[2] - seconds[1], 0.0) / (LONG - SHORT)
    fixed = max(seconds[1] - SHORT * step, 0.0)
    return FitCost((step * recipe.kernels.iterations + fixed) / CPU_LANES, judging, measured=True)
