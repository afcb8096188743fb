from __future__ import annotations

import hashlib
import re
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pairmill.pipeline.images.decode import (
    ImageRejected,
    decode,
    ingest_file,
    load,
    pixel_digest,
    read_image,
)
from pairmill.pipeline.images.find import FoundFile, find_files
from pairmill.pipeline.images.jpeg_end import missing
from pairmill.schemas.errors import StoreError, UserError
from pairmill.schemas.image import (
    Conversion,
    ImageReason,
    ImageRecord,
    IngestConfig,
    RejectedImage,
    Role,
)
from tests.support.odd_images import (
    FILES,
    HEIGHT,
    WIDTH,
    exif_bytes,
    file_bytes,
    icc_bytes,
    make_odd_images,
    picture,
    png_bytes,
    png_chunk,
    sixteen_bit,
    srgb_profile,
    tiff_bytes,
)

CONFIG = IngestConfig()
SMALL = IngestConfig(min_side=16)


def test_every_odd_file_gets_the_verdict_that_its_rule_states(tmp_path: Path) -> None:
    verdicts = make_odd_images(tmp_path / "odd")
    results = {}
    for found in find_files(["odd"], str(tmp_path), "images.real"):
        result = ingest_file(found, Role.REAL, CONFIG)
        results[Path(found.url).name] = (
            result.reason if isinstance(result, RejectedImage) else result.conversions
        )
    assert results == {name: verdict for name, verdict in verdicts.items() if verdict is not None}
    assert len(results) >= 90


def test_every_rejection_is_a_sentence(tmp_path: Path) -> None:
    make_odd_images(tmp_path / "odd")
    for found in find_files(["odd"], str(tmp_path), "images.real"):
        result = ingest_file(found, Role.REAL, CONFIG)
        if isinstance(result, RejectedImage):
            assert result.detail[0].isupper(), result
            assert result.detail.endswith("."), result
            assert len(result.detail) > 30, result


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM"])
def test_lossless_files_come_back_unchanged(kind: str) -> None:
    image, container, conversions = decode(file_bytes(kind), CONFIG)
    np.testing.assert_array_equal(image, picture())
    assert (container, conversions) == (kind, ())
    assert image.flags.c_contiguous
    assert image.flags.writeable


def turned(image: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """What EXIF 2.32, 4.6.4 A says that an orientation shows: where row 0 and column 0 lie."""
    flips = {1: image, 2: image[:, ::-1], 3: image[::-1, ::-1], 4: image[::-1]}
    swap = image.transpose(1, 0, 2)
    return (flips | {5: swap, 6: swap[:, ::-1], 7: swap[::-1, ::-1], 8: swap[::-1]})[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_turned_upright(orientation: int) -> None:
    wanted = turned(picture(), orientation)
    files = [
        file_bytes("PNG", exif=exif_bytes(orientation)),
        tiff_bytes(picture(), 2, extra={274: orientation}),
        tiff_bytes(picture().astype(np.uint16) * 257, 2, extra={274: orientation}),
        file_bytes("WEBP", lossless=True, exif=exif_bytes(orientation)),
    ]
    for data in files:
        image, _, conversions = decode(data, CONFIG)
        np.testing.assert_array_equal(image, wanted)
        assert (Conversion.EXIF_ROTATED in conversions) == (orientation != 1)


def test_sixteen_bits_are_rounded_not_cut() -> None:
    wanted = np.rint(sixteen_bit() / 257).astype(np.uint8)
    assert (wanted != sixteen_bit() >> 8).any()
    ppm = b"P6 83 71 65535\n" + sixteen_bit().astype(">u2").tobytes()
    for data in (png_bytes(sixteen_bit(), 2), tiff_bytes(sixteen_bit(), 2), ppm):
        np.testing.assert_array_equal(decode(data, CONFIG)[0], wanted)
    grey = sixteen_bit()[..., 0]
    for data in (png_bytes(grey, 0), tiff_bytes(grey, 1), tiff_bytes(65535 - grey, 0)):
        np.testing.assert_array_equal(
            decode(data, CONFIG)[0], np.repeat(wanted[..., :1], 3, axis=2)
        )


def test_all_sixteen_bit_levels_round_to_the_nearest() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    image, _, _ = decode(png_bytes(levels, 0), CONFIG)
    np.testing.assert_array_equal(image[..., 0].ravel(), np.rint(np.arange(65536) / 257))


def test_a_profile_is_converted_as_its_formula_says() -> None:
    gamma, grey = 1.8, np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    image, _, _ = decode(file_bytes("PNG", grey, icc_profile=icc_bytes(gamma, grey=True)), CONFIG)
    linear = (np.arange(256) / 255) ** gamma
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    assert np.abs(image[0].astype(float) - srgb[:, None]).max() < 1.5


def test_an_srgb_profile_changes_no_pixel() -> None:
    with_profile = FILES["srgb-profile.jpg"][0]()
    np.testing.assert_array_equal(
        decode(with_profile, CONFIG)[0], decode(file_bytes("JPEG"), CONFIG)[0]
    )


def test_a_phone_file_gives_its_first_frame() -> None:
    image, container, _ = decode(FILES["phone.mpo"][0](), CONFIG)
    assert (image.shape, container) == ((HEIGHT, WIDTH, 3), "MPO")
    assert np.abs(image.astype(int) - picture()).mean() < 3


def test_sizes_at_the_limits() -> None:
    data = file_bytes("PNG")
    decode(data, IngestConfig(min_side=HEIGHT, max_pixels=HEIGHT * WIDTH))
    for config, reason, number in (
        (IngestConfig(min_side=HEIGHT + 1), ImageReason.TOO_SMALL, HEIGHT + 1),
        (IngestConfig(max_pixels=HEIGHT * WIDTH - 1), ImageReason.TOO_LARGE, HEIGHT * WIDTH - 1),
    ):
        with pytest.raises(ImageRejected, match=f"{WIDTH} x {HEIGHT}.*{number}") as rejected:
            decode(data, config)
        assert rejected.value.reason == reason


def test_pillows_global_limit_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"):
        assert decode(file_bytes(kind), CONFIG)[0].shape == (HEIGHT, WIDTH, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_threads_leave_the_warning_filters_as_they_were() -> None:
    before, data = list(warnings.filters), file_bytes("TIFF")
    threads = [
        threading.Thread(target=lambda: [decode(data, CONFIG) for _ in range(20)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_pixel_digest_is_of_shape_and_bytes() -> None:
    flat = np.zeros((4, 6, 3), np.uint8)
    by_hand = b"rgb8" + bytes([4, *[0] * 7]) + bytes([6, *[0] * 7]) + bytes(72)
    assert pixel_digest(flat) == hashlib.sha256(by_hand).hexdigest()
    assert pixel_digest(flat) != pixel_digest(flat.reshape(6, 4, 3))
    assert pixel_digest(picture()[:, ::-1]) == pixel_digest(picture()[:, ::-1].copy())


def found(path: Path) -> FoundFile:
    return FoundFile(url=str(path), bytes=1, modified="")


def ingest(path: Path) -> ImageRecord:
    record = ingest_file(found(path), Role.REAL, CONFIG)
    assert isinstance(record, ImageRecord)
    return record


@pytest.mark.usefixtures("without_cache")
def test_load_gives_the_ingested_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(file_bytes("PNG"))
    record = ingest(path)
    assert (record.width, record.height, record.format) == (WIDTH, HEIGHT, "PNG")
    np.testing.assert_array_equal(load(record), picture())
    path.write_bytes(file_bytes("TIFF"))  # another file, the same pixels
    np.testing.assert_array_equal(load(record), picture())


@pytest.mark.usefixtures("without_cache")
@pytest.mark.parametrize("change", ["gone", "other pixels", "damaged"])
def test_load_notices_that_an_image_changed(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(file_bytes("PNG"))
    record = ingest(path)
    path.unlink()
    if change != "gone":
        path.write_bytes(
            file_bytes("PNG", picture()[::-1]) if change == "other pixels" else b"damaged"
        )
    with pytest.raises(UserError, match="changed since ingest") as error:
        load(record)
    assert str(path) in str(error.value)
    assert error.value.todo


def test_an_unreadable_file_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(file_bytes("PNG"))

    def refuse(*_: object, **__: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    result = ingest_file(found(path), Role.REAL, CONFIG)
    assert isinstance(result, RejectedImage)
    assert (result.reason, "Permission denied" in result.detail) == (ImageReason.UNREADABLE, True)


def test_a_failing_disk_or_store_is_no_verdict_on_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x")

    def fail(*_: object, **__: object) -> bytes:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(StoreError, match="Too many open files"):
        ingest_file(found(path), Role.REAL, CONFIG)

    def reset(*_: object, **__: object) -> object:
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(fsspec, "open", reset)
    with pytest.raises(StoreError, match="reset by peer"):
        read_image("s3://bucket/a.png")


def test_devices_and_long_names_are_rejected() -> None:
    for url, reason in (
        ("/dev/zero", ImageReason.UNREADABLE),
        ("/" + "x" * 5000, ImageReason.UNREADABLE),
        ("/a\0b", ImageReason.UNREADABLE),
        ("/nowhere/at/all.png", ImageReason.MISSING),
        ("memory://nowhere/at/all.png", ImageReason.MISSING),
    ):
        with pytest.raises(ImageRejected) as rejected:
            read_image(url)
        assert rejected.value.reason == reason, url


def test_a_monstrous_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Path, "read_bytes")
    result = ingest_file(FoundFile(url=str(tmp_path), bytes=10**12, modified=""), Role.REAL, CONFIG)
    assert isinstance(result, RejectedImage)
    assert result.reason == ImageReason.TOO_LARGE


def judge(data: bytes) -> None:
    """`decode` gives an image or a reason, and nothing else."""
    try:
        image, container, _ = decode(data, SMALL)
    except ImageRejected:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert min(image.shape[:2]) >= SMALL.min_side
    assert container


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    judge(data)


MAGICS = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"RIFF0000WEBP",
    b"P5 ",
    b"P3 ",
    b"BM",
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(MAGICS), st.binary(max_size=200))
def test_any_bytes_behind_a_magic_number(magic: bytes, data: bytes) -> None:
    judge(magic + data)


WHOLE = {name: make() for name, (make, _) in FILES.items() if len(make()) > 50}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_flipped_and_truncated_files(name: str, draw: st.DataObject) -> None:
    data = bytearray(WHOLE[name])
    near_the_start = st.integers(0, min(400, len(data) - 1))
    places = draw.draw(st.lists(near_the_start | st.integers(0, len(data) - 1), max_size=4))
    for place in places:
        data[place] = draw.draw(st.integers(0, 255))
    judge(bytes(data[: draw.draw(st.just(len(data)) | st.integers(0, len(data)))]))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_no_truncation_passes_unnoticed(kind: str) -> None:
    data = file_bytes(kind)
    for length in [*range(4, len(data) - 2, 37), len(data) - 3]:
        with pytest.raises(ImageRejected) as rejected:
            decode(data[:length], CONFIG)
        allowed = (
            {ImageReason.TRUNCATED}
            if length > 8
            else {ImageReason.TRUNCATED, ImageReason.NOT_AN_IMAGE}
        )
        assert rejected.value.reason in allowed, (length, rejected.value)


def test_decoding_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for data in WHOLE.values():
        judge(data)
        for place in range(8, 200, 11):
            judge(data[:place] + b"\x07" + data[place + 1 :])
    assert capfd.readouterr() == ("", "")


def packed_text(size: int) -> bytes:
    """A zTXt chunk of that many bytes, inflated."""
    return png_chunk(b"zTXt", b"XMP\0\0" + zlib.compress(bytes(size)))


@pytest.mark.parametrize("bits", [8, 16])
def test_no_limit_of_a_decoder_on_text_or_profile_refuses_a_png(bits: int) -> None:
    values = picture() if bits == 8 else sixteen_bit()
    profile = srgb_profile() + bytes(3 << 20)
    iccp = png_chunk(b"iCCP", b"large\0\0" + zlib.compress(profile))
    wanted, _, depth = decode(png_bytes(values, 2, bits=bits), CONFIG)
    for extra in (packed_text(3 << 20), packed_text(80 << 20), iccp):
        for place in ("extra", "late"):
            if place == "extra" or extra is not iccp:
                data = png_bytes(values, 2, bits=bits, **{place: extra})
                image, _, done = decode(data, CONFIG)
                np.testing.assert_array_equal(image, wanted)
                assert done == depth


def test_a_bomb_in_a_profile_is_not_inflated() -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    data = png_bytes(picture(), 2, bits=8, extra=png_chunk(b"iCCP", b"bomb\0\0" + bomb))
    image, _, done = decode(data, CONFIG)
    np.testing.assert_array_equal(image, picture())
    assert done == (Conversion.BROKEN_ICC_IGNORED,)


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def test_an_orientation_counts_in_exif_and_not_in_xmp() -> None:
    text = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    for data in (
        png_bytes(picture(), 2, bits=8, extra=text),
        file_bytes("WEBP", lossless=True, xmp=XMP),
        file_bytes("TIFF", tiffinfo={700: XMP}),
    ):
        image, _, done = decode(data, CONFIG)
        np.testing.assert_array_equal(image, picture())
        assert done == ()
    upright = file_bytes("WEBP", lossless=True, xmp=XMP, exif=exif_bytes(8))
    np.testing.assert_array_equal(decode(upright, CONFIG)[0], turned(picture(), 8))
    jpeg = file_bytes("JPEG", xmp=XMP)
    assert decode(jpeg, CONFIG)[0].shape == (HEIGHT, WIDTH, 3)


def test_exif_in_the_text_of_a_png_turns_it_as_before() -> None:
    block = exif_bytes(6)
    text = b"\nexif\n%8d\n%s\n" % (len(block), block.hex().encode())
    for name, content in ((b"tEXt", text), (b"zTXt", b"\0" + zlib.compress(text))):
        data = png_bytes(
            picture(), 2, bits=8, extra=png_chunk(name, b"Raw profile type exif\0" + content)
        )
        np.testing.assert_array_equal(decode(data, CONFIG)[0], turned(picture(), 6))


def samsung_trailer() -> bytes:
    """What Samsung's panoramas have in place of the end marker: a film, and where it begins."""
    name, film = b"MotionPanorama_Data", bytes(range(256)) * 30 + b"\xff\xd9\xff\xd8\xff\xda" * 9
    block = struct.pack("<HHI", 0, 0x0A30, len(name)) + name + film
    head = b"SEFH" + struct.pack("<II", 106, 1)
    head += struct.pack("<HHII", 0, 0x0A30, len(block), len(block))
    return block + head + struct.pack("<I", len(head)) + b"SEFT"


ENCODED: dict[str, dict[str, Any]] = {
    "baseline": {"quality": 90},
    "4:2:0": {"quality": 75, "subsampling": 2},
    "progressive": {"quality": 85, "progressive": True},
    "restarts": {"quality": 90, "restart_marker_blocks": 3},
}


@pytest.mark.parametrize("encoding", sorted(ENCODED))
def test_jpegs_whose_every_block_decodes_are_whole(tmp_path: Path, encoding: str) -> None:
    whole = file_bytes("JPEG", **ENCODED[encoding])
    wanted = decode(whole, CONFIG)[0]
    body = whole[:-2]
    for data in (
        body,
        whole[:-1],
        body + samsung_trailer(),
        whole + samsung_trailer(),
        *(body + bytes(range(17, 17 + stray)) + b"\xff\xd9" for stray in (1, 4, 8)),
        body + bytes(3),
        body + b"\0\0\x07",
    ):
        path = tmp_path / "a.jpg"
        path.write_bytes(data)
        record = ingest(path)
        assert record.conversions == ()
        assert record.pixel_sha256 == pixel_digest(wanted)


@pytest.mark.parametrize("encoding", sorted(ENCODED))
def test_jpegs_that_lack_blocks_or_scans_are_not(tmp_path: Path, encoding: str) -> None:
    whole = file_bytes("JPEG", **ENCODED[encoding])
    body = whole[:-2]
    scans = [match.start() for match in re.finditer(b"\xff\xda", whole)][1:]
    for data in (
        body[:-1],
        body[:-40],
        body[:-40] + samsung_trailer(),
        *(whole[:s] for s in scans),
    ):
        path = tmp_path / "a.jpg"
        path.write_bytes(data)
        result = ingest_file(found(path), Role.REAL, CONFIG)
        assert isinstance(result, RejectedImage), len(data)
        assert result.reason in (ImageReason.TRUNCATED, ImageReason.CORRUPT)
        assert "copy the file again" in result.detail
        if data in (whole[:s] for s in scans):
            assert "scans that refine the whole picture are missing" in result.detail
        elif data == body[:-40]:
            assert "the last blocks are missing" in result.detail
    assert missing(whole[:100]) == "the pixels are"
    longer = body + bytes(range(1, 100)) + b"\xff\xd9"
    path.write_bytes(longer)
    result = ingest_file(found(path), Role.REAL, CONFIG)
    assert isinstance(result, RejectedImage)
    assert re.search(r"9\d extraneous bytes", result.detail)  # less those that it had read ahead
