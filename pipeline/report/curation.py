"""Copies, leaks, scores and licences, with images of the worst."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pairmill.pipeline.build.select_images import ImageSelection
from pairmill.pipeline.curation.copies import (
    copy_group,
    mixed,
    shown_pairs,
    small_copies,
    telling,
    tied,
)
from pairmill.pipeline.html.charts import bars
from pairmill.pipeline.html.markup import (
    Raw,
    counted,
    el,
    figure,
    fold,
    number,
    of,
    pixels,
    section,
    table,
    titled,
)
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import Image, busiest, thumbnail
from pairmill.pipeline.html.text import file_name, plain
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.report.hr_quality import collect_hr, hr_html, tinted
from pairmill.pipeline.subset import histogram
from pairmill.schemas.corpus import CreditCount
from pairmill.schemas.curation import AlikePair, Curated, Leak
from pairmill.schemas.curation_report import (
    CopyGroup,
    CopyView,
    CreditView,
    CurationSection,
    ScoredView,
)
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import ImageRecord

SHOWN, GROUPS, WORST, CREDITS, CROP = 24, 100, 6, 60, 144
"""Maximum number of pairs, groups of copies, worst images and credits that are shown, and the side
of the crops of the worst, in pixels."""
BUDGET = 120_000_000
"""Pixels that are decoded for images, in all; about four seconds."""
MANY_SMALL = 4  # from which on small copies of larger images are worth a warning
WHOLE = (0.0, 0.0, 1.0, 1.0)


def collect_curation(
    chosen: ImageSelection, credits_: Sequence[CreditCount], picture_files: PictureFiles
) -> CurationSection | None:
    """What curation found; none if there was none and nobody is named."""
    if chosen.curated is None and not credits_:
        return None
    found, looks = chosen.curated, _Looks(chosen, picture_files)
    pairs = telling(found.pairs, looks.kind) if found else []
    groups = tied(pairs)
    scores = found.scores if found else {}
    blocky = sorted(scores, key=lambda image: -scores[image].blockiness)
    blurs = {image: score.blur for image, score in scores.items() if score.blur is not None}
    across = sum(looks.kind(pair.first) != looks.kind(pair.second) for pair in pairs)
    return CurationSection(
        checked=found is not None,
        copies=tuple(
            _copy(pair, found, looks) for pair in shown_pairs(pairs, groups)[:SHOWN] if found
        ),
        copies_total=len(pairs),
        across=across,
        groups=len(set(chosen.split_keys.values())),
        alike=tuple(
            copy_group(group, pairs, found, looks.records, looks.name)
            for group in groups[:GROUPS]
            if found
        ),
        alike_total=len(groups),
        alike_images=sum(map(len, groups)),
        alike_mixed=mixed(groups, looks.kind),
        small=small_copies(found.pairs, looks.records) if found else 0,
        benchmarks=found.benchmarks if found else 0,
        leaks=tuple(_leak(leak, looks) for leak in found.leaks[:SHOWN]) if found else (),
        leaks_total=len(found.leaks) if found else 0,
        blocky=tuple(looks.scored(image, scores[image].blockiness) for image in blocky[:WORST]),
        blurred=tuple(
            looks.scored(image, blurs[image])
            for image in sorted(blurs, key=lambda image: -blurs[image])[:WORST]
        ),
        blockiness=histogram([score.blockiness for score in found.scores.values()])
        if found
        else None,
        blur=histogram(list(blurs.values())) if blurs else None,
        hr=collect_hr(found, looks.name, looks.kind, looks.focus) if found else None,
        credits=tuple(map(_credit, credits_[:CREDITS])),
        credits_total=len(credits_),
    )


def _copy(pair: AlikePair, found: Curated, looks: _Looks) -> CopyView:
    left = found.images.by_digest()
    gone = [digest for digest in (pair.first, pair.second) if digest not in left]
    if not gone:
        outcome = "in one split"
    else:
        outcome = f"{' and '.join(looks.name(digest) for digest in gone)} rejected"
    return CopyView(
        names=(looks.name(pair.first), looks.name(pair.second)),
        kinds=(looks.kind(pair.first), looks.kind(pair.second)),
        pictures=(looks.small(pair.first), looks.small(pair.second)),
        boxes=pair.boxes,
        overlap=pair.overlap,
        correlation=pair.correlation,
        outcome=outcome,
    )


def _leak(leak: Leak, looks: _Looks) -> CopyView:
    pair = leak.pair
    if pair is None:
        other, boxes = leak.image, (WHOLE, WHOLE)
    elif pair.first == leak.image:
        other, boxes = pair.second, pair.boxes
    else:
        other, boxes = pair.first, (pair.boxes[1], pair.boxes[0])
    return CopyView(
        names=(looks.name(leak.image), plain(file_name(leak.benchmark))),
        kinds=(looks.kind(leak.image), "benchmark"),
        pictures=(looks.small(leak.image), looks.small(other)),
        boxes=boxes,
        overlap=1.0 if pair is None else pair.overlap,
        correlation=1.0 if pair is None else pair.correlation,
        outcome="rejected",
    )


def _credit(count: CreditCount) -> CreditView:
    if count.credit:
        said = {name: plain(text) for name, text in count.credit.model_dump().items()}
    else:
        said = {}
    return CreditView.model_validate(
        {"licence": "", "author": "", "source": "", "title": "", **said, "images": count.images}
    )


class _Looks:
    """Names and images of images before curation and of benchmark images, within a budget."""

    def __init__(self, chosen: ImageSelection, picture_files: PictureFiles) -> None:
        self.picture_files, self.left = picture_files, BUDGET
        self.kinds = {image.pixel_sha256: "benchmark" for image in chosen.benchmarks}
        self.records: dict[str, ImageRecord] = {
            image.pixel_sha256: image for image in (*chosen.benchmarks, *chosen.ingested)
        }
        self.kinds |= {image.pixel_sha256: str(image.role) for image in chosen.ingested}
        self.last: tuple[str, Image | None] = ("", None)
        self.known: dict[str, str] = {}

    def name(self, digest: str) -> str:
        if digest in self.records:
            return plain(file_name(self.records[digest].url))
        return digest[:12]

    def kind(self, digest: str) -> str:
        return self.kinds.get(digest, "")

    def small(self, digest: str) -> str:
        if digest not in self.known:
            image = self._read(digest)
            if image is None:
                self.known[digest] = ""
            else:
                self.known[digest] = self.picture_files.jpeg(
                    f"look-{digest[:16]}", thumbnail(image, 360)
                )
        return self.known[digest]

    def focus(self, digest: str) -> str:
        image = self._read(digest)
        if image is None:
            return ""
        return self.picture_files.jpeg(f"focus-{digest[:16]}", tinted(image))

    def scored(self, digest: str, score: float) -> ScoredView:
        image, picture = self._read(digest), ""
        if image is not None:
            side = min(CROP, *image.shape[:2])
            top, left = busiest(image, side, 8)
            crop = np.ascontiguousarray(image[top : top + side, left : left + side])
            picture = self.picture_files.png(f"worst-{digest[:16]}", crop)
        return ScoredView(
            name=self.name(digest), kind=self.kind(digest), picture=picture, score=score
        )

    def _read(self, digest: str) -> Image | None:
        """The image; none if it is gone or the budget is spent."""
        record = self.records.get(digest)
        if self.last[0] == digest or record is None:
            if record is not None:
                return self.last[1]
            return None
        if record.width * record.height > self.left:
            return None
        self.left -= record.width * record.height
        try:
            self.last = digest, load(record)
        except PairmillError:  # moved or deleted since
            self.last = digest, None
        return self.last[1]


OPEN = 6
"""Pairs that are not folded away."""
FRAMED = (
    "The frame is the part that both images show. Copies may be crops, or rescaled or recompressed."
)


def curation_html(found: CurationSection, *, folded: bool = False) -> Raw:
    """What was found about the source images as images, and whose they are."""
    if found.checked:
        parts = [_leaks(found), _copies(found), _scores(found), hr_html(found.hr)]
    else:
        parts = []
    parts.append(_credits(found))
    title = "Near-duplicates, leaks and quality"
    return section("curation", title, lead(found), *parts, folded=folded)


def lead(found: CurationSection) -> str:
    """The outcome in a sentence or two."""
    if not found.checked:
        return "Copies were not looked for: the recipe has no `curation`."
    if not found.alike_total:
        return f"No near-duplicates. {_tested(found)}"
    across = ""
    if found.alike_mixed:
        across = f", {found.alike_mixed:,} of them with both real and clean images"
    alike = (
        f"{found.alike_images:,} images show the same as others, in "
        f"{counted(found.alike_total, 'group')}{across}"
    )
    return f"{alike}. {small_words(found)}{_tested(found)}"


def small_words(found: CurationSection) -> str:
    """A warning where many images are small copies of others; else nothing."""
    if found.small < MANY_SMALL:
        return ""
    what = f"{found.small:,} images are small copies of larger ones, as thumbnails are"
    return f"{what}: leave their folder out, or set `curation: {{duplicates: reject}}`. "


def _tested(found: CurationSection) -> str:
    if not found.benchmarks:
        return "No benchmark was named, so leaks were not looked for."
    pictures = counted(found.benchmarks, "benchmark image")
    if not found.leaks_total:
        return f"No image shows one of {pictures}."
    one = found.leaks_total == 1
    words = "shows one of {} and is rejected" if one else "show one of {} and are rejected"
    return f"{counted(found.leaks_total, 'image')} {words.format(pictures)}."


def _leaks(found: CurationSection) -> Raw | None:
    if not found.leaks:
        return None
    cards = fold([_card(view) for view in found.leaks], "copies", OPEN)
    return titled("Leaks from benchmarks", of(len(found.leaks), found.leaks_total), cards)


def _copies(found: CurationSection) -> Raw | None:
    if not found.copies:
        return None
    shown = ""
    if len(found.alike) < found.alike_total:
        shown = of(len(found.alike), found.alike_total)
    groups = table(
        ("image", "shows the same as", "shared", "outcome"),
        [group_row(group) for group in found.alike],
        "Groups of images that show the same",
    )
    cards = fold([_card(view) for view in found.copies], "copies", OPEN)
    note = el("p", FRAMED, class_="quiet small prose gap")
    total = shown or counted(found.alike_total, "group")
    return titled("Near-duplicates", total, groups, note, cards)


def group_row(group: CopyGroup, named: int = 4) -> tuple[str, str, str, str]:
    """An image, which others show the same, how much of the smaller one two of them share, and
    what was done.
    """
    first = group.names[0] if group.names else ""
    others = group.names[1 : named + 1]
    said = counted(group.images - 1, "other")
    if group.real and group.clean:
        said += f" ({group.real:,} real, {group.clean:,} clean)"
    said += f": {', '.join(others)}"
    more = group.images - 1 - len(others)
    if more:
        said += f" and {more:,} more"
    least, most = (f"{100 * share:.0f}" for share in group.overlaps)
    share = f"{least} %" if least == most else f"{least} to {most} %"
    return first, said, share, group.outcome


def _card(view: CopyView) -> Raw:
    sides = zip(view.names, view.kinds, view.pictures, view.boxes, strict=True)
    shown = el("div", *(_side(*side) for side in sides), class_="sides-of")
    across = None
    if set(view.kinds) == {"real", "clean"}:
        across = el("span", "across roles", class_="tag bad")
    facts = (
        f"{view.overlap:.0%} of the smaller one, correlation {view.correlation:.2f} · "
        f"{view.outcome}"
    )
    return el(
        "figure",
        shown,
        el("figcaption", across, el("span", facts, class_="quiet")),
        class_="card copy",
    )


def _side(name: str, kind: str, picture: str, box: tuple[float, float, float, float]) -> Raw:
    left, top, right, bottom = (100 * value for value in box)
    place = f"left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;height:{bottom - top:.2f}%"
    if picture:
        image = el("img", src=picture, alt=f"{kind} {name}", loading="lazy")
    else:
        image = el("div", "no preview", class_="empty")
    frame = el("div", image, el("i", style=place) if picture else None, class_="framed")
    return el("div", frame, el("p", el("b", kind), " ", el("bdi", name), class_="small clip"))


def _scores(found: CurationSection) -> Raw | None:
    if found.blockiness is None:
        return None
    charts = [
        figure(
            bars(found.blockiness, "logarithm of the ratio", "images", "blockiness of images"),
            "Blockiness",
            "steps across JPEG's 8-pixel blocks over other steps; above 0.2 blocks are visible",
        )
    ]
    if found.blur is not None:
        chart = bars(found.blur, "width of edges, px", "images", "blur of images")
        charts.append(
            figure(chart, "Blur", "width of the sharper edges; 2 px is sharp, 5 px is soft")
        )
    worst = [("Most blocky", found.blocky, ""), ("Most blurred", found.blurred, " px")]
    rows = []
    for title, views, unit in worst:
        images = el("div", *(_scored(view, unit) for view in views), class_="grid worst")
        rows.append(titled(title, "", images))
    shown = el("div", *charts, class_="charts")
    return titled("How good the images are", "", shown, *rows)


def _scored(view: ScoredView, unit: str) -> Raw:
    if view.picture:
        picture = pixels(view.picture, f"{view.kind} {view.name}")
    else:
        picture = el("div", "no preview", class_="empty")
    caption = el(
        "figcaption",
        el("b", f"{number(round(view.score, 2))}{unit}"),
        el("bdi", view.name, class_="clip quiet"),
    )
    return el("figure", picture, caption)


def _credits(found: CurationSection) -> Raw | None:
    if not found.credits:
        return None
    columns = ("licence", "author", "title", "source", "images")
    rows = [_credit_row(view) for view in found.credits]
    shown = table(columns, rows, "Licences and authors of the images", frozenset({4}))
    return titled("Licences", of(len(found.credits), found.credits_total), shown)


def _credit_row(view: CreditView) -> list[object]:
    licence = view.licence or el("span", "unknown", class_="tag bad")
    return [licence, view.author, view.title, el("bdi", view.source, class_="path"), view.images]
