"""Learned degradations as a report shows them."""

from __future__ import annotations

from pairmill.schemas.base import Frozen


class CurveView(Frozen):
    """One loss, or another number, over a fit."""

    name: str
    """What it is."""
    points: tuple[tuple[float, float], ...]
    """(samples seen, mean over a part of the fit)."""


class FitView(Frozen):
    """One learned degradation."""

    name: str
    """`PDM` or `ReDegNet`."""
    noun: str
    """What a sample of the fit is."""
    reasons: tuple[str, ...]
    """Gates that it failed; empty if it passed all."""
    advice: str
    """What to change; empty if it passed."""
    samples: int
    """Samples that it saw."""
    kept: int
    """Samples that it had seen at the check that is sealed."""
    stopped: bool
    """Whether it stopped early."""
    rows: tuple[tuple[str, str, str], ...]
    """What was measured, the number, and its gate."""
    aucs: tuple[tuple[float, float], ...]
    """(samples seen, AUC) of the checks where it could be measured."""
    charts: tuple[tuple[str, str, tuple[CurveView, ...]], ...]
    """Title, unit, and what is drawn in one chart."""
    first: str
    """Image of the first check; empty if there was one check only."""
    picture: str
    """Image of the check that is sealed."""
    caption: str
    """What the rows of the images are."""
    kernels: str
    """Drawn kernels; empty if it draws none."""


class FitsSection(Frozen):
    """The learned degradations."""

    fits: tuple[FitView, ...]
    """One or more."""
