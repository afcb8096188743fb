"""Realism of the degraders, measured where the recipe wants it and there are real photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pairmill.pipeline.html.charts import HEIGHT, LEFT, WIDTH, Plot, lines
from pairmill.pipeline.html.markup import (
    Raw,
    definitions,
    el,
    figure,
    fold,
    join,
    notice,
    pixels,
    section,
    table,
    titled,
    unfolded,
)
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.report.realism_card import card_html
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.image import Role
from pairmill.schemas.realism import RealismRow, RealismSection, SideStatistics

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult


def collect_realism(
    storage: Storage,
    made: BuildResult,
    manifest: CorpusManifest,
    picture_files: PictureFiles,
    advanced: Callable[[str], None] = lambda _: None,
) -> RealismSection | None:
    """Measure, saying what is next; none if the recipe switches it off or names no real photos."""
    real = made.images.manifest.with_role(Role.REAL)
    if not made.recipe.realism.enabled or not real:
        return None
    config = made.recipe.realism
    from pairmill.pipeline.report.realism_rows import measure  # loads torch and scikit-learn

    def said(name: str) -> None:
        advanced(f"how real LR looks: {name}")

    return measure(storage, manifest, real, config, picture_files, said, _groups(made))


def _groups(made: BuildResult) -> dict[str, str]:
    """Name of the group by pixel digest, where there are several."""
    if made.groups is None or not made.groups.several:
        return {}
    return {digest: group.name for group in made.groups.groups for digest in group.photographs}


MEANING = (
    "Classifiers are shown a patch of LR and a patch of a real photo that they were not trained "
    "on, and say which of the two is LR. Right in 50 % of all cases is guessing: LR looks like "
    "your photos. Right in 100 % is never wrong: LR looks different. The lower, the better."
)
FLOOR = (
    "Even LR that is made in exactly the right way reaches about 60 %: it shows photos at half "
    "their size, and so denser content; matching patches by content hides most of this, not all. "
    "So compare every degrader with the two controls: bicubic downscaling, and real photos "
    "against other real photos."
)


def realism_html(found: RealismSection, *, unfolded_: bool = False) -> Raw:
    """What each degrader reaches, in a sentence and on an axis; folded: all numbers, scores of
    papers, and both sides of every comparison.
    """
    if not any(row.result.auc is not None for row in found.rows):
        because = found.problem or next(
            (row.result.problem for row in found.rows if row.result.problem), "nothing to compare"
        )
        return section("realism", TITLE, MEANING, notice(f"Realism was not measured: {because}."))
    ranking = figure(
        _ranking(found.rows),
        "How often LR is picked out",
        "points; lines are 95 % intervals over images, controls are blue",
    )
    cards = [_card(row) for row in found.rows if row.result.auc is not None]
    return section(
        "realism",
        TITLE,
        MEANING,
        el("ul", *(el("li", said(row)) for row in found.rows), class_="list"),
        el("div", ranking, class_="gap"),
        el("p", FLOOR, class_="quiet small prose gap"),
        unfolded(
            "All numbers, scores of papers, and patches side by side",
            _table(found),
            card_html(found.card) if found.card else None,
            titled("Patches side by side", ""),
            fold(cards, "comparisons", 3),
            open_=unfolded_,
        ),
    )


TITLE = "How realistic LR is"


def said(row: RealismRow) -> Raw:
    """What a row comes to, in a sentence."""
    name, r, kind = el("b", row.name), row.result, " (control)" if row.control else ""
    if r.auc is None or r.interval is None:
        return join([name, f"{kind}: not measured: {r.problem}."])
    low, high = (f"{100 * end:.0f}" for end in r.interval)
    sure = f"95 % interval {low} to {high} %"
    return join([name, f"{kind}: picked out in {percent(r.auc)} of cases ({sure}): {r.words()}."])


def percent(value: float) -> str:
    """A share in per cent, without a digit that means nothing."""
    return f"{100 * value:.0f} %"


def spread(interval: tuple[float, float]) -> str:
    """An interval in per cent."""
    return f"{100 * interval[0]:.0f} – {100 * interval[1]:.0f} %"


def _ranking(rows: tuple[RealismRow, ...]) -> Raw:
    """For every comparison its name and value, and below them the interval and the point on an axis
    from 40 to 100 %.
    """
    pace, edge = 38, 8
    shown = [row for row in rows if row.result.auc is not None and row.result.interval is not None]
    base = pace * len(shown) + 6

    def px(value: float) -> float:
        return round(edge + (max(value, 0.4) - 0.4) / 0.6 * (WIDTH - 2 * edge), 1)

    marks, note = [], el("tspan", " · control", class_="tick")
    for at in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        label = "guessing" if at == 0.5 else percent(at)
        marks.append(
            el("line", x1=px(at), x2=px(at), y1=2, y2=base, class_="axis" if at == 0.5 else "grid")
        )
        marks.append(el("text", label, x=px(at), y=base + 15, class_="tick mid"))
    for place, row in enumerate(shown):
        auc, (low, high) = row.result.auc or 0.5, row.result.interval or (0.5, 0.5)
        y, cls = pace * place + 28, "s1" if row.control else "s0"
        title = el("title", f"{row.name}: {percent(auc)}, {percent(low)} to {percent(high)}")
        marks += [
            el(
                "text",
                row.name,
                note if row.control else None,
                x=edge,
                y=y - 12,
                class_="label over-grid",
            ),
            el("text", percent(auc), x=WIDTH - edge, y=y - 12, class_="label end over-grid"),
            el("line", x1=px(low), x2=px(high), y1=y, y2=y, class_=f"range {cls}"),
            el("circle", title, cx=px(auc), cy=y, r=4.5, class_=f"point {cls}"),
        ]
    alt = "; ".join(f"{row.name} {percent(row.result.auc or 0.5)}" for row in shown)
    box = f"0 0 {WIDTH} {base + 22}"
    return el("svg", el("title", alt), join(marks), viewBox=box, role="img", aria_label=alt)


def _table(found: RealismSection) -> Raw:
    head = (
        "compared with real photos",
        "picked out",
        "95 % interval",
        "verdict",
        "classifiers alone",
        "patches",
        "images",
    )
    return table(
        head,
        [_cells(row) for row in found.rows],
        "Realism of every degrader",
        frozenset({1, 2, 5, 6}),
    )


def _cells(row: RealismRow) -> list[object]:
    r = row.result
    name = join(
        [el("b", row.name), el("span", " control", class_="quiet") if row.control else None]
    )
    if r.auc is None or r.interval is None:
        return [name, "", "", f"{r.words()}: {r.problem}", "", r.patches, r.images]
    alone = ", ".join(f"{c.classifier} {percent(c.auc)}" for c in r.classifiers)
    return [name, percent(r.auc), spread(r.interval), r.words(), alone, r.patches, r.images]


def _card(row: RealismRow) -> Raw:
    r = row.result
    head = el("h3", row.name, el("span", f" {percent(r.auc or 0.5)} · {r.words()}", class_="quiet"))
    tells = None
    if r.telling:
        tells = el("p", "Best single features: ", "; ".join(r.telling), ".", class_="quiet small")
    charts = el("div", *_charts(row), class_="charts")
    return el("div", head, tells, _patches(row), charts, class_="comparison")


def _patches(row: RealismRow) -> Raw | None:
    """Both sides, a patch of one above the like one of the other."""
    if not row.picture:
        return None
    alt = f"patches of real photos above those of {row.name}"
    note = "real above, synthetic below: pairs of like content that are easiest to distinguish"
    picture = pixels(row.picture, alt, row.side)
    return el("div", figure(picture, "Patches", note), style="--most:48rem", class_="gap")


def _charts(row: RealismRow) -> list[Raw]:
    real, synthetic = row.result.real, row.result.synthetic
    if real is None or synthetic is None:
        return []
    spectra = [("synthetic", synthetic.spectrum), ("real", real.spectrum)]
    curves = [("synthetic", synthetic.noise), ("real", real.noise)]
    facts = definitions(_facts(real, synthetic))
    first = figure(facts, "Edges, noise and colour", "medians, synthetic | real")
    return [
        first,
        figure(
            lines(
                spectra,
                (0, 0.5),
                "spatial frequency, cycles per pixel",
                "power, dB",
                "power spectra of both sides",
            ),
            "Power spectrum",
            "of luma, geometric mean over patches",
        ),
        figure(
            _curves(curves),
            "Noise against brightness",
            "standard deviation after a high-pass filter, in the calmest quarter of all cells of "
            "6 × 6 pixels",
        ),
    ]


def _curves(series: list[tuple[str, tuple[tuple[float, float], ...]]]) -> Raw:
    drawn = [(name, points) for name, points in series if points]
    if not drawn:
        frame = Plot((0, 255), (0, 1), "brightness, intensity levels", "standard deviation, levels")
        none = el("text", "too few patches", x=LEFT + 20, y=HEIGHT / 2, class_="label")
        return frame.draw("too few patches for a curve", none)
    return lines(
        drawn,
        (0, 255),
        "brightness, intensity levels",
        "standard deviation, levels",
        "noise against brightness",
        floor=0,
    )


def _facts(real: SideStatistics, synthetic: SideStatistics) -> list[tuple[str, object]]:
    def both(a: float, b: float, digits: int = 2) -> str:
        return f"{a:.{digits}f} | {b:.{digits}f}"

    edges = [
        (f"width of edges, {name}", both(a, b))
        for name, a, b in zip(
            ("sharper quarter", "median", "softer quarter"),
            synthetic.edge_width,
            real.edge_width,
            strict=True,
        )
    ]
    noise = [
        (f"noise in {name}, levels", both(a, b))
        for name, a, b in zip(
            ("red", "green", "blue"), synthetic.residual_std, real.residual_std, strict=True
        )
    ]
    return [
        *((f"{term}, px", value) for term, value in edges),
        *noise,
        ("correlation of channels", both(synthetic.correlation, real.correlation)),
        ("JPEG blocks, logarithm of the ratio", both(synthetic.blockiness, real.blockiness)),
    ]
