"""Settings of networks: what is refused, and in what words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pairmill.schemas.network import NETWORK_CONFIG, NETWORK_CONFIGS, NetworkSpec
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.srcnn import SrcnnConfig


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            {"arch": "unet"},
            "Input tag 'unet' found using 'arch' does not match any of the expected tags: "
            "'srresnet', 'edsr'",
        ),
        ({}, "Unable to extract tag using discriminator 'arch'"),
        ({"arch": "edsr", "featurs": 64}, "featurs"),
        ({"arch": "edsr", "features": 0}, "greater than or equal to 1"),
        ({"arch": "edsr", "mean": [0.5, 0.5]}, "mean"),
        ({"arch": "edsr", "range": 0}, "greater than 0"),
        ({"arch": "rcan", "features": 8}, "squeeze: 16 leaves nothing of 8 features; at most 8"),
        (
            {"arch": "swinir", "depths": [6, 6]},
            "heads: 6 numbers for the 2 groups of depths; one each is wanted",
        ),
        (
            {"arch": "swinir", "features": 64},
            "features: 64 cannot be shared by 6 heads; a multiple is wanted",
        ),
        (
            {"arch": "swinir", "patch": 60},
            "patch: 60 must be a multiple of the window, 8, and larger",
        ),
        (
            {"arch": "swinir", "patch": 8},
            "patch: 8 must be a multiple of the window, 8, and larger",
        ),
        (
            {"arch": "swinir", "upsampler": "bicubic"},
            "'pixelshuffle', 'pixelshuffledirect' or 'nearest\\+conv'",
        ),
        ({"arch": "srcnn", "sides": [9, 2, 5]}, r"sides: \[9, 2, 5\]: filters have odd sides"),
        ({"arch": "dbpn", "stages": 1}, "greater than or equal to 2"),
    ],
)
def test_mistakes_are_named(value: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        NETWORK_CONFIG.validate_python(value)


def test_every_field_says_what_it_is() -> None:
    for config in NETWORK_CONFIGS.values():
        for name, field in config.model_fields.items():
            assert field.description, f"{config.__name__}.{name}"
            assert field.description.endswith("."), name
    schema = NETWORK_CONFIG.json_schema()
    assert sorted(schema["discriminator"]["mapping"]) == sorted(NETWORK_CONFIGS)


def test_names_alone_make_the_published_networks() -> None:
    for name in NETWORK_CONFIGS:
        config = NETWORK_CONFIG.validate_python({"arch": name})
        assert config.words() == name
        assert config.problem(4) is None


def test_words_tell_what_differs() -> None:
    assert (
        EdsrConfig(features=256, blocks=32, residual_scale=0.1).words()
        == "edsr, features 256, blocks 32, residual_scale 0.1"
    )
    assert SrcnnConfig(sides=(9, 5, 5)).words() == "srcnn, sides 9-5-5"


def test_a_spec_fits_together() -> None:
    spec = NetworkSpec.model_validate({"network": {"arch": "lapsrn"}, "scale": 8})
    assert NetworkSpec.model_validate_json(spec.canonical_json()) == spec
    with pytest.raises(
        ValidationError, match="lapsrn cannot be built for scale 3: it works for 2, 4 and 8"
    ):
        NetworkSpec.model_validate({"network": {"arch": "lapsrn"}, "scale": 3})
