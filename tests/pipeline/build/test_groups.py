"""Groups of photographs through a whole build: named by the recipe, told by EXIF, kept in the
version, shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pairmill.flows import terminal
from pairmill.flows.cli.image_check import check_images
from pairmill.flows.cli.pool_tables import show_pools
from pairmill.pipeline.build.publish import sealed_version
from pairmill.pipeline.build.reproduce import reproduce
from pairmill.pipeline.corpora.diff import read_sources
from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.preview.pool_items import sealed_pools
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, PoolRef
from pairmill.schemas.diff import Outcome
from pairmill.schemas.errors import UserError
from pairmill.schemas.groups import GroupSource, PhotographGroups, RowGroups
from pairmill.schemas.ops.camera import Process
from pairmill.schemas.ops.pooled import Inject, InjectByLevel, PooledBlur, PooledJpeg
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe
from tests.support.make import Counting, build, make_stages, photograph, save, tiny_recipe
from tests.support.versions import bench

REALSR = [{"kind": "realsr"}]


@dataclass(frozen=True)
class Built:
    folder: Path
    recipe: Recipe
    manifest: CorpusManifest

    @property
    def storage(self) -> Storage:
        return Storage(str(self.folder / "w"))


def recipe_of(folder: Path, real: Any, **changes: Any) -> Recipe:
    images = {"real": real, "clean": [f"{folder}/clean"]}
    return tiny_recipe(folder, images=images, degraders=REALSR, **changes)


def named(folder: Path, first: str = "phone", second: str = "compact") -> dict[str, Any]:
    return {first: f"{folder}/phone/*.jpg", second: [f"{folder}/compact"]}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Two JPEGs of a phone, three PNGs of another camera; no EXIF."""
    folder = tmp_path_factory.mktemp("groups")
    for seed in range(5):
        place = folder / ("phone" if seed < 2 else "compact") / f"{seed}.png"
        save(photograph(seed, 97, 121 + seed, noise=2.0 + 3 * (seed < 2)), place)
        if seed < 2:
            with Image.open(place) as image:
                image.save(place.with_suffix(".jpg"), quality=80)
            place.unlink()
    for seed in (10, 11):
        save(photograph(seed, 131, 133, noise=0), folder / f"clean/{seed}.png")
    recipe = recipe_of(folder, named(folder))
    return Built(folder, recipe, build(recipe, folder / "w"))


def pools(manifest: CorpusManifest) -> dict[str, PoolRef]:
    return {ref.digest: ref for ref in manifest.identity.pools}


def groups_of(program: Program, known: dict[str, PoolRef]) -> set[int]:
    """Numbers of all groups that a program takes rows from."""
    found = set[int]()
    for op in program.ops:
        if isinstance(op, PooledBlur | PooledJpeg):
            rows = [op.index]
        elif isinstance(op, Inject | InjectByLevel):
            rows = [place.index for place in op.placements]
        else:
            continue
        groups = known[op.pool].groups
        assert groups is not None
        found |= {groups.rows[row] for row in rows}
    return found


def test_every_sample_takes_all_from_one_group(built: Built) -> None:
    known = pools(built.manifest)
    numbers = [
        groups_of(Program.model_validate_json(row.program), known)
        for row in read_table(built.storage, built.manifest)
    ]
    assert all(len(found) == 1 for found in numbers)
    assert len(set(map(frozenset, numbers))) == 2


def test_the_version_says_which_groups_there_are(built: Built) -> None:
    records = {record.name: record for record in built.manifest.groups}
    assert {name: record.photographs for name, record in records.items()} == {
        "phone": 2,
        "compact": 3,
    }
    assert {record.source for record in records.values()} == {GroupSource.NAMES}
    assert built.manifest.counts["groups"] == 2
    order = [record.name for record in built.manifest.groups]
    for ref in built.manifest.identity.pools:
        assert ref.groups is not None
        assert len(ref.groups.rows) == ref.count
        assert ref.groups.photographs == tuple(records[name].photographs for name in order)
    [compression] = [ref for ref in built.manifest.identity.pools if ref.kind == "compression"]
    assert compression.groups is not None
    assert dict(zip(order, compression.groups.shares, strict=True)) == {"phone": 1, "compact": 0}
    sources = read_sources(built.storage, built.manifest)
    assert sources is not None
    assert {image.group for image in sources.images} == {"phone", "compact", ""}  # clean ones


def test_other_names_for_the_same_groups_change_nothing(built: Built) -> None:
    counting = Counting()
    recipe = built.recipe.with_(
        images=built.recipe.images.with_(real=named(built.folder, "one", "two"))
    )
    made = make_stages(recipe, built.folder / "w", watcher=counting)
    assert set(counting.computed.values()) == {0}
    found = sealed_version(built.storage, made)
    assert found is not None
    assert found.version == built.manifest.version


def test_one_group_is_what_there_was_before_there_were_groups(built: Built) -> None:
    """Whether the recipe names none, or says that all are one; the pools are the same, too, but for
    how noise follows level, which is measured on each group.
    """
    real = [f"{built.folder}/phone/*.jpg", f"{built.folder}/compact"]
    recipes = [
        recipe_of(built.folder, real),
        recipe_of(built.folder, named(built.folder), groups={"by": "one"}),
        recipe_of(built.folder, named(built.folder), groups={"by": "exif"}),
    ]
    made = [make_stages(recipe, built.folder / "w") for recipe in recipes]
    for one in made:
        assert one.pools == made[0].pools
        assert all("groups" not in ref.model_dump() for ref, _ in one.pools)
        assert one.shards == made[0].shards or one.shards.key == made[0].shards.key
    whole, divided = (
        {ref.kind: ref.digest for ref in refs}
        for refs in ((ref for ref, _ in made[0].pools), built.manifest.identity.pools)
    )
    assert whole.pop("noise_levels") != divided.pop("noise_levels")
    assert whole.pop("noise_choice") != divided.pop("noise_choice")
    assert whole == divided


def test_pinned_pools_keep_their_groups(built: Built) -> None:
    reference = f"tiny@{built.manifest.version}"
    recipe = built.recipe.with_(name="pinned", pools_from=reference)
    manifest = build(recipe, built.folder / "w")
    assert manifest.identity.pools == built.manifest.identity.pools
    assert manifest.groups == built.manifest.groups
    assert [shard.pixel_sha256 for shard in manifest.identity.shards] == [
        shard.pixel_sha256 for shard in built.manifest.identity.shards
    ]


def test_a_version_comes_out_again_with_its_groups(built: Built, tmp_path: Path) -> None:
    found = reproduce(built.storage, built.manifest, bench(tmp_path))
    assert (found.outcome, found.digest) == (Outcome.IDENTICAL, built.manifest.digest)


def test_a_preview_draws_from_the_groups(built: Built) -> None:
    found = sealed_pools(built.recipe, "/", built.storage)
    for kind, pool in found.items():
        assert pool is not None, kind
        assert isinstance(pool.info.groups, RowGroups)
    refs = {ref.kind: ref for ref in built.manifest.identity.pools}
    for kind in ("noise_levels", "noise_choice"):
        pool = found[kind]
        assert pool is not None
        assert (pool.info.raw, pool.info.ways) == (refs[kind].raw, refs[kind].ways)
    assert refs["noise_choice"].ways is not None


def test_noise_on_the_sensor_is_that_of_the_group(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"name": "raw", "degraders": [{"kind": "realsr", "noise": "raw"}]}
    recipe = Recipe.model_validate(built.recipe.model_dump() | changes)
    manifest = build(recipe, built.folder / "w")
    (sensors,) = [ref.raw for ref in manifest.identity.pools if ref.raw is not None]
    assert len(sensors) == 2
    rows, known = list(read_table(built.storage, manifest)), pools(manifest)
    for row in rows:
        program = Program.model_validate_json(row.program)
        (group,) = groups_of(program, known)
        development = next(op for op in program.ops if isinstance(op, Process))
        assert development.red_gain == sensors[group].red_gain
    assert verify(built.storage, manifest).ok
    wanted = find_samples(built.storage, manifest, [rows[0].key])
    assert next(replay(built.storage, manifest, wanted)).identical
    path = built.folder / "raw.yaml"
    path.write_text(recipe.model_dump_json())
    show_pools(str(path), built.storage.url)
    out = " ".join(capsys.readouterr().out.split())
    assert "how noise hangs together" in out
    assert "on the sensor: shot" in out


def test_pools_without_a_sensor_s_noise_cannot_be_drawn_from(built: Built) -> None:
    by_level = [{"kind": "realsr", "noise": "by_level"}]
    without = built.recipe.model_dump() | {"name": "without", "degraders": by_level}
    manifest = build(Recipe.model_validate(without), built.folder / "w")
    assert all(ref.raw is None and ref.ways is None for ref in manifest.identity.pools)
    recipe = Recipe.model_validate(
        built.recipe.model_dump()
        | {
            "name": "raw-pinned",
            "degraders": [{"kind": "realsr", "noise": "raw"}],
            "pools_from": f"without@{manifest.version}",
        }
    )
    with pytest.raises(UserError, match="no noise was fitted on a sensor"):
        build(recipe, built.folder / "w")


def test_groups_are_shown(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    folder = layout.version_folder(built.manifest.identity.name, built.manifest.version)
    page = built.storage.read(f"{folder}/report/index.html").decode()
    assert "The real images come from 2 cameras." in page
    path = built.folder / "tiny.yaml"
    path.write_text(built.recipe.model_dump_json())
    show_pools(str(path), built.storage.url)
    out = " ".join(capsys.readouterr().out.split())
    assert "2 groups of photographs; a sample takes all from one" in out
    assert "compact" in out
    check_images(str(path), [], built.storage.url, out=None, workers=1, open_=False)
    assert "cameras" in capsys.readouterr().out
    terminal.built(built.manifest, folder, built.storage.url, fresh=True)
    assert "2 groups of photographs" in " ".join(capsys.readouterr().out.split())


def test_photographs_of_two_cameras_are_told_by_their_exif(built: Built, tmp_path: Path) -> None:
    for number, path in enumerate(sorted(built.folder.glob("*/[0-4].*"))):
        exif = Image.Exif()
        exif[271], exif[272] = ("Apple", "iPhone 12") if number % 2 else ("SONY", "DSC-1")
        (tmp_path / "real").mkdir(exist_ok=True)
        with Image.open(path) as image:
            image.save(tmp_path / f"real/{number}.png", exif=exif)
    recipe = recipe_of(built.folder, f"{tmp_path}/real", groups={"min_photographs": 2})
    groups = make_stages(recipe, built.folder / "w").groups
    assert isinstance(groups, PhotographGroups)
    assert {(group.name, len(group.photographs)) for group in groups.groups} == {
        ("apple-iphone-12", 2),
        ("sony-dsc-1", 3),
    }
    few = make_stages(recipe.with_(groups={}), built.folder / "w").groups
    assert few is not None
    assert [group.name for group in few.groups] == ["various"]


@pytest.mark.parametrize(
    ("real", "said"),
    [
        ({"phone": "phone", "none": "nothing/*.jpg"}, "images.real.none[0]"),
        ({"phone": "phone", "other": "phone/0.jpg"}, "which phone and other name"),
        ({"phone": "phone", "tables": "tables"}, "images.real.tables"),
    ],
)
def test_what_is_wrong_with_a_group_is_said(built: Built, real: Any, said: str) -> None:
    (built.folder / "tables").mkdir(exist_ok=True)
    (built.folder / "tables/attribution.csv").write_text("file,licence\n")
    absolute = {name: f"{built.folder}/{pattern}" for name, pattern in real.items()}
    with pytest.raises(UserError) as error:
        make_stages(recipe_of(built.folder, absolute), built.folder / "w")
    assert said in f"{error.value.where} {error.value.got}"
