"""The page of upscaled images: a crop of each, before and after."""

from __future__ import annotations

from pairmill.pipeline.evaluate.crops import crop_side
from pairmill.pipeline.evaluate.gallery import rows_html, tools
from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import (
    Raw,
    counted,
    definitions,
    el,
    join,
    number,
    of,
    section,
    table,
)
from pairmill.schemas.evaluation import Shown, UpscaledImage, UpscaleReport


def upscale_page(report: UpscaleReport, most: int) -> str:
    """The whole of `index.html`; at most so many images are shown, taken evenly."""
    network = report.network
    parts = [
        ("images", "Images", _images(report, most)),
        ("making", "How it was made", _making(report)),
    ]
    if report.left_out:
        parts.insert(1, ("left-out", "Left out", _left_out(report)))
    foot = join([el("code", "upscale.json"), " beside this page holds all its numbers."])
    title = f"{network.name} · ×{network.scale}"
    return document(title, network.name, _hero(report), parts, foot, style="evaluate.css")


def _hero(report: UpscaleReport) -> Raw:
    network, count = report.network, len(report.images)
    pixels = sum(image.width * image.height for image in report.images) * network.scale**2 / 1e6
    images = counted(count, "image")
    lead = (
        f"{images} upscaled ×{network.scale} by {network.arch}; the results are PNGs in the "
        "folder above this page."
    )
    facts = [
        (number(count), "image" if count == 1 else "images"),
        (f"×{network.scale}", "scale"),
        (number(float(f"{pixels:.3g}")), "megapixels"),
        (number(len(report.left_out)), "left out"),
    ]
    return hero("Upscaled images", network.name, lead, facts)


def _images(report: UpscaleReport, most: int) -> Raw:
    known = [image for image in report.images if image.panes]
    chosen = [
        known[place * len(known) // min(most, len(known))] for place in range(min(most, len(known)))
    ]
    lead = (
        f"Left upscaled bicubically, right by {report.network.name}: the part of each image with "
        f"most detail; {of(len(chosen), len(report.images))}."
    )
    rows = [_shown(image, report) for image in chosen]
    return section(
        "images", "Images", lead, tools(differences=False, first="bicubic"), rows_html(rows)
    )


def _shown(image: UpscaledImage, report: UpscaleReport) -> Shown:
    scale = report.network.scale
    changed = "".join(f", {name}" for name in image.conversions)
    note = (
        f"{image.width} × {image.height} px to {image.width * scale} × "
        f"{image.height * scale} px{changed} · {image.place}"
    )
    before, after = image.panes
    panes = (before, after.with_(label=report.network.name))  # it may have another name by now
    side = crop_side(image.width, image.height, scale)
    return Shown(title=image.output, group="", note=note, panes=panes, side=side)


def _left_out(report: UpscaleReport) -> Raw:
    body = [[el("bdi", one.name), one.reason] for one in report.left_out]
    title = f"{counted(len(body), 'file')} could not be used"
    return section("left-out", "Left out", title, table(("file", "why"), body, title))


def _making(report: UpscaleReport) -> Raw:
    rows = list(report.settings) or _of_network(report)
    return section(
        "making", "How it was made", "Everything that the results depend on.", definitions(rows)
    )


def _of_network(report: UpscaleReport) -> list[tuple[str, object]]:
    network, config = report.network, report.config
    return [
        ("network", network.arch),
        ("parameters", number(network.parameters)),
        ("checkpoint", el("bdi", network.file)),
        ("SHA-256", el("code", network.sha256, class_="digest")),
        ("trained on", network.training or "not said"),
        ("tiles", config.tiles()),
        (
            "self-ensemble",
            "mean over eight flips and rotations" if config.ensemble else "no",
        ),
        ("precision", config.precision),
    ]
