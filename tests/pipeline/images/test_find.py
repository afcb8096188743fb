from __future__ import annotations

import os
import unicodedata
import zipfile
from pathlib import Path
from typing import Literal

import fsspec
import pytest

from pairmill.pipeline.curation.attribution import read_credits
from pairmill.pipeline.evaluate.sources import paired_folders
from pairmill.pipeline.html.text import file_name
from pairmill.pipeline.images.decode import ImageRejected, read_image
from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.images.listing import _without_markers
from pairmill.pipeline.images.pairs import PairPatterns, find_pairs
from pairmill.pipeline.stages import ingest
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageReason
from pairmill.schemas.recipe import ImagesConfig


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in (
        "b.jpg",
        "a.PNG",
        "x[1].jpg",
        "2024/c.jpg",
        "2024/may/d.jpg",
        "2024/may/e.tif",
        "2025/f.jpg",
    ):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    for name in (
        ".hidden/g.jpg",
        ".h.jpg",
        "__MACOSX/b.jpg",
        "2024/Thumbs.db",
        "2024/desktop.ini",
        ".DS_Store",
    ):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left out")
    return tmp_path


def names(base: Path, *patterns: str) -> list[str]:
    return [
        os.path.relpath(file.url, base) for file in find_files(patterns, str(base), "images.real")
    ]


ALL = [
    "photos/2024/c.jpg",
    "photos/2024/may/d.jpg",
    "photos/2024/may/e.tif",
    "photos/2025/f.jpg",
    "photos/a.PNG",
    "photos/b.jpg",
    "photos/x[1].jpg",
]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("photos", ALL),
        ("photos/", ALL),
        ("photos/**", ALL),
        ("./photos/../photos", ALL),
        ("photos/b.jpg", ["photos/b.jpg"]),
        ("photos/x[1].jpg", ["photos/x[1].jpg"]),
        ("photos/*.jpg", ["photos/b.jpg", "photos/x[1].jpg"]),
        ("photos/[a-c].*", ["photos/a.PNG", "photos/b.jpg"]),
        ("photos/[!a].jpg", ["photos/b.jpg"]),
        ("photos/?.jpg", ["photos/b.jpg"]),
        ("photos/*/*.jpg", ["photos/2024/c.jpg", "photos/2025/f.jpg"]),
        ("photos/**/*.tif", ["photos/2024/may/e.tif"]),
        (
            "photos/**/?.jpg",
            ["photos/2024/c.jpg", "photos/2024/may/d.jpg", "photos/2025/f.jpg", "photos/b.jpg"],
        ),
        ("p*/2024/**/d.*", ["photos/2024/may/d.jpg"]),
        ("photos/.h.jpg", ["photos/.h.jpg"]),
        ("photos/.hidden", ["photos/.hidden/g.jpg"]),
        ("photos/2024/Thumbs.db", ["photos/2024/Thumbs.db"]),
    ],
)
def test_what_a_pattern_finds(photos: Path, pattern: str, wanted: list[str]) -> None:
    assert names(photos, pattern) == wanted


def test_each_file_comes_once_and_sorted(photos: Path) -> None:
    assert (
        names(photos, "photos/b.jpg", "photos/**/*.jpg", "photos", f"file://{photos}/photos/2024")
        == ALL
    )


def test_what_is_said_of_a_file(photos: Path) -> None:
    path = photos / "photos" / "b.jpg"
    (file,) = find_files([str(path)], "/", "images.real")
    assert (file.url, file.bytes, file.modified) == (str(path), 5, str(path.stat().st_mtime_ns))
    assert [file] == find_files(["photos/b*"], str(photos), "images.real")


def test_home(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(photos))
    assert names(photos, "~/photos/b.jpg") == ["photos/b.jpg"]
    (photos / "~nobody-of-that-name").write_bytes(b"x")
    assert names(photos, "~nobody-of-that-name") == ["~nobody-of-that-name"]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("fotos", "did you mean photos"),
        ("photos/2042/*.jpg", "did you mean .*2024"),
        ("photos/b.jpeg", "did you mean b.jpg"),
        ("photos/b.jpg/deeper", "nothing is called 'b.jpg'"),
        ("photos/*.png", "differ in capitals only, such as a.PNG"),
        ("photos/*.webp", "none of the 3 files there matches"),
        ("photos/*/2024/*", "/\\*\\*|for example"),
        ("", "names no images"),
        ("nosuch://bucket/*.jpg", "nosuch"),
    ],
)
def test_what_is_not_found_is_a_clear_error(photos: Path, pattern: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        find_files(["photos", pattern], str(photos), "images.real")
    assert "images.real[1]" in error.value.where
    assert error.value.todo


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file that counts"):
        find_files(["."], str(tmp_path), "images.clean")


def test_an_unreadable_folder_is_an_error(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("may"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match="Permission denied") as error:
        find_files(["photos"], str(photos), "images.real")
    assert "photos/2024/may" in error.value.where


def test_loops_end_and_dead_links_come_through(photos: Path) -> None:
    folder = photos / "photos"
    (folder / "2024" / "up").symlink_to(folder)
    (folder / "2025" / "up").symlink_to(folder)
    (folder / "dead.jpg").symlink_to(folder / "nowhere")
    (folder / "self.jpg").symlink_to(folder / "self.jpg")
    assert names(photos, "photos/**") == sorted([*ALL, "photos/dead.jpg", "photos/self.jpg"])
    with pytest.raises(UserError, match="No images found"):
        find_files(["photos/dead.jpg"], str(photos), "images.real")


def test_linked_folders_are_followed(photos: Path) -> None:
    (photos / "set").mkdir()
    (photos / "set" / "linked").symlink_to(photos / "photos" / "2024")
    assert names(photos, "set") == [
        "set/linked/c.jpg",
        "set/linked/may/d.jpg",
        "set/linked/may/e.tif",
    ]


def test_a_name_that_is_not_utf8_is_rejected_later(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(b"x")
    (file,) = find_files(["."], str(tmp_path), "images.real")
    assert file.canonical_json()
    with pytest.raises(ImageRejected) as rejected:
        read_image(file.url)
    assert rejected.value.reason == ImageReason.MISSING


def test_one_look_at_each_file(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    stat = os.stat

    def look(path: str, **options: bool) -> os.stat_result:
        looks.append(str(path))
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", look)
    find_files(["photos"], str(photos), "images.real")
    assert not [path for path in looks if path.endswith(".jpg")]


PREVIEWS = (
    "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg",
    "2024/#recycle/b.jpg",
    "$Recycle.Bin/c.jpg",
    "Lightroom/x Previews.lrdata/0/d.jpg",
    "Lib.photoslibrary/resources/derivatives/e.jpg",
)


def test_thumbnails_previews_and_deleted_files_are_set_aside_and_counted(tmp_path: Path) -> None:
    photos = ("2024/b.jpg", "Lib.photoslibrary/originals/e.jpg", "a.jpg", "resources/f.jpg")
    for name in (*photos, *PREVIEWS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path, ".") == names(tmp_path, "**/*.jpg") == list(photos)
    listed = ingest.find(ImagesConfig(real=("**/*.jpg",)), str(tmp_path))
    assert [file.reason for file in listed.aside] == ["set-aside"] * len(PREVIEWS)
    assert {file.url for file in listed.aside} == {f"{tmp_path}/{name}" for name in PREVIEWS}
    assert "@eaDir: thumbnails of a Synology NAS" in " ".join(file.detail for file in listed.aside)
    # what the user names counts, whatever it is called
    assert names(tmp_path, "@eaDir/**/*.jpg", ".") == sorted([PREVIEWS[0], *photos])
    with pytest.raises(UserError, match="the folder holds no file that counts; #recycle: deleted"):
        find_files(["p"], str(folder_of(tmp_path, "p/#recycle/x.jpg")), "images.real")


def folder_of(base: Path, name: str) -> Path:
    (base / name).parent.mkdir(parents=True)
    (base / name).write_bytes(b"x")
    return base


def test_empty_objects_that_stand_for_folders_are_no_files() -> None:
    found = {
        "b/p/": 0,
        "b/p/sub/": 0,
        "b/p/sub": 0,
        "b/p/sub/a#1.jpg": 1,
        "b/p/x_$folder$": 0,
        "b/p/empty.jpg": 0,
    }
    kept = _without_markers({path: {"size": size} for path, size in found.items()})
    assert list(kept) == ["b/p/sub/a#1.jpg", "b/p/empty.jpg"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://b/p/a#1.jpg", "a#1.jpg"),
        ("zip://in/a#1.png::s3://b/c.zip", "a#1.png"),
        ("https://h/p/a.jpg?key=secret#top", "a.jpg"),
        ("/p/a#1?.jpg", "a#1?.jpg"),
        ("s3://b/", "b"),
    ],
)
def test_names_of_remote_files(url: str, name: str) -> None:
    assert file_name(url) == name


def two_ways(folder: Path, name: str = "Größe é.png") -> tuple[str, str]:
    """The folders of two files whose names look equal: one as macOS writes it."""
    forms: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
    for form in forms:
        (folder / form).mkdir()
        (folder / form / unicodedata.normalize(form, name)).write_bytes(b"x")
    return str(folder / "NFC"), str(folder / "NFD")


def test_names_that_look_equal_are_equal(tmp_path: Path) -> None:
    composed, decomposed = two_ways(tmp_path)
    pairs = PairPatterns("images.pairs", "lq", "hq", ((composed,), (decomposed,)))
    assert len(find_pairs(pairs, "/")) == 1
    assert len(paired_folders(composed, decomposed, "/").cases) == 1
    for folder in (composed, decomposed):
        assert len(find_files(["*ö*é.png"], folder, "images.real")) == 1
        assert len(find_files([unicodedata.normalize("NFD", "*ö*.png")], folder, "x")) == 1
    table = tmp_path / "t.csv"
    for name in (unicodedata.normalize("NFD", "Größe é.png"), "Gr*é.png", "NFD/Größe é.png"):
        table.write_text(f"file,licence\n{name},CC0-1.0\n", "utf-8")
        urls = [file.url for file in find_files([decomposed], "/", "x")]
        assert list(read_credits(urls, [str(table)], "/")) == urls


@pytest.fixture
def store() -> str:
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    for name in ("a.jpg", "b.png", "deep/c.jpg", ".hidden/d.jpg", "__MACOSX/e.jpg"):
        fs.pipe(f"/bucket/set/{name}", name.encode())
    return "memory://bucket/set"


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("memory://bucket/set", ["a.jpg", "b.png", "deep/c.jpg"]),
        ("memory://bucket/*/*.jpg", ["a.jpg"]),
        ("memory://bucket/**/*.jpg", ["a.jpg", "deep/c.jpg"]),
        ("**/*.jpg", ["a.jpg", "deep/c.jpg"]),
        ("deep", ["deep/c.jpg"]),
        ("memory://bucket/set/.hidden/d.jpg", [".hidden/d.jpg"]),
    ],
)
def test_stores(store: str, pattern: str, wanted: list[str]) -> None:
    files = find_files([pattern], store, "images.real")
    assert [
        file.url.removeprefix("memory:///bucket/set/").removeprefix("memory://bucket/set/")
        for file in files
    ] == wanted
    assert [read_image(file.url).decode() for file in files] == wanted
    assert all(file.bytes == len(name) for file, name in zip(files, wanted, strict=True))


def test_suggestions_in_stores(store: str) -> None:
    with pytest.raises(UserError, match="did you mean deep"):
        find_files(["dep"], store, "images.real")


def test_chained_urls(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/a.jpg", b"one")
        archive.writestr("in/b.png", b"two")
    files = find_files([f"zip://in/*.jpg::file://{tmp_path}/a.zip"], "/", "images.real")
    assert [read_image(file.url) for file in files] == [b"one"]


def test_a_file_that_no_server_has_is_told_with_its_address() -> None:
    with pytest.raises(
        UserError,
        match=r"looked in http://127.0.0.1:9/a/x.png[\s\S]*has no such file, or does not answer",
    ):
        find_files(["http://127.0.0.1:9/a/x.png"], "/", "images.real")
