"""The tutorial: its commands, run one after the other in an empty folder, say what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs/tutorials/first_network.md").read_text("utf-8")
STEP = re.compile(r"```sh\n(.*?)```\n(?:\n```console\n(.*?)```)?", re.DOTALL)
STEPS = [(command.strip(), output) for command, output in STEP.findall(PAGE)]
NUMBER = re.compile(r"\d+\.\d+|\d+")
NEAR, DIGITS = 0.02, 2
"""By what share, or by how many of its last digit, a number may differ on another machine."""


def differences(stands: str, printed: str) -> Iterator[tuple[str, str]]:
    """Lines that differ: `…` stands for anything, numbers may differ a little."""
    for wanted, got in zip_longest(stands.splitlines(), printed.splitlines(), fillvalue=""):
        if not alike(wanted.rstrip(), got.rstrip()):
            yield wanted, got


def alike(wanted: str, got: str) -> bool:
    """Whether a line is as it stands on the page."""
    wanted, got = squeezed(wanted), squeezed(got)
    if "…" in wanted:
        pattern = ".*".join(map(re.escape, wanted.split("…")))
        return re.fullmatch(pattern, got) is not None
    if NUMBER.sub("#", wanted) != NUMBER.sub("#", got):
        return False
    return all(map(near, NUMBER.findall(wanted), NUMBER.findall(got)))


def near(wanted: str, got: str) -> bool:
    """Whether a number is one of another machine."""
    unit = 10.0 ** -len(wanted.partition(".")[2])
    return float(got) == pytest.approx(float(wanted), rel=NEAR, abs=(DIGITS + 0.1) * unit)


def squeezed(line: str) -> str:
    """A line without the widths of its columns."""
    return re.sub(r"\s+", " ", line)


def test_lines_are_compared_as_the_page_says() -> None:
    assert alike("✓ ingest  30 files  … s", "✓ ingest  30 files  29.0 s")
    assert alike("bicubic  28.92  0.8060", "bicubic  28.95  0.8061")
    assert alike("width 0.82", "width 0.84")
    assert not alike("width 0.82", "width 0.86")
    assert not alike("bicubic  28.92", "bicubic  20.92")
    assert not alike("bicubic  28.92", "network  28.92")
    assert list(differences("a\nb\n", "a\n")) == [("b", "")]


def test_the_page_has_commands_with_outputs() -> None:
    assert len([output for _, output in STEPS if output]) >= 8


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_command_says_what_stands_there(tmp_path: Path) -> None:
    (tmp_path / "pairmill").symlink_to(ROOT)
    home = tmp_path / "first"
    home.mkdir()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
    }
    for command, output in STEPS[1:]:  # the first sets up what this test runs in
        done = subprocess.run(
            command,
            shell=True,
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        assert list(differences(output, done.stdout)) == [], command
