"""Settings of joint training."""

from __future__ import annotations

from typing import Any

import pytest

from pairmill.schemas.joint import BulatJoint, PdmJoint


def test_settings_of_bulat_keep_the_say_of_sr() -> None:
    given = {"kind": "bulat", "real": ["a.png"], "settings": {"learning_rate": 1e-4}}
    assert BulatJoint.model_validate(given).settings.weights.sr == 1.0


def pdm(settings: dict[str, Any], **more: Any) -> PdmJoint:
    return PdmJoint.model_validate({"kind": "pdm", "real": ["a.png"], "settings": settings} | more)


def test_pdm_beside_sr_measures_no_camera() -> None:
    """So what cannot start measured is allowed, and what says that it does is not."""
    assert pdm({"kernel": {"variant": True}}).settings.start_from == "nothing"
    assert pdm({"noise": {"channels": 1}}) == pdm(
        {"start_from": "nothing", "noise": {"channels": 1}}
    )
    found = pdm({"preset": "2018track2"})
    assert found == found.with_(sr_weight=0.0)
    with pytest.raises(ValueError, match=r"set joint\.start_from: pool"):
        pdm({"start_from": "measured"})
    with pytest.raises(ValueError, match="start_rate is for a pool that began measured"):
        pdm({"start_rate": 0.1})
    assert pdm({"start_rate": 0.1}, start_from="pool").settings.start_rate == 0.1
