from __future__ import annotations

import errno
import multiprocessing
import os
import stat
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.pipeline.images import decode, pixel_cache
from pairmill.pipeline.images.decode import ingest_file, load, pixel_digest
from pairmill.pipeline.images.find import FoundFile
from pairmill.schemas.image import ImageRecord, IngestConfig, Role
from tests.support.odd_images import HEIGHT, WIDTH, file_bytes, picture

Image = NDArray[np.uint8]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    folder = tmp_path / "kept"
    monkeypatch.setenv(pixel_cache.FOLDER, str(folder))
    return folder


def image_of(seed: int, height: int = 31, width: int = 37) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def keep(image: Image) -> str:
    digest = pixel_digest(image)
    pixel_cache.keep(digest, image)
    return digest


def entries(cache: Path) -> list[Path]:
    return sorted(cache.iterdir())


def ingested(folder: Path) -> ImageRecord:
    path = folder / "a.png"
    path.write_bytes(file_bytes("PNG"))
    found = FoundFile(url=str(path), bytes=path.stat().st_size, modified="0")
    record = ingest_file(found, Role.REAL, IngestConfig())
    assert isinstance(record, ImageRecord)
    return record


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry per file that is decoded."""
    seen, real = list[int](), decode._decode

    def counted(data: bytes, config: IngestConfig) -> Any:
        seen.append(len(data))
        return real(data, config)

    monkeypatch.setattr(decode, "_decode", counted)
    return seen


def test_an_ingested_image_is_decoded_once(tmp_path: Path, cache: Path, decodes: list[int]) -> None:
    record = ingested(tmp_path)
    Path(record.url).unlink()  # nobody asks for it any more
    for _ in range(3):
        found = load(record)
        np.testing.assert_array_equal(found, picture())
        assert found.flags.writeable
        found[:] = 0  # the caller's own
    assert len(decodes) == 1
    assert [path.name for path in entries(cache)] == [f"{record.pixel_sha256}.rgb8"]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (31, 37), (64, 64), (200, 41)])
def test_what_is_kept_comes_back(cache: Path, height: int, width: int) -> None:
    image = image_of(1, height, width)
    digest = keep(image)
    found = pixel_cache.read(digest, height, width)
    assert found is not None
    np.testing.assert_array_equal(found, image)
    assert pixel_cache.read("0" * 64, height, width) is None
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_checksum_by_hand() -> None:
    """Words of 8 bytes, those of the first page times 3, of the second times 5, what is left of a
    page once."""
    pages = np.zeros((1, 2 * 4096 + 1, 3), np.uint8).reshape(-1)  # 24579 bytes: six pages and 3
    pages[0], pages[4096], pages[6 * 4096] = 1, 2, 7
    image = pages.reshape(1, -1, 3)
    assert pixel_cache.checksum(image) == 3 * 1 + 5 * 2 + 7
    swapped = np.concatenate([pages[4096 : 2 * 4096], pages[:4096], pages[2 * 4096 :]])
    assert pixel_cache.checksum(swapped.reshape(1, -1, 3)) == 3 * 2 + 5 * 1 + 7


def _cut(data: bytes) -> bytes:
    return data[:-1]


def _longer(data: bytes) -> bytes:
    return data + b"\0"


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def _zeros(data: bytes) -> bytes:
    """A page that a crash left empty."""
    return data[:4096] + bytes(4096) + data[8192:]


def _other(data: bytes) -> bytes:
    """The file of another image under this name."""
    image = image_of(9, HEIGHT, WIDTH)
    return pixel_cache._head(pixel_digest(image), image) + image.tobytes()


def _turned(data: bytes) -> bytes:
    """Height and width of another image with as many pixels."""
    head = pixel_cache.HEAD
    name, digest, height, width, total = head.unpack(data[: head.size])
    return head.pack(name, digest, width, height, total) + data[head.size :]


DAMAGE = [_cut, _longer, _flipped, _zeros, _other, _turned, lambda _: b""]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_decoded_again_and_mended(
    tmp_path: Path, cache: Path, decodes: list[int], damage: Any
) -> None:
    record = ingested(tmp_path)
    [entry] = entries(cache)
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    np.testing.assert_array_equal(load(record), picture())
    assert len(decodes) == 2
    assert entry.read_bytes() == whole
    np.testing.assert_array_equal(load(record), picture())
    assert len(decodes) == 2


def test_a_folder_in_place_of_an_entry(tmp_path: Path, cache: Path, decodes: list[int]) -> None:
    record = ingested(tmp_path)
    [entry] = entries(cache)
    entry.unlink()
    entry.mkdir()
    np.testing.assert_array_equal(load(record), picture())
    assert len(decodes) == 2


@pytest.mark.parametrize("limit", ["0", "1000"])
def test_off_or_too_small(
    tmp_path: Path, cache: Path, decodes: list[int], monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setenv(pixel_cache.LIMIT, limit)
    record = ingested(tmp_path)
    np.testing.assert_array_equal(load(record), picture())
    assert len(decodes) == 2
    assert not cache.exists() or entries(cache) == []
    assert (pixel_cache.holding() is None) == (limit == "0")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_takes_nothing(
    tmp_path: Path,
    cache: Path,
    decodes: list[int],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    real = Path.open

    def failing(path: Path, mode: str = "r", **options: Any) -> Any:
        if path.parent == cache and "w" in mode:
            real(path, mode, **options).close()
            raise OSError(code, os.strerror(code))
        return real(path, mode, **options)

    monkeypatch.setattr(Path, "open", failing)
    record = ingested(tmp_path)
    np.testing.assert_array_equal(load(record), picture())
    assert len(decodes) == 2
    assert entries(cache) == []


def test_a_folder_that_others_may_write_into_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, strange = tmp_path / "shared", tmp_path / "strange"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv(pixel_cache.FOLDER, str(shared))
    digest = keep(image_of(1))
    assert pixel_cache.read(digest, 31, 37) is None
    assert entries(shared) == []
    link = tmp_path / "link"
    strange.mkdir(0o700)
    link.symlink_to(strange)
    monkeypatch.setenv(pixel_cache.FOLDER, str(link))
    keep(image_of(1))
    assert entries(strange) == []
    monkeypatch.setenv(pixel_cache.FOLDER, str(strange))
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: strange.stat().st_uid + 1)
        pixel_cache._opened.cache_clear()
        keep(image_of(1))
    assert entries(strange) == []
    pixel_cache._opened.cache_clear()
    keep(image_of(1))
    assert len(entries(strange)) == 1


SIZE = pixel_cache.HEAD.size + 31 * 37 * 3


def test_it_grows_to_its_limit_and_keeps_what_is_in_use(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of eight images of a stage that goes through all of them, the first five stay: to let them
    go would help nobody."""
    monkeypatch.setenv(pixel_cache.LIMIT, str(5 * SIZE + 100))
    images = [image_of(seed) for seed in range(8)]
    kept = [pixel_digest(image) for image in images[:5]]
    for _ in range(2):
        for image in images:
            keep(image)
        assert sorted(path.stem for path in entries(cache)) == sorted(kept)
    holding = pixel_cache.holding()
    assert holding is not None
    assert (holding.folder, holding.bytes) == (cache, 5 * SIZE)
    assert holding.bytes <= holding.limit == 5 * SIZE + 100


def test_what_nobody_used_for_long_gives_room(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pixel_cache.LIMIT, str(3 * SIZE))
    old = [keep(image_of(seed)) for seed in range(3)]
    rest = cache / f".{'1' * 64}.rgb8.2.tmp"  # of a process that was killed
    long_ago = time.time() - 2 * pixel_cache.IDLE
    for age, digest in enumerate(old):
        os.utime(cache / f"{digest}.rgb8", (long_ago + age, long_ago + age))
    rest.write_bytes(b"half")
    os.utime(rest, (long_ago - 1, long_ago - 1))
    assert pixel_cache.read(old[0], 31, 37) is not None  # used just now
    pixel_cache._opened.cache_clear()  # another process
    new = keep(image_of(7))
    found = {path.name for path in entries(cache)}
    assert found == {f"{digest}.rgb8" for digest in (old[0], old[2], new)}


def test_at_most_a_part_of_what_is_free(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for ten images on the disk, a quarter of ten is kept."""

    def usage(folder: Path) -> Any:
        held = sum(path.stat().st_size for path in Path(folder).iterdir())
        return type("Usage", (), {"free": 10 * SIZE - held})

    monkeypatch.setattr(pixel_cache, "disk_usage", usage)
    monkeypatch.setenv(pixel_cache.LIMIT, str(64 * SIZE))
    for seed in range(9):
        keep(image_of(seed))
    assert len(entries(cache)) == 2


def _at_once(seed: int) -> bool:
    """Reads and keeps the same images as others do, some more than fit."""
    right = True
    for number in np.random.default_rng(seed).integers(0, 12, 300).tolist():
        image = image_of(number, 64, 64)
        found = pixel_cache.read(pixel_digest(image), 64, 64)
        right &= found is None or np.array_equal(found, image)
        pixel_cache.keep(pixel_digest(image), image)
    return right


def test_two_processes_at_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = pixel_cache.HEAD.size + 64 * 64 * 3
    monkeypatch.setenv(pixel_cache.LIMIT, str(8 * size))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_at_once, [1, 2], chunksize=1) == [True, True]
    held = sum(path.stat().st_size for path in entries(cache))
    assert 8 * size <= held <= 10 * size  # one image of each process beyond the limit at most
    assert all(path.suffix == pixel_cache.SUFFIX for path in entries(cache))


def _for_ever() -> None:
    for seed in range(10**6):
        keep(image_of(seed, 512, 512))


def test_a_killed_process_leaves_whole_entries(cache: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_for_ever)
    process.start()
    end = time.monotonic() + 60
    while (not cache.exists() or len(entries(cache)) < 5) and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    process.join()
    kept = [path for path in entries(cache) if path.suffix == pixel_cache.SUFFIX]
    assert len(kept) >= 4
    for path in kept:
        found = pixel_cache.read(path.stem, 512, 512)
        assert found is not None
        assert pixel_digest(found) == path.stem


def test_where_it_is_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    folder = pixel_cache._own_folder()
    assert str(folder.parent) in ("/var/tmp", "/tmp")  # noqa: S108
    assert folder.name == f"pairmill-images-{os.getuid()}"
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert pixel_cache._own_folder().parent == tmp_path
