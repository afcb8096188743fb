"""The pools that degraders draw from: one module per kind. `POOLS` is the table of all kinds, in
the order in which versions list them.
"""

from __future__ import annotations

from typing import Any

from pairmill.pipeline.pools.aligned import ALIGNED
from pairmill.pipeline.pools.base import PoolKind
from pairmill.pipeline.pools.codes import CODES
from pairmill.pipeline.pools.compression import COMPRESSION
from pairmill.pipeline.pools.generated_kernels import GENERATED_KERNELS
from pairmill.pipeline.pools.kernels import KERNELS
from pairmill.pipeline.pools.noise import NOISE
from pairmill.pipeline.pools.noise_choice import NOISE_CHOICE
from pairmill.pipeline.pools.noise_levels import NOISE_LEVELS
from pairmill.pipeline.pools.pdm import PDM
from pairmill.pipeline.pools.redegnet import REDEGNET
from pairmill.pipeline.pools.translation import TRANSLATIONS

_ALL: tuple[PoolKind[Any], ...] = (
    KERNELS,
    NOISE,
    NOISE_LEVELS,
    COMPRESSION,
    NOISE_CHOICE,
    PDM,
    REDEGNET,
    CODES,
    GENERATED_KERNELS,
    ALIGNED,
    *TRANSLATIONS,
)
POOLS: dict[str, PoolKind[Any]] = {kind.name: kind for kind in _ALL}
