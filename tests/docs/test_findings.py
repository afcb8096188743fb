"""The index of findings names every script, with the versions that it installs."""

from __future__ import annotations

import re

from tests.support.paths import ROOT

FOLDER = ROOT / "findings"
LINE = re.compile(r"^- `(\w+)\.sh` \((.+?)\):", re.MULTILINE)


def test_every_script_has_its_line_with_versions() -> None:
    told = dict(LINE.findall((FOLDER / "README.md").read_text("utf-8")))
    assert set(told) == {script.stem for script in FOLDER.glob("*.sh")}
    for name, versions in told.items():
        script = (FOLDER / f"{name}.sh").read_text("utf-8")
        numbers = re.findall(r"\d+(?:\.\d+)+", versions)
        assert numbers, name
        assert [number for number in numbers if number not in script] == [], name
