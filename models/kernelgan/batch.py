"""How many images are estimated at once; known without torch, which plans of builds do without."""

from __future__ import annotations

from pairmill.schemas.kernel import KernelGanConfig

CPU_LANES = 4
"""Lanes trained together on a CPU. More are hardly faster. Always this many, the last repeated if
need be, keep every array's shape, hence the library's choice of algorithm, hence every bit, the
same in any batch."""
LANE_BYTES = 24 << 20
"""Memory of a lane: weights, gradients, Adam's moments, noise and activations; an estimate with a
margin."""


def largest_batch(config: KernelGanConfig, device: str, memory_bytes: int) -> int:
    """How many images to pass to `fit_kernels` at once.

    Args:
        config: restarts and window decide what an image needs.
        device: on "cpu", more lanes than `CPU_LANES` gain nothing, so a batch is what fills them.
        memory_bytes: memory that may be used.

    Returns:
        At least 1.
    """
    window = 3 * config.window**2
    image = config.restarts * (LANE_BYTES + 48 * config.iterations) + 2 * window + 40 * window // 3
    fits = max(1, memory_bytes // image)
    if device != "cpu":
        return int(fits)
    return int(min(fits, max(1, -(-CPU_LANES // config.restarts))))
