"""The section of source images and rejected files."""

from __future__ import annotations

from pipeline.report.markup import Raw, chips, counted, definitions, el, fold, join, number, of, section, table
from schemas.report import ImagesSection, ImageView

OPEN, OPEN_FILES = 12, 12
"""Images that are not folded away, and the longest list of rejected files that is unfolded."""


def images_html(images: ImagesSection) -> Raw:
    """What went in, and what did not."""
    total = sum(images.roles.values())
    roles = " and ".join(f"{count:,} {role}" for role, count in images.roles.items())
    lead = f"{counted(total, 'source image')} ({roles}), {counted(images.rejected_total, 'file')} rejected."
    facts: list[tuple[str, object]] = [("tiles used", number(images.tiles))]
    if images.skipped:
        facts.append(("tiles skipped", chips(images.skipped)))
    if images.conversions:
        facts.append(("converted while decoding", chips(images.conversions)))
    head = el("h3", "Accepted ", el("span", of(len(images.shown), total), class_="quiet"))
    gallery = fold([_card(view) for view in images.shown], "sources", OPEN)
    return section("images", "Images", lead, definitions(facts), head, gallery, _rejected(images))


def _card(view: ImageView) -> Raw:
    picture = (
        el("img", src=view.thumbnail, alt=f"source image {view.source}", loading="lazy")
        if view.thumbnail else el("div", "no preview", class_="empty")
    )  # fmt: skip
    width, height = view.size
    small = view.hr_size != view.size
    skipped = "".join(f", {count:,} {reason}" for reason, count in view.skipped.items())
    lines = [f"{width} × {height} {view.format}"]
    lines += [f"HR {view.hr_size[0]} × {view.hr_size[1]}"] if small else []
    lines += [f"{counted(view.tiles, 'tile')}{skipped}", *([", ".join(view.conversions)] if view.conversions else [])]
    caption = el("figcaption", el("bdi", view.source, class_="clip name"), *(el("span", line, class_="quiet") for line in lines))
    return el("figure", el("div", picture, el("b", view.role), class_="frame"), caption)


def _rejected(images: ImagesSection) -> Raw | None:
    if not images.rejected_total:
        return None
    head = el("h3", "Rejected files ", el("span", of(len(images.rejected), images.rejected_total), class_="quiet"))
    body = [
        [el("bdi", record.url, class_="path"), el("span", record.reason, class_="tag bad"), record.detail]
        for record in images.rejected
    ]
    files = table(("file", "reason", "what was found"), body, "Rejected files, by reason")
    title = el("summary", counted(images.rejected_total, "file"))
    folded = el("details", title, files, open=images.rejected_total <= OPEN_FILES)
    return join([head, el("p", chips(images.reasons)), folded])
