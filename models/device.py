"""Which device a name means on this machine."""

from __future__ import annotations

from pairmill.schemas.errors import UserError


def resolve_device(device: str) -> str:
    """`cpu` or `cuda`; `auto` takes a GPU if torch sees one.

    Raises:
        UserError: if it is none of these, or `cuda` and there is none.
    """
    if device == "cpu":
        return device
    import torch  # late: whoever stays on the CPU may do without

    if device in ("cuda", "auto") and torch.cuda.is_available():
        return "cuda"
    if device == "auto":
        return "cpu"
    raise UserError(
        "this device cannot be used",
        where="--device",
        got="no CUDA device" if device == "cuda" else device,
        wanted="cpu, cuda or auto",
        todo="use --device auto, or install a CUDA build of torch",
    )
