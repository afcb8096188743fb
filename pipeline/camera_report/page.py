"""The page of a report: one file, made for looking."""

from __future__ import annotations

import base64
import math

import numpy as np

from pairmill.models.camera.curves import SHARPENS
from pairmill.models.functional.kernels import target_centre
from pairmill.pipeline.camera_report import words
from pairmill.pipeline.camera_report.charts import noise_chart, transfer_chart
from pairmill.pipeline.camera_report.examine import Examined
from pairmill.pipeline.html.charts import cross
from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import (
    Raw,
    counted,
    definitions,
    el,
    figure,
    fold,
    join,
    notice,
    of,
    pixels,
    section,
    table,
    titled,
)
from pairmill.pipeline.html.pictures import heat, png
from pairmill.pipeline.html.text import file_name, plain
from pairmill.pipeline.subset import evenly
from pairmill.schemas.camera_report import (
    CameraReport,
    GroupFound,
    PhotographFound,
    VariationFound,
)

OPEN, MOST = 12, 120
"""Photographs of a group that are not folded away, and that are shown at all: each is part of the
page."""
MOST_FILES = 500
"""Files that could not be used and are listed, at most."""
SEEN = 0.004
"""Share of a kernel's peak that one sees on a heat map."""
FIELD_SPAN = 1.25
"""Widest over narrowest of the field, at least, that colours span."""
MARGIN = 1.0
"""Room around it, in HR px."""


def camera_page(examined: Examined) -> str:
    """The whole page; images are part of it."""
    report = examined.report
    parts = [(group.name, group.name, _group(group, examined)) for group in report.groups]
    if report.left_out:
        parts.append(("left-out", "Left out", _left_out(report)))
    foot = join(
        [el("code", "camera.json"), " beside this page holds all numbers, the folders the kernels."]
    )
    title = "What this camera does" if len(report.groups) == 1 else "What these cameras do"
    return document(title, "Camera", _top(report, title), parts, foot, "camera.css")


def _top(report: CameraReport, title: str) -> Raw:
    photographs = sum(len(group.photographs) for group in report.groups)
    accepted = sum(group.accepted for group in report.groups)
    facts = [
        (f"{photographs:,}", "photos" if photographs != 1 else "photo"),
        (f"{len(report.groups):,}", "cameras" if len(report.groups) != 1 else "camera"),
        (f"{accepted:,}", f"kernels for ×{report.scale}"),
    ]
    if len(report.groups) == 1 and report.groups[0].blur is not None:
        facts.insert(2, (f"{report.groups[0].blur.width.value:.2f} px", "width of the blur"))
    sharp = "sharp images that come with pairmill"
    if report.clean:
        sharp = f"{counted(report.clean, 'clean image')} of yours"
    lead = (
        "Blur, noise and compression of the camera, measured on its photos alone. Its blur is what "
        f"makes them differ from {sharp}."
    )
    return hero("pairmill camera", title, lead, facts)


def _group(group: GroupFound, examined: Examined) -> Raw:
    count, known = len(group.photographs), words.SOURCES[group.source]
    lead = f"{counted(count, 'photo')}, {known}."
    return section(
        group.name,
        group.name,
        lead,
        _uncertain(group),
        _facts(group, examined.report.scale),
        _charts(group, examined) if group.blur is not None else _noise_alone(group),
        _photographs(group, examined),
    )


def _uncertain(group: GroupFound) -> Raw:
    head = el("strong", "What is uncertain")
    points = el("ul", *(el("li", _sentence(text)) for text in group.uncertain))
    return notice(join([head, points]), "" if group.blur is not None else "bad")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _facts(group: GroupFound, scale: int) -> Raw:
    blur, count = group.blur, len(group.photographs)
    rows = list[tuple[str, object]]()
    if blur is not None:
        rows += [
            ("Blur", words.shape(blur)),
            ("Width", f"{words.width(blur.width, 'px')} of the photo"),
            (f"Width at ×{scale}", f"{words.width(blur.width_hr, 'px')} of HR"),
            ("Contrast", words.contrast(blur)),
            ("Sharpening", words.sharpening(blur)),
            ("Between photos", words.difference(blur)),
        ]
        rows += [(name.capitalize(), said) for name, said in words.within(blur)]
    rows += [
        ("Noise", words.noise(group.noise)),
        ("Compression", words.compression(group.compression, count)),
    ]
    return el("div", definitions(rows), class_="facts-of")


def _charts(group: GroupFound, examined: Examined) -> Raw:
    blur = group.blur
    assert blur is not None
    kernel = examined.kernels[blur.kernel]
    side = kernel.shape[0]
    picture = el("div", _heat(examined, group, blur.kernel, group.name), class_="big")
    scale = el(
        "div",
        el("span", "0"),
        el("span", class_="magma"),
        el("span", f"{kernel.max():.3f}"),
        class_="scale",
    )
    note = (
        f"{side} × {side} HR px, for ×{examined.report.scale}; colours by square roots, "
        "blue is negative"
    )
    mtf = "contrast that is left at each frequency; thin lines: single photos, band: 95 % interval"
    return el(
        "div",
        figure(join([picture, scale]), "Kernel", note),
        figure(transfer_chart(group), "Transfer curve (MTF)", mtf),
        _noise_figure(group),
        _field(blur.field) if blur.field is not None else None,
        class_="charts",
    )


def _field(found: VariationFound) -> Raw:
    """A cell for each cell of the field, the darker the wider."""
    widths = [part.width for part in found.parts]
    least, most = min(widths), max(*widths, FIELD_SPAN * min(widths))
    cells = [
        el("div", said, style=f"--share: {100 * (wide - least) / (most - least):.0f}%")
        for wide, said in zip(widths, words.parts(found), strict=True)
    ]
    note = (
        "in px of the photo, with 95 % intervals relative to the other parts; from "
        f"{counted(found.told_by, 'photo')}"
    )
    return figure(el("div", *cells, class_="field"), "Width over the field", note)


def _noise_alone(group: GroupFound) -> Raw:
    return el("div", _noise_figure(group), class_="charts")


def _noise_figure(group: GroupFound) -> Raw | None:
    if not any(words.channels(group.noise).values()):
        return None
    before = " before JPEG, measured on luma" if group.noise.by_luma else ""
    note = f"standard deviation{before}, by brightness"
    return figure(noise_chart(group.noise), "Noise", note)


def _heat(examined: Examined, group: GroupFound, file: str, name: str) -> Raw:
    kernel = examined.kernels[file]
    centre = target_centre(kernel.shape[0], examined.report.scale)
    reach = min(_reach(examined, group), centre)
    start, end = math.ceil(centre - reach), math.floor(centre + reach) + 1
    part = kernel[start:end, start:end]
    # Lobes are a hundredth of the peak; square roots show them.
    source = _data("png", png(heat(np.sign(part) * np.sqrt(np.abs(part))), 9))
    image = pixels(source, f"kernel of {name}")
    return el("div", image, cross(part.shape[0], centre - start), class_="heat")


def _reach(examined: Examined, group: GroupFound) -> float:
    """How far from its centre a kernel of a group is shown, in HR px: as far as there is
    something in any of them.
    """
    files = [photograph.kernel for photograph in group.photographs if photograph.kernel]
    files += [group.blur.kernel] if group.blur is not None else []
    reach = MARGIN
    for kernel in (examined.kernels[file] for file in files):
        centre = target_centre(kernel.shape[0], examined.report.scale)
        rows, columns = np.nonzero(np.abs(kernel) > SEEN * kernel.max())
        reach = max(reach, *(float(np.abs(axis - centre).max()) for axis in (rows, columns)))
    return reach + MARGIN


def _data(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _photographs(group: GroupFound, examined: Examined) -> Raw:
    chosen = [group.photographs[place] for place in evenly(len(group.photographs), MOST)]
    ordered = sorted(chosen, key=lambda one: one.accepted)
    said = f"{group.accepted:,} of {len(group.photographs):,} give a kernel"
    if len(chosen) < len(group.photographs):
        said += f"; {of(len(chosen), len(group.photographs))}"
    return titled(
        "Photos", said, fold([_card(one, group, examined) for one in ordered], "kernels", OPEN)
    )


def _card(photograph: PhotographFound, group: GroupFound, examined: Examined) -> Raw:
    kernel: Raw = el("div", "no kernel", class_="empty")
    if photograph.kernel:
        kernel = _heat(examined, group, photograph.kernel, photograph.name)
    picture = el(
        "img",
        src=_data("jpeg", examined.pictures[photograph.digest]),
        alt=photograph.name,
        loading="lazy",
    )
    halves = el(
        "div", el("div", kernel, class_="half"), el("div", picture, class_="half"), class_="halves"
    )
    tag = el(
        "span", words.verdict(photograph), class_="tag quiet" if photograph.accepted else "tag bad"
    )
    name = plain(file_name(photograph.file))
    head = el("p", tag, el("bdi", name, class_="clip", title=name), class_="title")
    said = None if photograph.accepted else el("p", photograph.words, class_="detail")
    return el("article", halves, head, said, _numbers(photograph), class_="card kernel")


def _numbers(photograph: PhotographFound) -> Raw:
    size = ("size", f"{photograph.width:,} × {photograph.height:,} px")
    rows: list[tuple[str, object]] = [size]
    if photograph.blur_width is not None:
        rows.append(("width", words.width(photograph.blur_width, "px")))
    if photograph.error is not None:
        rows.append(("expected error", f"{100 * photograph.error:.0f} %"))
    if photograph.mtf50 is not None:
        rows.append(("MTF50", f"{photograph.mtf50:.2f} cycles/px"))
    if photograph.sharpening and photograph.sharpening >= SHARPENS:
        rows.append(("sharpening", f"up to {100 * photograph.sharpening:.0f} %"))
    if photograph.noise is not None:
        rows.append(("noise in flat areas", f"{photograph.noise:.1f} levels"))
    if photograph.quality:
        rows.append(("JPEG quality", str(photograph.quality)))
    return definitions(rows)


def _left_out(report: CameraReport) -> Raw:
    rows = [
        [el("bdi", plain(file_name(one.file))), str(one.reason), one.words]
        for one in report.left_out[:MOST_FILES]
    ]
    lead = f"{counted(len(report.left_out), 'file')} could not be used."
    if len(rows) < len(report.left_out):
        lead += f" {of(len(rows), len(report.left_out))}."
    head = ("file", "reason", "what was found")
    return section("left-out", "Left out", lead, table(head, rows, "Files that were left out"))
