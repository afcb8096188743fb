"""Realism of the degraders, measured where the recipe wants it and there are real photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.shelf import Shelf
from pipeline.storage import Storage
from schemas.corpus import CorpusManifest
from schemas.image import Role
from schemas.realism import RealismSection

if TYPE_CHECKING:
    from pipeline.corpora.seal import Made


def collect_realism(storage: Storage, made: Made, manifest: CorpusManifest, shelf: Shelf) -> RealismSection | None:
    """Measure; none if the recipe switches it off or names no real photographs."""
    real = made.images.manifest.with_role(Role.REAL)
    if not made.recipe.realism.enabled or not real:
        return None
    from pipeline.realism.corpus import measure  # loads torch and scikit-learn

    return measure(storage, manifest, real, made.recipe.realism, shelf)
