"""Copies, leaks, scores and licences, with pictures of the worst."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.images.decode import load
from pipeline.report.collect.choose import histogram
from pipeline.report.collect.copies import copy_group, mixed, shown_pairs, telling, tied
from pipeline.report.pictures import Image, busiest, thumbnail
from pipeline.report.shelf import Shelf
from pipeline.report.words import file_name, plain
from pipeline.sources import Chosen
from schemas.corpus import CreditCount
from schemas.curation import AlikePair, Curated, Leak
from schemas.curation_report import CopyView, CreditView, CurationSection, ScoredView
from schemas.errors import PairmillError
from schemas.image import ImageRecord

SHOWN, GROUPS, WORST, CREDITS, CROP = 24, 100, 6, 60, 144
"""Most pairs, groups of copies, worst images and credits that are shown, and the side of the crops of the worst, in pixels."""
BUDGET = 120_000_000
"""Pixels that are decoded for pictures, in all; about four seconds."""
WHOLE = (0.0, 0.0, 1.0, 1.0)


def collect_curation(chosen: Chosen, credits_: Sequence[CreditCount], shelf: Shelf) -> CurationSection | None:
    """What curation found; none if there was none and nobody is named."""
    if chosen.curated is None and not credits_:
        return None
    found, looks = chosen.curated, _Looks(chosen, shelf)
    pairs = telling(found.pairs, looks.kind) if found else []
    groups = tied(pairs)
    blocky = sorted(found.scores, key=lambda image: -found.scores[image].blockiness) if found else []
    blurs = {image: score.blur for image, score in found.scores.items() if score.blur is not None} if found else {}
    across = sum(looks.kind(pair.first) != looks.kind(pair.second) for pair in pairs)
    return CurationSection(
        checked=found is not None,
        copies=tuple(_copy(pair, found, looks) for pair in shown_pairs(pairs, groups)[:SHOWN] if found),
        copies_total=len(pairs), across=across, groups=len(set(chosen.split_keys.values())),
        alike=tuple(copy_group(group, pairs, found, looks.records, looks.name) for group in groups[:GROUPS] if found),
        alike_total=len(groups), alike_images=sum(map(len, groups)), alike_mixed=mixed(groups, looks.kind),
        benchmarks=found.benchmarks if found else 0,
        leaks=tuple(_leak(leak, looks) for leak in found.leaks[:SHOWN]) if found else (),
        leaks_total=len(found.leaks) if found else 0,
        blocky=tuple(looks.scored(image, found.scores[image].blockiness) for image in blocky[:WORST] if found),
        blurred=tuple(looks.scored(image, blurs[image]) for image in sorted(blurs, key=lambda image: -blurs[image])[:WORST]),
        blockiness=histogram([score.blockiness for score in found.scores.values()]) if found else None,
        blur=histogram(list(blurs.values())) if blurs else None,
        credits=tuple(map(_credit, credits_[:CREDITS])), credits_total=len(credits_),
    )  # fmt: skip


def _copy(pair: AlikePair, found: Curated, looks: _Looks) -> CopyView:
    left = found.images.by_digest()
    gone = [digest for digest in (pair.first, pair.second) if digest not in left]
    outcome = "in one split" if not gone else f"{' and '.join(looks.name(digest) for digest in gone)} rejected"
    return CopyView(
        names=(looks.name(pair.first), looks.name(pair.second)), kinds=(looks.kind(pair.first), looks.kind(pair.second)),
        pictures=(looks.small(pair.first), looks.small(pair.second)), boxes=pair.boxes, overlap=pair.overlap,
        correlation=pair.correlation, outcome=outcome,
    )  # fmt: skip


def _leak(leak: Leak, looks: _Looks) -> CopyView:
    pair = leak.pair
    other = leak.image if pair is None else pair.second if pair.first == leak.image else pair.first
    boxes = (WHOLE, WHOLE) if pair is None else pair.boxes if pair.first == leak.image else (pair.boxes[1], pair.boxes[0])
    return CopyView(
        names=(looks.name(leak.image), plain(file_name(leak.benchmark))), kinds=(looks.kind(leak.image), "benchmark"),
        pictures=(looks.small(leak.image), looks.small(other)), boxes=boxes, overlap=1.0 if pair is None else pair.overlap,
        correlation=1.0 if pair is None else pair.correlation, outcome="rejected",
    )  # fmt: skip


def _credit(count: CreditCount) -> CreditView:
    said = {name: plain(text) for name, text in count.credit.model_dump().items()} if count.credit else {}
    return CreditView.model_validate({"licence": "", "author": "", "source": "", "title": "", **said, "images": count.images})


class _Looks:
    """Names and pictures of images before curation and of benchmark pictures, within a budget."""

    def __init__(self, chosen: Chosen, shelf: Shelf) -> None:
        self.shelf, self.left = shelf, BUDGET
        self.kinds = {image.pixel_sha256: "benchmark" for image in chosen.benchmarks}
        self.records: dict[str, ImageRecord] = {image.pixel_sha256: image for image in (*chosen.benchmarks, *chosen.ingested)}
        self.kinds |= {image.pixel_sha256: str(image.role) for image in chosen.ingested}
        self.last: tuple[str, Image | None] = ("", None)
        self.known: dict[str, str] = {}

    def name(self, digest: str) -> str:
        return plain(file_name(self.records[digest].url)) if digest in self.records else digest[:12]

    def kind(self, digest: str) -> str:
        return self.kinds.get(digest, "")

    def small(self, digest: str) -> str:
        if digest not in self.known:
            image = self._read(digest)
            self.known[digest] = "" if image is None else self.shelf.jpeg(f"look-{digest[:16]}", thumbnail(image, 360))
        return self.known[digest]

    def scored(self, digest: str, score: float) -> ScoredView:
        image, picture = self._read(digest), ""
        if image is not None:
            side = min(CROP, *image.shape[:2])
            top, left = busiest(image, side, 8)
            crop = np.ascontiguousarray(image[top : top + side, left : left + side])
            picture = self.shelf.png(f"worst-{digest[:16]}", crop)
        return ScoredView(name=self.name(digest), kind=self.kind(digest), picture=picture, score=score)

    def _read(self, digest: str) -> Image | None:
        """The image; none if it is gone or the budget is spent."""
        record = self.records.get(digest)
        if self.last[0] == digest or record is None:
            return self.last[1] if record is not None else None
        if record.width * record.height > self.left:
            return None
        self.left -= record.width * record.height
        try:
            self.last = digest, load(record)
        except PairmillError:                            # moved or deleted since
            self.last = digest, None
        return self.last[1]
