"""How two tensors of one shape are compared."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from pairmill.schemas.losses import Distance


def norm_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """sqrt(sum d^2) / count per item of the batch, then the mean: the content and the cycle loss as
    the papers write them.

    Unlike a mean it falls with the size of the image, as 1 / side for a steady difference;
    weights hold for one patch size.
    """
    difference = (found - wanted).flatten(1)
    norms: Tensor = torch.linalg.vector_norm(difference, dim=1)  # its gradient at 0 is 0
    return (norms / difference.shape[1]).mean()


DISTANCES: dict[Distance, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": l1_loss,
    "l2": mse_loss,
    "norm": norm_loss,
}
