"""Reproducing: equal digest from manifest and images; equal pixels with another encoder; a clear
word on what is missing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pairmill.pipeline.build.older_recipes import as_meant
from pairmill.pipeline.build.reproduce import reproduce
from pairmill.pipeline.corpora.diff import diff
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.shards.tar import read_members
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.diff import Outcome
from pairmill.schemas.errors import UserError
from pairmill.schemas.pdm import PdmConfig
from tests.support.make import Counting, Tiny, build, photograph, save, tiny_recipe
from tests.support.versions import PLAIN, Growing, bench


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Storage, CorpusManifest, Path]:
    """A corpus of clean images without pools, and its folder of images."""
    folder = tmp_path_factory.mktemp("plain")
    growing = Growing(folder / "photos", Storage(str(folder / "workspace")))
    growing.add(1, 2, 3, 4)
    return growing.storage, growing.build(), growing.folder


def test_a_default_of_pdm_that_changed_is_no_change_of_other_recipes(tmp_path: Path) -> None:
    """Its fits see 16 000 samples since then unless told; versions without one say 64 000."""
    growing = Growing(tmp_path / "photos", Storage(str(tmp_path / "workspace")))
    growing.add(1)
    manifest = growing.build(pdm={})
    assert PdmConfig().samples == 16_000
    assert manifest.identity.recipe["pdm"] == PdmConfig(samples=64_000).model_dump(mode="json")


def test_pools_and_all_come_out_equal(photographs: Path, tmp_path: Path) -> None:
    """Kernels and noise are estimated again, and the digest is the same; which photographs share a
    camera is taken as stages of then told it.
    """
    storage = Storage(str(tmp_path / "workspace"))
    degraders = [{"kind": "realsr", "weight": 3}, {"kind": "bicubic"}]
    manifest, counting = (
        build(tiny_recipe(photographs, degraders=degraders), storage.url),
        Counting(),
    )
    told = {"cluster_photographs": 1, **manifest.identity.stages}
    identity = manifest.identity.with_(stages=told)
    manifest = manifest.with_(identity=identity, digest=identity.content_digest())
    found = reproduce(storage, manifest, bench(tmp_path, watcher=counting))
    assert (found.outcome, found.digest) == (Outcome.IDENTICAL, manifest.digest)
    assert not found.from_pools
    assert found.notes == ()
    assert found.samples.equal == sum(manifest.identity.samples.values())
    assert found.shards.same == found.shards.new == len(manifest.shard_names)
    assert min(counting.computed.values()) > 0  # everything was made, nothing found


def test_from_the_pools_of_the_version(tiny: Tiny, tmp_path: Path) -> None:
    counting = Counting()
    found = reproduce(
        tiny.storage, tiny.manifest, bench(tmp_path, watcher=counting), from_pools=True
    )
    assert (found.outcome, found.digest) == (Outcome.IDENTICAL, tiny.manifest.digest)
    assert set(counting.computed) == {"ingest", "clean_up", "synthesize"}
    assert found.notes[-1] == "the pools of the version are used"


@pytest.mark.parametrize("change", [{"software": {"torch": "1.0"}}, {"platform": "Plan9 vax"}])
def test_fits_that_ran_elsewhere_are_not_tried(
    tiny: Tiny, tmp_path: Path, change: dict[str, Any]
) -> None:
    then = tiny.manifest.circumstance
    change = {"software": then.software | change["software"]} if "software" in change else change
    moved = tiny.manifest.with_(circumstance=then.with_(**change))
    found = reproduce(tiny.storage, moved, bench(tmp_path))
    assert found.from_pools
    assert found.outcome == Outcome.IDENTICAL
    assert "the fits ran" in found.notes[0]
    assert (
        reproduce(tiny.storage, moved, bench(tmp_path), from_pools=True).outcome
        == Outcome.IDENTICAL
    )


def test_another_encoder_gives_equal_pixels_and_says_so(
    plain: tuple[Storage, CorpusManifest, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shards are written with another compression, as by another build of the library."""
    import cv2

    storage, manifest, _ = plain
    monkeypatch.setattr(
        "pairmill.pipeline.shards.tar.encode", lambda image, _encoding: other_png(cv2, image)
    )
    found = reproduce(storage, manifest, bench(tmp_path))
    assert found.outcome == Outcome.PIXELS
    assert found.digest != manifest.digest
    assert (found.shards.same, found.shards.encoded) == (0, len(manifest.shard_names))
    assert found.samples.same
    assert found.samples.equal == sum(manifest.identity.samples.values())


def other_png(cv2: Any, image: NDArray[np.uint8]) -> bytes:
    return bytes(
        cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    )


def test_other_borders_between_shards_give_equal_pixels(
    plain: tuple[Storage, CorpusManifest, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pairmill.pipeline.shards.packing import pack

    storage, manifest, _ = plain
    monkeypatch.setattr(
        "pairmill.pipeline.stages.synthesize.pack", lambda parts, target: pack(parts, 2 * target)
    )
    found = reproduce(storage, manifest, bench(tmp_path))
    assert found.outcome == Outcome.PIXELS
    assert found.samples.same
    assert found.shards.new < found.shards.old


def test_another_draw_differs_and_says_in_what(
    plain: tuple[Storage, CorpusManifest, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, manifest, _ = plain
    monkeypatch.setattr(
        "pairmill.pipeline.ops.apply.OneHr.apply", lambda self, _: 255 - self._hr[::2, ::2]
    )
    found = reproduce(storage, manifest, bench(tmp_path))
    assert found.outcome == Outcome.DIFFERENT
    assert found.samples.fields == {"LR pixels": sum(manifest.identity.samples.values())}


def test_other_stage_versions_and_libraries_are_told(
    plain: tuple[Storage, CorpusManifest, Path], tmp_path: Path
) -> None:
    storage, manifest, _ = plain
    identity = manifest.identity.with_(stages=manifest.identity.stages | {"synthesize": 1})
    software = manifest.circumstance.software | {"pillow": "1.0"}
    old = manifest.with_(
        identity=identity,
        digest=identity.content_digest(),
        circumstance=manifest.circumstance.with_(software=software),
    )
    found = reproduce(storage, old, bench(tmp_path))
    assert found.outcome == Outcome.PIXELS
    assert any("stage synthesize was version 1" in note for note in found.notes)
    assert any("pillow was 1.0" in note for note in found.notes)


def test_missing_images_are_named_and_found_elsewhere(
    plain: tuple[Storage, CorpusManifest, Path], tmp_path: Path
) -> None:
    """One is gone, one has other pixels; both lie in another folder under other names, one as
    another format."""
    storage, manifest, folder = plain
    first, second = folder / "clean/1.png", folder / "clean/2.png"
    kept = {path: path.read_bytes() for path in (first, second)}
    elsewhere = tmp_path / "else where [1]"
    elsewhere.mkdir()
    with Image.open(first) as image:
        image.save(elsewhere / "renamed.bmp")
    (elsewhere / "x.png").write_bytes(second.read_bytes())
    save(photograph(99, 70, 70), elsewhere / "more.png")
    first.unlink()
    save(photograph(98, 97, 81), second)
    try:
        with pytest.raises(
            UserError, match="2 of 4 images of this version cannot be found"
        ) as caught:
            reproduce(storage, manifest, bench(tmp_path))
        assert f"{first} (clean" in caught.value.got
        assert "gone" in caught.value.got
        assert "other pixels" in caught.value.got
        assert "--images" in caught.value.todo
        found = reproduce(storage, manifest, bench(tmp_path), images=[str(elsewhere)])
        assert (found.outcome, found.digest) == (Outcome.IDENTICAL, manifest.digest)
    finally:
        for path, data in kept.items():
            path.write_bytes(data)


def test_all_images_gone(plain: tuple[Storage, CorpusManifest, Path], tmp_path: Path) -> None:
    storage, manifest, folder = plain
    moved = folder.rename(folder.with_name("moved"))
    try:
        with pytest.raises(UserError, match="4 of 4 images"):
            reproduce(storage, manifest, bench(tmp_path))
        assert (
            reproduce(storage, manifest, bench(tmp_path), images=[f"{moved}/**/*.png"]).outcome
            == Outcome.IDENTICAL
        )
    finally:
        moved.rename(folder)


def test_a_version_without_a_list_of_sources_or_with_an_unknown_recipe(
    tiny_copy: Tiny, tmp_path: Path
) -> None:
    identity = tiny_copy.manifest.identity
    newer = tiny_copy.manifest.with_(
        identity=identity.with_(recipe=identity.recipe | {"sparkle": 1})
    )
    with pytest.raises(UserError, match="unknown to") as caught:
        reproduce(tiny_copy.storage, newer, bench(tmp_path))
    assert "sparkle" in caught.value.got
    (tiny_copy.version / "sources.json").unlink()
    with pytest.raises(UserError, match="does not record"):
        reproduce(tiny_copy.storage, tiny_copy.manifest, bench(tmp_path))


def members(storage: Storage, manifest: CorpusManifest) -> dict[str, str]:
    """Digest of the bytes of every sample."""
    found: dict[str, str] = {}
    for name in manifest.shard_names:
        with storage.open(
            layout.shard_path(manifest.identity.name, manifest.version, name)
        ) as file:
            for key, fields in read_members(file):
                found[key] = hashlib.sha256(
                    b"".join(fields[field] for field in sorted(fields))
                ).hexdigest()
    return found


def test_with_pinned_pools_old_samples_keep_their_bytes(
    photographs: Path, tiny: Tiny, tmp_path: Path
) -> None:
    """New real images would give other pools, hence other draws; with the pools of the old version
    only new samples are new."""
    storage = Storage(str(tmp_path / "workspace"))
    settings = {"splits": {"train": 1, "val": 0}, "degraders": [{"kind": "realsr"}]}
    old = build(tiny_recipe(photographs, **settings), storage.url)
    save(photograph(7, 111, 93), tmp_path / "more/7.png")
    grown = {"real": [f"{photographs}/real", f"{tmp_path}/more"], "clean": [f"{photographs}/clean"]}
    counting = Counting()
    new = build(
        tiny_recipe(photographs, images=grown, pools_from=f"tiny@{old.version}", **settings),
        storage.url,
        watcher=counting,
    )
    assert set(counting.computed) == {"ingest", "clean_up", "synthesize"}
    assert new.identity.pools == old.identity.pools
    found = diff(storage, old, new)
    assert (found.samples.changed, found.samples.removed, found.samples.equal) == (
        0,
        0,
        sum(old.identity.samples.values()),
    )
    before, after = members(storage, old), members(storage, new)
    assert {key: after[key] for key in before} == before
    assert found.samples.added == len(after) - len(before) > 0
    assert found.recipe == ()  # which version they came from is no matter, what they are is
    assert verify(storage, new).ok
    assert {row.key for row in read_table(storage, new)} == set(after)
    assert reproduce(storage, new, bench(tmp_path)).outcome == Outcome.IDENTICAL


def test_pools_that_do_not_fit_are_refused(
    plain: tuple[Storage, CorpusManifest, Path], photographs: Path
) -> None:
    storage, _, folder = plain
    with pytest.raises(UserError, match="has no pool of kernels, which the recipe"):
        _build(storage, tiny_recipe(photographs, degraders=[{"kind": "realsr"}], pools_from="tiny"))
    other = tiny_recipe(
        folder,
        **PLAIN | {"images": {"clean": [f"{folder}/clean"]}, "scale": 4, "pools_from": "tiny"},
    )
    with pytest.raises(UserError, match="another scale"):
        _build(storage, other)
    with pytest.raises(UserError, match="no corpus"):
        _build(storage, tiny_recipe(photographs, pools_from="nothing"))


def _build(storage: Storage, recipe: Any) -> None:
    build(recipe, storage.url)


def test_of_before_there_was_matlabs_bicubic(tmp_path: Path) -> None:
    """Its recipe says nothing of a form and means floating point: recipes of now mean MATLAB's."""
    custom = {"kind": "custom", "ops": [{"op": "bicubic_down", "scale": 2}]}
    growing = Growing(tmp_path / "photos", Storage(str(tmp_path / "workspace")))
    growing.add(1, 2)
    degraders = as_meant({"degraders": [{"kind": "bicubic"}, custom], "shards": {}})["degraders"]
    manifest = growing.build(degraders=degraders)
    recipe = manifest.identity.recipe
    silent = [_without_form(degrader) for degrader in recipe["degraders"]]
    assert silent != recipe["degraders"]
    identity = manifest.identity.with_(recipe=recipe | {"degraders": silent})
    before = manifest.with_(identity=identity, digest=identity.content_digest())
    found = reproduce(growing.storage, before, bench(tmp_path))
    assert (found.outcome, found.digest) == (Outcome.IDENTICAL, before.digest)
    now = growing.build(degraders=silent)
    assert now.identity.shards != manifest.identity.shards


def _without_form(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_form(part) for key, part in value.items() if key != "form"}
    return [_without_form(part) for part in value] if isinstance(value, list) else value
