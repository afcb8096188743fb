"""The report of a small corpus: what it shows, what it caps, and that nothing in it can bite."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.corpora.samples import Row, choose_rows, choose_shards
from pairmill.pipeline.html import charts
from pairmill.pipeline.html.captions import wrapped
from pairmill.pipeline.html.markup import el, number, of, size, text
from pairmill.pipeline.html.pictures import busiest, heat, stretched, strip, thumbnail
from pairmill.pipeline.html.text import file_name, plain
from pairmill.pipeline.images.encode import decode_png
from pairmill.pipeline.report.contact_sheet import LARGEST, contact_sheet
from pairmill.pipeline.report.noise import mean_spectrum
from pairmill.pipeline.report.page import page
from pairmill.pipeline.report.pairs import WIDE, filling_side
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.subset import evenly, histogram, in_turn
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import circumstance
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.ops.pooled import Inject, Placement, PooledBlur
from pairmill.schemas.ops.resize import BicubicDown, Quantise, Subsample
from pairmill.schemas.program import Program
from pairmill.schemas.provenance import StageTiming
from pairmill.schemas.report import ReportData
from tests.support.make import make_stages, photograph, save, tiny_recipe

HOSTILE = "<img src=x onerror=alert(1)> \"'&\u202egnp.png"
ANY_NOISE = {
    "patch": 16,
    "max_variance": 400,
    "min_variance": 0,
    "max_blank": 1,
    "max_clipped": 1,
    "max_inconsistency": 1e9,
    "max_structure": 1e9,
    "max_unlike": 1e9,
    "max_coherence": 1e9,
    "max_periodicity": 1e9,
    "max_outlier": 1e9,
    "max_correlation": 1,
}


def build(folder: Path, **changes: Any) -> tuple[Storage, BuildResult, CorpusManifest]:
    """A small corpus, sealed with its report."""
    workspace = str(folder / "workspace")
    made = make_stages(
        tiny_recipe(folder, noise=ANY_NOISE, shards={"samples": 20}, **changes), workspace
    )
    timings = (StageTiming(stage="ingest", units=3, computed=2, seconds=0.25),)
    manifest = publish(
        made,
        Profile(workspace),
        circumstance("2026-01-01T00:00:00Z", "1 local worker", "", timings),
        write_report,
    )
    return Storage(workspace), made, manifest


def report_folder(storage: Storage, manifest: CorpusManifest) -> Path:
    return Path(
        storage.path(f"{layout.version_folder(manifest.identity.name, manifest.version)}/report")
    )


def data_of(folder: Path) -> ReportData:
    return ReportData.model_validate_json((folder / "report.json").read_bytes())


def make_photographs(folder: Path) -> None:
    for seed, name in enumerate(["photo-0.png", "photo-1.png", HOSTILE]):
        save(photograph(seed, 141, 133), folder / name)
    (folder / "broken <script>.jpg").write_bytes(b"\xff\xd8\xff not a picture")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Storage, BuildResult, CorpusManifest]:
    """Pairs by both degraders, from three real photos and one clean one, with a broken
    file."""
    folder = tmp_path_factory.mktemp("report")
    make_photographs(folder / "real")
    save(photograph(7, 101, 103, noise=0), folder / "clean" / "sharp.png")
    return build(folder)


@pytest.fixture(scope="module")
def folder(corpus: tuple[Storage, BuildResult, CorpusManifest]) -> Path:
    return report_folder(corpus[0], corpus[2])


class Links(HTMLParser):
    """Collects all that a page refers to, and checks that elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.files: set[str] = set()
        self.ids: set[str] = set()
        self.tags: list[str] = []
        self.seen: set[str] = set()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.seen.add(tag)
        self.files |= {
            value for key in ("src", "href", "data", "poster") if (value := values.get(key))
        }
        self.ids |= {values["id"] or ""} if "id" in values else set()
        self.handlers += [key for key in values if key.startswith("on")]
        if tag == "img":
            assert values["alt"], values
        if tag not in {"img", "input", "meta", "link", "br"}:
            self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.tags.pop() == tag


def parsed(folder: Path) -> Links:
    links = Links()
    links.feed((folder / "index.html").read_text(encoding="utf-8"))
    assert links.tags == []
    return links


def test_page_needs_nothing_but_the_pictures_beside_it(folder: Path) -> None:
    links = parsed(folder)
    anchors = {link[1:] for link in links.files if link.startswith("#")}
    pictures = {link for link in links.files if not link.startswith(("#", "data:"))}
    assert anchors <= links.ids
    assert {"pairs", "kernels", "noise", "images", "distributions", "making"} <= anchors
    assert pictures == {f"img/{path.name}" for path in (folder / "img").iterdir()}
    assert not re.search(
        r"https?://", (folder / "index.html").read_text().replace("http://www.w3.org", "")
    )


def test_hostile_file_names_stay_text(folder: Path) -> None:
    links = parsed(folder)
    page_text = (folder / "index.html").read_text(encoding="utf-8")
    assert links.handlers == []
    assert "&lt;img src=x onerror=alert(1)&gt;" in page_text
    assert "\u202e" not in page_text
    assert page_text.count("<script>") == 1
    assert "broken &lt;script&gt;.jpg" in page_text


def test_a_report_does_not_tell_whose_machine_it_was(
    corpus: tuple[Storage, BuildResult, CorpusManifest], folder: Path
) -> None:
    """Neither its name nor where the photos lay; the rejected file is named below the folder
    of all."""
    _, made, manifest = corpus
    (rejected,) = made.images.manifest.rejected
    place = rejected.url.partition("/real/")[0].rpartition("/")[0]
    assert len(place) > 5
    for name in ("report.json", "index.html"):
        assert place not in (folder / name).read_text(encoding="utf-8")
    assert data_of(folder).making.circumstance.host == manifest.circumstance.host == ""
    assert not data_of(folder).images.rejected[0].url.startswith("/")


def test_numbers_agree_with_the_manifest(
    corpus: tuple[Storage, BuildResult, CorpusManifest], folder: Path
) -> None:
    _, made, manifest = corpus
    data = data_of(folder)
    assert data.head.version == manifest.version
    assert data.head.pairs == sum(manifest.identity.samples.values())
    assert {
        split: sum(counts.values()) for split, counts in data.spread.shares.items()
    } == manifest.identity.samples
    assert data.kernels is not None
    assert data.noise is not None
    assert len(data.kernels.shown) == len(made.sealed["kernels"].manifest.judged)
    assert data.kernels.accepted == manifest.counts["kernels"]
    assert data.noise.count == manifest.counts["noise_patches"]
    assert [record.url.rsplit("/", 1)[-1] for record in data.images.rejected] == [
        "broken <script>.jpg"
    ]
    assert data.spread.programs == data.head.pairs
    assert sum(data.spread.tiles.counts) == manifest.counts["images"]


def test_pairs_cover_splits_degraders_and_images(
    corpus: tuple[Storage, BuildResult, CorpusManifest], folder: Path
) -> None:
    shown = data_of(folder).pairs.shown
    assert {pair.split for pair in shown} == {"train", "val"}
    assert {pair.degrader for pair in shown} == set(corpus[2].identity.degraders)
    assert len({pair.source for pair in shown}) == corpus[2].counts["images"]
    assert (
        len({pair.key for pair in shown})
        == len(shown)
        == min(24, sum(corpus[2].identity.samples.values()))
    )
    assert all(pair.kernel.startswith("img/kernel-") for pair in shown if pair.degrader == "realsr")
    assert all(
        pair.kernel.startswith(("img/kernel-", "img/generated-"))
        for pair in shown
        if pair.degrader == "kmsr"
    )


def test_sample_crops_are_the_pixels_of_the_shard(
    corpus: tuple[Storage, BuildResult, CorpusManifest], folder: Path
) -> None:
    storage, _, manifest = corpus
    first = data_of(folder).pairs.shown[0]
    version = layout.version_folder("tiny", manifest.version)
    tars = b"".join(storage.read(f"{version}/shards/{name}") for name in manifest.shard_names)
    assert first.key.encode() in tars
    hr, lr = (decode_png((folder / name).read_bytes()) for name in (first.hr, first.lr))
    assert hr.shape == (32, 32, 3)  # the whole tile
    assert lr.shape == (16, 16, 3)
    assert (folder / first.bicubic).exists()


def test_report_is_a_function_of_its_data(folder: Path) -> None:
    data = data_of(folder)
    assert page(data) == (folder / "index.html").read_text(encoding="utf-8")
    assert json.loads((folder / "report.json").read_text())["format"] == "pairmill-report/1"


def test_writing_again_gives_the_same_bytes(
    corpus: tuple[Storage, BuildResult, CorpusManifest], folder: Path
) -> None:
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    write_report(*corpus)
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("without_cache")
def test_sources_that_are_gone_leave_no_picture(
    corpus: tuple[Storage, BuildResult, CorpusManifest], folder: Path
) -> None:
    storage, made, manifest = corpus
    clean = next(image for image in made.images.manifest.accepted if image.role == "clean")
    moved = clean.with_(url="/nowhere/moved.png")
    images = made.images.manifest.model_copy(
        update={
            "accepted": tuple(
                moved if image is clean else image for image in made.images.manifest.accepted
            )
        }
    )
    gone = BuildResult(**{**vars(made), "images": type(made.images)(made.images.key, images, 1, 0)})
    write_report(storage, gone, manifest)
    view = next(view for view in data_of(folder).images.shown if view.role == "clean")
    assert (view.thumbnail, view.source) == ("", "moved.png")
    parsed(folder)
    write_report(storage, made, manifest)


def test_contact_sheet_is_a_small_picture(
    corpus: tuple[Storage, BuildResult, CorpusManifest],
) -> None:
    storage, _, manifest = corpus
    sheet = contact_sheet(storage, manifest, 3)
    assert sheet == contact_sheet(storage, manifest, 3)
    assert sheet[:4] == b"\x89PNG"
    assert len(sheet) <= LARGEST
    assert decode_png(sheet).shape[1] > 500
    assert len(contact_sheet(storage, manifest, 24)) <= LARGEST


@given(st.text(max_size=200), st.integers(40, 300), st.integers(1, 4))
def test_captions_fit(text: str, width: int, most: int) -> None:
    lines = wrapped(text, width, most)
    assert len(lines) <= most
    assert all(ImageFont.load_default(12).getlength(line.rstrip("…")) <= width for line in lines)


def test_captions_are_broken_between_steps() -> None:
    assert wrapped("kernel #1 of 4 · JPEG as real image #0", 130, 2, " · ") == [
        "kernel #1 of 4",
        "JPEG as real image #0",
    ]


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_crops_of_small_tiles_fill_the_page(scale: int) -> None:
    """Two cards of panes of 240 to 256 pixels leave no gap between them, and every HR pixel is a
    whole number of them."""
    for tile in range(32, 129):
        side = filling_side(tile // scale * scale, scale)
        assert side % scale == 0
        assert 240 <= side * (WIDE // side) <= WIDE
    assert [filling_side(tile, 2) for tile in (128, 96, 64, 48, 32, 2)] == [128, 84, 64, 42, 32, 2]


@pytest.mark.parametrize("role", ["real", "clean"])
def test_corpora_without_pools_have_no_such_sections(tmp_path: Path, role: str) -> None:
    make_photographs(tmp_path / "photos")
    images = {role: [str(tmp_path / "photos")]}
    storage, _, manifest = build(
        tmp_path, images=images, degraders=[{"kind": "bicubic"}], scale=3, tiles={"size": 33}
    )
    folder = report_folder(storage, manifest)
    data = data_of(folder)
    assert data.kernels is None
    assert data.noise is None
    assert data.spread.kernel_use == ()
    assert data.spread.kernel_draws is None
    assert data.pairs.side == 30  # eight screen pixels each: of 33, seven would fit
    assert not {"kernels", "noise"} & parsed(folder).ids
    assert len(contact_sheet(storage, manifest, 2)) <= LARGEST


def rows(split: str, degrader: str, count: int, images: int) -> Iterator[Row]:
    for place in range(count):
        yield Row(f"{split}-{degrader}-{place}", split, "shard", degrader, f"{place % images}", "")


def test_choice_gives_every_group_two_and_the_rest_in_proportion() -> None:
    many = [
        *rows("train", "realsr", 600, 30),
        *rows("train", "bicubic", 200, 30),
        *rows("val", "realsr", 3, 1),
    ]
    chosen = choose_rows(many, 12)
    groups = [(row.split, row.degrader) for row in chosen]
    assert groups.count(("val", "realsr")) == 2
    assert groups.count(("train", "bicubic")) == 3
    assert groups.count(("train", "realsr")) == 7
    assert (
        len({row.image for row in chosen if row.split == "train" and row.degrader == "realsr"}) == 7
    )
    assert choose_rows(many[::-1], 12) == chosen
    assert groups[0] == ("train", "realsr")


def test_few_shards_are_read_of_many(corpus: tuple[Storage, BuildResult, CorpusManifest]) -> None:
    shard = corpus[2].identity.shards[0]
    splits = ["train"] * 2000 + ["val"] * 2 + ["test"]
    many = corpus[2].identity.model_copy(
        update={"shards": tuple(shard.model_copy(update={"split": s}) for s in splits)}
    )
    chosen = choose_shards(corpus[2].model_copy(update={"identity": many}))
    assert len(chosen) == 12
    assert {2000, 2001, 2002} <= set(chosen)
    assert max(place for place in chosen if place < 2000) > 1000


def test_even_choices() -> None:
    assert evenly(3, 10) == [0, 1, 2]
    assert evenly(100, 4) == [0, 25, 50, 75]
    assert evenly(0, 4) == []
    assert in_turn("aabbbc", str) == list("abcabb")


def test_histogram_counts_every_value() -> None:
    assert histogram([0, 0, 3], whole=True).counts == (2, 0, 0, 1)
    assert sum(histogram([2.5]).counts) == 1
    assert sum(histogram(list(range(1000)), whole=True).counts) == 1000
    assert histogram([]).counts == (0,)


def test_words_of_programs() -> None:
    place = Placement(
        index=9,
        patch_top=0,
        patch_left=0,
        flip_rows=False,
        flip_columns=True,
        top=0,
        left=0,
        height=8,
        width=8,
    )
    ops = (
        PooledBlur(pool="a" * 64, index=3),
        Subsample(scale=2),
        Inject(pool="b" * 64, strength=1.0712, placements=(place, place.with_(index=4))),
        Quantise(),
    )
    words = Program(scale=2, ops=ops).words({"a" * 64: 12})
    assert " · ".join(words) == (
        "kernel #3 of 12 · every 2nd pixel · noise patches #4, #9 at strength 1.07 · rounded to "
        "8 bits"
    )
    assert Program(scale=4, ops=(BicubicDown(scale=4),)).words({}) == ("bicubic downscaling by 4",)


def test_names_show_no_secrets_and_no_controls() -> None:
    assert file_name("s3://bucket/a/b.png?token=x") == "b.png"
    assert (
        file_name("zip://a/b.png::/home/anna/c.zip")
        == file_name("simplecache::s3://bucket/b.png")
        == "b.png"
    )
    assert file_name("memory://b.png") == "b.png"
    assert file_name("/photos/a b?.png") == "a b?.png"
    assert plain("a\nb\udc80\u202e") == "a\\x0ab\\udc80\\x202e"


def test_markup_escapes_all_but_markup() -> None:
    assert (
        el("p", "<b>", el("i", "&"), class_='a"b')
        == '<p class="a&quot;b">&lt;b&gt;<i>&amp;</i></p>'
    )
    assert el("img", src="x", alt="", hidden=False) == '<img src="x" alt="">'
    assert text("<") == "&lt;"


def test_numbers_are_written_for_people() -> None:
    assert [number(value) for value in (1234567, 0.12345, -0.0, 1234.5)] == [
        "1,234,567",
        "0.123",
        "0",
        "1,234",
    ]
    assert of(48, 12345) == "48 of 12,345 shown"
    assert of(3, 3) == "all 3 shown"
    assert size(6_690_000) == "6.69 MB"


def test_ticks_are_round() -> None:
    assert charts.ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    assert charts.ticks(0.81, 1.19, 4) == [0.9, 1.0, 1.1]
    assert charts.ticks(3, 3, 4) == [3]


def test_heat_map_is_dark_at_zero_bright_at_the_peak_and_blue_below() -> None:
    picture = heat(np.array([[0.0, 1.0, -1.0]])).astype(int)
    assert picture[0, 0].sum() < 30
    assert picture[0, 1].sum() > 600
    assert picture[0, 2, 2] > picture[0, 2, 0] + 100
    assert heat(np.full((2, 2), np.nan)).shape == (2, 2, 3)
    assert strip(np.zeros((5, 13, 13))).shape == (27, 55, 4)


def test_pictures_keep_what_they_show() -> None:
    residual = np.zeros((3, 3, 3), np.float32)
    residual[1, 1] = 2
    assert stretched(residual, 10)[1, 1].tolist() == [148, 148, 148]
    assert stretched(residual, 10)[0, 0].tolist() == [128, 128, 128]
    assert thumbnail(np.zeros((1000, 500, 3), np.uint8), 100).shape == (100, 50, 3)
    image = np.zeros((64, 64, 3), np.uint8)
    image[40:60:2, 36:60] = 255
    top, left = busiest(image, 32, 2)
    assert top >= 24
    assert left >= 24


def test_white_noise_has_a_flat_spectrum_at_zero_decibels() -> None:
    patches = np.random.default_rng(5).normal(0, 3, (64, 32, 32, 3)).astype(np.float32)
    spectrum = mean_spectrum(patches)
    assert spectrum.patches == 64
    assert all(abs(level) < 0.7 for _, level in spectrum.radial)
    assert spectrum.radial[-1][0] < 0.5
