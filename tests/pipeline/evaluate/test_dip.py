"""Deep image priors as methods of `pairmill upscale`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from pairmill.models.dip.losses import reduced
from pairmill.models.fkp.fit import fit_prior
from pairmill.models.functional.resize import bicubic_down
from pairmill.pipeline.evaluate.zero_shot.dip import Dip, bicubic_kernel
from pairmill.pipeline.evaluate.zero_shot.methods import METHODS
from pairmill.pipeline.evaluate.zero_shot.upscaler import ZeroShot
from pairmill.pipeline.images.decode import ImageRejected
from pairmill.pipeline.rng import stream
from pairmill.schemas.dip import DipConfig, DipKind
from pairmill.schemas.evaluation import InferenceConfig
from pairmill.schemas.fkp import FkpFitConfig, FlowConfig
from pairmill.schemas.zero_shot import ZERO_SHOT
from tests.support.make import photograph

SMALL = DipConfig(iterations=5, channels=2, skip=1, noise_channels=2, structural=1)
KINDS: list[DipKind] = ["dip", "double-dip", "dip-fkp"]


def method(kind: DipKind) -> tuple[Dip, Any]:
    flow = FlowConfig(scale=2, fit=FkpFitConfig(iterations=2, batch=4))
    prior = fit_prior(flow, partial(stream, 0, "fkp"))[0] if kind == "dip-fkp" else None
    return Dip(kind, prior), ZERO_SHOT[kind].model_validate({"fit": SMALL.model_dump()})


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_bicubic_kernel_is_matlabs(scale: int) -> None:
    import torch

    hr = photograph(0, 24 * scale, 20 * scale)
    kernel = torch.from_numpy(bicubic_kernel(scale))
    found = reduced(torch.from_numpy(hr).permute(2, 0, 1)[None].double(), kernel, scale)
    expected = bicubic_down(hr, scale).transpose(2, 0, 1)
    np.testing.assert_allclose(found[0].numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_upscales_an_image(kind: DipKind) -> None:
    dip, config = method(kind)
    lr, shares = photograph(0, 41, 37), list[float]()
    upscaler = ZeroShot(dip, config, None)
    [made] = upscaler.strips(lr, InferenceConfig(), shares.append)
    assert made.shape == (82, 74, 3)
    assert sum(shares) == pytest.approx(1)
    assert upscaler.view.parameters > 500
    [again] = upscaler.strips(lr, InferenceConfig())
    assert np.array_equal(made, again)
    assert bool(dip.kernels) == (kind == "dip")


def test_an_image_that_is_too_small_is_named() -> None:
    upscaler = ZeroShot(*method("dip"), None)
    with pytest.raises(ImageRejected, match="37 x 31 pixels; DIP takes 32 pixels a side"):
        list(upscaler.strips(photograph(0, 31, 37), InferenceConfig()))


def test_cost_grows_with_pixels_and_steps() -> None:
    dip, config = method("dip")
    small = dip.cost([(40, 40)], config, device="cpu")
    large = dip.cost(
        [(80, 80), (40, 40)], config.with_(fit=SMALL.with_(iterations=500)), device="cpu"
    )
    assert large.memory == pytest.approx(4 * small.memory, rel=1e-4)
    assert small.least_seconds < small.most_seconds < large.most_seconds


def test_all_kinds_are_in_the_table() -> None:
    assert set(KINDS) <= set(METHODS)
    assert [METHODS[kind]().words(ZERO_SHOT[kind]()).split(",")[0] for kind in KINDS] == [
        "DIP",
        "Double-DIP",
        "DIP-FKP",
    ]
