"""Damaged files: whatever a decoder raises becomes a rejection with a reason."""

from __future__ import annotations

import ctypes
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import cv2
from PIL import Image, _imaging

from pairmill.pipeline.images.jpeg_end import missing
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.schemas.errors import MissingLibraryError
from pairmill.schemas.image import ImageReason

_PIL_LOG = logging.getLogger("PIL")
_SILENT = 0
_END = b"\xff\xd9"
_FEW = 8
"""Stray bytes, as the decoder counts them, that are no sign of damage: of 2,880 damaged copies of
12 images, 704 had bytes left over, one of them so few."""
_SAMPLES = {"unknown pixel mode", "Invalid value for samples per pixel"}
"""What Pillow says of sound TIFF files whose samples it does not read."""
_STRAY = re.compile(r"(\d+) extraneous bytes before marker 0xd9")

# Asked only after decoding has failed, so a trailer that happens to lie in other data does no harm.
_ENDS_EARLY: dict[str, Callable[[bytes], bool]] = {
    "JPEG": lambda data: data.rfind(b"\xff\xd9") <= data.rfind(b"\xff\xda"),
    "WEBP": lambda data: len(data) < 8 + int.from_bytes(data[4:8], "little"),
    "GIF": lambda data: not data.rstrip(b"\0").endswith(b";"),
    "BMP": lambda data: len(data) < int.from_bytes(data[2:6], "little"),
}


def check_jpeg(data: bytes) -> None:
    """Refuse a JPEG whose entropy-coded data are damaged, which decoders only warn of; half the
    time of decoding it.

    A JPEG has no checksum: what is found is data that end too early, too late, or mean nothing.
    Most damage of some bytes is; a flipped bit often is not. Zeros and a few stray bytes before the
    end are a habit of some cameras and do no harm.

    Raises:
        ImageRejected: `corrupt`.
    """
    if says := damage_of_jpeg(data):
        detail = f"Part of the picture is damaged ({says}); copy the file again."
        raise ImageRejected(ImageReason.CORRUPT, detail)


def damage_of_jpeg(data: bytes) -> str:
    """What `check_jpeg` refuses, as the decoder says it; empty if nothing."""
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:  # also for kinds that it does not know, which others have decoded
        found = _STRAY.search(str(error))
        stray = int(found[1]) if found else 0
        harmless = found is not None and (stray <= _FEW or bytes(stray) + _END in data)
        if str(error).startswith("Corrupt JPEG data") and not harmless:
            return str(error)
    return ""


@contextmanager
def reading(container: str, data: bytes) -> Iterator[None]:
    """Turn whatever a decoder raises over `data` into `ImageRejected`, and keep the decoders
    silent.

    Raises:
        ImageRejected: `truncated`, `corrupt` or `not-8-or-16-bit`.
        MissingLibraryError: What decodes it is not installed.
    """
    with quiet:
        try:
            yield
        except (ImageRejected, MissingLibraryError):
            raise
        except Exception as error:
            # Pillow's readers leak struct, index, type and value errors of damaged files.
            raise _rejection(container, data, error) from error


class _Quiet:
    """No warnings, log and size limit of the decoders' own while any thread is inside; `check_size`
    has the limit.

    These are settings of the process: the first thread to enter changes them, the last one to leave
    puts them back.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._outside = threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._change()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._outside.close()

    def _change(self) -> None:
        self._outside.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
        self._outside.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = None
        self._outside.callback(_PIL_LOG.setLevel, _PIL_LOG.level)
        _PIL_LOG.setLevel(logging.CRITICAL)
        if _TIFF_LINES is not None:
            self._outside.callback(_TIFF_LINES, _TIFF_LINES(None))
        self._outside.callback(
            cv2.utils.logging.setLogLevel, cv2.utils.logging.setLogLevel(_SILENT)
        )


def _tiff_lines() -> Callable[[int | None], int | None] | None:
    """Sets what libtiff, which prints, does with its errors, and returns what it did; none where
    Pillow has it built in, as on Windows.
    """
    try:
        handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return None
    handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    return handler


_TIFF_LINES = _tiff_lines()
quiet = _Quiet()
"""Keeps the decoders silent; see `reading`, which also explains what they raise."""


def _rejection(container: str, data: bytes, error: Exception) -> ImageRejected:
    says = str(error) or type(error).__name__
    if "bit layers" in says:
        return ImageRejected(
            ImageReason.NOT_8_OR_16_BIT, f"Pillow {says}; JPEG is allowed with 8 bits per channel."
        )
    if says in _SAMPLES:
        return ImageRejected(
            ImageReason.UNSUPPORTED_FORMAT,
            f"No library here reads a {container} of such samples; save it as plain grey or RGB.",
        )
    if "truncat" in says.lower() or _ends_early(container, data):
        what = f": {missing(data)} missing" if container == "JPEG" else ""
        detail = (
            f"The {container} data end before the image does{what} ({says}); copy the file again."
        )
        return ImageRejected(ImageReason.TRUNCATED, detail)
    return ImageRejected(
        ImageReason.CORRUPT, f"The {container} data are damaged ({says}); copy the file again."
    )


def _ends_early(container: str, data: bytes) -> bool:
    return container in _ENDS_EARLY and _ENDS_EARLY[container](data)
