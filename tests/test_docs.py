"""Pages of ops and degraders: one of each, none left over, every field on it, pictures that are there and small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.degraders import CONFIGS
from schemas.ops import Op

DOCS = Path(__file__).parent.parent / "docs"


def members(union: Any) -> Iterator[type[Any]]:
    for member in get_args(union):
        yield from members(member) if get_args(member) else (member,)


OPS = {op.model_fields["op"].default: op for op in members(get_args(Op)[0])}


@pytest.mark.parametrize(("folder", "models", "tag"), [("ops", OPS, "op"), ("degraders", CONFIGS, "kind")])
def test_pages_are_those_of_the_schemas(folder: str, models: dict[str, Any], tag: str) -> None:
    """Fails after a schema changed: run `make docs`."""
    assert {path.stem for path in (DOCS / folder).glob("*.md")} == {*models, "README"}
    for name, model in models.items():
        text = (DOCS / folder / f"{name}.md").read_text("utf-8")
        missing = [field for field in model.model_fields if field != tag and f"| `{field}` |" not in text]
        assert not missing, f"{name}: {missing}: run `make docs`"
        for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
            assert (DOCS / folder / picture).exists(), picture


def test_pictures_are_small() -> None:
    pictures = [path for folder in ("ops", "degraders") for path in (DOCS / folder).rglob("*.png")]
    assert len(pictures) > 25
    assert sum(path.stat().st_size for path in pictures) < 3e6
