"""Network interpolation: weights between those of two networks of one shape."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from pairmill.schemas.errors import UserError

CODE = re.compile(r"(^|\.)code\.(basis|spread|mean|usual)$")
"""Names of what a `KernelCode` holds."""


def interpolate(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], alpha: float
) -> dict[str, Tensor]:
    """(1 - alpha) first + alpha second, such as between a PSNR and a GAN network. Source: ESRGAN,
    eq. 5.

    Args:
        first: Weights by key; what alpha = 0 gives.
        second: Weights by the same keys, of the same shapes; what alpha = 1 gives.
        alpha: In [0, 1].

    Returns:
        New tensors of the types of `first`; whole numbers, such as indexes, are those of both.

    Raises:
        UserError: alpha out of range, other keys, other shapes, or whole numbers or codes of
            kernels that differ.
    """
    if not 0 <= alpha <= 1:
        raise UserError(
            "ALPHA must lie between two networks",
            got=f"alpha {alpha:g}",
            wanted="0 (the first) to 1 (the second)",
        )
    check_alike(first, second)
    _check_codes(first, second)
    return {key: _between(key, value, second[key], alpha) for key, value in first.items()}


def check_alike(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    """Check that two networks have the same keys and shapes.

    Raises:
        UserError: if they do not, naming the first that differ.
    """
    only = [sorted(one.keys() - other.keys()) for one, other in ((first, second), (second, first))]
    if any(only):
        sides = zip(("first", "second"), only, strict=True)
        raise UserError(
            "these two networks have different weight names and cannot be interpolated",
            got="; ".join(f"only in the {name}: {_some(keys)}" for name, keys in sides if keys),
            wanted="two checkpoints of the same network",
            todo="name one that was fine-tuned from the other",
        )
    for key, value in first.items():
        if value.shape != second[key].shape:
            raise UserError(
                "these two networks have weights of different shapes",
                where=key,
                got=f"{tuple(value.shape)} and {tuple(second[key].shape)}",
                wanted="two checkpoints of the same network",
                todo="name one of the same size and scale",
            )


def _check_codes(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    """Check that both are told kernels by one code: between two lies none."""
    for key in filter(CODE.search, first):
        if not torch.equal(first[key], second[key].to(first[key].dtype)):
            raise UserError(
                "these two networks have learned the kernels of different corpora",
                where=key,
                got="two codes of kernels, between which there is none",
                wanted="two networks with the same code",
                todo="name one that was trained with `start_from` the other",
            )


def _between(key: str, one: Tensor, other: Tensor, alpha: float) -> Tensor:
    if one.is_floating_point():
        mixed = one.double() * (1 - alpha) + other.double() * alpha
        return mixed.to(one.dtype)
    if not torch.equal(one, other):
        raise UserError(
            "integer buffers of these two networks differ and cannot be interpolated",
            where=key,
            wanted="two checkpoints of the same network",
        )
    return one.clone()


def _some(keys: list[str]) -> str:
    named = ", ".join(keys[:3])
    if len(keys) > 3:
        named += f" and {len(keys) - 3} more"
    return named
