"""The page: a pure function of report data; it opens from disk and asks nothing of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import Raw, counted, el, join, notice, number, size
from pairmill.pipeline.pools.thin import thin
from pairmill.pipeline.report.aligned import aligned_html
from pairmill.pipeline.report.compare import compare_html
from pairmill.pipeline.report.compression import compression_html
from pairmill.pipeline.report.curation import curation_html
from pairmill.pipeline.report.decide import next_html, rejected_html
from pairmill.pipeline.report.distributions import spread_html
from pairmill.pipeline.report.fits import fits_html
from pairmill.pipeline.report.groups import groups_html
from pairmill.pipeline.report.images import images_html
from pairmill.pipeline.report.kernels import kernels_html
from pairmill.pipeline.report.noise import noise_html
from pairmill.pipeline.report.pairs import pairs_html
from pairmill.pipeline.report.provenance import making_html
from pairmill.pipeline.report.realism import realism_html
from pairmill.schemas.report import Head, ReportData

Section = TypeVar("Section")


def page(data: ReportData) -> str:
    """The whole of `index.html`."""
    head = data.head
    return document(
        f"{head.name} · {head.version}", head.name, _hero(head), _sections(data), _foot(head)
    )


def _sections(data: ReportData) -> list[tuple[str, str, Raw]]:
    found = [
        ("pairs", "Pairs", pairs_html(data.pairs, data.head.scale)),
        ("compare", "Beside a photo", _if_there(compare_html, data.compare)),
        ("realism", "Realism", _if_there(realism_html, data.realism)),
        ("rejected", "What was rejected", rejected_html(data)),
        ("next", "What to do next", next_html(data)),
        ("aligned", "Real pairs", _if_there(aligned_html, data.aligned)),
        ("groups", "Cameras", _if_there(groups_html, data.groups)),
        ("kernels", "Kernels", _if_there(kernels_html, data.kernels)),
        ("noise", "Noise", _if_there(noise_html, data.noise)),
        ("fits", "Learned", _if_there(fits_html, data.fits)),
        ("compression", "Compression", _if_there(compression_html, data.compression)),
        ("curation", "Curation", _curation(data)),
        ("images", "Images", images_html(data.images)),
        ("distributions", "Distributions", spread_html(data.spread, data.head.pairs)),
        ("making", "How it was made", making_html(data.making, data.head)),
    ]
    return [(anchor, label, html) for anchor, label, html in found if html is not None]


def _curation(data: ReportData) -> Raw | None:
    return None if data.curation is None else curation_html(data.curation, folded=True)


def _if_there(shown: Callable[[Section], Raw], section: Section | None) -> Raw | None:
    if section is None:
        return None
    return shown(section)


def _hero(head: Head) -> Raw:
    made = head.made.replace("T", " ").replace("Z", " UTC")
    facts = [
        (number(head.pairs), "pair" if head.pairs == 1 else "pairs"),
        (f"×{head.scale}", "scale"),
        (number(head.counts.get("images", 0)), "source images"),
    ]
    for kind, words in (
        ("real_pairs", "real pairs"),
        ("kernels", "kernels"),
        ("noise_patches", "noise patches"),
    ):
        if kind in head.counts:
            facts.append((number(head.counts[kind]), words))
    facts.append((size(head.bytes), f"in {counted(head.shards, 'shard')}"))
    digest = el("p", "sha256 ", el("code", head.digest, class_="digest"), class_="quiet small")
    warnings = [notice(text, "bad") for text in thin(head.counts)]
    eyebrow = f"Corpus version {head.version} · {made}"
    return hero(eyebrow, head.name, sentence(head), facts, digest, *warnings)


def sentence(head: Head) -> str:
    """What the corpus is."""
    ways = {
        "realsr": "blur and noise taken from real photos",
        "bicubic": "bicubic downscaling",
        "pdm": "blur and noise learned from real photos (PDM)",
        "dsgan": "degradations learned from real photos (DSGAN)",
        "bulat": "degradations learned from real photos (Bulat et al.)",
        "cincgan": "degradations learned from real photos (CinCGAN)",
        "cyclesr": "degradations learned from real photos (CycleSR)",
        "maeda": "degradations learned from real photos (Maeda)",
        "redegnet": "degradations learned from real pairs (ReDegNet)",
        "aligned": "a camera (real pairs)",
    }
    kinds = sorted(head.degraders, key=lambda kind: kind == "bicubic")
    *others, last = [ways.get(kind, f"the degrader {kind}") for kind in kinds]
    how = f"{', '.join(others)} or {last}" if others else last
    return (
        f"{counted(head.pairs, 'HR/LR pair')} for ×{head.scale} super-resolution. LR was made "
        f"from HR by {how}."
    )


def _foot(head: Head) -> Raw:
    version = el("code", head.version)
    said = " beside this page holds all its numbers. Version "
    return join([el("code", "report.json"), said, version, "."])
