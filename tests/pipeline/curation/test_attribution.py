"""Tables of licences: what a row means, what is wrong with a table, and where the licences
arrive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.build.identity import identity_of
from pairmill.pipeline.curation.attribution import read_credits
from pairmill.schemas.corpus import CorpusManifest, VersionSources
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import Credit
from tests.support.make import build, make_stages, photograph, save, tiny_recipe

URLS = ("/p/a/1.png", "/p/a/2.png", "/p/b/1.png", "/p/b/odd name.jpg")
ROWS = [
    {
        "file": "a/1.png",
        "licence": "CC-BY-4.0",
        "author": "Anna",
        "source": "https://example.org/1",
        "title": "Door",
    },
    {"file": "b/*", "licence": "CC0-1.0"},
]
CSV = (
    "file;License;author;source "
    "URL;title\na/1.png;CC-BY-4.0;Anna;https://example.org/1;Door\n\nb/*;CC0-1.0;;;\n"
)
YAML = (
    "a/1.png: {licence: CC-BY-4.0, author: Anna, url: https://example.org/1, title: "
    "Door}\nb/*: CC0-1.0\n"
)
FORMS = {
    "t.csv": CSV,
    "u.csv": "\ufeff" + CSV.replace(";", ","),
    "t.yaml": YAML,
    "t.json": json.dumps(ROWS),
}


def credits_of(text: str, folder: Path, name: str = "t.csv") -> dict[str, Credit]:
    (folder / name).write_text(text, encoding="utf-8")
    return read_credits([f"{folder}{url}" for url in URLS], [name], str(folder))


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_say_the_same(name: str, tmp_path: Path) -> None:
    known = credits_of(FORMS[name], tmp_path, name)
    anna = Credit(licence="CC-BY-4.0", author="Anna", source="https://example.org/1", title="Door")
    free = Credit(licence="CC0-1.0")
    assert known == {
        f"{tmp_path}/p/a/1.png": anna,
        f"{tmp_path}/p/b/1.png": free,
        f"{tmp_path}/p/b/odd name.jpg": free,
    }


def test_a_file_goes_before_a_glob_and_a_relative_path_before_an_ending(tmp_path: Path) -> None:
    known = credits_of("file,licence\n*.png,glob\nb/1.png,file\n", tmp_path)
    assert {url.removeprefix(str(tmp_path)): credit.licence for url, credit in known.items()} == {
        "/p/a/1.png": "glob",
        "/p/a/2.png": "glob",
        "/p/b/1.png": "file",
    }


WRONG = {
    "file,licence\n1.png,x\n": ("matches several files", "1.png"),
    "file,licence\n3.png,x\n": ("not a source image", "did you mean"),
    "file,licence\n*.tif,x\n": ("matches no source image", "*.tif"),
    "file,licence\n2.png,x\n2.png,y\n": ("names a file twice", "row 2"),
    "file,licence\n*.png,x\na/*,y\n": ("two globs", "2 disjoint"),
    "file,licens\n2.png,x\n": ("unknown column", "did you mean licence?"),
    "file,licence\n2.png,x,y,z\n": ("unknown column", "more cells"),
    "licence\nx\n": ("names no file", "column file"),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_table(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        credits_of(text, tmp_path)
    what, detail = WRONG[text]
    assert what in caught.value.what
    assert detail.removeprefix("2 ") in caught.value.text()
    assert "t.csv" in caught.value.where


BROKEN = [("t.json", "{"), ("t.yaml", "a: [1"), ("t.json", "3"), ("t.yaml", "[3]"), ("t.csv", "")]


@pytest.mark.parametrize(("name", "text"), BROKEN)
def test_broken_tables_are_clear_errors(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"attributions"):
        credits_of(text, tmp_path, name)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No images found|no\.csv"):
        read_credits([], ["no.csv"], str(tmp_path))


def corpus(tmp_path: Path, table: str, **changes: Any) -> CorpusManifest:
    for number in range(3):
        save(photograph(number, 97, 121), tmp_path / f"photos/real/{number}.png")
    save(photograph(9, 97, 121), tmp_path / "photos/clean/9.png")
    if table:
        (tmp_path / "photos/real/attribution.csv").write_text(table)
    recipe = tiny_recipe(
        tmp_path / "photos", degraders=[{"kind": "bicubic"}], curation=None, **changes
    )
    manifest = build(recipe, tmp_path / "w")
    assert identity_of(make_stages(recipe, tmp_path / "w")).content_digest() == manifest.digest
    return manifest


def test_licences_arrive_in_card_croissant_sources_and_report(tmp_path: Path) -> None:
    table = "file,licence,author,title\n0.png,CC-BY-4.0,Anna,a | b\n1.png,CC-BY-4.0,Anna,a | b\n"
    plain = corpus(tmp_path, "")
    manifest = corpus(tmp_path, table)
    assert plain.version != manifest.version  # the licences are part of what a version is
    assert [(c.credit.licence if c.credit else "", c.images) for c in manifest.credits] == [
        ("CC-BY-4.0", 2),
        ("", 2),
    ]
    assert manifest.counts["images_rejected"] == 0  # the table is no image
    folder = tmp_path / f"w/corpora/tiny/{manifest.version}"
    card = (folder / "README.md").read_text()
    assert "license: other\n" in card
    assert "| CC-BY-4.0 | Anna | a \\| b |  | 2 |" in card
    assert "known for 2 of 4" in card
    croissant = json.loads((folder / "croissant.json").read_text())
    assert croissant["license"][0] == "CC-BY-4.0"
    assert "owners" in croissant["license"][1]
    assert croissant["creditText"] == "Anna"
    sources = VersionSources.model_validate_json((folder / "sources.json").read_text())
    assert sorted(image.credit.author for image in sources.images if image.credit) == [
        "Anna",
        "Anna",
    ]
    assert "Licences and authors" in (folder / "report/index.html").read_text()
    before = tmp_path / f"w/corpora/tiny/{plain.version}"
    assert "Source images" not in (before / "README.md").read_text()
    assert (
        json.loads((before / "croissant.json").read_text())["license"]
        == "The rights in the source images are their owners'."
    )


def test_one_licence_for_all_is_the_card_s(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "all.yaml").write_text("'*.png': CC0-1.0\n")
    photos = {
        "real": f"{tmp_path}/photos/real",
        "clean": f"{tmp_path}/photos/clean",
        "attribution": f"{tmp_path}/all.yaml",
    }
    manifest = corpus(tmp_path, "", images=photos)
    folder = tmp_path / f"w/corpora/tiny/{manifest.version}"
    assert "license: cc0-1.0\n" in (folder / "README.md").read_text()
    assert json.loads((folder / "croissant.json").read_text())["license"] == "CC0-1.0"
