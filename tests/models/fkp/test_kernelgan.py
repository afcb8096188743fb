"""KernelGAN-FKP: each restart by itself, kernels that are ready for the rules."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from pairmill.models.fkp.fit import fit_prior
from pairmill.models.fkp.kernelgan import finish, fit_kernels
from pairmill.models.fkp.prior import KernelPrior
from pairmill.models.functional.kernels import gaussian_kernel, offset
from pairmill.pipeline.rng import stream
from pairmill.schemas.fkp import FkpFitConfig, FlowConfig, FlowScale
from pairmill.schemas.kernel import KernelGanFkpConfig
from tests.support.make import photograph

TINY = FkpFitConfig(iterations=20, batch=20)
CONFIG = KernelGanFkpConfig(iterations=10, restarts=2, steps=1)


def prior(scale: FlowScale = 2) -> KernelPrior:
    return fit_prior(FlowConfig(scale=scale, fit=TINY), partial(stream, 0, "fkp"))[0]


def test_a_restart_depends_on_nothing_beside_it() -> None:
    images = [photograph(0, 97, 83), photograph(1, 71, 90)]
    both = fit_kernels(images, [5, 6], CONFIG, prior())
    alone = fit_kernels(images[1:], [6], CONFIG.with_(restarts=1), prior())
    assert both[0].shape == (2, 11, 11)
    assert np.array_equal(alone[0][0], both[1][0])
    assert not np.array_equal(both[1][0], both[1][1])
    np.testing.assert_allclose(both[0].sum((1, 2)), 1)


def test_a_finished_kernel_is_centred_for_scale_2() -> None:
    off = finish(gaussian_kernel(11, 1.4, 0.8, 0.3, 5.0))  # half a pixel off
    assert off.shape == (17, 17)
    assert np.abs(offset(off, 2)).max() < 0.01
    assert np.isnan(finish(np.full((11, 11), np.nan))).all()


def test_a_flow_of_another_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="x2 kernels, got a flow of scale 3"):
        fit_kernels([photograph(0, 97, 83)], [0], CONFIG, prior(3))
