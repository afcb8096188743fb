"""Weights to start from, for networks that are told kernels by a code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pairmill.models.archs import build
from pairmill.models.archs.aware import KernelAware
from pairmill.models.archs.kernel_code import downscaled
from pairmill.models.archs.weights import write_weights
from pairmill.models.functional.kernels import gaussian_kernel
from pairmill.pipeline.training.start import load_start
from pairmill.schemas.errors import UserError
from pairmill.schemas.networks.srmd import SrmdConfig
from tests.support.training import config

SRMD = SrmdConfig(features=8, depth=12, code=4)


def srmd(scale: int, width: float, network: SrmdConfig = SRMD) -> KernelAware:
    """One that knows Gaussians about a width."""
    made = build(network, scale, 1)
    assert isinstance(made, KernelAware)
    widths = width + np.linspace(0, 1, 9)
    blurs = np.stack([gaussian_kernel(15, one, one, 0.0, 7) for one in widths])
    made.learn(downscaled(blurs / blurs.sum((1, 2), keepdims=True), scale, 10 * scale + 1))
    return made


def started(network: KernelAware, file: Path, part: str) -> None:
    start = {"file": str(file), "part": part}
    training: dict[str, Any] = {"network": network.config, "start_from": start}
    load_start(network, config(**training), "", network.scale)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_body_comes_without_its_code(tmp_path: Path, scale: int) -> None:
    """Its parts mean something only together, and at another scale most do not fit."""
    first, network = srmd(2, 0.5), srmd(scale, 1.5)
    with torch.no_grad():
        for weight in first.parameters():
            weight.add_(1)
    (tmp_path / "first.safetensors").write_bytes(write_weights(first.state_dict()))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    started(network, tmp_path / "first.safetensors", "body")
    for key, value in network.state_dict().items():
        was = before if key.startswith("code.") else first.state_dict()
        if was[key].shape == value.shape:
            assert torch.equal(value, was[key]), key


def test_a_published_srmd_to_start_from_is_said_to_lack_its_code(tmp_path: Path) -> None:
    network = srmd(2, 1.5, SRMD.with_(code=15))
    state = network.state_dict()
    weights = {key: state[key] for key in state if not key.startswith("code.")}
    (tmp_path / "srmd_x2.pth").write_bytes(write_weights(weights, "pth"))
    with pytest.raises(UserError, match=r"lacks the components(.|\n)*`part: body`"):
        started(network, tmp_path / "srmd_x2.pth", "all")
    started(network, tmp_path / "srmd_x2.pth", "body")
