"""The worked examples of CONTRIBUTING.md, applied to a copy of this repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

COPIED = ("pairmill", "schemas", "models", "pipeline", "flows", "benchmarks", "tests", "docs")
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def section(title: str) -> str:
    """What stands below a heading."""
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def modules(text: str) -> list[tuple[str, str]]:
    """New files and what is in them."""
    return re.findall(r"```python\n# (\S+\.py)\n(.*?)```", text, flags=re.DOTALL)


def changes(text: str) -> list[tuple[str, str]]:
    """Files that are there, and hunks, apart by an empty line: `+` before what is new, `-` before
    what goes."""
    return re.findall(r"```diff\n(\S+)\n(.*?)```", text, flags=re.DOTALL)


def applied(folder: Path, text: str = TEXT) -> None:
    """A copy of the repository with the examples of a text."""
    for name in COPIED:
        # With the compiled files: they fit, for times are copied too.
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    shutil.copytree(ROOT / "data/recipes", folder / "data/recipes")
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "Makefile"):
        shutil.copy(ROOT / name, folder / name)
    for name, content in modules(text):
        assert not (folder / name).exists(), name
        (folder / name).write_text(content, "utf-8")
    for name, hunks in changes(text):
        content = (folder / name).read_text("utf-8")
        for hunk in hunks.strip("\n").split("\n\n"):
            content = changed(content, hunk.splitlines(), name)
        (folder / name).write_text(content, "utf-8")


def changed(text: str, hunk: list[str], name: str) -> str:
    """The text of a file after one hunk."""
    old, new = (
        "".join(f"{line[1:]}\n" for line in hunk if line[0] in kept) for kept in (" -", " +")
    )
    assert text.count(old) == 1, (name, old)
    return text.replace(old, new)


def carried_out(folder: Path, *command: str, limit: int = 240) -> str:
    """What a Python command printed in a copy.

    Raises:
        AssertionError: with all it said, if it failed.
    """
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=limit,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
