"""The device that a run was asked for, as torch sees it."""

from __future__ import annotations

from pairmill.schemas.errors import UserError

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
