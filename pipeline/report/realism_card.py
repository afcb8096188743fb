"""The realism card on a page: small multiples of the scores, a table, and cameras against one
another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pairmill.pipeline.html.charts import WIDTH
from pairmill.pipeline.html.markup import Raw, counted, el, figure, join, number, table, table_box
from pairmill.schemas.realism_card import CardRow, CrossCamera, RealismCard, Score, ScoreName

TITLES: dict[ScoreName, tuple[str, str]] = {
    "akld": ("AKLD of noise", "in nats: strength of noise by level and colour"),
    "kld": ("KLD of noise", "in nats: histograms of noise by level and colour"),
    "spectrum": ("Power spectrum", "difference in dB, root mean square over frequencies"),
    "kid": ("KID", "no unit; with pairmill's features of patches"),
    "fid": ("FID", "no unit; with the Inception weights given"),
}
"""Name of every score, and what it is."""
PACE, EDGE = 38, 8
LEAD = (
    "What papers measure. Every score is 0 where LR and photos are alike. Lines are 95 % intervals "
    "over images; axes are in square roots. With few photos no score comes near 0, so compare each "
    "with the two controls: photos against photos, and bicubic."
)
MATRIX = (
    "How often classifiers pick out LR made after the camera of a row beside photos of the camera "
    "of a column. Wanted: about 50 % on the diagonal, and elsewhere what photos of the two cameras "
    "reach against each other (the second table)."
)


def card_html(card: RealismCard) -> Raw:
    """The card: a part of the section on realism."""
    shown = [name for name in TITLES if any(row.score(name) for row in card.rows)]
    charts = [figure(_multiple(card.rows, name), *TITLES[name]) for name in shown]
    parts = [
        el("h3", "Scores of papers"),
        el("p", LEAD, class_="quiet small prose"),
        el("div", *charts, class_="charts gap"),
        _table(card.rows),
        el("p", *_notes(card), class_="quiet small prose gap"),
    ]
    if card.cross:
        parts += _matrices(card.cross)
    return join(parts)


def label_of(row: CardRow) -> str:
    """What a row compares."""
    return f"{row.name}, {row.group}" if row.group else row.name


def value_of(score: Score | None) -> str:
    """A score to three digits."""
    return "" if score is None else number(score.value)


def interval_of(score: Score | None) -> str:
    """Its interval to two digits."""
    if score is None or score.interval is None:
        return ""
    return " – ".join(f"{end:.2g}" for end in score.interval)


def _multiple(rows: Sequence[CardRow], name: ScoreName) -> Raw:
    """A row per comparison: its name and value, and below them interval and point from 0 on."""
    known = [(row, score) for row in rows if (score := row.score(name))]
    most = max([max(score.value, *(score.interval or ())) for _, score in known], default=1) or 1

    def px(value: float) -> float:
        return round(EDGE + math.sqrt(max(value, 0) / most) * (WIDTH - 2 * EDGE), 1)

    marks = [
        el("line", x1=px(0), x2=px(0), y1=2, y2=PACE * len(known) + 2, class_="axis"),
    ]
    for place, (row, score) in enumerate(known):
        y, cls = PACE * place + 28, "s1" if row.control else "s0"
        low, high = score.interval or (score.value, score.value)
        note = el("tspan", " · control", class_="tick") if row.control else None
        title = el("title", f"{label_of(row)}: {number(score.value)} ({interval_of(score)})")
        marks += [
            el("text", label_of(row), note, x=EDGE + 4, y=y - 12, class_="label over-grid"),
            el(
                "text",
                number(score.value),
                x=WIDTH - EDGE,
                y=y - 12,
                class_="label end over-grid",
            ),
            el("line", x1=px(low), x2=px(high), y1=y, y2=y, class_=f"range {cls}"),
            el("circle", title, cx=px(score.value), cy=y, r=4.5, class_=f"point {cls}"),
        ]
    alt = "; ".join(f"{label_of(row)} {number(score.value)}" for row, score in known)
    box = f"0 0 {WIDTH} {PACE * len(known) + 4}"
    return el("svg", el("title", alt), join(marks), viewBox=box, role="img", aria_label=alt)


def _table(rows: Sequence[CardRow]) -> Raw:
    names = [name for name in TITLES if name != "fid" or any(row.fid for row in rows)]
    head = ["LR", *(TITLES[name][0] for name in names), "flat blocks", "patches", "images"]
    numeric = frozenset(range(1, len(head)))
    return table(head, [_cells(row, names) for row in rows], "Scores of papers", numeric)


def _cells(row: CardRow, names: Sequence[ScoreName]) -> list[object]:
    first = join(
        [
            el("b", row.name),
            el("span", f" {row.group}") if row.group else None,
            el("span", " control", class_="quiet") if row.control else None,
        ]
    )
    scores = [_cell(row, name) for name in names]
    blocks = f"{row.blocks[0]:,} | {'known' if row.known_noise else format(row.blocks[1], ',')}"
    return [first, *scores, blocks, row.patches, row.images]


def _cell(row: CardRow, name: ScoreName) -> Raw:
    score = row.score(name)
    if score is None:
        return el("span", "–", title=row.problems.get(name, ""), class_="quiet")
    return el(
        "span",
        value_of(score),
        el("br"),
        el("span", interval_of(score), class_="quiet small"),
    )


def _notes(card: RealismCard) -> list[object]:
    notes: list[object] = [
        "Flat blocks show noise alone; their numbers are of photos | of LR, and “known” where the "
        f"noise of LR is known from its programs. KID is measured with {card.feature}."
    ]
    if card.inception:
        notes.append(f" Inception weights: SHA-256 {card.inception[:12]}.")
    said = sorted({(label_of(r), text) for r in card.rows for text in r.problems.values()})
    notes += [f" {name}: {text}." for name, text in said]
    return notes


def _matrices(cross: CrossCamera) -> list[Raw]:
    known = [
        f"{name} ({counted(count, 'photo')})"
        for name, count in zip(cross.groups, cross.photographs, strict=True)
    ]
    tables = [
        figure(
            _matrix(cross.groups, cross.lr, "LR against photos, by camera"),
            "LR against photos",
            "rows: LR; columns: photos",
        ),
        figure(
            _matrix(cross.groups, cross.control, "Photos against photos, by camera"),
            "Photos against photos",
            "the control: how much the cameras differ at all",
        ),
    ]
    return [
        el("h3", "Cameras against one another"),
        el("p", MATRIX, f" Groups: {', '.join(known)}.", class_="quiet small prose"),
        el("div", *tables, class_="charts matrices gap"),
    ]


def _matrix(groups: Sequence[str], rows: Sequence[Sequence[Score | None]], caption: str) -> Raw:
    head = el("tr", el("td"), *(el("th", el("bdi", name), scope="col") for name in groups))
    body = [
        el(
            "tr",
            el("th", el("bdi", name), scope="row"),
            *(_square(score, own=place == at) for at, score in enumerate(row)),
        )
        for place, (name, row) in enumerate(zip(groups, rows, strict=True))
    ]
    return table_box(caption, head, [el("tbody", *body)], "matrix")


def _square(score: Score | None, *, own: bool) -> Raw:
    if score is None:
        return el("td", "–", class_="quiet")
    strength = round(100 * max(0.0, min(1.0, 2 * score.value - 1)) * 0.4)
    low, high = score.interval or (score.value, score.value)
    return el(
        "td",
        f"{100 * score.value:.0f} %",
        el("br"),
        el("span", f"{100 * low:.0f} – {100 * high:.0f}", class_="small"),
        class_="own" if own else None,
        style=f"background: color-mix(in srgb, var(--s0) {strength}%, transparent)",
    )
