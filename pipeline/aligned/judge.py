"""Whether two images are a pair: the objections, in the order in which they are asked, each with
the figure that decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.chroma import grey
from pairmill.pipeline.aligned.pose import Pose
from pairmill.schemas.aligned import AlignedConfig, AlignedFigures, AlignedReason

Image = NDArray[np.uint8]
Objection = tuple[AlignedReason, str]

SOME_CORRELATION = 0.2
"""Of detail: below it, what scale and shift were found mean nothing."""
LARGEST_STRAIN = 4.0
"""Residual of a block over what its gradients let expect, as a multiple of the median."""
FEWEST_BLOCKS = 10
"""Blocks with texture that a registration needs."""


def before(lr: Image, hr: Image, scale: int, config: AlignedConfig) -> Objection | None:
    """Objections to the two images as such."""
    for name, image, least in (
        ("LR", lr, config.min_side),
        ("HR", hr, scale * config.min_side),
    ):
        height, width = image.shape[:2]
        if min(height, width) < least:
            return AlignedReason.TOO_SMALL, (
                f"{name} is {width} x {height}; its shorter side must be at least {least}"
            )
        contrast = float(grey(image).std())
        if contrast < config.min_contrast:
            return AlignedReason.BLANK, (
                f"{name} is blank: its intensity has a standard deviation of {contrast:.2f}, at "
                f"least {config.min_contrast:g} is wanted"
            )
    return None


def enlarged(pose: Pose, config: AlignedConfig) -> bool:
    """Whether LR shows the scene as large as HR does: it was published upscaled."""
    return abs(pose.scale - 1) <= config.max_scale_error


def swapped(lr_detail: float, hr_detail: float) -> Objection:
    """Of images of one size: HR has no more detail than LR."""
    return AlignedReason.SWAPPED, (
        f"both are of one size, and HR has {hr_detail / max(lr_detail, 1e-9):.2f} times the detail "
        "of LR; are lr and hr swapped?"
    )


def by_pose(found: AlignedFigures, scale: int, config: AlignedConfig) -> Objection | None:
    """Objections to how LR lies on HR."""
    if found.correlation < config.min_correlation:
        return AlignedReason.OTHER_SCENE, (
            f"they do not show the same scene: their detail correlates by {found.correlation:.2f}, "
            f"at least {config.min_correlation:g} is wanted"
        )
    if found.scale < 1 / (1 + config.max_scale_error):
        return AlignedReason.SWAPPED, (
            f"HR shows the scene {found.scale:.2f} times as large as LR does, the recipe's scale "
            f"is {scale}; are lr and hr swapped?"
        )
    if abs(found.scale / scale - 1) > config.max_scale_error:
        return AlignedReason.OTHER_SCALE, (
            f"HR shows the scene {found.scale:.2f} times as large as LR does, the recipe's scale "
            f"is {scale} (at most {100 * config.max_scale_error:g} % off)"
        )
    if abs(found.rotation) > config.max_rotation:
        return AlignedReason.ROTATED, (
            f"LR is rotated by {found.rotation:.1f} degrees against HR, at most "
            f"{config.max_rotation:g} are allowed"
        )
    if found.overlap < config.min_overlap:
        return AlignedReason.LITTLE_OVERLAP, (
            f"HR shows {100 * found.overlap:.0f} % of what LR shows, at least "
            f"{100 * config.min_overlap:g} % is wanted; the crops differ"
        )
    return None


def by_registration(found: AlignedFigures, config: AlignedConfig) -> Objection | None:
    """Objections to what the registration came to."""
    if found.colour > config.max_colour:
        return AlignedReason.OTHER_COLOURS, (
            f"colours differ by {found.colour:.1f} intensity levels, at most "
            f"{config.max_colour:g} are allowed"
        )
    if found.blocks < FEWEST_BLOCKS:
        return AlignedReason.NOT_REGISTERED, (
            f"only {found.blocks} blocks have texture to register by, at least {FEWEST_BLOCKS} are "
            "wanted"
        )
    if found.registered < config.min_registered:
        return AlignedReason.NOT_REGISTERED, (
            f"{100 * found.registered:.0f} % of the blocks with texture register, at least "
            f"{100 * config.min_registered:g} % is wanted"
        )
    return None
