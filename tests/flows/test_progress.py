"""What a stage says of its progress: bars on a terminal, lines now and then in a log."""

from __future__ import annotations

import io
import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from pairmill.flows import terminal
from pairmill.flows.prefect_support.progress import ProgressArtifacts
from pairmill.pipeline.runner.listeners import ProgressListeners, under_way
from pairmill.pipeline.runner.stage import ProgressListener, Sealed

FIT: Any = SimpleNamespace(title="fit PDM", noun="fits")


def said(
    monkeypatch: pytest.MonkeyPatch, notes: list[str], *, interactive: bool, width: int = 120
) -> str:
    """All that is written while one fit continues in equal steps."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, highlight=False, soft_wrap=True, force_terminal=interactive
    )
    monkeypatch.setattr(terminal, "out", console)
    with terminal.Bars() as bars:
        bars.started(FIT, 1, 1)
        for note in notes:
            bars.advanced(FIT, 1 / len(notes), note)
        bars.progress.refresh()
    return file.getvalue()


def test_a_log_gets_a_line_with_losses_every_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = said(
        monkeypatch, [f"loss {place}" for place in range(100)], interactive=False
    ).splitlines()
    told = [line.split() for line in lines if "loss" in line]
    assert [words[2] for words in told] == [f"{10 * place}%" for place in range(1, 11)]
    assert [words[4] for words in told] == [str(10 * place - 1) for place in range(1, 11)]


def test_a_log_is_silent_where_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "%" not in said(monkeypatch, [""] * 50, interactive=False)


def test_a_slow_fit_is_heard_of_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**6, 100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    assert (
        said(monkeypatch, [f"loss {place}" for place in range(1000)], interactive=False).count(
            "loss"
        )
        > 100
    )


@pytest.mark.parametrize(
    ("width", "shown"), [(120, "AUC 0.87, critic 0.2"), (90, "AUC 0.87"), (80, "")]
)
def test_a_bar_shows_as_many_losses_as_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, width: int, shown: str
) -> None:
    text = said(monkeypatch, ["AUC 0.87, critic 0.2"] * 4, interactive=True, width=width)
    assert shown in text
    assert ("critic" in text) == ("critic" in shown)
    assert ("AUC" in text) == ("AUC" in shown)


@pytest.mark.parametrize(("units", "noun"), [(0, "fits"), (1, "fit"), (2, "fits")])
def test_one_fit_is_not_fits(monkeypatch: pytest.MonkeyPatch, units: int, noun: str) -> None:
    file, counted = io.StringIO(), ProgressArtifacts()
    stage: Any = SimpleNamespace(title="judge PDM", noun="fits")
    monkeypatch.setattr(
        terminal,
        "out",
        Console(file=file, width=120, highlight=False, soft_wrap=True, force_terminal=True),
    )
    with terminal.Bars() as bars:
        bars.started(stage, units, units)
        bars.progress.refresh()
        bars.sealed(stage, Sealed(key="", manifest=None, units=units, computed=0), 1.0)
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())
    assert re.search(rf"0/{units} {noun} ", told)
    assert re.search(rf"judge PDM +{units} {noun} ", told)
    counted.started(stage, units, 0)
    assert counted.task == f"judge PDM: 0 of {units} {noun} to do"


def test_rates_of_slow_stages_are_of_one() -> None:
    assert terminal._rate(0.1, "fits") == "10 s/fit"
    assert terminal._rate(0.1, "pool") == "10 s/pool"
    assert terminal._rate(0.1, "batches") == "10 s/batch"
    assert terminal._rate(3.0, "fits") == "3.0 fits/s"


def test_several_watchers_hear_the_same() -> None:
    heard: list[tuple[float, str]] = []

    class Listening(ProgressListener):
        def advanced(self, stage: Any, units: float, note: str = "") -> None:  # noqa: ARG002
            heard.append((units, note))

    ProgressListeners([Listening(), Listening()]).advanced(FIT, 0.5, "loss 1")
    assert heard == [(0.5, "loss 1")] * 2


def test_what_is_no_stage_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a log a line for each part, and one with the time; as on a terminal, without its bar."""
    written = io.StringIO()
    console = Console(file=written, width=100)
    monkeypatch.setattr(terminal, "out", console)
    with terminal.Bars(console) as bars:
        with under_way(ProgressListeners([ProgressListener(), bars]), "seal and report") as next_:
            next_("how real LR looks: realsr")
        assert bars.task is None
    said = written.getvalue()
    assert "seal and report  how real LR looks: realsr" in said
    assert re.search(r"✓ seal and report +\d+\.\d s", said)


def test_a_bar_without_a_length_goes_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=140, force_terminal=True)
    monkeypatch.setattr(terminal, "out", console)
    with terminal.Bars(console) as bars:
        bars.doing("evaluate", "3 of 7 images")
        [task] = bars.progress.tasks
        assert (task.description, task.fields["note"]) == ("evaluate", "3 of 7 images")
        bars.did("evaluate", 2.0)
        assert bars.progress.tasks == []
