"""Which builds of the codec libraries are at work: results may change when one of these does."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from importlib.metadata import PackageNotFoundError, version


def builds(ops: Collection[str] | None = None) -> dict[str, str]:
    """Versions of the libraries that enter the results of the codec ops, by name, sorted; what is
    not installed is left out.

    Args:
        ops: Names of ops as in programs ("jpeg", "video", ...), others are ignored; all codecs
            without it.
    """
    found: dict[str, str] = {}
    for op in sorted(BUILDS if ops is None else set(ops) & set(BUILDS)):
        found |= BUILDS[op]()
    return dict(sorted(found.items()))


def _jpeg() -> dict[str, str]:
    import cv2

    version = re.search(r"JPEG:.*\(ver ([^)]*)\)", cv2.getBuildInformation())
    return {
        "libjpeg-turbo (opencv)": version[1] if version else "unknown",
        "opencv": cv2.__version__,
    }


def _pooled_jpeg() -> dict[str, str]:
    return _jpeg() | _pillow("libjpeg_turbo", "libjpeg-turbo (pillow)")


def _pillow(feature: str, name: str) -> dict[str, str]:
    from PIL import features

    if features.check(feature):
        return {name: str(features.version(feature)), "pillow": version("pillow")}
    return {}


def _jpeg_xl() -> dict[str, str]:
    try:
        import imagecodecs
    except ImportError:
        return {}
    return {
        "libjxl": str(imagecodecs.jpegxl_version()).removeprefix("libjxl "),
        "imagecodecs": _package("imagecodecs"),
    }


def _video() -> dict[str, str]:
    try:
        import av
    except ImportError:
        return {}
    # The wheel carries x264, x265, libvpx, SVT-AV1 and dav1d: its version stands for theirs.
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    return {"av": _package("av"), "ffmpeg": str(av.ffmpeg_version_info), "libavcodec": codec}


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


BUILDS: dict[str, Callable[[], dict[str, str]]] = {
    "jpeg": _jpeg,
    "pooled_jpeg": _pooled_jpeg,
    "webp": lambda: _pillow("webp", "libwebp"),
    "avif": lambda: _pillow("avif", "libavif"),
    "jpeg_xl": _jpeg_xl,
    "video": _video,
}
"""Per op; chroma subsampling uses no library."""
