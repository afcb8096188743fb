"""What of a chain can be narrowed."""

from __future__ import annotations

import pytest

from pairmill.pipeline.chains.settings import changed, opened, settings, value_at, with_values
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.degraders.codec import CodecConfig
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.degraders.realesrgan import RealEsrganConfig

OWN = CustomConfig.model_validate(
    {
        "ops": [
            {"op": "blur", "kernel": {"shape": "gaussian", "sigma_x": [0.2, 3.0], "sigma_y": 1.0}},
            {
                "one_of": [
                    {"weight": 1, "ops": [{"op": "jpeg", "quality": 90, "p": 0.4}]},
                    {"weight": 2, "ops": []},
                ]
            },
            {"op": "poisson_noise", "peak": {"log": [100, 10_000]}},
        ]
    }
)


def kinds(config: BsrganConfig | CustomConfig | RealEsrganConfig, scale: int = 2) -> dict[str, str]:
    return {one.name: one.kind for one in settings(opened(config, scale), scale)}


def test_ranges_probabilities_and_weights_of_an_own_chain() -> None:
    assert kinds(OWN) == {
        "ops[0].kernel.sigma_x": "range",
        "ops[1].one_of": "entries",
        "ops[1].one_of[0].ops[0].p": "chance",
        "ops[2].peak.log": "log",
    }


def test_published_ranges_stand_where_the_recipe_has_none() -> None:
    """At x2, BSRGAN's variances are 0 to 4 + 2 and its widths up to 2 + 0.4."""
    found = {one.name: one.value for one in settings(opened(BsrganConfig(), 2), 2)}
    assert found["variance"] == (0.0, 6.0)
    assert found["sigma"] == (0.01, 2.4)
    assert found["jpeg"] == 0.9
    assert found["in_order"] == 0.5  # off as published: a fit may switch it on


def test_settings_of_the_other_chain_of_bsrgan_are_left_out() -> None:
    classic, plus = kinds(BsrganConfig()), kinds(BsrganConfig(chain="plus"))
    assert "reduction" in classic
    assert "reduction" not in plus
    assert plus["sharpen"] == "switch"
    assert "sharpen" not in classic
    assert "halve" in kinds(BsrganConfig(), 4)
    assert "halve" not in classic


def test_second_order_of_realesrgan() -> None:
    assert kinds(RealEsrganConfig())["second.directions"] == "weights"


@pytest.mark.parametrize("config", [OWN, BsrganConfig(), RealEsrganConfig(), CodecConfig()])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_values_that_are_put_back_change_nothing(config: BsrganConfig, scale: int) -> None:
    chain = opened(config, scale)
    same = [(one, value_at(chain, one)) for one in settings(chain, scale)]
    assert with_values(chain, same) == chain


def test_a_value_deep_in_a_chain() -> None:
    path = ("ops", 1, "one_of", 0, "ops", 0, "p")
    found = changed(OWN, {path: 0.25})
    assert found.model_dump()["ops"][1]["one_of"][0]["ops"][0]["p"] == 0.25
    assert OWN.model_dump()["ops"][1]["one_of"][0]["ops"][0]["p"] == 0.4
