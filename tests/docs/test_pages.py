"""Pages of ops and degraders: one of each, none left over, every field on it, images that are
there and small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from docs.generate import networks, pairs
from docs.generate.sections import notes, sections
from pairmill.pipeline.images.encode import decode_png
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.network import NETWORK_CONFIGS
from pairmill.schemas.ops import Op
from tests.support.make import Tiny
from tests.support.paths import ROOT

REFERENCE = ROOT / "docs/reference"


def members(union: Any) -> Iterator[type[Any]]:
    for member in get_args(union):
        yield from members(member) if get_args(member) else (member,)


OPS = {op.model_fields["op"].default: op for op in members(get_args(Op)[0])}


@pytest.mark.parametrize(
    ("folder", "models", "tag"), [("ops", OPS, "op"), ("degraders", CONFIGS, "kind")]
)
def test_pages_are_those_of_the_schemas(folder: str, models: dict[str, Any], tag: str) -> None:
    """Fails after a schema changed: run `make docs`."""
    assert {path.stem for path in (REFERENCE / folder).glob("*.md")} == {*models, "README"}
    for name, model in models.items():
        text = (REFERENCE / folder / f"{name}.md").read_text("utf-8")
        missing = [
            field for field in model.model_fields if field != tag and f"| `{field}` |" not in text
        ]
        assert not missing, f"{name}: {missing}: run `make docs`"
        for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
            assert (REFERENCE / folder / picture).exists(), picture


def test_the_table_of_networks_is_that_of_the_settings() -> None:
    """Fails after a network changed: run `make docs`."""
    text = (REFERENCE / "networks.md").read_text("utf-8")
    assert networks.page() == text
    assert {f"| `{arch}` |" in text for arch in NETWORK_CONFIGS} == {True}
    assert notes("networks").keys() <= NETWORK_CONFIGS.keys()


def test_a_note_stands_once() -> None:
    assert sections("## a\nfirst\n\n## b\nsecond\n") == {"a": "first", "b": "second"}
    with pytest.raises(ValueError, match="a stands twice"):
        sections("## a\nfirst\n\n## b\nsecond\n## a\nthird")


def test_pictures_are_small() -> None:
    pictures = [
        path for folder in ("ops", "degraders") for path in (REFERENCE / folder).rglob("*.png")
    ]
    assert len(pictures) > 25
    assert sum(path.stat().st_size for path in pictures) < 8e4 * len(pictures)


def test_rows_of_the_picture_of_pairs_have_a_kernel_and_a_photograph_each(
    tiny: Tiny, tmp_path: Path
) -> None:
    *blurred, last = pairs.chosen(tiny.storage, tiny.manifest)
    assert last.row.degrader == "bicubic"
    assert (
        1
        < len(blurred)
        == len({pairs.kernel_of(pair) for pair in blurred})
        == len({pair.row.image for pair in blurred})
    )
    assert all(pairs.detail(pair.hr) >= pairs.DETAIL for pair in (*blurred, last))
    pairs.main(str(tiny.workspace), "tiny", str(tmp_path / "pairs.png"))
    assert decode_png((tmp_path / "pairs.png").read_bytes()).shape[1] > 100
