"""What is read of EXIF: every container, and what makes no sense."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from pairmill.pipeline.images.camera import read_camera
from pairmill.pipeline.images.decode import ingest_file
from pairmill.pipeline.images.find import find_files
from pairmill.schemas.camera import CameraFacts
from pairmill.schemas.image import ImageRecord, IngestConfig, Role
from tests.support.odd_images import file_bytes, picture, png_bytes, png_chunk

MAKE, MODEL, LENS, FOCAL, APERTURE, ZOOM, ISO = (
    *(271, 272, 0xA434, 0x920A),
    *(0x829D, 0xA404, 0x8827),
)
INNER = (LENS, FOCAL, APERTURE, ZOOM, ISO)
GOOD: dict[int, Any] = {
    MAKE: "NIKON CORPORATION",
    MODEL: "NIKON D5 ",
    LENS: "50mm  f/1.8",
    FOCAL: IFDRational(500, 10),
    APERTURE: IFDRational(18, 10),
    ZOOM: IFDRational(2, 1),
    ISO: 400,
}
FACTS = CameraFacts(
    make="NIKON CORPORATION",
    model="NIKON D5",
    lens="50mm f/1.8",
    focal_length=50,
    aperture=1.8,
    digital_zoom=2,
    iso=400,
)


def exif(tags: dict[int, Any]) -> Image.Exif:
    made = Image.Exif()
    for tag, value in tags.items():
        if tag not in INNER:
            made[tag] = value
    made.get_ifd(0x8769).update({tag: value for tag, value in tags.items() if tag in INNER})
    return made


def jpeg(tags: dict[int, Any]) -> bytes:
    return file_bytes("JPEG", exif=exif(tags))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_container_that_has_exif(kind: str) -> None:
    assert read_camera(file_bytes(kind, exif=exif(GOOD).tobytes()), kind) == FACTS
    assert read_camera(file_bytes(kind), kind) is None


def test_exif_behind_the_pixels_of_a_png_and_of_an_mpo() -> None:
    block = exif(GOOD).tobytes().removeprefix(b"Exif\0\0")
    late = png_bytes(picture().astype(">u2") * 257, 2, late=png_chunk(b"eXIf", block))
    assert read_camera(late, "PNG") == FACTS
    assert read_camera(jpeg(GOOD), "MPO") == FACTS


@pytest.mark.parametrize("kind", ["BMP", "GIF", "PPM"])
def test_containers_without_exif_say_nothing(kind: str) -> None:
    assert read_camera(file_bytes(kind), kind) is None


@pytest.mark.parametrize(
    ("tag", "value", "field", "found"),
    [
        (MAKE, "Canon\0\0\0", "make", "Canon"),
        (MAKE, "Canon\0old memory", "make", "Canon"),
        (MAKE, "\x1b[31mred", "make", ""),
        (MAKE, " \n ", "make", ""),
        (MODEL, "two\nlines", "model", "two lines"),
        (MODEL, "x" * 101, "model", ""),
        (LENS, "----", "lens", ""),
        (FOCAL, IFDRational(0, 0), "focal_length", None),
        (FOCAL, IFDRational(1, 0), "focal_length", None),
        (FOCAL, IFDRational(0, 1), "focal_length", None),
        (FOCAL, IFDRational(4_000_000_000, 1), "focal_length", None),
        (APERTURE, IFDRational(-18, 10), "aperture", None),
        (ZOOM, IFDRational(0, 1), "digital_zoom", 1),
        (ZOOM, IFDRational(1, 2), "digital_zoom", 1),
        (ISO, 0, "iso", None),
        (ISO, (400, 0), "iso", 400),
    ],
)
def test_what_makes_no_sense_is_dropped_alone(
    tag: int, value: object, field: str, found: object
) -> None:
    read = read_camera(jpeg({**GOOD, tag: value}), "JPEG")
    assert read == FACTS.with_(**{field: found})


def test_a_field_of_another_type_is_dropped_alone() -> None:
    """A model that is a number, and a focal length that is a text."""
    entries = struct.pack("<HHI4s", MAKE, 2, 4, b"Abc\0") + struct.pack("<HHII", MODEL, 12, 1, 900)
    entries += struct.pack("<HHII", 0x8769, 4, 1, 50)
    main = b"II*\0" + struct.pack("<IH", 8, 3) + entries + struct.pack("<I", 0)
    inner = struct.pack("<H", 2) + struct.pack("<HHI4s", FOCAL, 2, 4, b"abc\0")
    inner += struct.pack("<HHII", ISO, 3, 1, 100) + struct.pack("<I", 0)
    data = file_bytes("JPEG", exif=b"Exif\0\0" + main + inner)
    assert read_camera(data, "JPEG") == CameraFacts(make="Abc", iso=100)


@settings(max_examples=200, deadline=None)
@given(block=st.binary(max_size=200), whole=st.booleans(), data=st.data())
def test_no_bytes_are_an_error(block: bytes, whole: bool, data: Any) -> None:
    good = bytearray(exif(GOOD).tobytes())
    if whole:
        good[6:] = block
    else:
        place = data.draw(st.integers(6, len(good) - 1))
        good[place : place + len(block)] = block
    read_camera(file_bytes("JPEG", exif=bytes(good)), "JPEG")


def test_records_of_real_images_say_it_and_others_keep_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(GOOD))
    (file,) = find_files(["a.jpg"], str(tmp_path), "images.real")
    real = ingest_file(file, Role.REAL, IngestConfig(), camera=True)
    other = ingest_file(file, Role.REAL, IngestConfig())
    assert isinstance(real, ImageRecord)
    assert isinstance(other, ImageRecord)
    assert real.camera == FACTS
    assert ImageRecord.model_validate_json(real.canonical_json()) == real
    assert not {"camera", "group"} & other.model_dump().keys()
