"""Sliders from schemas: every number, word and truth value of every degrader's settings has one,
with its bounds, unit and description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pairmill.pipeline.live.form import ELSEWHERE, as_json, panels
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.degraders.codec import CodecConfig
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.degraders.ikc import IkcConfig
from pairmill.schemas.live import Knob

KERNEL = {"shape": "gaussian", "size": [7, 21], "sigma_x": {"log": [0.2, 3]}, "sigma_y": 1.0}
CHAIN = [
    {"op": "blur", "kernel": KERNEL},
    {"op": "resize", "factor": {"choices": [0.5, 0.7]}, "of": "hr"},
    {"one_of": [{"ops": [{"op": "gaussian_noise", "sigma": 3}]}, {"weight": 2, "ops": []}]},
    {"op": "jpeg", "quality": [30, 40, 50], "subsampling": ["420", "444"]},
]
FIXED = ("kind", "op", "shape", "of")
"""Which degrader, op or kernel it is; and of what a resize takes its factor."""
ALL: dict[str, DegraderBase] = {
    kind: config.model_validate({}) for kind, config in CONFIGS.items() if kind != "custom"
}
ALL["custom"] = CustomConfig.model_validate({"ops": CHAIN})


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in items:
            if not (not path and key in ELSEWHERE):
                yield from leaves(one, (*path, key))
    elif value is not None and path[-1] not in FIXED:
        yield path


def knobs(config: Any, scale: int = 2) -> dict[tuple[Any, ...], Knob]:
    return {knob.path: knob for panel in panels(config, scale) for knob in panel.knobs}


@pytest.mark.parametrize("kind", ALL)
def test_every_setting_has_one_control(kind: str) -> None:
    found = knobs(ALL[kind])
    everything = [knob.path for panel in panels(ALL[kind], 2) for knob in panel.knobs]
    assert len(everything) == len(found)
    for path in leaves(as_json(ALL[kind])):
        assert path in found or path[:-1] in found, path


@pytest.mark.parametrize("kind", ALL)
def test_ends_of_sliders_enclose_the_values_that_are_there(kind: str) -> None:
    settings = as_json(ALL[kind])
    for path, knob in knobs(ALL[kind]).items():
        value: Any = settings
        for part in path:
            value = value.get(part, 0) if isinstance(value, dict) else value[part]
        value = knob.instead if value is None else value
        if knob.kind == "choice":
            assert value in knob.choices
        numbers = {"number": [value], "range": value}.get(knob.kind, [])
        for one in numbers:
            assert knob.low <= one <= knob.high, path
            assert knob.least is None or knob.low >= knob.least
            assert knob.most is None or knob.high <= knob.most
            assert 0 < knob.step <= knob.high - knob.low


def test_bounds_units_and_words_are_those_of_the_schema() -> None:
    found = knobs(BsrganConfig())
    sigma = found[("sigma",)]
    assert (sigma.kind, sigma.unit, sigma.least, sigma.most) == ("range", "px", 0, 50)
    assert sigma.instead == [0.0, 2.4]  # 2 + 0.2 s at scale 2
    assert knobs(BsrganConfig(), 4)[("sigma",)].instead == [0.0, 2.8]
    assert sigma.help == "Width of an isotropic kernel, in pixels; none takes 0 to 2 + 0.2 s."
    sizes = found[("blur_size",)]
    assert (sizes.whole, sizes.step, sizes.low, sizes.most) == (True, 2, 1, 65)
    photons = found[("photons",)]
    assert (photons.log, photons.low, photons.high) == (True, 10, 100_000)
    assert found[("anisotropic",)].most == 1
    assert found[("noise",)].unit == "levels"
    assert knobs(IkcConfig(), 8)[("width",)].instead == [0.2, 8.0]  # beyond what is published


def test_a_setting_of_one_chain_says_which() -> None:
    found = knobs(BsrganConfig())
    when = found[("shuffle",)].when
    assert when is not None
    assert (when.path, when.value) == (("chain",), "plus")
    assert found[("shuffle",)].help.startswith("Probability that all thirteen ops are shuffled")
    assert found[("halve",)].help.endswith("(at scale 4)")
    assert found[("methods", "area")].when is None
    plus = next(panel for panel in panels(BsrganConfig(), 2) if panel.title == "directions")
    assert plus.when is not None
    assert plus.when.value == "plus"


def test_lists_and_forms_are_those_that_stand_there() -> None:
    found = knobs(ALL["custom"])
    assert found[("ops", 0, "kernel", "sigma_x", "log")].kind == "range"
    assert found[("ops", 1, "factor", "choices", 1)].kind == "number"
    assert found[("ops", 3, "quality", 2)].kind == "number"
    assert found[("ops", 3, "subsampling", 1)].kind == "choice"
    titles = [panel.title for panel in panels(ALL["custom"], 2)]
    assert "ops 1: blur · kernel: gaussian" in titles
    assert len([one for one in panels(CodecConfig(), 2) if "jpeg" in one.title]) >= 3
