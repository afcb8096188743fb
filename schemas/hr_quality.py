"""How much an image is worth as HR: focus, enlargement, older compression, complexity."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen


class HrVerdict(StrEnum):
    """Why an image is worth less as HR."""

    DEFOCUSED = "defocused"
    ENLARGED = "enlarged"
    SOFT = "soft"
    RESAVED = "resaved"
    PLAIN = "plain"


class HrQualityConfig(Frozen):
    """When an image is called worth less as HR; that is shown, and costs it nothing unless `drop`
    says so.
    """

    max_defocus: float = Field(default=0.5, ge=0, le=1)
    """Largest share of what there is to see that may be out of focus; above it the image is
    `defocused`."""
    max_enlarged: float = Field(default=1.1, ge=1)
    """How many times it may have been enlarged; above it the image is `enlarged`."""
    min_fine: float = Field(default=0.015, ge=0)
    """Smallest power of detail finer than 3.3 pixels, over that of 4.5 to 8.3 pixels; below it the
    image is `soft`, as one that was enlarged by exactly 2 is."""
    min_quality: int = Field(default=90, ge=0, le=100)
    """Smallest quality of an older JPEG that a file saved better still shows; below it the image is
    `resaved`."""
    min_complexity: float = Field(default=2.0, ge=0)
    """Smallest entropy of the gradients, in bits; below it the image is `plain`."""
    drop: tuple[HrVerdict, ...] = ()
    """Verdicts for which clean images are rejected."""


class HrFigures(Frozen):
    """What was measured on one image."""

    image: Digest
    """Pixel digest."""
    defocus: float = Field(ge=0, le=1)
    """Share out of focus of all that is not flat."""
    flat: float = Field(ge=0, le=1)
    """Share of the image that shows nothing that could be in focus."""
    enlarged: float = Field(ge=1)
    """How many times it was enlarged, as far as lines in its second differences show; 1 if they do
    not."""
    fine: float | None
    """Power between 0.3 and 0.5 cycles per pixel over that between 0.12 and 0.22; none for images
    that are flat or smaller than 64 pixels."""
    quality: int = Field(ge=0, le=100)
    """Quality of an older JPEG that shows in the pixels of a file that was saved better; 0 if none
    does."""
    complexity: float = Field(ge=0)
    """Entropy of the gradients, in bits."""

    def verdicts(self, config: HrQualityConfig) -> tuple[HrVerdict, ...]:
        """Why the image is worth less, as far as it is."""
        held = {
            HrVerdict.DEFOCUSED: self.defocus > config.max_defocus,
            HrVerdict.ENLARGED: self.enlarged > config.max_enlarged,
            HrVerdict.SOFT: self.fine is not None and self.fine < config.min_fine,
            HrVerdict.RESAVED: 0 < self.quality < config.min_quality,
            HrVerdict.PLAIN: self.complexity < config.min_complexity,
        }
        return tuple(verdict for verdict, so in held.items() if so)

    def says(self, verdict: HrVerdict) -> str:
        """What was measured, in a few words."""
        return {
            HrVerdict.DEFOCUSED: f"{self.defocus:.0%} of its content out of focus",
            HrVerdict.ENLARGED: f"enlarged {self.enlarged:.2f} times",
            HrVerdict.SOFT: f"fine detail has {self.fine or 0:.3f} of the power of coarser",
            HrVerdict.RESAVED: f"was a JPEG of quality {self.quality}",
            HrVerdict.PLAIN: f"{self.complexity:.1f} bits of gradients",
        }[verdict]


class MeasuredHr(Frozen):
    """The figures of all images, by digest."""

    images: tuple[HrFigures, ...]
    """One per image."""
