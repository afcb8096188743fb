"""Modules and optimisers as named tensors, and back: what the state of a fit is made of."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.optim import Optimizer


def tensors_of(
    modules: Mapping[str, nn.Module], optimisers: Mapping[str, Optimizer]
) -> dict[str, Tensor]:
    """Weights, buffers and moments by `name/key` and `name/number/key`, on the CPU."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors |= {
            f"{name}/{key}": value.detach().cpu().contiguous()
            for key, value in module.state_dict().items()
        }
    for name, optimiser in optimisers.items():
        for number, moments in optimiser.state_dict()["state"].items():
            tensors |= {
                f"{name}/{number}/{key}": value.detach().cpu().contiguous()
                for key, value in moments.items()
            }
    return tensors


def put_back(
    tensors: dict[str, Tensor],
    modules: Mapping[str, nn.Module],
    optimisers: Mapping[str, Optimizer],
) -> None:
    """Bring modules and optimisers to what `tensors_of` took down.

    Raises:
        RuntimeError: if a module has other weights.
    """
    for name, module in modules.items():
        module.load_state_dict(under(tensors, name))
    for name, optimiser in optimisers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in under(tensors, name).items():
            number, moment = key.split("/")
            state.setdefault(int(number), {})[moment] = value
        optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def under(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors of one module or optimiser, without its name."""
    return {
        key.removeprefix(f"{name}/"): value
        for key, value in tensors.items()
        if key.startswith(f"{name}/")
    }
