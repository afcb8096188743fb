"""Source files as upright 8-bit sRGB arrays, or the reason why not."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pairmill.pipeline.images import pixel_cache
from pairmill.pipeline.images.camera import read_camera
from pairmill.pipeline.images.colour import to_srgb
from pairmill.pipeline.images.damage import check_jpeg, quiet, reading
from pairmill.pipeline.images.find import FoundFile
from pairmill.pipeline.images.header import Header, read_header
from pairmill.pipeline.images.plain_jpeg import decode_plain
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import (
    Conversion,
    ImageReason,
    ImageRecord,
    IngestConfig,
    RejectedImage,
    Role,
)

__all__ = [
    "ImageRejected",
    "OpenedImage",
    "decode",
    "ingest_file",
    "load",
    "open_image",
    "pixel_digest",
    "read_image",
]

_UPRIGHT: dict[int, Callable[[npt.NDArray[np.uint8]], cv2.typing.MatLike]] = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
_LARGEST_PIXEL, _LARGEST_METADATA = 8, 2**28


def decode(
    data: bytes, config: IngestConfig
) -> tuple[npt.NDArray[np.uint8], str, tuple[Conversion, ...]]:
    """Decode an image file, of any allowed format whatever its name, to upright 8-bit sRGB.

    Returns:
        The image, (height, width, 3) uint8 RGB in 0..255, C-contiguous and writable; the container
        format; and what was converted.

    Raises:
        ImageRejected: `data` is no image that `config` allows.
    """
    found = _decode(data, config)
    return found.image, found.container, found.conversions


@dataclass(frozen=True, eq=False)
class _Decoded:
    """What `decode` returns, and two things more."""

    image: npt.NDArray[np.uint8]
    container: str
    conversions: tuple[Conversion, ...]
    data: bytes
    """What the decoders were given."""
    whole: bool
    """Whether the decoder itself has looked for damage as `check_jpeg` does."""


def _decode(data: bytes, config: IngestConfig) -> _Decoded:
    header = read_header(data, config)
    with reading(header.container, data):
        plain = decode_plain(header, header.data)
        image, conversions = to_srgb(header, plain)
        image = upright(image, header)
    container = header.container
    done = list(conversions)
    if header.is_mpo:
        container = "MPO"
        done.insert(0, Conversion.FIRST_FRAME_OF_MPO)
    if header.orientation != 1:
        done.append(Conversion.EXIF_ROTATED)
    return _Decoded(image, container, tuple(done), header.data, whole=plain is not None)


def upright(image: npt.NDArray[np.uint8], header: Header) -> npt.NDArray[np.uint8]:
    """A decoded image, turned as its header says."""
    # Pillow and OpenCV both turn TIFF files upright while decoding.
    if header.orientation in _UPRIGHT and header.container != "TIFF":
        return np.asarray(_UPRIGHT[header.orientation](image), np.uint8)
    return image


def pixel_digest(image: npt.NDArray[np.uint8]) -> str:
    """SHA-256 in hexadecimal of an (height, width, 3) uint8 RGB image: its type, height, width,
    then bytes by rows.
    """
    assert image.dtype == np.uint8, image.dtype
    assert image.shape[2:] == (3,), image.shape
    digest = hashlib.sha256(b"rgb8" + struct.pack("<QQ", *image.shape[:2]))
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class OpenedImage:
    """An ingested image with its pixels and its file, for who does not want to decode it again."""

    record: ImageRecord
    pixels: npt.NDArray[np.uint8]
    """(height, width, 3) uint8 sRGB."""
    data: bytes
    """The file."""


def ingest_file(
    found: FoundFile, role: Role, config: IngestConfig, *, camera: bool = False
) -> ImageRecord | RejectedImage:
    """Read and decode one file for its record, and keep its pixels for `load`; see `open_image`."""
    opened = open_image(found, role, config, camera=camera)
    if isinstance(opened, RejectedImage):
        return opened
    pixel_cache.keep(opened.record.pixel_sha256, opened.pixels)
    return opened.record


def open_image(
    found: FoundFile, role: Role, config: IngestConfig, *, camera: bool = False
) -> OpenedImage | RejectedImage:
    """Read and decode one file; an image that cannot be used is a record with a reason, not an
    error.

    Args:
        found: The file.
        role: What it is for.
        config: What an image must be.
        camera: Whether to look for what the file says of its camera.

    Raises:
        StoreError: The store failed in a way that may pass.
    """
    with quiet:  # once for all that reads the file: to change loggers takes a millisecond
        return _opened(found, role, config, camera=camera)


def _opened(
    found: FoundFile, role: Role, config: IngestConfig, *, camera: bool
) -> OpenedImage | RejectedImage:
    try:
        _check_bytes(found, config)
        data = read_image(found.url)
        decoded = _decode(data, config)
        if decoded.container in ("JPEG", "MPO") and not decoded.whole:
            check_jpeg(decoded.data)
    except ImageRejected as error:
        return RejectedImage(url=found.url, role=role, reason=error.reason, detail=error.detail)
    image = decoded.image
    record = ImageRecord(
        url=found.url,
        role=role,
        format=decoded.container,
        width=image.shape[1],
        height=image.shape[0],
        bytes=len(data),
        file_sha256=hashlib.sha256(data).hexdigest(),
        pixel_sha256=pixel_digest(image),
        conversions=decoded.conversions,
        camera=read_camera(data, decoded.container) if camera else None,
    )
    return OpenedImage(record, image, data)


def load(record: ImageRecord) -> npt.NDArray[np.uint8]:
    """The pixels of an ingested image, (height, width, 3) uint8 sRGB: those that were kept, or its
    file decoded again; what was accepted then is not judged again.

    Raises:
        UserError: Its pixels are not kept, and the file is gone or has others.
        StoreError: The store failed in a way that may pass.
    """
    image = pixel_cache.read(record.pixel_sha256, record.height, record.width)
    if image is None:
        image = _decoded_again(record)
        pixel_cache.keep(record.pixel_sha256, image)
    return image


def _decoded_again(record: ImageRecord) -> npt.NDArray[np.uint8]:
    accepted = IngestConfig(
        min_side=min(record.width, record.height), max_pixels=record.width * record.height
    )
    try:
        image, _, _ = decode(read_image(record.url), accepted)
    except ImageRejected as error:
        raise _changed(record, error.detail) from error
    digest = pixel_digest(image)
    if digest != record.pixel_sha256:
        height, width, _ = image.shape
        raise _changed(record, f"other pixels: {width} x {height}, digest {digest[:16]}")
    return image


def _changed(record: ImageRecord, got: str) -> UserError:
    return UserError(
        "An image changed since ingest",
        where=record.url,
        got=got,
        wanted=f"the pixels that were ingested: {record.width} x {record.height}, digest "
        f"{record.id}",
        todo="put the file back as it was, or run the build again, which ingests changed files "
        "anew",
    )


def _check_bytes(found: FoundFile, config: IngestConfig) -> None:
    most = config.max_pixels * _LARGEST_PIXEL + _LARGEST_METADATA
    if found.bytes > most:
        detail = (
            f"The file has {found.bytes} bytes; an image of {config.max_pixels} pixels has "
            f"at most {most}."
        )
        raise ImageRejected(ImageReason.TOO_LARGE, detail)
