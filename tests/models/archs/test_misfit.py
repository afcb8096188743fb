"""Files that say more than they hold: nothing is built of what they say alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pairmill.models.archs import weights
from pairmill.models.archs.outline import TooManyError, outline
from pairmill.models.archs.shapes import count
from pairmill.models.archs.unwrap import flat
from pairmill.models.archs.weights import load_network, write_weights
from pairmill.models.fitting.checkpoint import HEADER
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NetworkSpec
from pairmill.schemas.networks.ipt import IptConfig
from pairmill.schemas.networks.rcan import RcanConfig
from tests.support.networks import SMALL, SWIN, network_of, pth

NAME = "small.pth"


IPT = network_of("ipt", 2).state_dict()
COMPACT = network_of("compact", 2).state_dict()


@pytest.mark.parametrize(
    ("tensors", "config", "said"),
    [
        ({"x": torch.zeros(1)}, IptConfig(features=8, patch=12), "missing"),
        ({"x": torch.zeros(1)}, IptConfig(features=8, patch=12, layers=999), "far more layers"),
        ({"x": torch.zeros(1)}, RcanConfig(groups=1024, blocks=1024), "far more layers"),
        (IPT | {"body.encoder.layers.90.linear1.bias": torch.zeros(1)}, None, "most of those"),
        (COMPACT | {"body.9999999999.weight": torch.zeros(1)}, None, "most of those"),
        (network_of("swinir", 2).state_dict(), SWIN.with_(patch=16), "of another shape"),
        (
            {key: value.flatten()[0].clone().expand(value.shape) for key, value in COMPACT.items()},
            SMALL["compact"],
            "holds no weights",
        ),
    ],
    ids=["header", "layers", "groups", "number", "huge", "masks", "one-for-many"],
)
def test_a_file_that_says_more_than_it_holds_is_refused_before_anything_is_built(
    tensors: Any, config: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(*_: object) -> None:
        raise AssertionError("memory was taken")

    monkeypatch.setattr(weights, "build_empty", built)
    content = tensors
    if config:
        header = NetworkSpec(network=config, scale=2).canonical_json()
        content = {"params": tensors, HEADER: header}
    with pytest.raises(UserError, match=said):
        load_network(pth(content), NAME)


def test_an_outline_has_shapes_alone() -> None:
    found = outline(IptConfig(), 2, 999)
    assert found["body.query_embed.weight"].shape == (1, 256 * 576)
    assert all(value.is_meta for value in outline(SWIN, 2, 99).values())
    with pytest.raises(TooManyError):
        outline(IptConfig(features=8, layers=999), 2, 9)


def test_layers_are_counted_where_they_are_there() -> None:
    """Half of the numbers may belong to layers without weights."""
    assert count({f"body.{n}.weight": torch.zeros(1) for n in (0, 2, 4)}, "body.N.") == 5
    with pytest.raises(ValueError, match=r"body\.7\. without most of those before it"):
        count({f"body.{n}.weight": torch.zeros(1) for n in (0, 2, 7)}, "body.N.")


def test_names_of_many_words_are_no_network() -> None:
    deep = ".".join(["a"] * 900)
    with pytest.raises(UserError, match="not recognised"):
        load_network(pth({deep: torch.zeros(1)}), NAME)
    with pytest.raises(UserError, match="not recognised"):
        load_network(pth({"." * 900: torch.zeros(1)}), NAME)


def test_several_networks_of_any_scale_are_listed() -> None:
    tensors, other = (network_of("vdsr", 2, seed).state_dict() for seed in (1, 2))
    data = write_weights(
        {f"a.{key}": value for key, value in tensors.items()}
        | {f"b.{key}": value for key, value in other.items()}
    )
    with pytest.raises(UserError, match="holds several networks") as caught:
        load_network(data, NAME)
    assert caught.value.got == ("a (vdsr, features 24, depth 4); b (vdsr, features 24, depth 4)")


def test_plain_convolutions_of_two_channels_are_refused() -> None:
    tensors = network_of("ircnn", 2).state_dict()
    two = tensors | {"model.0.weight": tensors["model.0.weight"][:, :2]}
    for content in (two, {"state_dict": {f"module.{key}": two[key] for key in two}}):
        with pytest.raises(UserError, match="2 channels; ours are grey or of colour"):
            load_network(pth(content), NAME)


def test_errors_have_the_names_of_the_file() -> None:
    content = {"params": {"model.net.6.weight": torch.zeros(2), "model.net.x": torch.zeros(1)}}
    with pytest.raises(UserError, match="not recognised") as caught:
        load_network(pth(content), NAME)
    assert caught.value.got == (
        "no network of ours has these weights: params.model.net.6.weight (2,), "
        "params.model.net.x (1,)"
    )


def test_entries_that_are_in_many_places_are_taken_once() -> None:
    content: dict[str, Any] = COMPACT
    for _ in range(8):
        content = dict.fromkeys("abc", content)
    assert list(flat(content)) == [f"{'a.' * 8}{key}" for key in COMPACT]
    content["c"] = content
    assert len(flat(content)) == len(COMPACT)
