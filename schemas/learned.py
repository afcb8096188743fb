"""What the schemas of all learned degradations share: settings of their fits, a fit and its
verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen

Beta = Annotated[float, Field(ge=0, lt=1)]
Betas = tuple[Beta, Beta]
"""Decay rates of Adam's moments."""
F = TypeVar("F", bound=Frozen)
R = TypeVar("R", bound=str)
M = TypeVar("M", bound=Frozen)


class FitRef(Frozen, Generic[F]):
    """A fit and the unit that made it."""

    key: Digest
    """Key of the unit."""
    fit: F
    """What it made."""


class FitVerdict(Frozen, Generic[R, M]):
    """Whether a fit may be drawn from."""

    reasons: tuple[R, ...]
    """Gates that it failed."""
    measures: M | None
    """What was measured; none if the fit left the finite numbers."""

    @property
    def accepted(self) -> bool:
        """Whether it passed all gates."""
        return not self.reasons


class UnpairedMeasures(Frozen):
    """What is measured of every fit to real images and to HR that are not pairs."""

    auc: float | None
    """AUC of distinguishing drawn from real patches, of what is sealed; none where there are too
    few images."""
    interval: tuple[float, float] | None
    """95 % interval of it over a new choice of images."""
    telling: tuple[str, ...] = ()
    """The features that distinguish best when used alone, the strongest first, in words."""
    aucs: tuple[float | None, ...]
    """The AUC at every check."""
    images: tuple[int, int]
    """Real and HR images that crops came from."""
    samples: int
    """LR crops seen; fewer than asked for after an early stop."""
    kept: int
    """LR crops that had been seen at the check that is sealed."""


def check_ascending(halve_at: Sequence[float], section: str) -> None:
    """Make sure that step sizes are halved at fractions of the samples, one after the other.

    Raises:
        ValueError: if not.
    """
    if list(halve_at) != sorted(halve_at) or any(not 0 < at <= 1 for at in halve_at):
        raise ValueError(f"{section}.halve_at must ascend in (0, 1], got {halve_at}")


def window_problem(section: str, window: int, side: int, crop: int) -> str:
    """What is wrong with the part of HR that crops come from; empty if nothing is.

    Args:
        section: of the recipe.
        window: side of the part, in HR pixels.
        side: of what an LR crop is made of, in HR pixels.
        crop: side of an LR crop, in LR pixels.
    """
    if window >= side:
        return ""
    return (
        f"{section}.window is {window}, but a crop of {crop} LR pixels is made of {side} HR pixels;"
        f" raise {section}.window to {side} at least, or lower {section}.crop"
    )
