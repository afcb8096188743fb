"""The corpus versions of a training run by scale: one, or for a network of several scales one for
each.
"""

from __future__ import annotations

from collections.abc import Mapping

from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.training.data import Source
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.training import TrainConfig, TrainedOn, TrainingRun

Versions = dict[int, CorpusManifest]
"""Versions by scale, rising."""


def versions_of(storage: Storage, config: TrainConfig, known: TrainingRun | None) -> Versions:
    """The versions that the run was started with, or that the recipe names now.

    Args:
        storage: the workspace.
        config: the training recipe.
        known: the run that this one continues.

    Raises:
        UserError: if there is none of a name, or the recipe or the network want another scale.
        IntegrityError: if a version is not the one that the run was started with.
    """
    if known is not None:
        found = [_again(storage, one) for one in known.versions.values()]
    elif config.corpora:
        found = [find_version(storage, name) for name in config.corpora.values()]
    else:
        assert isinstance(config.corpus, str)
        found = [find_version(storage, config.corpus)]
    wanted: list[int | None] = list(config.corpora) or [config.scale]
    scales = [_scale(config, each, scale) for each, scale in zip(found, wanted, strict=True)]
    return dict(zip(scales, found, strict=True))


def trained_on(manifest: CorpusManifest) -> TrainedOn:
    """What the record of a run says of a version."""
    return TrainedOn(
        corpus=manifest.identity.name, version=manifest.version, digest=manifest.digest
    )


def _again(storage: Storage, known: TrainedOn) -> CorpusManifest:
    manifest = find_version(storage, known.reference)
    if manifest.digest != known.digest:
        raise IntegrityError(
            "the corpus is not the one that this run was started with",
            where=known.reference,
            got=f"digest {manifest.digest[:12]}",
            wanted=known.digest[:12],
        )
    return manifest


def _scale(config: TrainConfig, manifest: CorpusManifest, wanted: int | None) -> int:
    """The scale of a corpus.

    Raises:
        UserError: if the recipe or the network want another.
    """
    scale, where = int(manifest.identity.recipe["scale"]), trained_on(manifest).reference
    if wanted not in (None, scale):
        raise UserError(
            "the corpus has another scale than the training recipe",
            where=where,
            got=f"scale {scale}",
            wanted=f"scale {wanted}",
            todo="name a corpus of that scale, or change the scale in the recipe",
        )
    problem = config.network.problem(scale)
    if problem is not None:
        raise UserError(
            "the network does not fit the corpus",
            where=where,
            got=problem,
            wanted=f"a network for scale {scale}",
            todo="choose another network, or a corpus of another scale",
        )
    return scale


def check_apart(trained: Mapping[int, Source], validated: Mapping[int, Source]) -> None:
    """Make sure that no image is trained on at one scale and validated on at another.

    Raises:
        UserError: if corpora share images among other splits.
    """
    for one in trained.values():
        for other in validated.values():
            both = one.images & other.images if one.reference != other.reference else ()
            if both:
                raise UserError(
                    "images that are trained on in one corpus are validated on in another",
                    where=f"{one.reference} and {other.reference}",
                    got=f"{len(both)} such images",
                    wanted="the same splits of the same images",
                    todo="build both with the same `seed` and `splits`",
                )
