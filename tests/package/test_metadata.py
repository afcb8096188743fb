"""What the project says about itself in several places is the same in all of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def pins(name: str) -> dict[str, set[str]]:
    """Versions of a file of requirements, by normalised name."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if match := re.match(r"([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", line):
            found.setdefault(re.sub(r"[-_.]+", "-", match[1]).lower(), set()).add(match[2])
    return found


def test_the_citation_names_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    dated = f"## [{PROJECT['version']}] - {citation['date-released']}"
    assert dated in (ROOT / "CHANGELOG.md").read_text().splitlines()


def test_the_lock_has_the_versions_of_the_constraints_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert pins("requirements.lock") == pins("constraints.txt")
    entries = re.split(r"\n(?=[\w.-]+(?:\[[^]]*\])?==)", lock)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock, "a lock names no index"


def test_versions_are_chosen_for_the_oldest_python_that_is_promised() -> None:
    """Chosen for 3.11.7, one of them was not to be had for 3.11.2, the Python of Debian 12."""
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f"--python-version {oldest} " in (ROOT / "Makefile").read_text()


def test_pip_takes_the_constraints() -> None:
    """It refuses extras there."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.match(r"#|[\w.-]+==[^\[]+$", line.strip())] == []


def test_all_that_is_asked_for_is_pinned() -> None:
    asked = list(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        asked += extra
    names = {re.split(r"[\[<>=!~; ]", line)[0].lower().replace("_", "-") for line in asked}
    assert names - {"pairmill"} - set(pins("constraints.txt")) == set()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_targets_that_are_there(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text())["jobs"]
    steps = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    called = {
        word
        for step in steps
        for call in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", step)
        for word in call.split()
    }
    assert called
    assert called <= TARGETS


def test_every_promised_python_is_tested() -> None:
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["fast"]
    promised = [
        line.rpartition(" ")[2]
        for line in PROJECT["classifiers"]
        if re.search(r"Python :: 3\.\d+$", line)
    ]
    assert matrix["strategy"]["matrix"]["python"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"
