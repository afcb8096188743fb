"""The flow of DIP-FKP: fitted once for a workspace, then found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairmill.flows.cli import flow_fit
from pairmill.flows.cli.zero_shot import run_zero_shot
from pairmill.schemas.dip import DipConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.fkp import FkpFitConfig, FlowConfig
from pairmill.schemas.zero_shot import ZERO_SHOT, DipFkpUpscale
from tests.support.make import photograph, save


class QuickFlow(FlowConfig):
    """A flow of three steps."""

    fit: FkpFitConfig = FkpFitConfig(iterations=3, batch=4)


class QuickDip(DipFkpUpscale):
    """A fit of three steps."""

    fit: DipConfig = DipConfig(iterations=3, channels=2, skip=1, noise_channels=2)


def test_images_are_upscaled_with_a_flow_that_is_fitted_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_fit, "FlowConfig", QuickFlow)
    monkeypatch.setitem(ZERO_SHOT, "dip-fkp", QuickDip)
    save(photograph(0, 41, 37), tmp_path / "photos/a.png")
    told = {"scale": 2, "kernel": None, "noise": None, "seed": None}
    work = str(tmp_path / "work")
    report = run_zero_shot(
        [str(tmp_path / "photos")], "dip-fkp", str(tmp_path / "out"), told, "cpu", work
    )
    assert len(report.images) == 1
    with Image.open(next((tmp_path / "out").rglob("a*.png"))) as made:
        assert np.asarray(made).shape == (82, 74, 3)
    fits = list((tmp_path / "work/stages/fit_fkp/units").rglob("checkpoint.safetensors"))
    written = [path.stat().st_mtime_ns for path in fits]
    assert flow_fit.flow_of(2, work)[1] == flow_fit.flow_of(2, work)[1]
    assert [path.stat().st_mtime_ns for path in fits] == written


def test_a_scale_without_flows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no flow is fitted for this scale"):
        flow_fit.flow_of(5, str(tmp_path))
