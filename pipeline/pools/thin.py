"""Pools that are there but thin: every pair of a corpus repeats the few things that they hold."""

from __future__ import annotations

from collections.abc import Mapping

from pairmill.pipeline.html.markup import counted

FEW_PATCHES, FEW_GIVING = 16, 3
"""Fewer patches than this, or of fewer photos, are named."""
FEW_KERNELS = 4
FEW_IMAGES = 4


def thin(counts: Mapping[str, int]) -> list[str]:
    """What a version has too little of, a sentence each; nothing if all is well.

    Args:
        counts: Those of its manifest; of what a recipe does not draw from there is no count.
    """
    said = [_noise(counts), _kernels(counts), _images(counts)]
    return [text for text in said if text]


def _noise(counts: Mapping[str, int]) -> str:
    patches = counts.get("noise_patches")
    if patches is None:
        return ""
    if not patches:
        return (
            "No photo has a patch flat enough to show its noise: LR has noise that is made on the "
            "sensor, or none where no photo shows any. A smaller noise.patch may find some."
        )
    giving = counts.get("noise_photographs", patches)
    if patches >= FEW_PATCHES and giving >= FEW_GIVING:
        return ""
    return (
        f"The noise pool is thin: {counted(patches, 'patch', 'patches')} of "
        f"{counted(giving, 'photo')}, which all pairs repeat. Give photos with sky or walls, or "
        "set noise.patch to a smaller number."
    )


def _kernels(counts: Mapping[str, int]) -> str:
    kernels = counts.get("kernels")
    if kernels is None or kernels >= FEW_KERNELS:
        return ""
    lost = counts.get("kernels_rejected", 0)
    rejected = f"; {counted(lost, 'photo')} gave none" if lost else ""
    return (
        f"The kernel pool is thin: {counted(kernels, 'kernel')}{rejected}. Give more photos of "
        "the camera."
    )


def _images(counts: Mapping[str, int]) -> str:
    images = counts.get("images", FEW_IMAGES)
    if images >= FEW_IMAGES:
        return ""
    return f"All pairs are of {counted(images, 'image')}: too few to train on or to judge by."
