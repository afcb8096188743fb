"""Libraries that a recipe needs, asked for before hours of work; and which builds of codecs and
encoders a version rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pairmill.pipeline.codecs.builds import builds
from pairmill.pipeline.extras import extra
from pairmill.pipeline.images.encode import encode, encoder_builds
from pairmill.schemas.recipe import Recipe


def check_libraries(recipe: Recipe) -> None:
    """Do nothing if what a build of this recipe needs is installed.

    Raises:
        MissingLibraryError: if an extra is missing, or the encoder of its shards; it says which.
    """
    encode(np.zeros((1, 1, 3), np.uint8), recipe.shards.encoding)
    used = set(_ops([degrader.model_dump() for degrader in recipe.degraders]))
    if "jpeg_xl" in used:
        with extra("codecs", "JPEG XL", "degraders of the recipe"):
            import imagecodecs  # noqa: F401
    if "video" in used:
        with extra("codecs", "video", "degraders of the recipe"):
            import av  # noqa: F401


def builds_of(recipe: Recipe) -> dict[str, str]:
    """Versions of the libraries inside libraries that its samples and their bytes rest on, by name,
    as far as they are installed: encoders of shards, and codecs.
    """
    return dict(sorted((builds() | encoder_builds(recipe.shards.encoding)).items()))


def _ops(value: Any) -> Iterator[str]:
    """Names of all ops in the settings of degraders, however deep."""
    if isinstance(value, dict):
        yield from (str(value["op"]),) if "op" in value else ()
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _ops(item)
