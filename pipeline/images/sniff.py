"""The container format of a file, by its first bytes and never by its name."""

from __future__ import annotations

import re

from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.schemas.image import ImageReason

ALLOWED = "JPEG, PNG, TIFF, WebP, BMP, GIF and PPM"

# Camera raw files come first: several of them are TIFF files to the letter.
_UNSUPPORTED: tuple[tuple[str, str], ...] = (
    (r"II\*\x00.{4}CR", "Canon raw (CR2)"),
    (r".{4}ftypcrx ", "Canon raw (CR3)"),
    (r"II(RO|RS)|MMOR", "Olympus raw (ORF)"),
    (r"IIU\x00", "Panasonic raw (RW2)"),
    (r"FUJIFILMCCD-RAW", "Fujifilm raw (RAF)"),
    (r"FOVb", "Sigma raw (X3F)"),
    (r".{4}ftyp(mif1.{4,40}?)?avi[fs]", "AVIF"),
    (r".{4}ftyp(hei[cxms]|hev[cx]|mif1|msf1)", "HEIC"),
    (r".{4}ftyp|.{4}(moov|mdat|wide)", "MP4 or QuickTime video"),
    (r"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (r"\x00\x00\x00\x0cJXL |\xff\x0a", "JPEG XL"),
    (r"8BPS", "Photoshop (PSD)"),
    (r"\x76\x2f\x31\x01", "OpenEXR"),
    (r"#\?(RADIANCE|RGBE)", "Radiance HDR"),
    (r"P[Ff]\s", "portable float map (PFM)"),
    (r"P7\s", "portable arbitrary map (PAM)"),
    (r"\x00\x00[\x01\x02]\x00[^\x00]", "Windows icon (ICO)"),
    (r"qoif", "QOI"),
    (r"DDS ", "DirectDraw surface (DDS)"),
    (r"SIMPLE  =", "FITS"),
    (r".{128}DICM", "DICOM"),
    (r"%!PS|\xc5\xd0\xd3\xc6", "PostScript"),
    (r"(\xef\xbb\xbf)?\s*(?=<)(?!(?i:<(!doctype )?html)).*?<svg[\s>]", "SVG"),
)
_SUPPORTED: tuple[tuple[str, str], ...] = (
    (r"\xff\xd8\xff", "JPEG"),
    (r"\x89PNG\r\n\x1a\n", "PNG"),
    (r"GIF8[79]a", "GIF"),
    (r"II[*+]\x00|MM\x00[*+]", "TIFF"),
    (r"RIFF.{4}WEBP", "WEBP"),
    # "BM" alone also begins many a text: the size of the second header must be one that exists.
    (r"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "BMP"),
    (r"P[1-6][\s#]", "PPM"),
)
_OTHER: tuple[tuple[str, str], ...] = (
    (r"PK(\x03\x04|\x05\x06)", "a zip archive"),
    (r"%PDF", "a PDF document"),
    (r"\x1f\x8b", "a gzip archive"),
    (r"Rar!|7z\xbc\xaf", "an archive"),
    (r".{257}ustar", "a tar archive"),
    (r"\x93NUMPY", "a NumPy array"),
    (r"\s*(?i:<(!doctype )?html)", "a web page"),
    (r"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (r"\x00{64}", "zero bytes, as after an interrupted copy"),
)
_HEAD = 1024


def sniff(data: bytes) -> str:
    """The format of `data`: JPEG, PNG, GIF, TIFF, WEBP, BMP or PPM.

    Raises:
        ImageRejected: `empty-file`, `unsupported-format` or `not-an-image`.
    """
    if not data:
        raise ImageRejected(ImageReason.EMPTY_FILE, f"The file has 0 bytes; {ALLOWED} are allowed.")
    if name := _match(_UNSUPPORTED, data):
        raise ImageRejected(
            ImageReason.UNSUPPORTED_FORMAT,
            f"The format is {name}; {ALLOWED} are allowed: convert it first.",
        )
    if name := _match(_SUPPORTED, data):
        return name
    what = _match(_OTHER, data) or _describe(data)
    raise ImageRejected(ImageReason.NOT_AN_IMAGE, f"The file is {what}; {ALLOWED} are allowed.")


def _match(table: tuple[tuple[str, str], ...], data: bytes) -> str | None:
    head = data[:_HEAD]
    return next(
        (name for magic, name in table if re.match(magic.encode("latin-1"), head, re.DOTALL)), None
    )


def _describe(data: bytes) -> str:
    try:
        head = data[:_HEAD].decode()
    except UnicodeDecodeError:
        head = ""
    if head and all(char.isprintable() or char.isspace() for char in head):
        return "text"
    return f"of no known kind (it begins with {data[:8].hex(' ')})"
