"""Settings that weights do not show."""

from __future__ import annotations

from typing import Any

import pytest

from pairmill.models.archs import build
from pairmill.models.archs.outline import outline
from pairmill.models.archs.recognise import recognise
from pairmill.schemas.network import NETWORK_CONFIGS
from pairmill.schemas.networks.drrn import DrrnConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.lapsrn import LapSrnConfig
from tests.support.networks import SMALL

OTHER: dict[str, Any] = {
    "range": 7.0,
    "mean": (0.5, 0.25, 0.125),
    "residual_scale": 0.5,
    "heads": 2,
    "steps": 3,
    "units": 3,
    "dilations": (5,),
    "lowest": (5,),
}
UNTOLD = [(arch, name) for arch, kind in NETWORK_CONFIGS.items() for name in kind.untold]


@pytest.mark.parametrize(("arch", "name"), UNTOLD)
def test_what_is_assumed_is_shown_by_no_weight(arch: str, name: str) -> None:
    config: Any = SMALL[arch]
    other = config.with_(**{name: OTHER[name]})
    shapes, others = (
        {key: value.shape for key, value in outline(each, 2, 999).items()}
        for each in (config, other)
    )
    assert shapes == others
    assert other.assumed() != config.assumed()


def test_what_is_assumed_is_said() -> None:
    assert DrrnConfig().assumed() == "units 25"
    assert LapSrnConfig().assumed() == ""
    assert LapSrnConfig(recursions=8).assumed() == "recursions 8"
    assert EdsrConfig().assumed() == "residual_scale 1, range 255, mean 0.4488-0.4371-0.404"


@pytest.mark.parametrize("scale", [None, 2, 4, 8])
def test_a_lapsrn_of_one_level_is_for_scale_2(scale: int | None) -> None:
    """It is no MS-LapSRN of any scale that is asked for: nothing in it is applied again."""
    config = LapSrnConfig(features=4, depth=1)
    tensors = build(config, 2).state_dict()
    assert recognise(tensors, scale) == (config, 2)
    again = build(config.with_(shared=True, recursions=8), 4).state_dict()
    if scale is None:
        with pytest.raises(ValueError, match="an MS-LapSRN, whose weights do not tell the scale"):
            recognise(again)
    else:
        assert recognise(again, scale) == (config.with_(shared=True, recursions=8), scale)
