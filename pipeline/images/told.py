"""What a file says of its colours."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from pairmill.pipeline.images.colour_space import ADOBE_RGB, ColourSpace
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.schemas.image import Conversion, ImageReason

_EXIF, _INTEROP, _COLOUR_SPACE, _INDEX = 0x8769, 0xA005, 0xA001, 1
_UNCALIBRATED, _ADOBE_OF_SOME = 65535, 2


@dataclass(frozen=True)
class Told:
    """A profile, or a space; without both, sRGB."""

    profile: bytes = b""
    """An ICC profile, readable or not."""
    space: ColourSpace | None = None
    """A space that is told by numbers."""
    by: Conversion | None = None
    """What a conversion from these is called, or what was passed over."""


def told_by_exif(exif: Image.Exif) -> Told:
    """Adobe RGB, which cameras tell by DCF's index `R03` of an uncalibrated space (DCF 2.0, 6.2.2),
    and some by colour space 2; or nothing.
    """
    try:
        space = exif.get_ifd(_EXIF).get(_COLOUR_SPACE)
        index = str(exif.get_ifd(_INTEROP).get(_INDEX, ""))
    except Exception:  # noqa: BLE001 - damaged EXIF costs no image: it says nothing
        return Told()
    if space == _ADOBE_OF_SOME or (space == _UNCALIBRATED and index.startswith("R03")):
        return Told(space=ADOBE_RGB, by=Conversion.EXIF_COLOUR_TO_SRGB)
    return Told()


def rejected_hdr(what: str) -> ImageRejected:
    """The rejection of an HDR still, by what says that it is one."""
    detail = (
        f"The image is HDR ({what}), much brighter than sRGB can show; export it as SDR, in sRGB, "
        "with the tone mapping that you like."
    )
    return ImageRejected(ImageReason.HDR, detail)
