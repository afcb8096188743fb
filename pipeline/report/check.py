"""The page of `pairmill images check`: the section of curation and the rejected files, without a corpus."""

from __future__ import annotations

from pipeline.corpora.seal import credits_of
from pipeline.report.collect.curation import collect_curation
from pipeline.report.markup import Raw, el, number, section, table
from pipeline.report.page import document
from pipeline.report.sections.curation import curation_html
from pipeline.report.shelf import Shelf
from pipeline.report.words import plain
from pipeline.sources import Chosen
from pipeline.storage import Storage
from schemas.curation_report import CurationSection
from schemas.image import ImageSet

REJECTED = 500


def write_check(storage: Storage, folder: str, name: str, chosen: Chosen) -> CurationSection:
    """Write `index.html`, `check.json` and pictures into a folder; the last is what they show."""
    images = chosen.images.manifest
    found = collect_curation(chosen, credits_of(images), Shelf(storage, folder))
    assert found is not None
    storage.write(f"{folder}/check.json", found.model_dump_json(indent=1).encode())
    storage.write(f"{folder}/index.html", check_page(name, len(chosen.ingested), found, images).encode())
    return found


def check_page(name: str, count: int, found: CurationSection, images: ImageSet) -> str:
    """The page: a pure function of what was found."""
    facts = {
        "images": count, "rejected": len(images.rejected), "images with copies": found.alike_images,
        "leaks": found.leaks_total, "benchmark pictures": found.benchmarks,
    }  # fmt: skip
    stats = el("ul", *(el("li", el("b", number(value)), el("span", label)) for label, value in facts.items()), class_="stats")
    hero = el("header", el("p", "Check of source images", class_="eyebrow"), el("h1", name), stats, class_="hero")
    parts = [hero, curation_html(found), *([_rejected(images)] if images.rejected else [])]
    nav = el("nav", el("a", name, href="#top", class_="brand"), aria_label="Sections")
    said = " beside this page holds its numbers; nothing was built."
    foot = el("footer", el("p", el("code", "check.json"), said, class_="quiet small"))
    return document(f"Images of {name}", nav, el("main", *parts), foot)


def _rejected(images: ImageSet) -> Raw:
    rows = [[el("bdi", plain(image.url), class_="path"), el("span", str(image.reason), class_="tag bad"), plain(image.detail)]
            for image in images.rejected[:REJECTED]]  # fmt: skip
    return section("rejected", "Rejected files", "What a build would leave out, and why.",
                   table(("file", "reason", "what was found"), rows, "Rejected files"))  # fmt: skip
