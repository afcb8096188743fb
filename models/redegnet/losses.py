"""The losses of ReDegNet, as its code has them (L1 throughout), with one division by three and
VGG's inputs in [0, 1].

The paper's L_cons is no term of its own: it is the pixel loss of reconstructions whose
representations were swapped.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, relu

TINY = 1e-7


def pixel_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """L1; batches of the three reconstructions, one after the other, all of one size, so that this
    is their mean.
    """
    return l1_loss(found, wanted)


def same_loss(natural: Tensor, face: Tensor) -> Tensor:
    """L1 between the representations of one degradation on two images, (B, code) each (first term
    of L_disen).
    """
    return l1_loss(natural, face)


def contrast_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """4 / (10 L1 + 1e-7): the representations of a real and of another, drawn degradation stay
    apart (second term of L_disen).
    """
    return 4 / (10 * l1_loss(real, drawn) + TINY)


def synthesis_loss(fake: Tensor) -> Tensor:
    """-mean D(fake) (hinge GAN)."""
    return -fake.mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Mean max(0, 1 - D(real)) + mean max(0, 1 + D(fake)) (hinge GAN)."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def accuracy(real: Tensor, fake: Tensor) -> Tensor:
    """Share of judgements on the right side of 0; 0.5 where it cannot tell."""
    return ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2


def swapped(natural: Tensor, face: Tensor, *, swap: bool) -> Tensor:
    """Representations for the natural image, then for the face: their own, or each other's, which
    is as good (L_cons).
    """
    return torch.cat([face, natural] if swap else [natural, face])
