"""The source images of a recipe: ingested, with their licences, and curated if the recipe says
so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pairmill.pipeline.curation.attribution import read_credits
from pairmill.pipeline.curation.groups import Found, decide
from pairmill.pipeline.runner.stage import Run, Sealed
from pairmill.pipeline.stages import compare, fingerprint, ingest, ingest_benchmarks, measure_hr
from pairmill.schemas.curation import Curated, CurationConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.hr_quality import HrFigures
from pairmill.schemas.image import ImageRecord, ImageSet, IngestConfig
from pairmill.schemas.recipe import Recipe

NO_KEYS: Mapping[str, str] = {}
CURATION = (
    ingest_benchmarks.STAGE.name,
    fingerprint.STAGE.name,
    compare.STAGE.name,
    measure_hr.STAGE.name,
)
"""Stages that only choose images: what is made of the images does not depend on them otherwise."""


@dataclass(frozen=True)
class ImageSelection:
    """The images that a corpus is made of."""

    images: Sealed[ImageSet]
    """Accepted and rejected images, with their credits."""
    split_keys: Mapping[str, str]
    """The image by whose draw another falls into a split, where that is not itself."""
    curated: Curated | None = None
    """What curation found; none if the recipe does not curate."""
    benchmarks: tuple[ImageRecord, ...] = ()
    """Benchmark images that were compared with."""
    ingested: tuple[ImageRecord, ...] = ()
    """All images before curation."""


NOTHING = ImageSelection(Sealed("0" * 64, ImageSet(accepted=(), rejected=()), 0, 0), NO_KEYS)
"""What a recipe of real pairs alone has."""


def select_images(
    recipe: Recipe,
    base: str,
    run: Run,
    limit: int | None = None,
    earlier: Mapping[str, str] = NO_KEYS,
) -> ImageSelection:
    """Ingest, credit and curate the images of a recipe.

    Args:
        recipe: What to make.
        base: Folder that relative patterns start at.
        run: Carries a stage.
        limit: Maximum number of images per role; none means all.
        earlier: Images of the version before, and whose draw each fell into its split by.

    Raises:
        PairmillError: if images, tables or benchmarks are wrong, and what the stages raise.
    """
    if not recipe.images.real and not recipe.images.clean:
        return NOTHING
    images = _ingested(recipe, base, run, limit)
    if recipe.curation is None:
        return ImageSelection(images, NO_KEYS)
    chosen = _curated(images, recipe, base, run, earlier)
    if not chosen.images.manifest.accepted:
        raise _nothing_left(chosen.images.manifest)
    return chosen


def checked_images(
    recipe: Recipe, base: str, run: Run, earlier: Mapping[str, str] = NO_KEYS
) -> ImageSelection:
    """The same for a recipe that curates, but no error if no image is left.

    Raises:
        PairmillError: as `select_images`.
    """
    return _curated(_ingested(recipe, base, run, None), recipe, base, run, earlier)


def _ingested(recipe: Recipe, base: str, run: Run, limit: int | None) -> Sealed[ImageSet]:
    """All readable images, with their credits."""
    listed = ingest.find(recipe.images, base)
    files = listed.files
    credits_ = read_credits([file.url for file in files], recipe.images.attribution, base)
    images = run(ingest.STAGE, _first(files, limit), recipe.ingest)
    names = {file.url: file.group for file in files if file.group}
    manifest = _named(_credited(images.manifest, credits_), names)
    rejected = sorted((*manifest.rejected, *listed.aside), key=lambda file: (file.role, file.url))
    return replace(images, manifest=manifest.with_(rejected=tuple(rejected)))


def _curated(
    images: Sealed[ImageSet], recipe: Recipe, base: str, run: Run, earlier: Mapping[str, str]
) -> ImageSelection:
    assert recipe.curation is not None
    curated, benchmarks = curate(
        images.manifest, recipe.curation, recipe.ingest, base, run, earlier
    )
    left = replace(images, manifest=curated.images)
    return ImageSelection(left, curated.split_keys, curated, benchmarks, images.manifest.accepted)


def curate(
    images: ImageSet,
    config: CurationConfig,
    ingesting: IngestConfig,
    base: str,
    run: Run,
    earlier: Mapping[str, str] = NO_KEYS,
) -> tuple[Curated, tuple[ImageRecord, ...]]:
    """Compare images with one another and with the benchmarks, and decide; also the benchmark
    images.

    Raises:
        PairmillError: if the benchmarks cannot be found, and what the stages raise.
    """
    benchmarks: tuple[ImageRecord, ...] = ()
    if config.benchmarks:
        files = ingest_benchmarks.find(config.benchmarks, base)
        benchmarks = run(ingest_benchmarks.STAGE, files, ingesting).manifest.accepted
    pictures = (*images.accepted, *benchmarks)
    prints = run(fingerprint.STAGE, pictures, fingerprint.FingerprintConfig()).manifest
    inputs = compare.Inputs(pictures, prints, frozenset(image.pixel_sha256 for image in benchmarks))
    pairs = run(compare.STAGE, inputs, config.alike).manifest.pairs
    scores = {ref.image: ref.scores for ref in prints.images}
    figures = _figures(images, config, run)
    return decide(Found(images, pairs, scores, benchmarks, earlier, figures), config), benchmarks


def _figures(images: ImageSet, config: CurationConfig, run: Run) -> dict[str, HrFigures]:
    """What the images are worth as HR, if the recipe asks."""
    if config.hr is None:
        return {}
    measured = run(measure_hr.STAGE, images.accepted, measure_hr.MeasureHrConfig()).manifest
    return {figures.image: figures for figures in measured.images}


def _first(files: Sequence[ingest.FilePayload], limit: int | None) -> list[ingest.FilePayload]:
    """The first `limit` files of each role."""
    if limit is None:
        return list(files)
    roles = dict.fromkeys(file.role for file in files)
    return [
        file for role in roles for file in [file for file in files if file.role == role][:limit]
    ]


def _credited(images: ImageSet, known: Mapping[str, object]) -> ImageSet:
    if not known:
        return images
    accepted = tuple(
        image.model_copy(update={"credit": known.get(image.url)}) for image in images.accepted
    )
    return images.model_copy(update={"accepted": accepted})


def _named(images: ImageSet, names: Mapping[str, str]) -> ImageSet:
    """The images with the names that the recipe gives to their groups."""
    if not names:
        return images
    accepted = tuple(
        image.model_copy(update={"group": names.get(image.url, "")}) for image in images.accepted
    )
    return images.model_copy(update={"accepted": accepted})


def _nothing_left(images: ImageSet) -> UserError:
    shown = "; ".join(
        f"{image.url}: {image.reason} ({image.detail})" for image in images.rejected[:5]
    )
    todo = (
        "give other images, name fewer benchmarks, or raise the limits; `pairmill images "
        "check` shows all of them"
    )
    return UserError(
        "curation rejected every image", where="recipe key curation", got=shown, todo=todo
    )
