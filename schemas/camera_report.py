"""What `pairmill camera` finds: `camera.json`.

Lengths "in px" are in pixels of the photograph, "in HR px" in those of the HR grid of the scale;
intervals hold the truth with a probability of 95 % as far as the model of scenes is right.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.camera import CameraFacts
from pairmill.schemas.groups import GroupSource
from pairmill.schemas.image import ImageReason
from pairmill.schemas.kernel import KernelReason
from pairmill.schemas.noise_levels import NoisePoint


class Measured(Frozen):
    """A number and the interval that it lies in."""

    value: float
    """Best estimate."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""


class TransferPoint(Frozen):
    """One point of a transfer curve (MTF)."""

    frequency: float
    """Cycles per pixel of the photograph."""
    contrast: Measured
    """Share of contrast that is left, the mean over all directions."""


class PartFound(Frozen):
    """The blur in one part of the photographs."""

    name: str
    """The part: a cell of the field, as the camera saw it, or a channel."""
    width: float
    """Width in px."""
    ratio: Measured
    """Width over that on all of a photograph, or of luma."""


class VariationFound(Frozen):
    """How a blur varies within photographs."""

    parts: tuple[PartFound, ...]
    """All parts; of the field row by row."""
    told_by: int = Field(ge=1)
    """Photographs that it was told from."""


class BlurFound(Frozen):
    """The blur that all photographs of a group share."""

    form: tuple[str, ...]
    """What it is made of: `gaussian`, `disc`, `line`, `sharpened`, `profile`."""
    words: str
    """The same in words."""
    told_by: int = Field(ge=1)
    """Photographs that it was estimated from: those that show a scene."""
    width: Measured
    """Width in px: the standard deviation of the Gaussian that halves contrast at the same
    frequency."""
    width_hr: Measured
    """The same in HR px."""
    elongation: float = Field(ge=1)
    """Length in the longest direction over that across it."""
    direction: float = Field(ge=0, le=180)
    """The longest direction, in degrees clockwise from the horizontal, as one sees the
    photograph."""
    mtf50: float
    """Frequency at which half of the contrast is left, in cycles per px."""
    detail: float
    """The same for a tenth."""
    sharpening: float = Field(ge=0)
    """By how much contrast is raised where it is raised most; 0 if the camera does not sharpen."""
    noise_sharpened: bool
    """Whether the noise was sharpened with the picture."""
    difference: float = Field(ge=0)
    """Standard deviation of the width from photograph to photograph, as a share; 0 for one."""
    error: float = Field(ge=0)
    """Expected |k - truth| / |truth| of the kernel."""
    error_of_twice: float = Field(ge=0)
    """The same with twice as many photographs."""
    error_of_many: float = Field(ge=0)
    """The same with any number of them: what scenes have in common is known only so well."""
    photographs_wanted: int = Field(ge=1)
    """With how many photographs in all more of them hardly help."""
    curve: tuple[TransferPoint, ...]
    """Its transfer curve."""
    kernel: str
    """File of the kernel, below the folder."""
    field: VariationFound | None = None
    """How it varies over the field, by cells of a 3 x 3 grid; none if too few photographs tell."""
    channels: VariationFound | None = None
    """How it varies from channel to channel; none if too few photographs tell."""


class NoiseFound(Frozen):
    """Noise against level; levels with too few flat blocks are left out."""

    red: tuple[NoisePoint, ...]
    """Of R, by rising level."""
    green: tuple[NoisePoint, ...]
    """Of G."""
    blue: tuple[NoisePoint, ...]
    """Of B."""
    by_luma: bool
    """Whether a JPEG is among the photographs: of these, luma speaks for all channels."""
    spread: float = Field(ge=0)
    """How much photographs differ: standard deviation of the logarithm of their noise."""


class CompressionFound(Frozen):
    """How the files of a group are compressed."""

    jpegs: int
    """Photographs that are JPEG files; of the others nothing is said, though they may have been
    JPEG files once."""
    qualities: tuple[int, ...]
    """Quality of each JPEG file on libjpeg's scale, or of the nearest standard table, ascending."""
    subsampled: int
    """JPEG files with less chroma than luma."""


class PhotographFound(Frozen):
    """One photograph."""

    name: str
    """What it is called here: its file name without the ending, with a number where another one
    has that name."""
    file: str
    """Where it is."""
    digest: Digest
    """Pixel digest."""
    width: int
    """Width, in pixels."""
    height: int
    """Height, in pixels."""
    accepted: bool
    """Whether it gives a kernel."""
    reason: KernelReason | None
    """Why not."""
    words: str
    """The verdict in words."""
    enlarged: float = 1.0
    """How many times it was enlarged, as far as that shows; such photographs take no part in the
    estimate of their camera."""
    kernel: str = ""
    """File of its kernel, below the folder; empty if there is none."""
    blur_width: Measured | None = None
    """Width of its blur, in px; none if it was not measured."""
    mtf50: float | None = None
    """Frequency at which its blur leaves half of the contrast, in cycles per px."""
    detail: float | None = None
    """The same for a tenth."""
    sharpening: float | None = None
    """By how much contrast is raised where it is raised most."""
    error: float | None = None
    """Expected |k - truth| / |truth| of its kernel."""
    misfit: float | None = None
    """Root mean square difference of its spectrum from what its blur makes likely, in dB."""
    noise: float | None = None
    """Standard deviation of its noise in flat parts, in intensity levels of luma."""
    curve: tuple[float, ...] = ()
    """Its transfer curve, at the frequencies of its group's."""
    quality: int = 0
    """Quality of the JPEG file; 0 if it is none."""


class GroupFound(Frozen):
    """Photographs that share a camera, and what it does."""

    name: str
    """For people, and in file names."""
    source: GroupSource
    """Where the grouping comes from."""
    shared: CameraFacts | None
    """What all files say alike."""
    uncertain: tuple[str, ...]
    """What is uncertain, in sentences; the most important first."""
    blur: BlurFound | None
    """Its blur; none if no photograph shows one."""
    noise: NoiseFound
    """Its noise."""
    compression: CompressionFound
    """Its compression."""
    photographs: tuple[PhotographFound, ...] = Field(min_length=1)
    """Its photographs, by name."""

    @property
    def accepted(self) -> int:
        """Photographs that give a kernel."""
        return sum(photograph.accepted for photograph in self.photographs)


class FileLeftOut(Frozen):
    """A file that is no photograph to look at."""

    file: str
    """Where it is."""
    reason: ImageReason
    """Why."""
    words: str
    """The same in a sentence."""


class CameraReport(Frozen):
    """All of it."""

    kind: Literal["pairmill camera"] = "pairmill camera"
    """What the file is."""
    format: Literal[1] = 1
    """Version of this schema, raised when its readers would have to change."""
    scale: int
    """HR side over LR side, which kernels are for."""
    kernel_side: int
    """Side of a kernel, in HR px."""
    clean: int = Field(ge=0)
    """Clean images that HR is known from; 0 if HR is taken for sharp."""
    groups: tuple[GroupFound, ...]
    """The groups."""
    left_out: tuple[FileLeftOut, ...]
    """Files that could not be used, photographs and clean ones."""
