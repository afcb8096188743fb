"""Source files as upright 8-bit sRGB arrays, or the reason why not."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairmill.pipeline.images.camera import read_camera
from pairmill.pipeline.images.colour import to_srgb
from pairmill.pipeline.images.damage import check_jpeg, reading
from pairmill.pipeline.images.find import FoundFile
from pairmill.pipeline.images.header import read_header
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

_Transpose = Image.Transpose
_UPRIGHT = {
    2: _Transpose.FLIP_LEFT_RIGHT,
    3: _Transpose.ROTATE_180,
    4: _Transpose.FLIP_TOP_BOTTOM,
    5: _Transpose.TRANSPOSE,
    6: _Transpose.ROTATE_270,
    7: _Transpose.TRANSVERSE,
    8: _Transpose.ROTATE_90,
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
    # Pillow for all 8-bit files: OpenCV decodes the same pixels 1.3 times (JPEG) or 1.15 times
    # (PNG) as fast, which is
    # little beside the encoding that follows, but it prints about damaged files and calls truncated
    # and corrupt alike.
    header = read_header(data, config)
    with reading(header.container, data):
        image, conversions = to_srgb(header, data)
        # Pillow and OpenCV both turn TIFF files upright while decoding.
        if header.container == "TIFF":
            turn = None
        else:
            turn = _UPRIGHT.get(header.orientation)
        upright = np.array(image if turn is None else image.transpose(turn))
    container = header.container
    done = list(conversions)
    if header.is_mpo:
        container = "MPO"
        done.insert(0, Conversion.FIRST_FRAME_OF_MPO)
    if header.orientation != 1:
        done.append(Conversion.EXIF_ROTATED)
    return upright, container, tuple(done)


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
    """Read and decode one file for its record alone; see `open_image`."""
    opened = open_image(found, role, config, camera=camera)
    return opened.record if isinstance(opened, OpenedImage) else opened


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
    try:
        _check_bytes(found, config)
        data = read_image(found.url)
        image, container, conversions = decode(data, config)
        if container in ("JPEG", "MPO"):
            check_jpeg(data)
    except ImageRejected as error:
        return RejectedImage(url=found.url, role=role, reason=error.reason, detail=error.detail)
    record = ImageRecord(
        url=found.url,
        role=role,
        format=container,
        width=image.shape[1],
        height=image.shape[0],
        bytes=len(data),
        file_sha256=hashlib.sha256(data).hexdigest(),
        pixel_sha256=pixel_digest(image),
        conversions=conversions,
        camera=read_camera(data, container) if camera else None,
    )
    return OpenedImage(record, image, data)


def load(record: ImageRecord) -> npt.NDArray[np.uint8]:
    """Decode an ingested image again, as (height, width, 3) uint8 sRGB; what was accepted then is
    not judged again.

    Raises:
        UserError: The file is gone or its pixels are no longer those that were ingested.
        StoreError: The store failed in a way that may pass.
    """
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
