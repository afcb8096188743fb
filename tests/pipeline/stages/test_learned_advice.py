"""What to change about a fit that failed looks at what is set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pairmill.pipeline.stages.learned_pool import Gates
from pairmill.pipeline.stages.pool_pdm import GATES as PDM
from pairmill.pipeline.stages.pool_redegnet import GATES as REDEGNET
from pairmill.pipeline.stages.pool_translation import gates_of
from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.pdm_fit import PdmReason
from pairmill.schemas.redegnet import RedegnetConfig, RedegnetReason
from pairmill.schemas.translation import DsganConfig
from pairmill.schemas.translation_fit import TranslationReason


@dataclass(frozen=True)
class Failed:
    reasons: tuple[Any, ...]
    measures: Any = None
    accepted: bool = False


def advice(gates: Gates[Any, Any], reason: Any, model: Any, **settings: Any) -> str:
    return gates.refused(Failed((reason,)), model.model_validate(settings)).todo


def test_skip_start_is_advised_where_it_is_not_set() -> None:
    reason = RedegnetReason.RECONSTRUCTS_BADLY
    assert "set redegnet.net.skip_start: 1" in advice(REDEGNET, reason, RedegnetConfig)
    set_ = advice(REDEGNET, reason, RedegnetConfig, net={"skip_start": 1}, learning_rate=2e-4)
    assert "skip_start" not in set_
    assert "raise redegnet.learning_rate (now 0.0002)" in set_


@pytest.mark.parametrize(
    ("gates", "reason", "model", "section", "usual"),
    [
        (PDM, PdmReason.TOLD_APART, PdmConfig, "pdm", 16_000),
        (REDEGNET, RedegnetReason.TOLD_APART, RedegnetConfig, "redegnet", 1_920_000),
        (gates_of("dsgan", "DSGAN"), TranslationReason.OFF_COLOUR, DsganConfig, "dsgan", 24_000),
    ],
)
def test_a_fit_that_saw_little_needs_more_first(
    gates: Gates[Any, Any], reason: Any, model: Any, section: str, usual: int
) -> None:
    few = advice(gates, reason, model, samples=usual // 20)
    first = f"raise {section}.samples first: {usual // 20:,} is 5.0% of the usual {usual:,}; "
    assert few.startswith(first)
    assert "of the usual" not in advice(gates, reason, model)


def test_what_is_set_is_not_advised() -> None:
    waves = advice(PDM, PdmReason.NOISE_NOT_ZERO_MEAN, PdmConfig, noise_weight=1000)
    assert waves.startswith("give more real images; or set accept_failed")
    trunk = {"start_from": "nothing", "noise": {"form": "trunk", "by": "colour"}}
    other = advice(PDM, PdmReason.NOISE_NOT_ZERO_MEAN, PdmConfig, **trunk)
    for part in ("noise_weight to 1000 (now 30)", "form: mixing", "by: level"):
        assert part in other
    assert "start_from" not in advice(PDM, PdmReason.TOLD_APART, PdmConfig)
    assert "start_from: measured" in advice(PDM, PdmReason.TOLD_APART, PdmConfig, **trunk)
    assert "regulariser" not in advice(PDM, PdmReason.NOISE_COLLAPSED, PdmConfig)
    energy = advice(PDM, PdmReason.NOISE_COLLAPSED, PdmConfig, regulariser="energy")
    assert "take pdm.regulariser: mean" in energy
