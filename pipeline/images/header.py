"""What an image file says of itself, checked before any pixel is decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from pairmill.pipeline.images.containers import (
    BITS,
    ORIENTATION,
    PHOTOMETRIC,
    Tags,
    check_container,
    check_size,
    profile_of_bmp,
)
from pairmill.pipeline.images.damage import damage_of_jpeg, reading
from pairmill.pipeline.images.jpeg_end import with_end
from pairmill.pipeline.images.png_colour import read_png
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.images.sniff import sniff
from pairmill.pipeline.images.told import Told, told_by_exif
from pairmill.schemas.image import Conversion, ImageReason, IngestConfig

# The file classes are called directly: `Image.open` would warn or raise by the global
# MAX_IMAGE_PIXELS, which is
# neither ours to set nor thread-safe, and it would open the MPO files of phones as films of two
# frames.
_OPENERS: dict[str, Callable[[BytesIO], ImageFile]] = {
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "PPM": PpmImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
}
_XMP = ("xmp", "XML:com.adobe.xmp")
_EIGHT_BIT = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"}
_DECODED_AS_SIXTEEN_BIT = {"L", "LA", "RGB", "RGBA", "RGBX", "I", "I;16", "I;16B", "I;16L", "I;16N"}


@dataclass(frozen=True)
class Header:
    """An image file that passed all checks that need no pixels."""

    container: str
    """BMP, GIF, JPEG, PNG, PPM, TIFF or WEBP."""
    image: ImageFile
    """The file, opened but not decoded."""
    bits: int
    """Bits per channel, 1 to 8 or 16."""
    orientation: int
    """EXIF orientation, 1 (upright) to 8."""
    white_is_zero: bool
    """Whether a TIFF counts from white to black."""
    data: bytes
    """What decoders are given: the file without what no pixel needs, and with its end."""
    told: Told
    """What it says of its colours."""

    @property
    def is_mpo(self) -> bool:
        """Whether a JPEG carries further frames, such as a depth map, a gain map or a preview."""
        return self.container == "JPEG" and "mp" in self.image.info


def read_header(data: bytes, config: IngestConfig) -> Header:
    """Check all that can be known of the file `data` without decoding pixels.

    Raises:
        ImageRejected: Not an image that is allowed, with the reason.
    """
    container = sniff(data)
    with reading(container, data):
        tags = check_container(container, data, config)
        told = Told()
        if container == "PNG":
            data, told = read_png(data)
        if container == "JPEG":
            ended = with_end(data)
            data = data if ended is not data and damage_of_jpeg(ended) else ended
        image = opened(container, data)
        check_size(image.size, config)
        _check_frames(image)
        _check_mode(image, tags.get(BITS, 8))
        exif = _exif(image)
        return Header(
            container,
            image,
            tags.get(BITS, 8),
            _orientation(exif, tags),
            tags.get(PHOTOMETRIC) == 0,
            data,
            _colours(told, image, exif, data),
        )


def opened(container: str, data: bytes) -> ImageFile:
    """The file, opened but not decoded; raises whatever Pillow does."""
    return _OPENERS[container](BytesIO(data))


def _check_frames(image: ImageFile) -> None:
    count = getattr(image, "n_frames", 1)
    if count > 1:
        detail = f"The {image.format} file has {count} frames or pages; one is allowed."
        raise ImageRejected(ImageReason.SEVERAL_FRAMES, detail)


def _check_mode(image: ImageFile, bits: int) -> None:
    mode = image.mode
    if mode == "CMYK":
        raise ImageRejected(
            ImageReason.CMYK, "The colours are CMYK printing inks; grey and RGB are allowed."
        )
    if mode in (_DECODED_AS_SIXTEEN_BIT if bits == 16 else _EIGHT_BIT):
        return
    if mode == "F" or mode.startswith("I"):
        detail = (
            f"The pixels are numbers of Pillow mode {mode}; integers of 8 or 16 bits are allowed."
        )
        raise ImageRejected(ImageReason.NOT_8_OR_16_BIT, detail)
    detail = (
        f"The colours are {mode} with {bits} bits per channel; grey and RGB of 8 or 16 bits "
        "are allowed."
    )
    raise ImageRejected(ImageReason.UNSUPPORTED_FORMAT, detail)


def _colours(told: Told, image: ImageFile, exif: Image.Exif, data: bytes) -> Told:
    """What counts first: chunks of a PNG, a profile, EXIF."""
    if told != Told():
        return told
    if profile := image.info.get("icc_profile") or profile_of_bmp(data):
        return Told(profile=profile, by=Conversion.ICC_TO_SRGB)
    return told_by_exif(exif)


def _orientation(exif: Image.Exif, tags: Tags) -> int:
    value = tags.get(ORIENTATION) or exif.get(ORIENTATION)
    if isinstance(value, int) and 1 <= value <= 8:
        return value
    return 1


def _exif(image: ImageFile) -> Image.Exif:
    """The EXIF of a file, empty if it is damaged or not there."""
    for name in _XMP:  # of which Pillow would take an orientation that viewers do not
        image.info.pop(name, None)
    try:
        # The base method: that of PNG files decodes all pixels first.
        return Image.Image.getexif(image)
    except Exception:  # noqa: BLE001 - damaged EXIF costs no image: it counts as upright
        return Image.Exif()
