"""The photo beside a pair: its own where that gives a part, else another."""

from __future__ import annotations

from pathlib import Path

import pytest

from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.report import compare
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.image import ImageRecord, Role
from tests.support.make import photograph, save


def photo(folder: Path, number: int, side: int) -> ImageRecord:
    image, file = photograph(number, side, side), folder / f"{number}.png"
    save(image, file)
    digest = pixel_digest(image)
    return ImageRecord(
        url=str(file),
        role=Role.REAL,
        format="PNG",
        width=side,
        height=side,
        bytes=file.stat().st_size,
        file_sha256=digest,
        pixel_sha256=digest,
    )


def test_every_degrader_has_a_photo_if_any_gives_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, small = photo(tmp_path, 0, 60), photo(tmp_path, 1, 60), photo(tmp_path, 2, 20)
    files = PictureFiles(Storage(str(tmp_path)), "page")
    monkeypatch.setattr(compare, "BUDGET", 60 * 60)  # one of them
    photos = compare._Photos([first, second, small], 32, files)
    own = photos.beside(first.pixel_sha256)
    assert own[1:] == ("0.png", True)
    for image in (second.pixel_sha256, small.pixel_sha256, "a clean image"):
        assert photos.beside(image) == (own[0], "0.png", False)
    assert photos.beside(first.pixel_sha256) == own
    assert compare._Photos([small], 32, files).beside(small.pixel_sha256) == ("", "", False)


def test_photos_take_turns(tmp_path: Path) -> None:
    records = [photo(tmp_path, number, 40) for number in range(3)]
    photos = compare._Photos(records, 32, PictureFiles(Storage(str(tmp_path)), "page"))
    shown = [photos.beside("a clean image")[1] for _ in range(6)]
    assert sorted(shown[:3]) == ["0.png", "1.png", "2.png"]
    assert shown[3:] == shown[:3]
