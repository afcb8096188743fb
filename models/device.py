"""The device that a run was asked for, as torch sees it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pairmill.schemas.errors import UserError

if TYPE_CHECKING:
    import torch

WANTED = "cpu, cuda or auto"


def resolve_device(device: str) -> str:
    """`cpu`, `cuda` or `cuda:N`; `auto` takes a GPU if torch sees one.

    Raises:
        UserError: if it is none of these, or `cuda` and there is none.
    """
    if device == "cpu":
        return device
    if device.partition(":")[0] not in ("cuda", "auto"):
        raise _unusable(device, "")
    import torch  # late: the CPU is taken without it

    if torch.cuda.is_available():
        return "cuda" if device == "auto" else device
    if device == "auto":
        return "cpu"
    raise _unusable("no CUDA device", "use --device auto, or install a CUDA build of torch")


def _unusable(got: str, todo: str) -> UserError:
    return UserError(
        "this device cannot be used", where="--device", got=got, wanted=WANTED, todo=todo
    )


def slowdown(precision: str, device: str) -> float:
    """How many times as long a convolution takes in another precision as in float32; measured here,
    in well under a second.

    A processor without units for it takes tens to hundreds of times as long.

    Args:
        precision: `float32`, `bfloat16` or `float16`.
        device: as for `resolve_device`; only the CPU is measured, all else is 1.

    Raises:
        UserError: as `resolve_device`.
    """
    if resolve_device(device) != "cpu" or precision == "float32":
        return 1.0
    import torch  # late: float32 is taken without it

    values, weight = torch.zeros(1, 64, 32, 32), torch.zeros(64, 64, 3, 3)

    def seconds(dtype: torch.dtype) -> float:
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            with torch.inference_mode():
                torch.nn.functional.conv2d(values.to(dtype), weight.to(dtype), padding=1)
            taken.append(time.perf_counter() - start)
        return min(taken)

    return seconds(getattr(torch, precision)) / seconds(torch.float32)
