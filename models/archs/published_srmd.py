"""The kernel's code of published SRMDs, whose files lack it: the user must give its components.

They are P (15 x 225) of KAIR, for 15 x 15 kernels flattened column by column, before bicubic
downscaling. A `KernelCode` takes kernels with the downscaling, so that P is multiplied by what
undoes it.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pairmill.models.archs.kernel_code import Array, downscaled, downscaling
from pairmill.models.archs.keys import Tensors
from pairmill.models.archs.recognise import CODE, PUBLISHED_CODE
from pairmill.schemas.errors import UserError
from pairmill.schemas.networks.aware import KernelAwareBase

FAINT = 1e-3
"""Share of the strongest response below which what downscaling has taken is not brought back."""
UNKNOWN = np.zeros((PUBLISHED_CODE, 225))
"""In the place of components that nobody gave: the network can be looked at, not used."""
TODO = (
    "give them: --pca FILE, a .npy of (15, 225) or KAIR's srmd_pca_matlab.mat; without them nobody "
    "knows what the network means by a kernel"
)


class LacksComponentsError(UserError):
    """A published SRMD without the components of its kernels."""


def with_components(
    tensors: Tensors, config: KernelAwareBase, scale: int, name: str, pca: Array | None
) -> Tensors:
    """The weights of a checkpoint, with its kernel's code: its own, or what the user gives.

    Args:
        tensors: the weights by our names.
        config: the network.
        scale: HR pixels per LR pixel.
        name: of the file, for errors.
        pca: P, (numbers, side**2); none for a checkpoint of ours.

    Raises:
        LacksComponentsError: if there is no code.
        UserError: if there are two, or one of another length.
    """
    held = any(key.startswith(CODE) for key in tensors)
    if held and pca is None:
        return tensors
    if held:
        raise UserError(
            "this checkpoint has the components of its kernels already",
            where=name,
            todo="leave --pca out",
        )
    if pca is None:
        raise LacksComponentsError(
            "this checkpoint lacks the components that its kernels are told by",
            where=name,
            got=f"weights of {config.words()} without {CODE}basis, as in published files",
            wanted="weights and components",
            todo=TODO,
        )
    if len(pca) != PUBLISHED_CODE:
        raise UserError(
            "these components are for another network",
            where="--pca",
            got=f"{len(pca)} components",
            wanted=f"{PUBLISHED_CODE}, as published SRMDs have",
            todo=TODO,
        )
    return tensors | code_of(pca, scale, config.side(scale))


def code_of(pca: Array, scale: int, side: int) -> Tensors:
    """Buffers of a `KernelCode` that gives P times the kernel before downscaling; none for 0.

    Args:
        pca: (numbers, n**2), n odd, columns in column-major order.
        scale: HR pixels per LR pixel.
        side: of the kernels that the network is told.

    Raises:
        UserError: if the columns are those of no odd square.
    """
    wide = math.isqrt(pca.shape[1])
    if wide**2 != pca.shape[1] or wide % 2 == 0:
        raise UserError(
            "these are no components of kernels",
            where="--pca",
            got=f"a matrix of {pca.shape[0]} x {pca.shape[1]}",
            wanted="(15, 225), or another odd square of columns",
            todo=TODO,
        )
    # Flattened column by column: the first index of what reshape gives is the column.
    planes = pca.reshape(-1, wide, wide).transpose(0, 2, 1)
    back = np.linalg.pinv(downscaling(wide, scale, side), rcond=FAINT)
    basis = back.T @ planes @ back
    delta = np.zeros((1, wide, wide))
    delta[0, wide // 2, wide // 2] = 1
    found = {
        "basis": basis.reshape(len(pca), -1),
        "spread": np.ones(len(pca)),
        "mean": np.zeros((side, side)),
        "usual": downscaled(delta, scale, side)[0],
    }
    return {f"{CODE}{key}": torch.from_numpy(value).float() for key, value in found.items()}
