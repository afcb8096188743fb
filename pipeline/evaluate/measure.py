"""Scores of an upscaled image: against HR, or alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pairmill.models.metrics.luma import Channel
from pairmill.models.metrics.psnr import psnr
from pairmill.models.metrics.ssim import ssim
from pairmill.pipeline.evaluate.crops import Image
from pairmill.schemas.evaluation import MetricView, ScoreRow

ALL = "all degraders"
"""Name of the mean over a whole split of a corpus."""
IDENTICAL = 100.0
"""PSNR, in dB, that stands for images that are the same, whose PSNR has no end."""
CHANNELS: tuple[Channel, ...] = ("y", "rgb")
Y = "Y of YCbCr as MATLAB, 16 to 235"


def fidelity(border: int) -> tuple[MetricView, ...]:
    """The metrics that need nothing but HR."""
    rule = f"without {border} pixels at each side; mean over images"
    window = "Gaussian window of 11 x 11, sigma 1.5, inside only"
    return (
        MetricView(
            key="psnr_y",
            label="PSNR Y",
            better="higher",
            digits=2,
            about=f"dB, {Y}, not rounded, {rule}.",
        ),
        MetricView(
            key="ssim_y", label="SSIM Y", better="higher", digits=4, about=f"{Y}; {window}; {rule}."
        ),
        MetricView(
            key="psnr_rgb",
            label="PSNR RGB",
            better="higher",
            digits=2,
            about=f"dB, one error over R, G and B, {rule}.",
        ),
        MetricView(
            key="ssim_rgb",
            label="SSIM RGB",
            better="higher",
            digits=4,
            about=f"mean of R, G and B; {window}; {rule}.",
        ),
    )


@dataclass(frozen=True)
class Scorer:
    """What is measured."""

    border: int
    """Pixels that are left out at each side."""
    lpips: Callable[[Image, Image], float] | None = None
    """Distance of two images as a network sees them."""
    lpips_about: str = ""
    """Which network, and where its weights are from."""
    niqe: Callable[[Image], float | None] | None = None
    """How far an image is from pristine ones; none where it is too small to say."""
    niqe_about: str = ""
    """Where the parameters are from."""
    niqe_doubt: str = ""
    """Why its values are too uncertain to rank networks by; empty if they are not."""
    niqe_fitted: bytes = b""
    """A file of the parameters, where they were fitted here."""
    metrics: tuple[MetricView, ...] = field(init=False)
    """All of them, in the order of the columns."""

    def __post_init__(self) -> None:
        more = []
        if self.lpips:
            more.append(
                MetricView(
                    key="lpips", label="LPIPS", better="lower", digits=4, about=self.lpips_about
                )
            )
        if self.niqe:
            more.append(
                MetricView(
                    key="niqe",
                    label="NIQE",
                    better="lower",
                    digits=3,
                    about=self.niqe_about,
                    ranked=not self.niqe_doubt,
                )
            )
        object.__setattr__(self, "metrics", (*fidelity(self.border), *more))

    def scores(self, sr: Image, hr: Image | None) -> dict[str, float]:
        """All that can be measured; an image with nothing inside its border has no PSNR and no
        SSIM.
        """
        found: dict[str, float | None] = {}
        if hr is not None:
            for channel in CHANNELS:
                found |= {
                    f"{name}_{channel}": self._compared(name, sr, hr, channel)
                    for name in ("psnr", "ssim")
                }
            if self.lpips and min(hr.shape[:2]) >= LEAST_LPIPS:
                found["lpips"] = self.lpips(sr, hr)
            else:
                found["lpips"] = None
        found["niqe"] = self.niqe(sr) if self.niqe else None
        return {
            name: value
            for name, value in found.items()
            if value is not None and math.isfinite(value)
        }

    def _compared(self, name: str, sr: Image, hr: Image, channel: Channel) -> float | None:
        inside = min(hr.shape[:2]) - 2 * self.border
        if inside < (LEAST_SSIM if name == "ssim" else 1):
            return None
        if name == "ssim":
            return float(ssim(sr, hr, self.border, channel))
        return min(float(psnr(sr, hr, self.border, channel)), IDENTICAL)


LEAST_SSIM = 11
"""Side, in pixels, of the window of SSIM."""
LEAST_LPIPS = 32
"""Side, in pixels, below which the networks of LPIPS have nothing left to compare."""


def means(rows: Sequence[Sequence[ScoreRow]]) -> tuple[tuple[ScoreRow, ...], dict[str, int]]:
    """Means of each network in order, and by metric how many images they are over: those that every
    network has a value for, so that the means of two networks compare.

    Args:
        rows: for each image, at least one, the scores of the networks in order.
    """
    names = dict.fromkeys(name for image in rows for row in image for name in row.scores)
    common = {
        name: [image for image in rows if all(name in row.scores for row in image)]
        for name in names
    }
    out = []
    for place, row in enumerate(rows[0]):
        scores = {
            name: sum(image[place].scores[name] for image in images) / len(images)
            for name, images in common.items()
            if images
        }
        out.append(ScoreRow(network=row.network, scores=scores))
    return tuple(out), {name: len(images) for name, images in common.items()}


def missing(rows: Sequence[Sequence[ScoreRow]], metric: str) -> dict[str, int]:
    """How many images have no value of a metric, by the networks that miss one."""
    counts = {
        own[0].network: sum(metric not in row.scores for row in own)
        for own in zip(*rows, strict=True)
    }
    return {network: count for network, count in counts.items() if count}


def best(rows: Sequence[ScoreRow], metric: MetricView) -> float | None:
    """The best value of a metric, as it is printed; none if fewer than two networks have one, or
    the metric ranks none.
    """
    found = [
        round(row.scores[metric.key], metric.digits) for row in rows if metric.key in row.scores
    ]
    if len(found) < 2 or not metric.ranked:
        return None
    if metric.better == "higher":
        return max(found)
    return min(found)


def unequal(metrics: Sequence[MetricView], rows: Sequence[Sequence[ScoreRow]]) -> list[str]:
    """What is to be said of metrics that not every network has a value of on every image."""
    out = []
    for metric in metrics:
        found = missing(rows, metric.key)
        if not found or all(count == len(rows) for count in found.values()):
            continue
        who = ", ".join(f"{name} for {count}" for name, count in found.items())
        out.append(
            f"{metric.label} has no value for some images (of {len(rows)}: {who}): too small "
            "for it, or flat. Means are over those that every network has one for."
        )
    return out
