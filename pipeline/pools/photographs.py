"""What is known of the photographs before any pool: their spectra, and the cameras they share."""

from __future__ import annotations

from pairmill.pipeline.cameras.grouping import group_photographs, photographs_of, spectra_asked
from pairmill.pipeline.runner.stage import Run
from pairmill.pipeline.stages import cluster_photographs, measure_photographs, mine_compression
from pairmill.schemas.compression import MinedCompression
from pairmill.schemas.groups import PhotographGroups
from pairmill.schemas.image import ImageSet
from pairmill.schemas.kernel import CameraKernelsConfig, KernelsConfig
from pairmill.schemas.pool import ClusterConfig, MeasureConfig, MeasuredPhotographs
from pairmill.schemas.recipe import Recipe


def measured_photographs(recipe: Recipe, images: ImageSet, run: Run) -> MeasuredPhotographs:
    """Spectra of all photographs; what JPEG did to them is what the compression pool knows, if the
    recipe has one.
    """
    settings, mined = recipe.kernels, tuple[MinedCompression, ...]()
    if recipe.draws_from("compression"):
        mined = run(mine_compression.STAGE, images, recipe.compression).manifest.images
    config = MeasureConfig(
        min_side=settings.min_side,
        min_contrast=settings.min_contrast,
        **varying_of(settings),
    )
    return run(measure_photographs.STAGE, (images, mined), config).manifest


GROUPING = (measure_photographs.STAGE.name, cluster_photographs.STAGE.name)
"""Stages that tell cameras apart; a version that is made again takes its groups as they were."""


def varying_of(settings: KernelsConfig) -> dict[str, bool]:
    """Over what kernels are estimated to vary within photographs, as settings of the stages."""
    if isinstance(settings, CameraKernelsConfig):
        return {"field": settings.field, "channels": settings.channels}
    return {}


def camera_groups(recipe: Recipe, images: ImageSet, run: Run) -> PhotographGroups:
    """The real images by the camera that they share; spectra are measured only where they have a
    say.
    """
    photographs = photographs_of(images)
    if not spectra_asked(photographs, recipe.groups):
        return group_photographs(photographs, recipe.groups)
    config = ClusterConfig(min_photographs=recipe.groups.min_photographs)
    measured = measured_photographs(recipe, images, run)
    found = run(cluster_photographs.STAGE, measured, config).manifest
    return group_photographs(photographs_of(images, found.labels), recipe.groups)
