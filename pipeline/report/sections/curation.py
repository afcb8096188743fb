"""The section of curation: copies, leaks, worst images, licences."""

from __future__ import annotations

from pipeline.report.charts import bars
from pipeline.report.markup import Raw, counted, el, figure, fold, join, number, of, section, table
from schemas.curation_report import CopyGroup, CopyView, CreditView, CurationSection, ScoredView

OPEN = 6
"""Pairs that are not folded away."""
FRAMED = "The frame is what both pictures show; copies are crops, rescaled or recompressed versions of one picture."


def curation_html(found: CurationSection) -> Raw:
    """What was found about the source images as pictures, and whose they are."""
    parts = [_leaks(found), _copies(found), _scores(found)] if found.checked else []
    return section("curation", "Curation", lead(found), *parts, _credits(found))


def lead(found: CurationSection) -> str:
    """The outcome in a sentence or two."""
    if not found.checked:
        return "Copies were not looked for: the recipe has no `curation`."
    if not found.alike_total:
        return f"No near-duplicates. {_tested(found)}"
    across = f", {found.alike_mixed:,} of them with both real and clean images" if found.alike_mixed else ""
    alike = f"{found.alike_images:,} images show the same as others, in {counted(found.alike_total, 'group')}{across}"
    return f"{alike}. {_tested(found)}"


def _tested(found: CurationSection) -> str:
    if not found.benchmarks:
        return "No benchmark was named, so leaks were not looked for."
    pictures = counted(found.benchmarks, "benchmark picture")
    if not found.leaks_total:
        return f"No image shows one of {pictures}."
    verb = "shows" if found.leaks_total == 1 else "show"
    return f"{counted(found.leaks_total, 'image')} {verb} one of {pictures} and {'is' if verb == 'shows' else 'are'} rejected."


def _leaks(found: CurationSection) -> Raw | None:
    if not found.leaks:
        return None
    head = el("h3", "Leaks from benchmarks ", el("span", of(len(found.leaks), found.leaks_total), class_="quiet"))
    return join([head, fold([_card(view) for view in found.leaks], "copies", OPEN)])


def _copies(found: CurationSection) -> Raw | None:
    if not found.copies:
        return None
    shown = of(len(found.alike), found.alike_total) if len(found.alike) < found.alike_total else ""
    head = el("h3", "Near-duplicates ", el("span", shown or counted(found.alike_total, "group"), class_="quiet"))
    groups = table(("image", "shows the same as", "shared", "outcome"), [group_row(group) for group in found.alike],
                   "Groups of images that show the same")  # fmt: skip
    cards = fold([_card(view) for view in found.copies], "copies", OPEN)
    return join([head, groups, el("p", FRAMED, class_="quiet small floor"), cards])


def group_row(group: CopyGroup, named: int = 4) -> tuple[str, str, str, str]:
    """A picture, which others show the same, how much of the smaller one two of them share, and what was done."""
    first, others = group.names[0] if group.names else "", group.names[1 : named + 1]
    more = group.images - 1 - len(others)
    roles = f" ({group.real:,} real, {group.clean:,} clean)" if group.real and group.clean else ""
    least, most = (f"{100 * share:.0f}" for share in group.overlaps)
    said = f"{counted(group.images - 1, 'other')}{roles}: {', '.join(others)}{f' and {more:,} more' if more else ''}"
    return first, said, f"{least} %" if least == most else f"{least} to {most} %", group.outcome


def _card(view: CopyView) -> Raw:
    sides = zip(view.names, view.kinds, view.pictures, view.boxes, strict=True)
    shown = el("div", *(_side(*side) for side in sides), class_="sides-of")
    across = el("span", "across roles", class_="tag bad") if set(view.kinds) == {"real", "clean"} else None
    facts = f"{view.overlap:.0%} of the smaller one, correlation {view.correlation:.2f} · {view.outcome}"
    return el("figure", shown, el("figcaption", across, el("span", facts, class_="quiet")), class_="card copy")


def _side(name: str, kind: str, picture: str, box: tuple[float, float, float, float]) -> Raw:
    left, top, right, bottom = (100 * value for value in box)
    place = f"left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;height:{bottom - top:.2f}%"
    image = el("img", src=picture, alt=f"{kind} {name}", loading="lazy") if picture else el("div", "no preview", class_="empty")
    frame = el("div", image, el("i", style=place) if picture else None, class_="framed")
    return el("div", frame, el("p", el("b", kind), " ", el("bdi", name), class_="small clip"))


def _scores(found: CurationSection) -> Raw | None:
    if found.blockiness is None:
        return None
    charts = [figure(bars(found.blockiness, "log ratio", "images", "blockiness of images"), "Blockiness",
                     "steps between 8-pixel blocks over other steps; above 0.2 blocks are visible")]  # fmt: skip
    if found.blur is not None:
        chart = bars(found.blur, "pixels", "images", "blur of images")
        charts.append(figure(chart, "Blur", "width of the sharper edges; 2 is sharp, 5 is soft"))
    worst = [("Most blocky", found.blocky, ""), ("Most blurred", found.blurred, " px")]
    rows = [join([el("h3", title), el("div", *(_scored(view, unit) for view in views), class_="grid worst")])
            for title, views, unit in worst]  # fmt: skip
    return join([el("h3", "How good the images are"), el("div", *charts, class_="charts"), *rows])


def _scored(view: ScoredView, unit: str) -> Raw:
    picture = el("img", src=view.picture, alt=f"{view.kind} {view.name}", loading="lazy", class_="pixels") if view.picture \
        else el("div", "no preview", class_="empty")  # fmt: skip
    caption = el("figcaption", el("b", f"{number(round(view.score, 2))}{unit}"), el("bdi", view.name, class_="clip quiet"))
    return el("figure", picture, caption)


def _credits(found: CurationSection) -> Raw | None:
    if not found.credits:
        return None
    head = el("h3", "Licences ", el("span", of(len(found.credits), found.credits_total), class_="quiet"))
    columns = ("licence", "author", "title", "source", "images")
    rows = [_credit(view) for view in found.credits]
    return join([head, table(columns, rows, "Licences and authors of the images", frozenset({4}))])


def _credit(view: CreditView) -> list[object]:
    licence = view.licence or el("span", "unknown", class_="tag bad")
    return [licence, view.author, view.title, el("bdi", view.source, class_="path"), view.images]
