"""An evaluation that is stopped continues from what was measured, and measures anew what has
changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairmill.pipeline.evaluate.networks import Image, Upscaler
from pairmill.pipeline.evaluate.request import Request
from pairmill.pipeline.evaluate.run import evaluate
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.evaluation import EvaluationConfig, EvaluationReport, InferenceConfig
from tests.support.make import photograph, save
from tests.support.networks import checkpoint

COUNT = 5
CONFIG = EvaluationConfig(inference=InferenceConfig(tile=24, overlap=4), shown=0)
Run = Callable[..., EvaluationReport]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Evaluates two networks and the control on five images, into a folder."""
    one_thread()
    for seed in range(COUNT):
        save(photograph(seed, 37, 31, noise=0), tmp_path / f"hr/{seed}.png")
    names = [
        checkpoint(tmp_path / f"{name}.safetensors", seed=seed)
        for seed, name in enumerate(("one", "two"))
    ]

    def made(
        out: str, checkpoints: list[str] = names, config: EvaluationConfig = CONFIG, **more: Any
    ) -> EvaluationReport:
        request = Request(tuple(checkpoints), hr=(str(tmp_path / "hr"),), config=config)
        return evaluate(request, Storage(str(tmp_path)), Storage(str(tmp_path)), out, **more)

    return made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the networks, as often as they upscale an image."""
    heard, before = list[str](), Upscaler.__call__

    def spied(self: Upscaler, lr: Image, config: InferenceConfig, *more: Any) -> Image:
        heard.append(self.name)
        return before(self, lr, config, *more)

    monkeypatch.setattr(Upscaler, "__call__", spied)
    return heard


def stop_at(number: int) -> Callable[[int, int, str], None]:
    """Ctrl-C before an image."""

    def advanced(done: int, _total: int, _name: str) -> None:
        if done == number:
            raise KeyboardInterrupt

    return advanced


@pytest.mark.parametrize("stopped", [0, 1, 4, COUNT])
def test_a_stopped_evaluation_ends_in_the_tables_of_one_that_was_not(
    run: Run, calls: list[str], tmp_path: Path, stopped: int
) -> None:
    run("whole")
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        run("halves", advanced=stop_at(stopped))
    assert not (tmp_path / "halves/index.html").exists()
    report = run("halves")
    assert len(calls) == 3 * COUNT  # together: every network saw every image once
    assert report.found == 3 * stopped
    for name in ("table.md", "scores.csv"):
        assert (tmp_path / "halves" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert all(one.seconds > 0 for one in report.networks)
    assert {one.megapixels for one in report.networks} == {COUNT * 36 * 30 / 1e6}


def test_one_more_network_alone_is_run(run: Run, calls: list[str], tmp_path: Path) -> None:
    run("page", [str(tmp_path / "one.safetensors")])
    calls.clear()
    assert run("page").found == 2 * COUNT
    assert calls == COUNT * ["two"]


def test_what_has_changed_is_measured_anew(run: Run, calls: list[str], tmp_path: Path) -> None:
    run("page")
    save(255 - np.asarray(photograph(2, 37, 31, noise=0)), tmp_path / "hr/2.png")
    assert run("page").found == 3 * (COUNT - 1)
    calls.clear()
    checkpoint(tmp_path / "two.safetensors", seed=7)  # other weights under the same name
    assert run("page").found == 2 * COUNT
    assert calls == COUNT * ["two"]
    assert (
        run("page", config=CONFIG.with_(inference=InferenceConfig(tile=16, overlap=4))).found == 0
    )
    assert run("page").found == 3 * COUNT


def test_a_record_that_tells_nothing_is_made_again(run: Run, tmp_path: Path) -> None:
    run("page")
    wanted = (tmp_path / "page/scores.csv").read_bytes()
    for number, record in enumerate(sorted((tmp_path / "page/records").iterdir())):
        record.write_text(["", "{}", '{"scores": {"psnr_y": "high"}, "seconds": 1}'][number % 3])
    assert run("page").found == 0
    assert (tmp_path / "page/scores.csv").read_bytes() == wanted


def test_a_page_of_known_scores_runs_no_network(run: Run, calls: list[str], tmp_path: Path) -> None:
    shown = CONFIG.model_copy(update={"shown": 2})
    run("page", config=shown)
    pictures = {path.name: path.read_bytes() for path in (tmp_path / "page/img").iterdir()}
    assert len(calls) == 3 * COUNT + 3 * 2
    calls.clear()
    for path in (tmp_path / "page/img").iterdir():
        path.unlink()
    run("page", config=shown)
    assert calls == []
    again = {path.name: path.read_bytes() for path in (tmp_path / "page/img").iterdir()}
    assert again == pictures
