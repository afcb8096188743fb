"""Kernels with a prior of their own: KernelGAN-FKP, DIP-FKP and Double-DIP, each as the product
runs it, on the photographs that KernelGAN was measured on; see `kernel_accuracy`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernel_cases import SIDES, Photograph, padded
from benchmarks.kernel_methods import Estimate, spectra, timed
from benchmarks.kernel_pictures import Picture, some_of
from benchmarks.kernel_scores import Score
from benchmarks.kernel_simulated import SEED, on_few
from pairmill.models.dip.blind import FromFlow, FromNetwork, KernelSource
from pairmill.models.dip.fit import restore
from pairmill.models.fkp.fit import fit_prior
from pairmill.models.fkp.kernelgan import finish, fit_kernels
from pairmill.models.fkp.prior import KernelPrior
from pairmill.models.kernelgan.sampling import centre_window
from pairmill.pipeline.rng import stream
from pairmill.schemas.fkp import FlowConfig
from pairmill.schemas.kernel import DipFkpConfig, KernelGanFkpConfig

Array = NDArray[np.float64]


@cache
def flow() -> KernelPrior:
    """The x2 flow, fitted once; a minute, which counts for no photograph."""
    return fit_prior(FlowConfig(scale=2), partial(stream, 0, "fkp", 2))[0]


def kernelgan_fkp(photograph: Photograph, seed: int) -> list[Estimate]:
    """KernelGAN-FKP: the mean of its restarts, and the same after the spectral match."""
    config = KernelGanFkpConfig()
    found, seconds = timed(lambda: fit_kernels([photograph.image], [seed], config, flow()))
    return _both("kernelgan_fkp", photograph, found[0], seconds)


def dip_fkp(photograph: Photograph, seed: int) -> list[Estimate]:
    """DIP-FKP on the middle of a photograph: the mean of its restarts, and the same matched."""
    config, found, total = DipFkpConfig(), list[Array](), 0.0
    for restart in range(config.restarts):
        keyed = partial(stream, seed, "dip_fkp", restart)
        kernel, seconds = _by_dip(photograph, FromFlow(flow(), keyed("kernel")), seed, restart)
        found.append(kernel)
        total += seconds
    return _both("dip_fkp", photograph, np.stack(found), total)


def double_dip(photograph: Photograph, seed: int) -> list[Estimate]:
    """Double-DIP on the same part, with the same network."""
    source = FromNetwork(flow().codec.side, stream(seed, "dip_fkp", 0, "kernel"))
    kernel, seconds = _by_dip(photograph, source, seed, 0)
    return [Estimate("double_dip", padded(kernel, SIDES[2]), seconds)]


def _by_dip(
    photograph: Photograph, source: KernelSource, seed: int, restart: int
) -> tuple[Array, float]:
    config = DipFkpConfig()
    window, keyed = (
        centre_window(photograph.image, config.window),
        partial(stream, seed, "dip_fkp", restart),
    )
    found, seconds = timed(lambda: restore(window, 2, source, config.dip, keyed))
    return found.kernel, seconds


def _both(method: str, photograph: Photograph, kernels: Array, seconds: float) -> list[Estimate]:
    finished = np.stack([finish(kernel) for kernel in kernels])
    mean = np.asarray(np.nanmean(finished, axis=0))
    if not np.isfinite(mean).all():
        return []
    matched = spectra(photograph, mean)
    return [
        Estimate(method, padded(mean, SIDES[2]), seconds),
        replace(matched, method=f"{method} + spectra", seconds=seconds + matched.seconds),
    ]


def with_priors(
    which: str, available: Sequence[Picture], count: int, keep: Path | None
) -> Iterator[Score]:
    """All of them on the first `count` photographs that section `with KernelGAN` has of each
    form; see `on_few`.
    """
    yield from on_few(
        ("with priors", which),
        some_of(available, count, SEED),
        keep,
        lambda one, seed: [
            *kernelgan_fkp(one, seed),
            *dip_fkp(one, seed),
            *double_dip(one, seed),
        ],
    )
