"""PSNR, the peak signal-to-noise ratio of 8-bit images."""

from __future__ import annotations

import math

from pairmill.models.metrics.luma import Channel, Image, compared


def psnr(a: Image, b: Image, border: int = 0, channel: Channel = "y") -> float:
    """10 log10(255^2 / MSE) in dB; infinite for equal images. The higher, the more alike.

    Args:
        a: (H, W, 3) uint8.
        b: the same.
        border: pixels that are left out at each side before anything else; papers leave out as many
            as the scale.
        channel: `y`: the luma of `luma`, not rounded, as papers; `rgb`: one mean over all samples
            of the three channels.

    Raises:
        ValueError: see `compared`.
    """
    one, other = compared(a, b, border, channel)
    error = float(((one - other) ** 2).mean())
    if error == 0:
        return math.inf
    return 10 * math.log10(255**2 / error)
