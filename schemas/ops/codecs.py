"""Lossy codecs: encode, decode, continue with the 8-bit result. All of them clip and round to 8
bits first.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.ops.base import Counts, OpBase

Subsampling = Literal["444", "422", "420"]
"""Chroma at full, half (columns) or quarter (rows and columns) resolution."""

Phase = Annotated[int, Field(ge=0, le=15)]
"""Place of the first sample in its block, in samples; up to 15 because blocks of subsampled chroma
cover 16."""


class Jpeg(OpBase):
    """Encode and decode as baseline JPEG. Two of them in a row with different phases are a double
    JPEG.
    """

    op: Literal["jpeg"] = "jpeg"
    """Name of the op."""
    quality: int = Field(ge=1, le=100)
    """Quality on libjpeg's scale: the standard tables times 50 / q below 50, else 2 - q / 50."""
    subsampling: Subsampling = "420"
    """Chroma subsampling."""
    phase: tuple[Phase, Phase] = (0, 0)
    """Rows and columns, 0..15, by which the image starts inside its first block."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"JPEG quality {self.quality}, {self.subsampling}"


class Webp(OpBase):
    """Encode and decode as lossy WebP."""

    op: Literal["webp"] = "webp"
    """Name of the op."""
    quality: int = Field(ge=1, le=100)
    """Quality on libwebp's scale."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"WebP quality {self.quality}"


class Avif(OpBase):
    """Encode and decode as AVIF."""

    op: Literal["avif"] = "avif"
    """Name of the op."""
    quality: int = Field(ge=1, le=100)
    """Quality on libavif's scale."""
    subsampling: Subsampling = "420"
    """Chroma subsampling."""
    speed: int = Field(default=8, ge=0, le=10)
    """Effort of the encoder; larger is quicker."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"AVIF quality {self.quality}, {self.subsampling}"


class JpegXl(OpBase):
    """Encode and decode as lossy JPEG XL."""

    op: Literal["jpeg_xl"] = "jpeg_xl"
    """Name of the op."""
    distance: float = Field(gt=0, le=25)
    """Butteraugli distance; 1 is visually lossless, larger is worse."""
    effort: int = Field(default=4, ge=1, le=9)
    """Effort of the encoder."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"JPEG XL distance {self.distance:.1f}"


class ChromaSubsample(OpBase):
    """Subsample the chroma (BT.601, full range) by averaging and upsample it again, without any
    quantisation of coefficients.
    """

    op: Literal["chroma_subsample"] = "chroma_subsample"
    """Name of the op."""
    subsampling: Subsampling = "420"
    """How much is subsampled."""
    smooth: bool = False
    """Upscale with bilinear interpolation instead of repeating."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"chroma subsampled {self.subsampling}"


class Video(OpBase):
    """Encode the image as frames of a video (4:2:0, BT.709, limited range), decode, and keep the
    last frame.
    """

    op: Literal["video"] = "video"
    """Name of the op."""
    codec: Literal["h264", "hevc", "vp9", "av1"]
    """Codec."""
    crf: int = Field(ge=0, le=63)
    """Constant rate factor on the codec's own scale (0..51 for H.264 and HEVC, 0..63 for VP9 and
    AV1)."""
    frames: int = Field(default=1, ge=1, le=8)
    """Frames that are encoded; the image moves by `motion` from one to the next, and the last is
    kept."""
    motion: tuple[int, int] = (0, 0)
    """Rows and columns that the image moves per frame, in pixels."""

    @model_validator(mode="after")
    def _on_the_scale(self) -> Self:
        if self.codec in ("h264", "hevc") and self.crf > 51:
            raise ValueError(f"crf {self.crf} is beyond the scale of {self.codec}, 0..51")
        return self

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        name = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}[self.codec]
        return f"{name} video, CRF {self.crf}" + (
            f", frame {self.frames}" if self.frames > 1 else ""
        )


CodecOp = Jpeg | Webp | Avif | JpegXl | ChromaSubsample | Video
