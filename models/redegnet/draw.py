"""One representation of a pair, and one degradation of an image of any size: what the pool holds
and what a program does.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from pairmill.models.fitting.threads import one_thread
from pairmill.models.redegnet.fit import levels, signed
from pairmill.models.redegnet.networks import DegNet, SynNet


def represent(
    deg: DegNet, hq: NDArray[np.uint8], lq: NDArray[np.uint8], device: str = "cpu"
) -> NDArray[np.float32]:
    """Representations of pairs, (N, side, side, 3) uint8 each, as (N, code) float32; DegNet is left
    in its mode.
    """
    training = deg.training
    deg.eval()
    with torch.inference_mode():
        parts = [
            deg(signed(hq[n : n + 1]).to(device), signed(lq[n : n + 1]).to(device)).float().cpu()
            for n in range(len(hq))
        ]
    deg.train(training)
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def synthesize(
    syn: SynNet, hr: NDArray[np.uint8], omega: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Put a degradation on an image, in float32 on one thread of the CPU: the same bits on
    processors of one kind.

    Args:
        syn: SynNet, not in training.
        hr: (H, W, 3) uint8 of any size; it is continued by mirroring to multiples of `unit`, and
            the result cut.
        omega: (code,) representation.

    Returns:
        (H, W, 3) in intensity levels, within 0..255, not rounded.
    """
    unit = syn.config.unit
    after = [-side % unit for side in hr.shape[:2]]
    wide = np.pad(hr, ((0, after[0]), (0, after[1]), (0, 0)), "symmetric")
    with torch.inference_mode(), one_thread():
        found = syn(signed(wide[None]), torch.from_numpy(np.asarray(omega, np.float32)[None]))
    return np.ascontiguousarray(levels(found)[0, : hr.shape[0], : hr.shape[1]])
