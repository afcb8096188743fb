"""What is done with what curation found: who stays, and which images share a split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pairmill.schemas.curation import (
    AlikePair,
    Curated,
    CurationConfig,
    Leak,
    QualityLimits,
    Scores,
)
from pairmill.schemas.hr_quality import HrFigures, HrVerdict
from pairmill.schemas.image import ImageReason, ImageRecord, ImageSet, RejectedImage, Role


@dataclass(frozen=True)
class Found:
    """What was measured."""

    images: ImageSet
    pairs: Sequence[AlikePair]
    scores: Mapping[str, Scores]
    benchmarks: Sequence[ImageRecord] = ()
    earlier: Mapping[str, str] = field(default_factory=dict)
    """Images of the version before and whose draw each fell into its split by; they come first, and
    stay where they are."""
    figures: Mapping[str, HrFigures] = field(default_factory=dict)
    """What images are worth as HR; empty where nobody asked."""


def decide(found: Found, config: CurationConfig) -> Curated:
    """Reject what leaks, what is beyond the limits and (if so wished) copies; say which images
    share a split.

    The key of a group of copies is that of its members of the version before, or else its least
    digest. A new image that would tie together images of different splits of the version before is
    rejected, so that no old sample moves.
    """
    leaks = _leaks(found)
    verdicts = _verdicts(found, config)
    refused = _leaking(leaks, found) | _beyond(found, config)
    refused |= _worth_less(found, config, verdicts)
    left = {
        image.pixel_sha256: image
        for image in found.images.accepted
        if image.pixel_sha256 not in refused
    }
    inside = [pair for pair in found.pairs if pair.first in left and pair.second in left]
    if config.duplicates == "reject":
        refused |= _copies(left, inside, found.earlier)
        # Two crops of a rejected image share its split, so the groups are made before copies are
        # taken out.
    keys, torn = _keys(left, inside, found.earlier, set(refused))
    refused |= torn
    accepted = tuple(image for image in found.images.accepted if image.pixel_sha256 not in refused)
    rejected = (*found.images.rejected, *(refused[digest] for digest in sorted(refused)))
    mine = found.images.by_digest()
    return Curated(
        images=ImageSet(
            accepted=accepted, rejected=tuple(sorted(rejected, key=lambda r: (r.role, r.url)))
        ),
        split_keys={
            image.pixel_sha256: key
            for image in accepted
            if (key := keys[image.pixel_sha256]) != image.pixel_sha256
        },
        pairs=tuple(pair for pair in found.pairs if pair.first in mine and pair.second in mine),
        leaks=tuple(leaks),
        scores={digest: found.scores[digest] for digest in sorted(mine)},
        benchmarks=len(found.benchmarks),
        figures={digest: found.figures[digest] for digest in sorted(found.figures)},
        verdicts=verdicts,
    )


def _refusal(image: ImageRecord, reason: ImageReason, detail: str) -> dict[str, RejectedImage]:
    return {
        image.pixel_sha256: RejectedImage(
            url=image.url, role=image.role, reason=reason, detail=detail
        )
    }


def _leaks(found: Found) -> list[Leak]:
    """Images that show a benchmark image, each once, with the image that it shares most
    with.
    """
    mine, theirs = (
        found.images.by_digest(),
        {image.pixel_sha256: image for image in found.benchmarks},
    )
    leaks = {
        digest: Leak(image=digest, benchmark=theirs[digest].url, pair=None)
        for digest in mine
        if digest in theirs
    }
    for pair in sorted(
        found.pairs, key=lambda pair: (-pair.overlap, -pair.correlation, pair.first, pair.second)
    ):
        for image, benchmark in ((pair.first, pair.second), (pair.second, pair.first)):
            if image in mine and benchmark in theirs and image not in leaks:
                leaks[image] = Leak(image=image, benchmark=theirs[benchmark].url, pair=pair)
    return [leaks[digest] for digest in sorted(leaks)]


def _leaking(leaks: Iterable[Leak], found: Found) -> dict[str, RejectedImage]:
    mine, refused = found.images.by_digest(), dict[str, RejectedImage]()
    for leak in leaks:
        if leak.pair is None:
            how = "the same pixels"
        else:
            how = _how(leak.pair)
        refused |= _refusal(
            mine[leak.image],
            ImageReason.IN_BENCHMARK,
            f"shows benchmark picture {leak.benchmark}: {how}",
        )
    return refused


def _how(pair: AlikePair) -> str:
    return f"{pair.overlap:.0%} of the smaller one is in both, correlation {pair.correlation:.2f}"


def _beyond(found: Found, config: CurationConfig) -> dict[str, RejectedImage]:
    """Images that are more blocky or more blurred than their role may be."""
    limits: dict[Role, QualityLimits] = {Role.REAL: config.real, Role.CLEAN: config.clean}
    refused: dict[str, RejectedImage] = {}
    for image in found.images.accepted:
        limit, has = limits[image.role], found.scores[image.pixel_sha256]
        if limit.max_blockiness is not None and has.blockiness > limit.max_blockiness:
            detail = (
                f"blockiness {has.blockiness:.2f}; curation.{image.role}.max_blockiness "
                f"allows {limit.max_blockiness:g}"
            )
            refused |= _refusal(image, ImageReason.BLOCKY, detail)
        elif limit.max_blur is not None and has.blur is not None and has.blur > limit.max_blur:
            detail = (
                f"edges are {has.blur:.1f} pixels wide; curation.{image.role}.max_blur "
                f"allows {limit.max_blur:g}"
            )
            refused |= _refusal(image, ImageReason.BLURRED, detail)
    return refused


def _verdicts(found: Found, config: CurationConfig) -> dict[str, tuple[HrVerdict, ...]]:
    """Why images are worth less as HR, of those that are."""
    if config.hr is None:
        return {}
    said = {digest: found.figures[digest].verdicts(config.hr) for digest in sorted(found.figures)}
    return {digest: verdicts for digest, verdicts in said.items() if verdicts}


def _worth_less(
    found: Found, config: CurationConfig, verdicts: Mapping[str, tuple[HrVerdict, ...]]
) -> dict[str, RejectedImage]:
    """Clean images with a verdict for which they are dropped; the first one counts."""
    drop = config.hr.drop if config.hr else ()
    refused: dict[str, RejectedImage] = {}
    for image in found.images.accepted:
        held = [v for v in verdicts.get(image.pixel_sha256, ()) if v in drop]
        if held and image.role == Role.CLEAN:
            said = found.figures[image.pixel_sha256].says(held[0])
            detail = f"{said}; curation.hr.drop names {held[0]}"
            refused |= _refusal(image, ImageReason(held[0]), detail)
    return refused


def _copies(
    images: Mapping[str, ImageRecord], pairs: Sequence[AlikePair], earlier: Mapping[str, str]
) -> dict[str, RejectedImage]:
    """All but the first of images that are like one another: those of the version before go first,
    then larger ones.
    """
    near = _neighbours(pairs)
    kept, refused = set[str](), dict[str, RejectedImage]()
    for digest in sorted(
        images, key=lambda d: (d not in earlier, -images[d].width * images[d].height, d)
    ):
        like = [(other, pair) for other, pair in near.get(digest, ()) if other in kept]
        if not like or digest in earlier:
            kept.add(digest)
            continue
        other, pair = max(like, key=lambda found: (found[1].overlap, found[0]))
        refused |= _refusal(
            images[digest],
            ImageReason.NEAR_DUPLICATE,
            f"shows the same as {images[other].url}: {_how(pair)}",
        )
    return refused


def _neighbours(pairs: Sequence[AlikePair]) -> dict[str, list[tuple[str, AlikePair]]]:
    near: dict[str, list[tuple[str, AlikePair]]] = {}
    for pair in pairs:
        near.setdefault(pair.first, []).append((pair.second, pair))
        near.setdefault(pair.second, []).append((pair.first, pair))
    return near


def _keys(
    images: Mapping[str, ImageRecord],
    pairs: Sequence[AlikePair],
    earlier: Mapping[str, str],
    gone: set[str],
) -> tuple[dict[str, str], dict[str, RejectedImage]]:
    """Whose draw each image falls by; and the new images that would tie together what has different
    keys.
    """
    keys: dict[str, str] = {}
    refused: dict[str, RejectedImage] = {}
    for group in components(images, pairs):
        known = sorted({earlier[digest] for digest in group if digest in earlier})
        for digest in group:
            keys[digest] = earlier.get(digest, known[0] if known else group[0])
            if len(known) > 1 and digest not in earlier and digest not in gone:
                groups = " and ".join(key[:12] for key in known[:2])
                detail = (
                    "shows the same as images that the version before has in different "
                    f"groups, {groups}"
                )
                refused |= _refusal(images[digest], ImageReason.NEAR_DUPLICATE, detail)
    return keys, refused


def components(images: Iterable[str], pairs: Sequence[AlikePair]) -> list[list[str]]:
    """Images that are tied together by pairs, each group in ascending order."""
    parent = {digest: digest for digest in images}

    def root(digest: str) -> str:
        while parent[digest] != digest:
            parent[digest] = digest = parent[parent[digest]]
        return digest

    for pair in pairs:
        low, high = sorted((root(pair.first), root(pair.second)))
        parent[high] = low
    groups: dict[str, list[str]] = {}
    for digest in sorted(parent):
        groups.setdefault(root(digest), []).append(digest)
    return list(groups.values())
