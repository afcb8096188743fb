"""Realism of the degraders of a corpus: in the report, on demand, and never in the version."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from pairmill.flows.cli.main import app
from pairmill.flows.rows import matrix_rows
from pairmill.pipeline.build.identity import identity_of
from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.corpora.samples import Row, some_pairs, table_rows
from pairmill.pipeline.images.encode import decode_png
from pairmill.pipeline.report.page import page
from pairmill.pipeline.report.realism import realism_html
from pairmill.pipeline.report.realism_card import card_html
from pairmill.pipeline.report.realism_card_rows import groups_of_rows, without_noise
from pairmill.pipeline.report.realism_rows import find_photographs, spread_rows, window
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import circumstance
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, PoolRef
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.groups import GroupRecord, GroupSource, RowGroups
from pairmill.schemas.program import Program
from pairmill.schemas.realism import RealismReport, RealismResult, RealismRow, RealismSection
from pairmill.schemas.realism_card import CardRow, CrossCamera, RealismCard, Score
from pairmill.schemas.report import ReportData
from tests.support.make import Tiny, make_stages, save, tiny_recipe


def landscape(seed: int, side: int = 208) -> np.ndarray:
    """Shapes of all sizes alike, as in nature, so that a downscaled image has the content of
    others; with noise."""
    rng = np.random.default_rng([11, seed])
    layers = [
        gaussian_filter(rng.standard_normal((side, side, 1)), (s, s, 0), mode="wrap") * s
        for s in (1, 2, 4, 8, 16)
    ]
    values = 120 + 40 * np.sum(layers, axis=0) + rng.normal(0, 6, (side, side, 3))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Storage, BuildResult, CorpusManifest]:
    """A corpus of eight noisy photos, bicubic alone, whose report measures realism without the
    network."""
    folder = tmp_path_factory.mktemp("realism")
    for seed in range(8):
        save(landscape(seed), folder / f"real/{seed}.png")
    recipe = tiny_recipe(
        folder,
        images={"real": [str(folder / "real")]},
        degraders=[{"kind": "bicubic"}],
        tiles={"size": 64, "stride": 16},
        realism={"patches": 220, "folds": 3, "network": False},
    )
    workspace = folder / "workspace"
    made = make_stages(recipe, workspace)
    manifest = publish(
        made,
        Profile(str(workspace)),
        circumstance("2026-01-01T00:00:00Z", "tests", "", ()),
        write_report,
    )
    return Storage(str(workspace)), made, manifest


def report_of(built: tuple[Storage, BuildResult, CorpusManifest]) -> ReportData:
    storage, _, manifest = built
    folder = layout.version_folder(manifest.identity.name, manifest.version)
    return ReportData.model_validate_json(storage.read(f"{folder}/report/report.json"))


def test_report_ranks_degraders_before_controls(
    built: tuple[Storage, BuildResult, CorpusManifest],
) -> None:
    section = report_of(built).realism
    assert section is not None
    assert [(row.name, row.control) for row in section.rows] == [
        ("bicubic", False),
        ("bicubic against real", True),
        ("real against real", True),
    ]
    assert section.photographs == 8
    assert section.patch == 32
    bicubic, control, real = (row.result for row in section.rows)
    assert bicubic.auc is not None
    assert bicubic.auc > 0.9
    assert control.auc is not None
    assert control.auc > 0.9
    assert real.interval is not None
    assert real.interval[0] < 0.5 < real.interval[1]
    assert bicubic.real is not None
    assert bicubic.synthetic is not None
    assert bicubic.real.residual_std[1] > bicubic.synthetic.residual_std[1]


def test_picture_shows_pairs_of_patches(built: tuple[Storage, BuildResult, CorpusManifest]) -> None:
    storage, _, manifest = built
    section = report_of(built).realism
    assert section is not None
    folder = layout.version_folder(manifest.identity.name, manifest.version)
    picture = decode_png(storage.read(f"{folder}/report/{section.rows[0].picture}"))
    assert picture.shape[0] == 128
    assert picture.shape[1] % 64 == 0
    assert 64 * section.rows[0].side == section.patch * picture.shape[1]
    assert 'id="realism"' in page(report_of(built))


def test_realism_is_no_part_of_the_version(
    built: tuple[Storage, BuildResult, CorpusManifest],
) -> None:
    _, made, manifest = built
    other = replace(made, recipe=made.recipe.with_(realism={"enabled": False, "seed": 9}))
    assert identity_of(other) == manifest.identity
    assert "realism" not in manifest.identity.recipe


def test_command_writes_numbers_and_a_page(
    built: tuple[Storage, BuildResult, CorpusManifest],
) -> None:
    storage, _, manifest = built
    before = storage.read(layout.corpus_manifest("tiny", manifest.version))
    options = ["--workspace", storage.url, "--patches", "220", "--folds", "3", "--no-network"]
    done = CliRunner().invoke(app, ["corpus", "realism", "tiny", *options], catch_exceptions=False)
    assert done.exit_code == 0
    assert "bicubic against" in done.stdout
    folder = (
        Path(storage.url) / layout.version_folder("tiny", manifest.version) / "report" / "realism"
    )
    report = RealismReport.model_validate(json.loads((folder / "realism.json").read_text()))
    assert report.section == report_of(built).realism  # the same settings as the build
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert all(
        f'src="{row.picture}"' in text and (folder / row.picture).exists()
        for row in report.section.rows
        if row.picture
    )
    assert storage.read(layout.corpus_manifest("tiny", manifest.version)) == before


def test_scores_of_papers_are_in_the_report_and_on_the_page(
    built: tuple[Storage, BuildResult, CorpusManifest],
) -> None:
    section = report_of(built).realism
    assert section is not None
    assert section.card is not None
    card = section.card
    assert card.feature == "pairmill-patch-32/1"
    assert [(row.name, row.control) for row in card.rows] == [
        ("bicubic", False),
        ("bicubic against real", True),
        ("real against real", True),
    ]
    bicubic, _, control = card.rows
    assert bicubic.kid is not None
    assert bicubic.kid.interval is not None
    assert bicubic.kid.interval[0] > 0.2
    assert bicubic.spectrum is not None
    assert bicubic.spectrum.value > 3
    assert control.control
    assert card.cross is None  # one group
    html = page(report_of(built))
    assert "Scores of papers" in html
    assert "AKLD of noise" in html
    assert "Cameras against one another" not in html


def test_command_prints_json_alone_and_leaves_out_the_card(
    built: tuple[Storage, BuildResult, CorpusManifest],
) -> None:
    storage, _, _ = built
    options = ["--workspace", storage.url, "--patches", "100", "--folds", "2", "--no-network"]
    command = ["corpus", "realism", "tiny", *options, "--no-card", "--json"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    report = RealismReport.model_validate_json(done.stdout)
    assert report.section.rows
    assert report.section.card is None
    with pytest.raises(UserError, match="cannot be read"):
        CliRunner().invoke(
            app,
            ["corpus", "realism", "tiny", "--workspace", storage.url, "--inception", "no.pth"],
            catch_exceptions=False,
        )


def test_matrix_of_cameras_is_shown() -> None:
    def of(value: float) -> Score:
        return Score(value=value, interval=(value - 0.1, value))

    cross = CrossCamera(
        groups=("phone", "<old>"),
        photographs=(9, 12),
        lr=((of(0.6), of(1.0)), (None, of(0.7))),
        control=((of(0.5), of(0.99)), (of(0.99), None)),
    )
    row = CardRow(name="realsr", group="phone", problems={"akld": "needs 100 flat blocks"})
    html = card_html(RealismCard(feature="f/1", rows=(row,), cross=cross))
    assert html.count('class="own"') == 3  # the fourth has no number
    assert "&lt;old&gt; (12 photos)" in html
    assert "realsr, phone: needs 100 flat blocks" in html
    rows = matrix_rows(cross)
    assert rows[0] == ["phone", "60 %", "100 %"]
    assert rows[1] == ["<old>", "", "70 %"]


def test_programs_lose_their_noise_and_tell_their_group(
    tiny: Tiny,
) -> None:
    rows = list(table_rows(tiny.storage, tiny.manifest, [0], 100))
    programs = [Program.model_validate_json(row.program) for row in rows]
    found = next(p for p in programs if any(op.op == "inject" for op in p.ops))
    plain = without_noise(found)
    assert plain is not None
    assert [op for op in found.ops if op.op != "inject"] == list(plain.ops)
    assert without_noise(plain) is None
    assert groups_of_rows(rows, tiny.manifest) == {}  # one group: pools name none


def test_samples_are_told_by_the_group_that_their_program_draws_from() -> None:
    kernels = PoolRef(
        kind="kernels",
        digest="a" * 64,
        count=3,
        side=17,
        groups=RowGroups(rows=(0, 1, 1), photographs=(4, 5)),
    )
    groups = tuple(
        GroupRecord(name=name, source=GroupSource.NAMES, photographs=4) for name in ("x", "y")
    )
    manifest = cast(
        CorpusManifest,
        SimpleNamespace(identity=SimpleNamespace(pools=(kernels,)), groups=groups),
    )

    def row(key: str, *ops: dict[str, object]) -> Row:
        return Row(key, "train", "s", "realsr", key, json.dumps({"scale": 2, "ops": ops}))

    blur = {"op": "pooled_blur", "pool": "a" * 64}
    places = [{"index": 1}, {"index": 2}]
    rows = [
        row("first", {**blur, "index": 0}),
        row("second", {**blur, "index": 2}, {"op": "clip"}),
        row("both", {**blur, "index": 0}, {**blur, "index": 1}),
        row("none", {"op": "bicubic_down"}),
        row("noise", {"op": "inject", "pool": "a" * 64, "placements": places}),
    ]
    found = groups_of_rows(rows, manifest)
    assert {name: [row.key for row in chosen] for name, chosen in found.items()} == {
        "x": ["first"],
        "y": ["second", "noise"],
    }


def test_photographs_can_be_named_and_must_be_there(
    built: tuple[Storage, BuildResult, CorpusManifest], tmp_path: Path
) -> None:
    storage, made, manifest = built
    assert find_photographs(storage, manifest) == made.images.manifest.accepted
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    for options, what in (
        (["--real", str(tmp_path)], "no photo is usable"),
        (["--patch", "20"], "--patch has an invalid value"),
    ):
        with pytest.raises(UserError, match=what):
            CliRunner().invoke(
                app,
                ["corpus", "realism", "tiny", "--workspace", storage.url, *options],
                catch_exceptions=False,
            )


@pytest.mark.parametrize("left", [0.3, 0.0])
def test_a_cut_shard_is_a_clear_error(tiny: Tiny, left: float, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(tiny.workspace, tmp_path / "w"))
    shard = workspace / layout.shard_path(
        "tiny", tiny.manifest.version, tiny.manifest.shard_names[0]
    )
    data = shard.read_bytes()
    shard.unlink()
    shard.write_bytes(data[: int(left * len(data)) // 512 * 512] + bytes(1024) * (left == 0))
    with pytest.raises(
        IntegrityError, match=r"a sample cannot be read[\s\S]*pairmill corpus verify"
    ):
        some_pairs(Storage(str(workspace)), tiny.manifest, 10**6)


def test_small_tiles_are_said_to_be_too_small_or_photographs_too_few(tiny: Tiny) -> None:
    data = ReportData.model_validate_json((tiny.version / "report" / "report.json").read_text())
    assert data.realism is not None
    assert data.realism.rows == ()
    assert "2 could be read" in data.realism.problem
    assert "Realism was not measured: 4 real photos or more are needed" in realism_html(
        data.realism
    )


def test_unmeasured_rows_say_why() -> None:
    measured = RealismResult(auc=0.7, interval=(0.6, 0.8), patches=90, images=8)
    rows = (
        RealismRow(name="good", control=False, samples=9, result=measured),
        RealismRow(
            name="<rare>", control=False, samples=1, result=RealismResult(problem="needs more")
        ),
    )
    html = realism_html(RealismSection(patch=32, photographs=8, rows=rows))
    assert "not measured: needs more" in html
    assert "&lt;rare&gt;" in html
    assert "60 – 80 %" in html


def test_words_follow_the_area() -> None:
    def words(auc: float, low: float) -> str:
        return RealismResult(auc=auc, interval=(low, 1.0)).words()

    assert [
        words(0.45, 0.3),
        words(0.58, 0.52),
        words(0.75, 0.6),
        words(0.9, 0.8),
        words(0.99, 0.98),
    ] == [
        "indistinguishable from real",
        "nearly real",
        "sometimes distinguishable from real",
        "often distinguishable from real",
        "almost always distinguishable from real",
    ]
    assert RealismResult(auc=0.3, interval=(0.2, 0.4)).distance == 0.0


def test_rows_are_spread_over_images() -> None:
    rows = [
        Row(f"{image}-{n}", "train", "shard", "realsr", image, "")
        for image in "abc"
        for n in range(9)
    ]
    chosen = spread_rows(rows, 7)
    assert sorted([row.image for row in chosen].count(image) for image in "abc") == [2, 2, 3]
    assert spread_rows(rows[::-1], 7) == chosen


def test_window_of_a_large_photograph_is_on_the_grid() -> None:
    image = np.zeros((1500, 1100, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(1500)[:, None] // 8 % 256, np.arange(1100)[None] // 8
    part = window(image, "a", 0)
    assert part.shape == (1024, 1024, 3)
    assert (part[:8, :8, :2] == part[0, 0, :2]).all()
    assert window(image[:90, :70], "a", 0).shape == (90, 70, 3)
