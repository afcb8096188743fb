"""Recipes whose photographs say nothing of their camera divide them by their blurs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.runner.execution import runner
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.stages import ingest
from pairmill.schemas.groups import GroupSource
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.recipe import Recipe
from tests.support.cameras import kernel_of, write_photographs_by
from tests.support.make import Counting

REALSR = [{"kind": "realsr"}]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras without EXIF, four photographs of each."""
    folder = tmp_path_factory.mktemp("photos")
    write_photographs_by(folder / "sharp", kernel_of(0.8), range(4))
    write_photographs_by(folder / "soft", kernel_of(2.0), range(4, 8))
    return folder


def making(folder: Path, workspace: Path, counting: Counting, **changes: Any) -> Making:
    recipe = Recipe.model_validate(
        {"name": "r", "images": {"real": [str(folder)]}, "degraders": REALSR} | changes
    )
    run = runner(Profile(str(workspace)), listener=counting)
    files = ingest.find(recipe.images, str(folder)).files
    images = run(ingest.STAGE, files, IngestConfig()).manifest
    return Making(recipe=recipe, images=images, base="/", run=run)


@pytest.mark.parametrize("by", ["auto", "spectra"])
def test_two_cameras_are_two_groups(photos: Path, tmp_path: Path, by: str) -> None:
    counting = Counting()
    made = making(photos, tmp_path, counting, groups={"by": by})
    urls = {image.pixel_sha256: image.url for image in made.images.accepted}
    assert [group.source for group in made.groups.groups] == [GroupSource.SPECTRA] * 2
    for group in made.groups.groups:
        assert len({Path(urls[digest]).parent for digest in group.photographs}) == 1
    assert counting.computed["cluster_photographs"] == 8
    again = Counting()
    assert making(photos, tmp_path, again, groups={"by": by}).groups == made.groups
    assert again.computed["cluster_photographs"] == again.computed["measure_photographs"] == 0


def test_nothing_is_measured_where_spectra_have_no_say(photos: Path, tmp_path: Path) -> None:
    for changes in ({"groups": {"by": "one"}}, {"groups": {"min_photographs": 5}}):
        counting = Counting()
        assert len(making(photos, tmp_path, counting, **changes).groups.groups) == 1
        assert list(counting.computed) == ["ingest"]
    counting = Counting()
    made = making(photos, tmp_path, counting)
    named = [image.with_(group=Path(image.url).parent.name) for image in made.images.accepted]
    made.images = made.images.with_(accepted=[image.model_dump() for image in named])
    assert {group.source for group in made.groups.groups} == {GroupSource.NAMES}
    assert list(counting.computed) == ["ingest"]
