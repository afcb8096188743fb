"""Fresh environments with the wheel, next to a project that has a `models` and a `pipeline` too."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.shared import once

PACKED = ("pairmill", "schemas", "models", "pipeline", "flows")
FILES = ("pyproject.toml", "README.md", "LICENSE")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info")
OWN = "raise ImportError('this is the project, not pairmill')"


@dataclass(frozen=True)
class Installation:
    """An environment that has pairmill from its wheel."""

    wheel: Path
    python: Path
    project: Path
    """A folder with packages `models` and `pipeline`, in which programs run."""

    def run(self, code: str) -> str:
        """What a script prints that lies in the project's folder.

        Raises:
            AssertionError: if it fails; with its errors.
        """
        script = self.project / "script.py"
        script.write_text(code, "utf-8")
        own = {"OMP_NUM_THREADS": "1", "HOME": str(self.project)}
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [self.python, script],
            cwd=self.project,
            env=inherited | own,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this very tree."""
    return once(tmp_path_factory, "wheel", _built)


@pytest.fixture(scope="session")
def whole_environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Python of an environment with the wheel, and the libraries that the tests have."""
    return once(tmp_path_factory, "whole-environment", functools.partial(_with_all, wheel))


@pytest.fixture(scope="session")
def core_environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Python of an environment with the wheel, what it asks for without extras, and no more."""
    return once(tmp_path_factory, "core-environment", functools.partial(_with_core, wheel))


@pytest.fixture
def installation(wheel: Path, whole_environment: Path, tmp_path: Path) -> Installation:
    """pairmill with all extras, next to a project of the test's own."""
    return beside_a_project(wheel, whole_environment, tmp_path)


@pytest.fixture
def core_installation(wheel: Path, core_environment: Path, tmp_path: Path) -> Installation:
    """pairmill without extras, next to a project of the test's own."""
    return beside_a_project(wheel, core_environment, tmp_path)


def beside_a_project(wheel: Path, python: Path, project: Path) -> Installation:
    """An environment next to a new project in an empty folder."""
    for name in ("models", "pipeline"):
        (project / name).mkdir()
        (project / name / "__init__.py").write_text(OWN, "utf-8")
    return Installation(wheel, python, project)


def _with_all(wheel: Path, home: Path) -> Path:
    python, site = _environment(home, wheel)
    # A folder that a .pth file adds is not searched for other .pth files, so the editable pairmill
    # that the tests may run on stays out.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return python


def _with_core(wheel: Path, home: Path) -> Path:
    python, site = _environment(home, wheel)
    (metadata,) = site.glob("pairmill-*.dist-info")
    for name in _needed(Distribution.at(metadata).requires or []):
        for place in _top_level(name):
            if not (site / place.name).exists():
                (site / place.name).symlink_to(place)
    return python


def _environment(home: Path, wheel: Path) -> tuple[Path, Path]:
    """Python of an environment that has the wheel and nothing else, and its site-packages."""
    venv.create(home, with_pip=False)
    python = home / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    subprocess.run([*pip, "--no-index", "--quiet", str(wheel)], check=True)
    (site,) = home.glob("lib/*/site-packages")
    return python, site


def _needed(requirements: Sequence[str]) -> set[str]:
    """Distributions that are asked for without extras, directly or not, if they are installed."""
    known: set[str] = set()
    waiting = [*requirements]
    while waiting:
        line = waiting.pop()
        named = re.match(r"[\w.-]+", line)
        name = re.sub(r"[-_.]+", "-", named[0]).lower() if named else ""
        if "extra ==" in line or name in known:
            continue
        try:
            waiting += distribution(name).requires or []
        except PackageNotFoundError:  # for another system or another Python
            continue
        known.add(name)
    return known


def _top_level(name: str) -> Iterator[Path]:
    """Files and folders of a distribution in site-packages."""
    files = distribution(name).files or []
    for first in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        yield Path(str(distribution(name).locate_file(first)))


def _built(folder: Path) -> Path:
    """Built of a copy, for setuptools leaves its files next to the sources."""
    source, wheels = folder / "source", folder / "wheels"
    source.mkdir()
    for name in PACKED:
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=LEFT_OUT)
    for name in FILES:
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, "--wheel-dir", str(wheels), str(source)], check=True)
    (wheel,) = wheels.glob("*.whl")
    return wheel
