"""Ranges that are folded into weights, and why others do not read a network."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pairmill.models.archs import build
from pairmill.models.archs.for_others import in_range, unread_by_others
from pairmill.schemas.network import CleanedConfig
from pairmill.schemas.networks.ipt import IptConfig
from tests.support.networks import SMALL, pictures

RANGED = {name: config for name, config in SMALL.items() if hasattr(config, "range")}


@pytest.mark.parametrize("name", [*RANGED, "cleaned"])
def test_a_network_of_any_kind_is_the_same_in_another_range(name: str) -> None:
    config: Any = RANGED.get(name, SMALL["edsr"])
    other = config.with_(range=16.0)
    if name == "cleaned":
        config, other = (CleanedConfig(features=8, blocks=1, network=n) for n in (config, other))
    network, same = build(config, 2, 3).double().eval(), build(other, 2, 4).double().eval()
    lr = pictures(1, 13, 12).double()
    with torch.no_grad():
        for key, value in network.named_parameters():
            if key.endswith("bias"):
                value.add_(0.1)  # without biases every range is the same
        wanted, tensors = network(lr), network.state_dict()
        same.load_state_dict(tensors)
        assert float((same(lr) - wanted).abs().max()) > 1e-6
        same.load_state_dict(in_range(tensors, config, other))
        torch.testing.assert_close(same(lr), wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"heads": 6}, "it assumes 12 heads"),
        ({"range": 1.0}, "it assumes range 255"),
        ({"heads": 6, "range": 1.0}, "it assumes 12 heads and range 255"),
    ],
)
def test_what_others_assume_of_an_ipt_is_named(changes: Any, why: str | None) -> None:
    assert unread_by_others(IptConfig(**changes)) == why
