"""The page of `pairmill images check`: the section of curation and the rejected files, without a
corpus.
"""

from __future__ import annotations

from pairmill.pipeline.build.identity import credits_of
from pairmill.pipeline.build.select_images import ImageSelection
from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import Raw, el, join, number, of, section, table
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.text import plain
from pairmill.pipeline.report.curation import collect_curation, curation_html
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.curation_report import CurationSection
from pairmill.schemas.image import ImageSet

REJECTED = 500
"""Maximum number of rejected files that are listed."""
LEAD = "What to know of the images before a corpus is built of them."


def write_check(
    storage: Storage, folder: str, name: str, chosen: ImageSelection
) -> CurationSection:
    """Write `index.html`, `check.json` and images into a folder; the last is what they show."""
    images = chosen.images.manifest
    found = collect_curation(chosen, credits_of(images), PictureFiles(storage, folder))
    assert found is not None
    storage.write(f"{folder}/check.json", found.model_dump_json(indent=1).encode())
    storage.write(
        f"{folder}/index.html", check_page(name, len(chosen.ingested), found, images).encode()
    )
    return found


def check_page(name: str, count: int, found: CurationSection, images: ImageSet) -> str:
    """The page: a pure function of what was found."""
    facts = {
        "images": count,
        "rejected": len(images.rejected),
        "images with copies": found.alike_images,
        "leaks": found.leaks_total,
        "benchmark images": found.benchmarks,
    }
    shown = [(number(value), label) for label, value in facts.items()]
    parts = [("curation", "", curation_html(found))]
    if images.rejected:
        parts.append(("rejected", "", _rejected(images)))
    foot = join(
        [el("code", "check.json"), " beside this page holds all its numbers. Nothing was built."]
    )
    top = hero("Check of source images", name, LEAD, shown)
    return document(f"Images of {name}", name, top, parts, foot)


def _rejected(images: ImageSet) -> Raw:
    rows = [
        [
            el("bdi", plain(image.url), class_="path"),
            el("span", str(image.reason), class_="tag bad"),
            plain(image.detail),
        ]
        for image in images.rejected[:REJECTED]
    ]
    return section(
        "rejected",
        "Rejected files",
        f"What a build would leave out, and why: {of(len(rows), len(images.rejected))}.",
        table(("file", "reason", "what was found"), rows, "Rejected files"),
    )
