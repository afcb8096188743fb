"""Settings of joint training."""

from __future__ import annotations

from pairmill.schemas.joint import BulatJoint


def test_settings_of_bulat_keep_the_say_of_sr() -> None:
    given = {"kind": "bulat", "real": ["a.png"], "settings": {"learning_rate": 1e-4}}
    assert BulatJoint.model_validate(given).settings.weights.sr == 1.0
