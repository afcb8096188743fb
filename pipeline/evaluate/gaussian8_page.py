"""What a wrong kernel costs as tables: plain, and of cells as red as their loss."""

from __future__ import annotations

from pairmill.pipeline.html.markup import Raw, counted, el, section, table_box
from pairmill.schemas.evaluation import Gaussian8View, ToldRow, ToldView

DEEPEST, REDDEST = 6.0, 75
"""Loss in dB that is shown as red as cells get, and how red that is, in per cent: words stay
legible."""


def gaussian8_html(view: Gaussian8View) -> Raw:
    """The section of a page."""
    lead = (
        f"HR of {counted(view.images, 'image')} is blurred by eight Gaussians of known width and "
        "downscaled bicubically; numbers are PSNR (Y) in dB. A row is the width that the network "
        "was given, a column the true one, in HR pixels. The redder a cell, the further below what "
        f"the network reaches with the true kernel, up to {DEEPEST:g} dB; for a network that takes "
        "no kernel, below bicubic."
    )
    head = el(
        "tr",
        el("th", "given width, px", scope="col"),
        *(el("th", f"{width:.2f}", scope="col", class_="num") for width in view.widths),
        el("th", "mean", scope="col", class_="num"),
    )
    control = view.networks[0].rows[0]
    bodies = [_network(one, control, view.widths) for one in view.networks]
    box = table_box(
        "PSNR in dB by true width of the blur in HR pixels", head, bodies, "scores told"
    )
    return section("gaussian8", "What a wrong kernel costs", lead, box)


def gaussian8_rows(view: Gaussian8View) -> tuple[str, list[str], list[list[str]]]:
    """Title, heads and rows of what a wrong kernel costs."""
    title = f"Gaussian8, PSNR Y in dB by true width in HR pixels: {counted(view.images, 'image')}"
    heads = ["network", "was told", *(f"{width:.2f}" for width in view.widths), "mean"]
    rows = [
        [
            one.network,
            row.told,
            *(f"{value:.2f}" for value in (*row.scores, sum(row.scores) / len(row.scores))),
        ]
        for one in view.networks
        for row in one.rows
    ]
    return title, heads, rows


def _network(one: ToldView, control: ToldRow, widths: tuple[float, ...]) -> Raw:
    known = next((row for row in one.rows if row.kind == "true"), control)
    name = el("th", el("bdi", one.network), scope="rowgroup", colspan=2 + len(widths))
    rows = [el("tr", name, class_="set")]
    for row in one.rows:
        cells = [
            _cell(value, value - true, own=row.kind == "width" and row.told == f"{width:.2f}")
            for value, true, width in zip(row.scores, known.scores, widths, strict=True)
        ]
        mean = sum(row.scores) / len(row.scores)
        cells.append(el("td", f"{mean:.2f}", class_="num"))
        rows.append(el("tr", el("th", _words(row), scope="row"), *cells, class_=row.kind))
    return el("tbody", *rows)


def _words(row: ToldRow) -> str:
    words = {"usual": "its usual kernel", "nothing": "–"}
    if row.kind == "iteration":
        return f"{row.told} corrections"
    return words.get(row.kind, row.told)


def _cell(value: float, gain: float, *, own: bool) -> Raw:
    """A value; `own` where what was told is true."""
    share = min(max(-gain, 0.0) / DEEPEST, 1.0)
    return el(
        "td",
        f"{value:.2f}",
        class_="num own" if own else "num",
        style=f"--loss: {REDDEST * share:.0f}%" if share else None,
        title=f"{gain:+.2f} dB" if not own and abs(gain) >= 0.005 else None,
    )
