"""Frequency split (Fritsche et al., ICCV Workshops 2019): losses on pixels see low frequencies, the
discriminator high ones.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import avg_pool2d


def low_pass(image: Tensor, side: int) -> Tensor:
    """(B, C, h, w) to its means of `side` x `side`, where they lie within the image; 0 returns it
    as it is.
    """
    if not side:
        return image
    return avg_pool2d(image, side, 1)


def high_pass(image: Tensor, side: int) -> Tensor:
    """(B, C, h, w) in [0, 1] to what its means of `side` x `side` leave, mapped to 0.5 + 0.5 d; at
    borders of the pixels that there are. 0 returns it as it is.
    """
    if not side:
        return image
    means = avg_pool2d(image, side, 1, side // 2, count_include_pad=False)
    return 0.5 + 0.5 * (image - means)
