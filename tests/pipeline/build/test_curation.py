"""Whole builds that curate, and `images check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from pairmill.flows.cli.image_check import check_images
from pairmill.pipeline.build.identity import identity_of
from pairmill.pipeline.build.previous_splits import earlier_keys
from pairmill.pipeline.build.reproduce import Bench, reproduce
from pairmill.pipeline.runner.execution import SerialExecutor
from pairmill.pipeline.runner.stage import Profile, ProgressListener
from pairmill.pipeline.stages import synthesize
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import VersionSources
from pairmill.schemas.curation_report import CurationSection
from pairmill.schemas.diff import Outcome
from pairmill.schemas.errors import UserError
from pairmill.schemas.hr_quality import HrVerdict
from pairmill.schemas.image import ImageReason
from pairmill.schemas.shard import SynthesizeConfig
from tests.support.make import Counting, build, make_stages, photograph, save, tiny_recipe
from tests.support.sample_images import resized, scene


def folder_of(tmp_path: Path) -> Path:
    for number in range(3):
        save(scene(number), tmp_path / f"photos/real/{number}.png")
    Image.fromarray(scene(9)).save(save(scene(9), tmp_path / "photos/clean/9.png"))
    Image.fromarray(scene(0)[30:140, 40:190]).save(tmp_path / "photos/clean/crop.jpg", quality=80)
    save(resized(scene(1), 0.6), tmp_path / "test/set.png")
    return tmp_path / "photos"


def test_a_build_keeps_copies_together_and_leaks_out(tmp_path: Path) -> None:
    photos = folder_of(tmp_path)
    curation = {"benchmarks": str(tmp_path / "test")}
    recipe = tiny_recipe(
        photos,
        degraders=[{"kind": "bicubic"}],
        curation=curation,
        splits={"train": 0.5, "val": 0.5},
    )
    counting = Counting()
    manifest = build(recipe, tmp_path / "w")
    made = make_stages(recipe, tmp_path / "w", watcher=counting)
    assert {name for name, count in counting.computed.items() if count} == set()
    assert (
        identity_of(made).content_digest() == manifest.digest
    )  # the keys of the version before change nothing
    curated = made.chosen.curated
    assert curated is not None
    assert [Path(image.url).name for image in curated.images.rejected] == ["1.png"]
    assert [image.reason for image in curated.images.rejected] == [ImageReason.IN_BENCHMARK]
    assert len(curated.pairs) == 1
    assert curated.across({image.pixel_sha256: image.role for image in made.chosen.ingested}) == 1
    where = {
        part.image.url: unit.payload.split for unit in _shards(made) for part in unit.payload.images
    }
    assert where[f"{photos}/real/0.png"] == where[f"{photos}/clean/crop.jpg"]
    folder = tmp_path / f"w/corpora/tiny/{manifest.version}"
    sources = VersionSources.model_validate_json((folder / "sources.json").read_text())
    assert sum(image.split_key is not None for image in sources.images) == 1
    assert all(image.scores is not None for image in sources.images)
    html = (folder / "report/index.html").read_text()
    assert 'id="curation"' in html
    assert (
        "2 images show the same as others, in 1 group, 1 of them with both real and clean images."
        in html
    )

    bench = Bench(Profile(str(tmp_path / "again")), SerialExecutor(), ProgressListener())
    again = reproduce(Storage(str(tmp_path / "w")), manifest, bench)
    assert again.outcome == Outcome.IDENTICAL

    save(resized(scene(2), 0.7), photos / "clean/new.png")
    counting = Counting()
    after = make_stages(recipe, tmp_path / "w", watcher=counting)
    assert counting.computed["fingerprint"] == 1
    keys = earlier_keys(Storage(str(tmp_path / "w")), recipe, "tiny")
    assert all(after.chosen.split_keys.get(image, image) == key for image, key in keys.items())
    later = {
        part.image.url: unit.payload.split
        for unit in _shards(after)
        for part in unit.payload.images
    }
    assert {url: later[url] for url in where} == where
    assert later[f"{photos}/clean/new.png"] == later[f"{photos}/real/2.png"]


def test_a_check_writes_a_page_and_no_corpus(tmp_path: Path) -> None:
    photos = folder_of(tmp_path)
    found = check_images(
        str(photos), [str(tmp_path / "test")], str(tmp_path / "w"), out=None, workers=1, open_=False
    )
    assert (found.copies_total, found.leaks_total, found.benchmarks) == (1, 1, 1)
    assert (found.leaks[0].names, found.leaks[0].kinds) == (
        ("1.png", "set.png"),
        ("real", "benchmark"),
    )
    page = tmp_path / "w/runs/images/photos/index.html"
    html = page.read_text()
    assert "1 image shows one of 1 benchmark image and is rejected." in html
    for name in (
        *found.copies[0].pictures,
        *found.leaks[0].pictures,
        *(view.picture for view in found.blurred),
    ):
        assert name in html
        assert (page.parent / name).stat().st_size > 100
    assert not (tmp_path / "w/corpora").exists()


@pytest.mark.parametrize("duplicates", ["group", "reject"])
def test_many_copies_of_one_picture_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], duplicates: str
) -> None:
    for number in range(8):
        Image.fromarray(scene(0)).save(
            save(scene(0), tmp_path / f"photos/{number}.png").with_suffix(".jpg"),
            quality=70 + number,
        )
        (tmp_path / f"photos/{number}.png").unlink()
    save(scene(0), tmp_path / "photos/first.png")
    save(scene(1), tmp_path / "photos/other.png")
    recipe = tmp_path / "check.yaml"
    recipe.write_text(
        f"{{name: check, scale: 2, images: {{real: [photos]}}, degraders: [{{kind: bicubic}}],"
        f" curation: {{duplicates: {duplicates}}}}}"
    )
    found = check_images(
        str(recipe), [], str(tmp_path / "w"), out=str(tmp_path / "page"), workers=1, open_=False
    )
    assert (found.alike_total, found.alike_images, found.copies_total) == (1, 9, 36)
    assert len(found.copies) == 8  # as many as tie nine images together
    group = found.alike[0]
    assert (group.images, group.pairs, group.real, group.clean) == (9, 36, 9, 0)
    assert group.outcome == ("in one split" if duplicates == "group" else "8 rejected")
    said = " ".join(capsys.readouterr().out.split())
    assert "9 images show the same as others, in 1 group. " in said
    assert "8 others: " in said
    assert "and 4 more" in said
    assert CurationSection.model_validate_json((tmp_path / "page/check.json").read_bytes()) == found
    old = found.model_dump(
        mode="json", exclude={"alike", "alike_total", "alike_images", "alike_mixed"}
    )
    assert CurationSection.model_validate(old).copies == found.copies


def test_a_check_says_what_images_are_worth_as_hr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(photograph(1, 120, 150), tmp_path / "photos/sharp.png")
    blurred = gaussian_filter(photograph(2, 120, 150).astype(float), (3, 3, 0))
    save(blurred.astype(np.uint8), tmp_path / "photos/blurred.png")
    workspace = str(tmp_path / "w")
    found = check_images(
        str(tmp_path / "photos"), [], workspace, out=None, workers=1, as_json=True, open_=False
    )
    said = CurationSection.model_validate_json(capsys.readouterr().out)
    assert said == found
    assert said.hr is not None
    assert (said.hr.total, said.hr.worth_less) == (2, 1)
    first, second = said.hr.rows
    assert (first.name, second.name, second.verdicts) == ("blurred.png", "sharp.png", ())
    assert HrVerdict.DEFOCUSED in first.verdicts
    page = tmp_path / "w/runs/images/photos/index.html"
    assert "1 of 2 images may be worth less as HR" in page.read_text()
    assert (page.parent / first.picture).stat().st_size > 100


def test_a_build_drops_clean_images_only_on_request(tmp_path: Path) -> None:
    save(photograph(1, 120, 150), tmp_path / "photos/real/sharp.png")
    save(photograph(3, 120, 150), tmp_path / "photos/clean/sharp.png")
    blurred = gaussian_filter(photograph(2, 120, 150).astype(float), (3, 3, 0)).astype(np.uint8)
    save(blurred, tmp_path / "photos/clean/blurred.png")
    save(blurred[:, ::-1], tmp_path / "photos/real/blurred.png")

    def rejected(hr: dict[str, Any]) -> list[tuple[str, str]]:
        recipe = tiny_recipe(
            tmp_path / "photos", degraders=[{"kind": "bicubic"}], curation={"hr": hr}
        )
        made = make_stages(recipe, tmp_path / "w")
        images = made.images.manifest.rejected
        return [(Path(image.url).parent.name, str(image.reason)) for image in images]

    assert rejected({}) == []
    assert rejected({"drop": ["defocused"]}) == [("clean", "defocused")]
    assert rejected({"drop": ["defocused"], "max_defocus": 1.0}) == []


def test_chosen_tiles_reach_the_samples_and_the_counts(tmp_path: Path) -> None:
    folder_of(tmp_path)
    recipe = tiny_recipe(tmp_path / "photos", degraders=[{"kind": "bicubic"}])
    every = build(recipe, tmp_path / "w")
    half = build(recipe.with_(tiles={"size": 32, "keep": 0.5}), tmp_path / "w")
    counts = half.counts
    assert counts["tiles"] == round(every.counts["tiles"] / 2)
    assert counts["tiles_not_chosen"] == every.counts["tiles"] - counts["tiles"]
    assert "tiles_not_chosen" not in every.counts
    assert sum(half.identity.samples.values()) == counts["tiles"]
    assert half.identity.recipe["tiles"]["by"] == "complexity"
    assert "keep" not in every.identity.recipe["tiles"]


def test_a_check_of_nothing_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder or recipe"):
        check_images(str(tmp_path / "nowhere"), [], str(tmp_path), out=None, workers=1, open_=False)


def _shards(made: Any) -> list[Any]:
    recipe = made.recipe
    inputs = synthesize.Inputs(
        made.images.manifest,
        made.hr.manifest,
        (),
        recipe.seed,
        recipe.splits,
        recipe.shards,
        made.chosen.split_keys,
    )
    config = SynthesizeConfig(
        seed=recipe.seed,
        scale=recipe.scale,
        tile=recipe.tiles.size,
        samples_per_tile=1,
        degraders=recipe.degraders,
        pools=(),
    )
    return synthesize.STAGE.units(inputs, config)


def test_without_curation_a_version_is_what_it_was(tmp_path: Path) -> None:
    """Neither the key nor the credits stand in the identity of a recipe that uses neither."""
    save(scene(0), tmp_path / "photos/real/0.png")
    save(scene(1), tmp_path / "photos/clean/1.png")
    recipe = tiny_recipe(tmp_path / "photos", degraders=[{"kind": "bicubic"}], curation=None)
    made = make_stages(recipe, tmp_path / "w")
    value = identity_of(made).model_dump(mode="json")
    assert "credits" not in value
    assert "curation" not in value["recipe"]
    assert set(value["stages"]) == {"ingest", "clean_up", "synthesize"}
