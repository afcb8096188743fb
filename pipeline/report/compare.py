"""A pair of every degrader to wipe over, and a photo of the same size beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pairmill.pipeline.corpora.samples import Pair
from pairmill.pipeline.html.markup import Raw, el, join, of, pixels, section
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import busiest
from pairmill.pipeline.html.text import file_name, plain
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.report.pairs import crop_side, crops, filling_side
from pairmill.pipeline.subset import lottery
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import ImageRecord, Role
from pairmill.schemas.report_pairs import CompareSection, CompareView

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult

MOST = 12
"""Degraders that are shown, at most."""
PLACE = 352
"""Width of an image on a desk screen, in CSS pixels, at most."""
BUDGET = 120_000_000
"""Pixels of photos that are decoded, in all; about four seconds."""


def collect_compare(
    pairs: list[Pair], made: BuildResult, scale: int, picture_files: PictureFiles
) -> CompareSection:
    """Choose and cut a pair of every degrader.

    Args:
        pairs: Those of the gallery.
        made: Sealed stages of the build.
        scale: HR side over LR side.
        picture_files: Where images go.
    """
    side = filling_side(crop_side(pairs, scale), scale)
    photos = _Photos(made.images.manifest.with_role(Role.REAL), side // scale, picture_files)
    chosen = one_of_each(pairs, photos.known)
    names = {image.pixel_sha256: image.url for image in made.images.manifest.accepted}
    views = []
    for pair in chosen[:MOST]:
        hr, lr = crops(pair, side, scale)
        key = pair.row.key
        photo, photo_of, same = photos.beside(pair.row.image)
        views.append(
            CompareView(
                degrader=pair.row.degrader,
                key=key,
                source=plain(file_name(names.get(pair.row.image, ""))),
                hr=picture_files.png(f"pair-{key}-hr", hr),
                lr=picture_files.png(f"pair-{key}-lr", lr),
                photo=photo,
                photo_of=photo_of,
                same=same,
            )
        )
    return CompareSection(shown=tuple(views), side=side, degraders=len(made.recipe.degraders))


def one_of_each(pairs: Sequence[Pair], photos: frozenset[str]) -> list[Pair]:
    """A pair of every degrader, of a photo where there is one, in the order of the gallery."""
    found: dict[str, Pair] = {}
    for pair in sorted(pairs, key=lambda pair: pair.row.image not in photos):  # keeps their order
        found.setdefault(pair.row.degrader, pair)
    order = list(dict.fromkeys(pair.row.degrader for pair in pairs))
    return [found[name] for name in order]


class _Photos:
    """Parts of real photos, within a budget of pixels."""

    def __init__(
        self, records: Sequence[ImageRecord], side: int, picture_files: PictureFiles
    ) -> None:
        self.records = {record.pixel_sha256: record for record in records}
        self.known = frozenset(self.records)
        self.others = sorted(self.records, key=lottery)
        self.side, self.picture_files, self.left, self.turn = side, picture_files, BUDGET, 0
        self.cut: dict[str, str] = {}
        """Image file by pixel digest; empty for a photo that gives none."""

    def beside(self, image: str) -> tuple[str, str, bool]:
        """Image file, name of the photo, and whether it is `image`: where that is none or gives no
        part, another photo, one for every degrader while the budget lasts. The first two are empty
        where no photo gives one.
        """
        start = self.turn % max(1, len(self.others))
        others = self.others[start:] + self.others[:start]
        for digest in [*([image] if image in self.records else []), *others]:
            record = self.records[digest]
            if digest not in self.cut:
                self.cut[digest] = self._cut(record)
            if self.cut[digest]:
                self.turn += digest != image
                return self.cut[digest], plain(file_name(record.url)), digest == image
        return "", "", False

    def _cut(self, record: ImageRecord) -> str:
        pixels = record.width * record.height
        if pixels > self.left or min(record.width, record.height) < self.side:
            return ""
        self.left -= pixels
        try:
            image = load(record)
        except PairmillError:  # moved or deleted since
            return ""
        top, left = busiest(image, self.side, 1)
        part = image[top : top + self.side, left : left + self.side]
        return self.picture_files.png(f"photo-{record.id}", np.ascontiguousarray(part))


LEAD = (
    "LR should look like your photos, not like HR made small. Drag over an image, or press the "
    "arrow keys, to move the border between HR and LR. The part of a photo beside them has as many "
    "pixels as LR: compare its blur, its noise and its compression with those of LR."
)


def compare_html(found: CompareSection) -> Raw:
    """A row for every degrader."""
    shown = ""
    if len(found.shown) < found.degraders:
        shown = f" Degraders: {of(len(found.shown), found.degraders)}."
    most = found.side * max(1, PLACE // max(1, found.side))
    rows = el(
        "div",
        *(_row(view) for view in found.shown),
        class_="compared",
        style=f"--side:{found.side}px;--most:{most}px",
    )
    return section("compare", "HR, LR and a photo", join([LEAD, shown]), rows)


def _row(view: CompareView) -> Raw:
    wipe = el(
        "div",
        _side(view.hr, "HR", f"HR of {view.key}"),
        _side(view.lr, "LR", f"LR of {view.key}, made by {view.degrader}"),
        el(
            "input",
            type="range",
            min=0,
            max=100,
            value=50,
            aria_label=f"border between HR and LR of {view.degrader}, in per cent",
        ),
        class_="wipe",
    )
    photo = None
    said = "no photo gives a part of that size"
    if view.photo:
        photo = _side(view.photo, "photo", f"part of the photo {view.photo_of}")
        said = f"the photo {view.photo_of}"
        if view.same:
            said = "a part of the same photo"
    words = join(
        [
            el("span", view.degrader, class_="tag"),
            el("code", view.key),
            el("br"),
            el("span", "HR and LR of ", el("bdi", view.source), f", beside {said}", class_="quiet"),
        ]
    )
    return el("figure", el("figcaption", words), el("div", wipe, photo, class_="sides"))


def _side(picture: str, label: str, alt: str) -> Raw:
    return el("div", pixels(picture, alt), el("b", label), class_="side")
