"""Pages of ops and degraders: one of each, none left over, every field on it, images that are
there and small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from docs.generate import networks, pairs
from docs.generate.sections import notes, sections
from pairmill.pipeline.images.encode import decode_png
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.network import NETWORK_CONFIGS
from pairmill.schemas.ops import Op
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


def test_the_picture_of_pairs_shows_what_it_says() -> None:
    tiles, taken = list(pairs.hr_tiles().values()), pairs.shown_of(pairs.photographed())
    low = pairs.CROP // pairs.SCALE
    assert {tile.shape for tile in tiles} == {(pairs.TILE, pairs.TILE, 3)}
    assert {crop.shape for crop in taken} == {(low, low, 3)}
    made = [tile[:: pairs.SCALE, :: pairs.SCALE] for tile in tiles]
    image = pairs.drawn(tiles, made, taken)
    assert image.shape == decode_png(pairs.TARGET.read_bytes()).shape
    side = pairs.CROP * pairs.ZOOM
    for row, (tile, lr, crop) in enumerate(zip(tiles, made, taken, strict=True)):
        top = pairs.HEADING + row * (side + pairs.GAP)
        panes = [image[top:][:side, column * (side + pairs.GAP) :][:, :side] for column in range(4)]
        shown = (pairs.middle(tile, pairs.CROP), None, pairs.middle(lr, low), crop)
        for pane, pixels in zip(panes, shown, strict=True):
            if pixels is not None:
                times = side // len(pixels)
                assert (pane == pixels.repeat(times, 0).repeat(times, 1)).all()
