"""The fit of a flow to random Gaussians, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pairmill.models.fitting.fit import halved
from pairmill.models.fkp.flow import Flow, hidden_width
from pairmill.models.fkp.gaussians import Codec, draw_gaussians, side
from pairmill.models.fkp.prior import KernelPrior
from pairmill.schemas.fkp import FlowConfig

Streams = Callable[[str], np.random.Generator]
"""Gives the random stream of a purpose, `weights` or `kernels`, from its beginning."""
HALVE_AT = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Fractions of the steps at which the step size is halved."""
LAST = 0.1
"""Share of the steps that the reported likelihood is of."""


def fit_prior(
    config: FlowConfig, keyed: Streams, report: Callable[[int], None] = lambda _: None
) -> tuple[KernelPrior, float]:
    """Fit a flow (FKP, Sec. 4.1), on the CPU: a GPU does not help such small networks.

    Args:
        config: settings.
        keyed: where all random numbers come from.
        report: called with the number of finished steps.

    Returns:
        The prior, and the mean log-likelihood of the last tenth of the steps, in nats per cell.
    """
    fit, codec, cells = config.fit, Codec(config.scale), side(config.scale) ** 2
    hidden = hidden_width(config.scale, fit)
    flow, stream = Flow(cells, fit.couplings, hidden, keyed("weights")), keyed("kernels")
    adam = torch.optim.Adam(flow.parameters(), fit.learning_rate, weight_decay=1e-6, fused=True)
    last = list[float]()
    for step in range(fit.iterations):
        rate = halved(step, fit.iterations, HALVE_AT)
        adam.param_groups[0]["lr"] = fit.learning_rate * rate
        kernels = draw_gaussians(config.scale, fit.batch, stream)
        seen = codec.encode(kernels, stream.random((fit.batch, cells)))
        loss: Tensor = -flow.log_likelihood(seen).mean()
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        if step >= (1 - LAST) * fit.iterations - 1:
            last.append(-float(loss.detach()) / cells)
        report(step + 1)
    flow.eval().requires_grad_(requires_grad=False)
    return KernelPrior(flow, config.scale), float(np.mean(last))
