"""Small pools of kernels and noise for tests that need no build."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import SIZES, gaussian_kernel, to_fixed_point
from pairmill.pipeline.assets import Assets, pool_digest
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.noise.inject import LEVELS
from pairmill.schemas.translation_networks import GeneratorConfig

SCALES = sorted(SIZES)
PATCH = 32


@lru_cache
def pools(scale: int = 2, patch: int = PATCH) -> tuple[Pools, Assets]:
    """Five centred Gaussians of various shapes and six patches of white noise of strength 5; what
    draws and programs need."""
    size = SIZES.get(scale, 17)
    centre = (size - 1) / 2 + (scale - 1) / 2  # the LR pixel is the centre of its block
    kernels = np.stack(
        [
            to_fixed_point(
                gaussian_kernel(
                    size, scale * (0.4 + 0.1 * n), scale * (0.5 + 0.05 * n), 0.7 * n, centre
                )
            )
            for n in range(5)
        ]
    )
    noise = np.random.default_rng(5).standard_normal((6, patch, patch, 3)) * 5
    noise = np.rint((noise - noise.mean(axis=(1, 2), keepdims=True)) * 256).astype(np.float32) / 256
    levels = np.stack([level_gains(32.0 * (n + 1)) for n in range(len(noise))])
    names = [pool_digest(items) for items in (kernels, noise, kernels[:2], levels)]
    generated = PoolInfo(names[2], 2, size)  # two of the others
    known = Pools(
        kernels=PoolInfo(names[0], len(kernels), size),
        noise=PoolInfo(names[1], len(noise), patch),
        generated_kernels=generated,
        noise_levels=PoolInfo(names[3], len(levels), 3),
    )
    return known, Assets(dict(zip(names, (kernels, noise, kernels[:2], levels), strict=True)))


def level_gains(level: float) -> NDArray[np.float32]:
    """Gains of a patch that was mined at a level, (3, 257): noise of variance 1 + level / 32."""
    deviation = np.sqrt(1 + np.arange(LEVELS) / 32)
    row = np.append(np.rint(1024 * deviation / np.sqrt(1 + level / 32)) / 1024, level)
    return np.tile(row, (3, 1)).astype(np.float32)


def translator_pool(method: str, scale: int = 2, **settings: Any) -> tuple[Pools, Assets]:
    """The checkpoint of a translator that was fitted to nothing: weights as they were drawn."""
    from pairmill.models.keyed import keyed
    from pairmill.models.translation.checkpoint import checkpoint_bytes
    from pairmill.models.translation.generator import Generator
    from pairmill.schemas.translation import TranslationCheckpoint

    config = GeneratorConfig.model_validate({"features": 4, "blocks": 1, "start": "random"})
    card = TranslationCheckpoint.model_validate(
        {"method": method, "scale": scale, "from_hr": False, "generator": config} | settings
    )
    network = Generator(config, scale if card.from_hr else 1, keyed(1, "weights"))
    items = np.frombuffer(checkpoint_bytes(card, network), np.uint8)[None]
    digest = pool_digest(items)
    return Pools(**{method: PoolInfo(digest, 1, 1)}), Assets({digest: items})


def pdm_pool(noise: dict[str, Any] | None, scale: int = 2) -> tuple[Pools, Assets]:
    """A PDM checkpoint whose weights were stirred."""
    import torch

    from pairmill.models.keyed import keyed
    from pairmill.models.pdm.checkpoint import checkpoint_bytes
    from pairmill.models.pdm.degradation import Degradation
    from pairmill.models.pdm.modules import NoiseModule
    from pairmill.schemas.pdm import PdmConfig

    config = PdmConfig.model_validate({"kernel": {"features": 8, "blocks": 1}, "noise": noise})
    network = Degradation(config, scale, keyed(1, "weights"))
    rng = np.random.default_rng(2)
    with torch.no_grad():
        if isinstance(network.noise, NoiseModule):
            network.kernel.out.weight.add_(
                torch.from_numpy(rng.standard_normal(tuple(network.kernel.out.weight.shape)) * 0.01)
            )
            network.noise.out.weight.add_(
                torch.from_numpy(rng.standard_normal(tuple(network.noise.out.weight.shape)) * 0.1)
            )
    items = np.frombuffer(checkpoint_bytes(network), np.uint8)[None]
    digest = pool_digest(items)
    return Pools(pdm=PoolInfo(digest, 1, 21)), Assets({digest: items})
