"""A folder of broken and odd image files, and what must be said of each."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from pairmill.schemas.image import Conversion, ImageReason

Verdict = ImageReason | tuple[Conversion, ...] | None
"""A reason for rejecting the file, or what was converted; None for a special file that no folder
walk may hang on."""

WIDTH, HEIGHT = 83, 71


def picture(width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint8]:
    """A smooth colourful image with one bright corner, so that every turn shows; (height, width,
    3) uint8."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    red, green, blue = 255 * x / width, 255 * y / height, 127 + 90 * np.sin(x / 7) * np.cos(y / 5)
    image = np.stack([red, green, blue], axis=-1)
    image[: height // 4, : width // 5] = 250
    pixels: npt.NDArray[np.uint8] = np.rint(image.clip(0, 255)).astype(np.uint8)
    return pixels


def file_bytes(
    kind: str, image: npt.NDArray[Any] | Image.Image | None = None, **options: Any
) -> bytes:
    """`image` (the image by default) as a file of a kind that Pillow writes."""
    source = picture() if image is None else image
    buffer = io.BytesIO()
    (source if isinstance(source, Image.Image) else Image.fromarray(source)).save(
        buffer, kind, **options
    )
    return buffer.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bytes(
    rows: npt.NDArray[Any], colour: int, *, bits: int = 16, extra: bytes = b"", late: bytes = b""
) -> bytes:
    """A PNG written by hand: `rows` (height, width[, channels]), with chunks before and after the
    pixels."""
    samples = rows.astype(">u2" if bits == 16 else np.uint8)
    body = b"".join(b"\0" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], bits, colour, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(body))
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + pixels
        + late
        + png_chunk(b"IEND", b"")
    )


def sixteen_bit() -> npt.NDArray[np.uint16]:
    """The image with 16 bits per channel, low bytes in use; (height, width, 3)."""
    noise = np.arange(HEIGHT * WIDTH * 3, dtype=np.int64).reshape(HEIGHT, WIDTH, 3) * 7919 % 120
    return (picture().astype(np.int64) * 256 + noise).astype(np.uint16)


def tiff_bytes(
    image: npt.NDArray[Any],
    photometric: int,
    *,
    number_kind: int = 1,
    extra: dict[int, int] | None = None,
) -> bytes:
    """An uncompressed one-strip TIFF written by hand; `image` (height, width[, channels])."""
    height, width = image.shape[:2]
    channels, bits = (image.shape[2] if image.ndim == 3 else 1), image.dtype.itemsize * 8
    tags = {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: photometric,
        277: channels,
        278: height,
        339: number_kind,
    }
    tags |= {279: image.nbytes} | (extra or {})
    arrays = {258: [bits] * channels, 339: [number_kind] * channels} if channels > 2 else {}
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries: list[bytes | tuple[int, int]] = []
    tail = b""
    for tag, value in sorted((tags | {273: 0}).items()):
        if tag in arrays:
            entries.append(struct.pack("<HHII", tag, 3, channels, start + len(tail)))
            tail += struct.pack(f"<{channels}H", *arrays[tag])
        else:
            entries.append((tag, value))
    # The pixels follow the directory and its arrays, whose length is known only now.
    entries = [(273, start + len(tail)) if entry == (273, 0) else entry for entry in entries]
    packed = [
        entry if isinstance(entry, bytes) else struct.pack("<HHII", entry[0], 4, 1, entry[1])
        for entry in entries
    ]
    pixels = image.astype(image.dtype.newbyteorder("<")).tobytes()
    return (
        b"II*\0"
        + struct.pack("<IH", 8, len(packed))
        + b"".join(packed)
        + b"\0\0\0\0"
        + tail
        + pixels
    )


def exif_bytes(orientation: int) -> bytes:
    """An EXIF block that holds an orientation only."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def icc_bytes(gamma: float = 1.8, *, grey: bool = False, space: bytes = b"RGB ") -> bytes:
    """An ICC profile written by hand: Adobe RGB primaries, or grey, with a plain gamma."""
    curve = b"curv" + struct.pack(">IIH2x", 0, 1, round(gamma * 256))
    tags = {b"wtpt": _xyz(0.9642, 1.0, 0.8249)}
    if grey:
        tags[b"kTRC"] = curve
    else:
        primaries = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
        tags |= {
            name: _xyz(*xyz)
            for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
        }
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(
        ">I4sI4s4s4s12x4s28xIII48x",
        start + len(body),
        b"\0\0\0\0",
        0x02100000,
        b"mntr",
        b"GRAY" if grey else space,
        b"XYZ ",
        b"acsp",
        0xF6D6,
        0x10000,
        0xD32D,
    )
    return head + table + body


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def srgb_profile() -> bytes:
    """The profile that says sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def mpo_bytes() -> bytes:
    """A JPEG with a second, smaller frame behind it, as phones write it."""
    second = Image.fromarray(picture(64, 64))
    return file_bytes("MPO", save_all=True, append_images=[second], quality=90)


def _with_alpha(least: int, *, grey: bool = False) -> Image.Image:
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[5, 7] = least
    image = Image.fromarray(picture())
    image = image.convert("L") if grey else image
    image.putalpha(Image.fromarray(alpha))
    return image


def _frames(kind: str) -> bytes:
    frames = [Image.fromarray(np.roll(picture(), shift, axis=1)) for shift in (0, 9, 20)]
    return file_bytes(kind, frames[0], save_all=True, append_images=frames[1:])


def _palette() -> Image.Image:
    return Image.fromarray(picture()).quantize(32)


def _spare_index() -> bytes:
    image = _palette()
    image.putpalette([*(image.getpalette() or [])[:96], 1, 2, 3])
    return file_bytes("PNG", image, transparency=32)


def _lying_png(width: int, height: int) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + png_chunk(b"IDAT", zlib.compress(bytes(1000)))
        + png_chunk(b"IEND", b"")
    )


def _flipped_pixels() -> bytes:
    data = bytearray(file_bytes("PNG"))
    data[data.index(b"IDAT") + 500] ^= 0x55
    return bytes(data)


def _overwritten(data: bytes, with_: bytes) -> bytes:
    """Other bytes in the middle of the second half, as a bad copy leaves them; the end is there."""
    start = len(data) * 3 // 4
    return data[:start] + with_ + data[start + len(with_) :]


def _lying_jpeg() -> bytes:
    data = bytearray(file_bytes("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65000, 65000)
    return bytes(data)


def _twelve_bit_jpeg() -> bytes:
    data = bytearray(file_bytes("JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    return bytes(data)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("photo.jpg", file_bytes("JPEG"))
    return buffer.getvalue()


def _box(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + b"\0\0\0\0" + b"mif1" + brand + bytes(300)


def _grey16() -> npt.NDArray[np.uint16]:
    return sixteen_bit()[..., 1]


def _rgba16(alpha: int) -> npt.NDArray[np.uint16]:
    plane = np.full((HEIGHT, WIDTH, 1), 65535, np.uint16)
    plane[3, 4] = alpha
    return np.concatenate([sixteen_bit(), plane], axis=2)


def _webp_bomb() -> bytes:
    size = struct.pack("<I", 40_000 - 1)[:3]
    body = (
        b"WEBPVP8X"
        + struct.pack("<I", 10)
        + b"\0\0\0\0"
        + size
        + size
        + b"VP8 "
        + struct.pack("<I", 4)
        + bytes(4)
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


R, C = ImageReason, Conversion
_SRGB = srgb_profile()
FILES: dict[str, tuple[Callable[[], bytes], Verdict]] = {
    "plain.jpg": (lambda: file_bytes("JPEG", quality=92), ()),
    "progressive.jpg": (lambda: file_bytes("JPEG", progressive=True), ()),
    "plain.png": (lambda: file_bytes("PNG"), ()),
    "plain.webp": (lambda: file_bytes("WEBP"), ()),
    "plain.tif": (lambda: file_bytes("TIFF"), ()),
    "plain.bmp": (lambda: file_bytes("BMP"), ()),
    "plain.ppm": (lambda: file_bytes("PPM"), ()),
    "still.gif": (lambda: file_bytes("GIF", _palette()), (C.PALETTE_TO_RGB,)),
    "a jpeg, called.png": (lambda: file_bytes("JPEG"), ()),
    "no-extension": (lambda: file_bytes("PNG"), ()),
    "zeros-before-the-end.jpg": (lambda: file_bytes("JPEG")[:-2] + bytes(500) + b"\xff\xd9", ()),
    "trailing-bytes.jpg": (lambda: file_bytes("JPEG") + b"appended by a phone", ()),
    "srgb-profile.jpg": (lambda: file_bytes("JPEG", icc_profile=_SRGB), ()),
    "wide-gamut.jpg": (lambda: file_bytes("JPEG", icc_profile=icc_bytes()), (C.ICC_TO_SRGB,)),
    "grey-profile.png": (
        lambda: file_bytes("PNG", picture()[..., 1], icc_profile=icc_bytes(grey=True)),
        (C.GREY_TO_RGB, C.ICC_TO_SRGB),
    ),
    "broken-profile.jpg": (
        lambda: file_bytes("JPEG", icc_profile=b"not a profile" * 20),
        (C.BROKEN_ICC_IGNORED,),
    ),
    "cmyk-profile-on-rgb.jpg": (
        lambda: file_bytes("JPEG", icc_profile=icc_bytes(space=b"CMYK")),
        (C.BROKEN_ICC_IGNORED,),
    ),
    "rotated.jpg": (lambda: file_bytes("JPEG", exif=exif_bytes(6)), (C.EXIF_ROTATED,)),
    "rotated.png": (lambda: file_bytes("PNG", exif=exif_bytes(8)), (C.EXIF_ROTATED,)),
    "rotated.webp": (lambda: file_bytes("WEBP", exif=exif_bytes(3)), (C.EXIF_ROTATED,)),
    "rotated.tif": (lambda: file_bytes("TIFF", exif=exif_bytes(5)), (C.EXIF_ROTATED,)),
    "rotated-late.png": (
        lambda: png_bytes(
            picture(), 2, bits=8, late=png_chunk(b"eXIf", exif_bytes(6).removeprefix(b"Exif\0\0"))
        ),
        (C.EXIF_ROTATED,),
    ),
    "broken-exif.jpg": (lambda: file_bytes("JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"), ()),
    "grey.jpg": (lambda: file_bytes("JPEG", picture()[..., 1]), (C.GREY_TO_RGB,)),
    "one-bit.png": (
        lambda: file_bytes("PNG", Image.fromarray(picture()).convert("1")),
        (C.GREY_TO_RGB,),
    ),
    "palette.png": (lambda: file_bytes("PNG", _palette()), (C.PALETTE_TO_RGB,)),
    "palette-spare-key.png": (_spare_index, (C.OPAQUE_ALPHA_DROPPED, C.PALETTE_TO_RGB)),
    "opaque-alpha.png": (lambda: file_bytes("PNG", _with_alpha(255)), (C.OPAQUE_ALPHA_DROPPED,)),
    "opaque-grey-alpha.png": (
        lambda: file_bytes("PNG", _with_alpha(255, grey=True)),
        (C.OPAQUE_ALPHA_DROPPED, C.GREY_TO_RGB),
    ),
    "opaque-alpha.tif": (lambda: file_bytes("TIFF", _with_alpha(255)), (C.OPAQUE_ALPHA_DROPPED,)),
    "grey-16.png": (lambda: png_bytes(_grey16(), 0), (C.SIXTEEN_TO_EIGHT_BIT, C.GREY_TO_RGB)),
    "rgb-16.png": (lambda: png_bytes(sixteen_bit(), 2), (C.SIXTEEN_TO_EIGHT_BIT,)),
    "rgba-16.png": (
        lambda: png_bytes(_rgba16(65535), 6),
        (C.SIXTEEN_TO_EIGHT_BIT, C.OPAQUE_ALPHA_DROPPED),
    ),
    "grey-alpha-16.png": (
        lambda: png_bytes(_rgba16(65535)[..., [1, 3]], 4),
        (C.SIXTEEN_TO_EIGHT_BIT, C.OPAQUE_ALPHA_DROPPED, C.GREY_TO_RGB),
    ),
    "rgb-16.tif": (lambda: tiff_bytes(sixteen_bit(), 2), (C.SIXTEEN_TO_EIGHT_BIT,)),
    "rgb-16-turned.tif": (
        lambda: tiff_bytes(sixteen_bit(), 2, extra={274: 6}),
        (C.SIXTEEN_TO_EIGHT_BIT, C.EXIF_ROTATED),
    ),
    "grey-16.tif": (lambda: tiff_bytes(_grey16(), 1), (C.SIXTEEN_TO_EIGHT_BIT, C.GREY_TO_RGB)),
    "white-is-zero-16.tif": (
        lambda: tiff_bytes(_grey16(), 0),
        (C.SIXTEEN_TO_EIGHT_BIT, C.GREY_TO_RGB),
    ),
    "rgb-16.ppm": (
        lambda: b"P6 83 71 65535\n" + sixteen_bit().astype(">u2").tobytes(),
        (C.SIXTEEN_TO_EIGHT_BIT,),
    ),
    "phone.mpo": (mpo_bytes, (C.FIRST_FRAME_OF_MPO,)),
    "transparent.png": (lambda: file_bytes("PNG", _with_alpha(254)), R.TRANSPARENT),
    "transparent-16.png": (lambda: png_bytes(_rgba16(1000), 6), R.TRANSPARENT),
    "transparent-key-16.png": (
        lambda: png_bytes(
            _grey16(), 0, extra=png_chunk(b"tRNS", struct.pack(">H", int(_grey16()[0, 0])))
        ),
        R.TRANSPARENT,
    ),
    "transparent-key.png": (
        lambda: png_bytes(
            picture(),
            2,
            bits=8,
            extra=png_chunk(b"tRNS", struct.pack(">3H", *picture()[0, 0].tolist())),
        ),
        R.TRANSPARENT,
    ),
    "transparent.webp": (lambda: file_bytes("WEBP", _with_alpha(0)), R.TRANSPARENT),
    "transparent-palette.png": (
        lambda: file_bytes("PNG", _palette(), transparency=0),
        R.TRANSPARENT,
    ),
    "animated.gif": (lambda: _frames("GIF"), R.SEVERAL_FRAMES),
    "animated.png": (lambda: _frames("PNG"), R.SEVERAL_FRAMES),
    "animated.webp": (lambda: _frames("WEBP"), R.SEVERAL_FRAMES),
    "pages.tif": (lambda: _frames("TIFF"), R.SEVERAL_FRAMES),
    "cmyk.jpg": (lambda: file_bytes("JPEG", Image.fromarray(picture()).convert("CMYK")), R.CMYK),
    "cmyk.tif": (lambda: file_bytes("TIFF", Image.fromarray(picture()).convert("CMYK")), R.CMYK),
    "lab.tif": (
        lambda: file_bytes("TIFF", Image.fromarray(picture()).convert("LAB")),
        R.UNSUPPORTED_FORMAT,
    ),
    "float.tif": (
        lambda: tiff_bytes(picture().astype(np.float32), 2, number_kind=3),
        R.NOT_8_OR_16_BIT,
    ),
    "float-grey.tif": (
        lambda: file_bytes("TIFF", Image.fromarray(picture()).convert("F")),
        R.NOT_8_OR_16_BIT,
    ),
    "int-32.tif": (
        lambda: file_bytes("TIFF", Image.fromarray(picture()).convert("I")),
        R.NOT_8_OR_16_BIT,
    ),
    "twelve-bit.jpg": (_twelve_bit_jpeg, R.NOT_8_OR_16_BIT),
    "ten-bit.ppm": (
        lambda: b"P6 83 71 1023\n" + (sixteen_bit() >> 6).astype(">u2").tobytes(),
        R.NOT_8_OR_16_BIT,
    ),
    "truncated.jpg": (lambda: file_bytes("JPEG", quality=95)[:-900], R.TRUNCATED),
    "truncated-header.jpg": (lambda: file_bytes("JPEG")[:60], R.TRUNCATED),
    "truncated.png": (lambda: file_bytes("PNG")[:-900], R.TRUNCATED),
    "no-end.png": (lambda: file_bytes("PNG")[:-12], R.TRUNCATED),
    "truncated.tif": (lambda: file_bytes("TIFF")[:-900], R.TRUNCATED),
    "truncated-16.tif": (lambda: tiff_bytes(sixteen_bit(), 2)[:-900], R.TRUNCATED),
    "truncated-16.ppm": (lambda: b"P6 83 71 65535\n" + sixteen_bit().tobytes()[:-900], R.TRUNCATED),
    "truncated.webp": (lambda: file_bytes("WEBP")[:-200], R.TRUNCATED),
    "truncated.bmp": (lambda: file_bytes("BMP")[:-900], R.TRUNCATED),
    "truncated.gif": (lambda: file_bytes("GIF", _palette())[:-900], R.TRUNCATED),
    "hollow.png": (lambda: _lying_png(9000, 9000), R.TRUNCATED),
    "flipped.png": (_flipped_pixels, R.CORRUPT),
    "zeros-inside.jpg": (
        lambda: _overwritten(file_bytes("JPEG", quality=95), bytes(300)),
        R.CORRUPT,
    ),
    "noise-inside.jpg": (
        lambda: _overwritten(file_bytes("JPEG", quality=95), bytes(range(40, 140))),
        R.CORRUPT,
    ),
    "garbage.jpg": (lambda: b"\xff\xd8\xff" + bytes(range(256)) * 4 + b"\xff\xd9", R.CORRUPT),
    "bomb.png": (lambda: _lying_png(60_000, 60_000), R.TOO_LARGE),
    "bomb.jpg": (_lying_jpeg, R.TOO_LARGE),
    "bomb.gif": (
        lambda: b"GIF89a" + struct.pack("<HHBBB", 65000, 65000, 0, 0, 0) + bytes(9),
        R.TOO_LARGE,
    ),
    "bomb.webp": (_webp_bomb, R.TOO_LARGE),
    "tiny.png": (lambda: file_bytes("PNG", picture(83, 20)), R.TOO_SMALL),
    "one-pixel.gif": (lambda: file_bytes("GIF", picture(1, 1)), R.TOO_SMALL),
    "empty.jpg": (lambda: b"", R.EMPTY_FILE),
    "notes.jpg": (lambda: b"BMW, not an image\n" * 20, R.NOT_AN_IMAGE),
    "page.png": (lambda: b"<!DOCTYPE html><html><svg ></svg></html>", R.NOT_AN_IMAGE),
    "archive.jpg": (_zip, R.NOT_AN_IMAGE),
    "scan.pdf": (lambda: b"%PDF-1.7\n" + bytes(300), R.NOT_AN_IMAGE),
    "zeros.jpg": (lambda: bytes(5000), R.NOT_AN_IMAGE),
    "sidecar.json": (lambda: json.dumps({"iso": 100}).encode(), R.NOT_AN_IMAGE),
    "drawing.svg": (
        lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
        R.UNSUPPORTED_FORMAT,
    ),
    "phone.heic": (lambda: _box(b"heic"), R.UNSUPPORTED_FORMAT),
    "photo.avif": (lambda: file_bytes("AVIF"), R.UNSUPPORTED_FORMAT),
    "photo.jp2": (lambda: file_bytes("JPEG2000"), R.UNSUPPORTED_FORMAT),
    "raw.cr2": (lambda: b"II*\0\x10\0\0\0CR\x02\0" + bytes(300), R.UNSUPPORTED_FORMAT),
    "raw.dng": (lambda: tiff_bytes(_grey16(), 32803), R.UNSUPPORTED_FORMAT),
    "raw.nef": (lambda: tiff_bytes(picture(), 2, extra={254: 1, 330: 8}), R.UNSUPPORTED_FORMAT),
    "layers.psd": (lambda: b"8BPS\0\x01" + bytes(300), R.UNSUPPORTED_FORMAT),
}


def make_odd_images(folder: Path) -> dict[str, Verdict]:
    """Write every odd file, link and pipe into `folder`; by name, what must be said of each.

    A verdict of None marks a folder: walking goes into it, and nothing is said of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    verdicts: dict[str, Verdict] = {}
    for name, (make, verdict) in FILES.items():
        (folder / name).write_bytes(make())
        verdicts[name] = verdict
    return verdicts | _make_special_files(folder)


def _make_special_files(folder: Path) -> dict[str, Verdict]:
    (folder / "folder.png").mkdir()
    (folder / "nowhere.jpg").symlink_to(folder / "moved-away.jpg")
    (folder / "itself.jpg").symlink_to(folder / "itself.jpg")
    os.mkfifo(folder / "pipe.jpg")
    return {
        "folder.png": None,
        "nowhere.jpg": R.MISSING,
        "itself.jpg": R.UNREADABLE,
        "pipe.jpg": R.UNREADABLE,
    }
