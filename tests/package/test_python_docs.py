"""The pieces of docs/how-to/python.md run as they stand, one after the other, from the wheel."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

import pairmill
from tests.support.make import tiny_recipe
from tests.support.paths import ROOT
from tests.support.wheel import Installation

PAGE = (ROOT / "docs/how-to/python.md").read_text("utf-8")
DEVELOPERS = {"demo", "test", "peers", "release"}
"""Extras that only the Makefile asks for."""
PIECES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_pieces_run(installation: Installation, photographs: Path) -> None:
    degraders = [{"kind": "realsr"}, {"kind": "bicubic"}]
    recipe = tiny_recipe(photographs, name="phone", degraders=degraders).model_dump(mode="json")
    (installation.project / "phone.yaml").write_text(yaml.safe_dump(recipe), "utf-8")
    printed = installation.run("\n".join(PIECES)).splitlines()
    told = re.compile(r"Corpus\(phone@[0-9a-f]{12}, \d+ pairs, x2\)")
    assert any(told.fullmatch(line) for line in printed)
    assert printed[0].startswith("ingest ")
    assert printed[-1].startswith("no versions of phone fit 'nothing'")
    assert Path(installation.project, "export/train/hr").is_dir()


def test_the_page_names_what_there_is() -> None:
    assert set(re.findall(r"pairmill\.([A-Za-z]+)", PAGE)) <= set(pairmill.__all__)


def test_the_page_names_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = set(project["optional-dependencies"]) - DEVELOPERS
    assert set(re.findall(r"^\| `([a-z0-9]+)` \|", PAGE, re.MULTILINE)) == extras
    assert f"the {len(project['dependencies'])} core dependencies" in PAGE
