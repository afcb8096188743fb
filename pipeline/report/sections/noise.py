"""The section of noise."""

from __future__ import annotations

from pipeline.report.charts import lines, scatter
from pipeline.report.markup import Raw, chips, counted, definitions, el, figure, fold, join, number, of, section, table
from schemas.report import CoverageView, NoiseSection, PatchView

OPEN = 16
"""Patches that are not folded away."""


def noise_html(noise: NoiseSection) -> Raw:
    """The pool, its statistics and where it comes from."""
    lead = (
        f"{counted(noise.count, 'patch', 'patches')} of {noise.patch} × {noise.patch} pixels, mined from {noise.giving:,} of "
        f"{counted(noise.images, 'real image')}. Slow shading is taken off; what is left has mean zero."
    )
    charts = el("div", *_charts(noise), class_="charts")
    return section("noise", "Noise", lead, _facts(noise), charts, _gallery(noise), _coverage(noise))


def _charts(noise: NoiseSection) -> list[Raw]:
    low, high = noise.spectrum_range
    over = f"over {counted(noise.averaged, 'patch', 'patches')}"
    picture = el("img", src=noise.spectrum, alt="mean power spectrum of the noise", class_="pixels")
    scale = el("div", el("span", f"{low:+.0f} dB"), el("span", class_="magma"), el("span", f"{high:+.0f} dB"), class_="scale")
    radial = lines(
        [("mined", noise.radial), ("white", [(0, 0), (0.5, 0)])], (0, 0.5), "spatial frequency, cycles per pixel",
        "power, dB", "power of the noise by spatial frequency, against white noise",
    )  # fmt: skip
    levels = scatter(noise.levels, (0, 255), "brightness, grey levels", "std, grey levels", "noise against brightness")
    return [
        figure(join([el("div", picture, class_="big"), scale]), "Power spectrum", f"{over}; zero frequency in the middle"),
        figure(radial, "Over all directions", "white noise of equal variance is at 0 dB"),
        figure(levels, "Against brightness", f"{of(len(noise.levels), noise.count)}"),
    ]


def _facts(noise: NoiseSection) -> Raw:
    red, green, blue = noise.std
    strength = f"red {red:.2f}, green {green:.2f}, blue {blue:.2f} grey levels, root mean square"
    return definitions([("strength", strength), ("variance threshold", noise.threshold)])


def _gallery(noise: NoiseSection) -> Raw:
    zoom = max(1, 128 // noise.side)
    note = f"Residuals × {number(noise.gain)} around mid-grey" + (
        f", cropped to {noise.side} pixels." if noise.side < noise.patch else "."
    )
    head = el("h3", "Patches ", el("span", of(len(noise.shown), noise.count), class_="quiet"))
    cards = fold([_patch(view) for view in noise.shown], "patches", OPEN, style=f"--pane:{noise.side * zoom}px")
    return join([head, el("p", note, class_="quiet"), cards])


def _patch(view: PatchView) -> Raw:
    alt = f"noise patch {view.index} of {view.source}"
    lines = [el("span", line, class_="quiet clip") for line in (f"grey {view.mean:.0f}", f"at {view.left}, {view.top} of")]
    source = el("bdi", view.source, class_="quiet clip", title=view.source)
    caption = el("figcaption", el("b", f"#{view.index}"), f" std {view.std:.2f}", *lines, source)
    return el("figure", el("img", src=view.picture, alt=alt, class_="pixels", loading="lazy"), caption)


def _coverage(noise: NoiseSection) -> Raw:
    head = el("h3", "Where it comes from ", el("span", of(len(noise.coverage), noise.images), class_="quiet"))
    columns = ("image", "patches", "in the pool", "not in the pool", "variance threshold needed")
    body = [_row(view) for view in noise.coverage]
    return join([head, table(columns, body, "Noise patches by source image, most first", frozenset({1, 2, 4}))])


def _row(view: CoverageView) -> list[object]:
    needed = "–" if view.threshold_needed is None or view.accepted else number(round(view.threshold_needed, 2))
    return [el("bdi", view.source), number(view.patches), number(view.accepted), chips(view.rejected), needed]
