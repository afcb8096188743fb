"""How often a build decodes what it is made of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench_synthesis import ANYTHING
from pairmill.pipeline.images import decode, pixel_cache
from pairmill.pipeline.images.colour import to_srgb
from pairmill.pipeline.images.header import Header
from pairmill.schemas.recipe import Recipe
from tests.support.make import LENIENT, build, photograph, save


def recipe(images: Path, factor: int) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "once",
            "images": {"real": str(images)},
            "clean_up": {"factor": factor},
            "tiles": {"size": 32, "min_detail": 0, "min_contrast": 0},
            "noise": ANYTHING | {"patch": 16},
            "kernel_quality": LENIENT,
            "realism": {"enabled": False},
        }
    )


@pytest.mark.parametrize("factor", [1, 2])
def test_a_realsr_build_with_its_report_decodes_each_photograph_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: int
) -> None:
    monkeypatch.setenv(pixel_cache.FOLDER, str(tmp_path / "kept"))
    count = 2
    for number in range(count):
        save(photograph(number, 131, 149), tmp_path / f"photos/{number}.png")
    decoded = Counter[bytes]()

    def counted(header: Header, plain: Any) -> Any:
        decoded[header.data] += 1
        return to_srgb(header, plain)

    monkeypatch.setattr(decode, "to_srgb", counted)
    build(recipe(tmp_path / "photos", factor), tmp_path / "workspace")
    assert list(decoded.values()) == [1] * count
