"""Source images, what was made of them, and the files that were rejected."""

from __future__ import annotations

from collections import Counter
from itertools import takewhile

from pairmill.pipeline.html.markup import (
    Raw,
    chips,
    counted,
    definitions,
    el,
    fold,
    number,
    of,
    section,
    table,
    titled,
    unfolded,
)
from pairmill.pipeline.html.text import plain
from pairmill.pipeline.report.source_images import Sources
from pairmill.pipeline.subset import evenly, in_turn
from pairmill.schemas.hr import HrImage, HrSet
from pairmill.schemas.image import ImageRecord, ImageSet, RejectedImage
from pairmill.schemas.report import ImagesSection, ImageView

SHOWN, REJECTED = 36, 500
"""Maximum number of images and rejected files that are shown."""


def collect_images(images: ImageSet, hr: HrSet, sources: Sources) -> ImagesSection:
    """Describe the image set."""
    made = {ref.hr.image: ref.hr for ref in hr.images}
    shown = [images.accepted[place] for place in evenly(len(images.accepted), SHOWN)]
    rejected = in_turn(images.rejected, lambda record: record.reason)[:REJECTED]
    skipped = Counter[str]()
    for ref in hr.images:
        skipped.update({str(reason): count for reason, count in ref.hr.skipped.items()})
    return ImagesSection(
        roles=dict(Counter(str(image.role) for image in images.accepted)),
        conversions=dict(
            Counter(str(c) for image in images.accepted for c in image.conversions).most_common()
        ),
        tiles=hr.tiles,
        skipped=dict(skipped),
        shown=tuple(_view(image, made[image.pixel_sha256], sources) for image in shown),
        reasons=dict(Counter(str(record.reason) for record in images.rejected).most_common()),
        rejected=tuple(
            _cleaned(r, _root(images)) for r in sorted(rejected, key=lambda r: (r.reason, r.url))
        ),
        rejected_total=len(images.rejected),
    )


def _view(image: ImageRecord, hr: HrImage, sources: Sources) -> ImageView:
    return ImageView(
        source=sources.name(image.pixel_sha256),
        thumbnail=sources.thumbnail(image.pixel_sha256),
        role=str(image.role),
        format=image.format,
        size=(image.width, image.height),
        hr_size=(hr.width, hr.height),
        tiles=len(hr.tiles),
        skipped={str(reason): count for reason, count in hr.skipped.items()},
        conversions=tuple(map(str, image.conversions)),
    )


def _root(images: ImageSet) -> str:
    """The folder in which all files lie, with a slash; a published corpus need not tell whose
    machine that was on.
    """
    urls = [*(image.url for image in images.accepted), *(record.url for record in images.rejected)]
    folders = [url.rpartition("/")[0].split("/") for url in urls]
    common = [
        names[0]
        for names in takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))
    ]
    if len(common) > 1:
        return "".join(f"{name}/" for name in common)
    return ""


def _cleaned(record: RejectedImage, root: str) -> RejectedImage:
    """The name below `root`, without the secrets that a URL may end in."""
    if "://" not in record.url:
        url = record.url
    else:
        url = record.url.partition("?")[0]
    return record.model_copy(
        update={
            "url": plain(url.removeprefix(root)),
            "detail": plain(record.detail.replace(root, "")),
        }
    )


OPEN, OPEN_FILES = 12, 12
"""Images that are not folded away, and the longest list of rejected files that is unfolded."""


def images_html(images: ImagesSection) -> Raw:
    """What went in, and what did not."""
    total = sum(images.roles.values())
    roles = " and ".join(f"{count:,} {role}" for role, count in images.roles.items())
    lead = (
        f"{counted(total, 'source image')} ({roles}), "
        f"{counted(images.rejected_total, 'file')} rejected."
    )
    facts: list[tuple[str, object]] = [("HR tiles used", number(images.tiles))]
    if images.skipped:
        facts.append(("HR tiles left out", chips(images.skipped)))
    if images.conversions:
        facts.append(("converted while decoding", chips(images.conversions)))
    gallery = fold([_card(view) for view in images.shown], "sources", OPEN)
    return section(
        "images",
        "Source images",
        lead,
        definitions(facts),
        titled("Accepted", of(len(images.shown), total), gallery),
        _rejected(images),
        folded=True,
    )


def _card(view: ImageView) -> Raw:
    if view.thumbnail:
        picture = el("img", src=view.thumbnail, alt=f"source image {view.source}", loading="lazy")
    else:
        picture = el("div", "no preview", class_="empty")
    width, height = view.size
    small = view.hr_size != view.size
    skipped = "".join(f", {count:,} {reason}" for reason, count in view.skipped.items())
    lines = [f"{width} × {height} px, {view.format}"]
    lines += [f"HR {view.hr_size[0]} × {view.hr_size[1]} px"] if small else []
    lines += [
        f"{counted(view.tiles, 'tile')}{skipped}",
        *([", ".join(view.conversions)] if view.conversions else []),
    ]
    caption = el(
        "figcaption",
        el("bdi", view.source, class_="clip name"),
        *(el("span", line, class_="quiet") for line in lines),
    )
    return el("figure", el("div", picture, el("b", view.role), class_="frame"), caption)


def _rejected(images: ImagesSection) -> Raw | None:
    if not images.rejected_total:
        return None
    body = [
        [
            el("bdi", record.url, class_="path"),
            el("span", record.reason, class_="tag bad"),
            record.detail,
        ]
        for record in images.rejected
    ]
    files = table(("file", "reason", "what was found"), body, "Rejected files, by reason")
    total = images.rejected_total
    folded = unfolded(counted(total, "file"), files, open_=total <= OPEN_FILES)
    reasons = el("p", chips(images.reasons))
    return titled("Rejected files", of(len(images.rejected), total), reasons, folded)
