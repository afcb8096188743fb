"""The core dependencies alone build, verify, read and replay; what else is missing is told."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.make import tiny_recipe
from tests.support.wheel import Installation

BUILD = """
import json
from importlib.util import find_spec
import pairmill

recipe = json.load(open("recipe.json"))
assert not any(map(find_spec, ("prefect", "dask", "av", "imagecodecs", "webdataset")))
corpus = pairmill.build(recipe, "workspace")
pairs = list(corpus.pairs())
print(len(pairs) == len(corpus.samples) > 0, corpus.verify().ok)
print({corpus.replay(pair.record.key).identical for pair in pairs[::7]})
print(pairmill.build(recipe, "workspace").version == corpus.version)
"""

MISSING = """
import json
import pairmill
from pairmill.pipeline.export.formats import FORMATS

recipe = json.load(open("recipe.json"))
def build(**degrader):
    return lambda: pairmill.build(recipe | {"degraders": [degrader]}, "workspace")

for use in (
    build(kind="codec"),
    build(kind="custom", ops=[{"op": "video", "codec": "h264", "crf": 30}]),
    lambda: FORMATS["basicsr-lmdb"](None).begin(),
    lambda: pairmill.Pairs(["s3://bucket/a.tar"], 8),
):
    try:
        use()
    except pairmill.MissingLibraryError as error:
        print(error.todo)
"""


def write_recipe(folder: Path, photographs: Path, *kinds: str) -> None:
    """`recipe.json`: the tiny recipe with some degraders."""
    recipe = tiny_recipe(photographs, degraders=[{"kind": kind} for kind in kinds])
    (folder / "recipe.json").write_text(json.dumps(recipe.model_dump(mode="json")), "utf-8")


def test_build_verify_read_and_replay(core_installation: Installation, photographs: Path) -> None:
    write_recipe(core_installation.project, photographs, "realsr", "bicubic")
    printed = core_installation.run(BUILD).splitlines()
    assert printed == ["True True", "{True}", "True"]


def test_what_is_missing_is_told_before_any_work(
    core_installation: Installation, photographs: Path
) -> None:
    write_recipe(core_installation.project, photographs, "bicubic")
    printed = core_installation.run(MISSING)
    extras = ("codecs", "codecs", "export", "s3")
    assert printed.splitlines() == [f"pip install 'pairmill[{extra}]'" for extra in extras]
    assert not (core_installation.project / "workspace").exists()
