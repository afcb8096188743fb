"""Images as frames of a video: H.264, HEVC, VP9 and AV1 through the FFmpeg that PyAV carries.

4:2:0, 8 bits, BT.709 in the limited range; the conversion is ours
(`pairmill.models.functional.chroma`), because FFmpeg's differs between processors. One thread, no
B-frames, no detection of cuts: the first frame is coded by itself, each other from the one before
it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.chroma import Planes, from_video, to_video
from pairmill.pipeline.extras import extra

Image8 = NDArray[np.uint8]
Codec = Literal["h264", "hevc", "vp9", "av1"]
SMALLEST = 64
"""Rows and columns of the smallest frame: x265 and SVT-AV1 refuse less than a block or so."""
RATE = Fraction(25)


@dataclass(frozen=True)
class Coder:
    """How one codec is asked for."""

    encoder: str
    """FFmpeg's name of the encoder."""
    decoder: str
    """FFmpeg's name of the decoder."""
    options: dict[str, str]
    """Options of the encoder; `{crf}` stands for the constant rate factor."""


CODERS: dict[Codec, Coder] = {
    "h264": Coder(
        "libx264",
        "h264",
        {
            "crf": "{crf}",
            "preset": "medium",
            "bf": "0",
            "sc_threshold": "0",
            "x264-params": "cpu-independent=1",
        },
    ),
    "hevc": Coder(
        "libx265",
        "hevc",
        {
            "crf": "{crf}",
            "preset": "medium",
            "x265-params": "pools=none:frame-threads=1:bframes=0:scenecut=0:info=0:log-level=none",
        },
    ),
    "vp9": Coder(
        "libvpx-vp9",
        "vp9",
        {  # without a rate, crf alone decides; no hidden frames
            "crf": "{crf}",
            "b": "0",
            "deadline": "good",
            "cpu-used": "4",
            "row-mt": "0",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
        },
    ),
    "av1": Coder(
        "libsvtav1",
        "libdav1d",
        {  # as a parameter: FFmpeg's own option takes 0 for "not given"
            "preset": "8",
            "svtav1-params": "crf={crf}:lp=1:pred-struct=1:lookahead=0",
        },
    ),
}


def video(
    image: Image8, codec: Codec, crf: int, frames: int = 1, motion: tuple[int, int] = (0, 0)
) -> Image8:
    """Encode (H, W, 3) RGB as the last frame of a video, decode that frame.

    Args:
        image: RGB; frames of less than 64 or an odd number of rows or columns are filled up with
            the edge sample.
        codec: Which codec.
        crf: Constant rate factor on the codec's own scale; 0 is lossless but for the colours,
            except in HEVC.
        frames: Frames; before the last the image lies `motion` further back each, the border
            mirrored.
        motion: Rows and columns that the image moves per frame, in pixels.

    Raises:
        MissingLibraryError: if PyAV is missing.
    """
    height, width = image.shape[:2]
    steps = [
        _filled(moved(image, (motion[0] * back, motion[1] * back)))
        for back in range(frames - 1, -1, -1)
    ]
    decoded = _decode(
        CODERS[codec], _encode(CODERS[codec], [to_video(step) for step in steps], crf)
    )
    return np.ascontiguousarray(from_video(decoded)[:height, :width])


def moved(image: Image8, back: tuple[int, int]) -> Image8:
    """The image as it was `back` rows and columns of motion ago, (H, W, 3): `out[y, x] = image[y
    + back[0], x + back[1]]`, the border mirrored with the edge sample repeated.
    """
    before, after = [max(0, -by) for by in back], [max(0, by) for by in back]
    wide = np.pad(image, (*zip(before, after, strict=True), (0, 0)), "symmetric")
    rows, columns = (slice(by, by + length) for by, length in zip(after, image.shape, strict=False))
    return wide[rows, columns]


def _filled(image: Image8) -> Image8:
    """Even sides of at least `SMALLEST`, filled up below and right with the edge sample."""
    below, right = (max(SMALLEST, length + length % 2) - length for length in image.shape[:2])
    return np.pad(image, ((0, below), (0, right), (0, 0)), "edge")


def _av() -> Any:
    # SVT-AV1 writes to standard error by itself; 0 lets through what is fatal. It reads this when
    # an encoder opens.
    os.environ.setdefault("SVT_LOG", "0")
    with extra("codecs", "video", "a program with video"):
        import av
    return av


def _encode(coder: Coder, frames: Sequence[Planes], crf: int) -> list[bytes]:
    """Packets of the encoder, without a container."""
    av = _av()
    context = av.CodecContext.create(coder.encoder, "w")
    context.height, context.width = frames[0][0].shape
    context.pix_fmt, context.thread_count = "yuv420p", 1
    context.framerate, context.time_base = RATE, 1 / RATE
    context.options = {name: value.format(crf=crf) for name, value in coder.options.items()}
    packets: list[Any] = []
    for time, planes in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(_stacked(planes), format="yuv420p")
        frame.pts = time
        packets += context.encode(frame)
    return [bytes(packet) for packet in (*packets, *context.encode(None))]


def _decode(coder: Coder, packets: Sequence[bytes]) -> Planes:
    """The last frame."""
    av = _av()
    context = av.CodecContext.create(coder.decoder, "r")
    context.thread_count = 1
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet))]
    last = (frames + context.decode(None))[-1]
    return _split(last.to_ndarray(format="yuv420p"), last.height, last.width)


def _stacked(planes: Planes) -> Image8:
    """PyAV's image of a frame: (3 H / 2, W), the planes one after the other."""
    return np.concatenate([plane.ravel() for plane in planes]).reshape(-1, planes[0].shape[1])


def _split(stacked: Image8, height: int, width: int) -> Planes:
    """The planes of `_stacked`."""
    parts = np.split(stacked.ravel(), [height * width, height * width * 5 // 4])
    return (
        parts[0].reshape(height, width),
        parts[1].reshape(height // 2, -1),
        parts[2].reshape(height // 2, -1),
    )
