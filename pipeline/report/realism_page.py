"""The realism of a version, measured on demand: `realism.json`, images, and a page of its own
next to the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pairmill.pipeline.html.document import document, hero
from pairmill.pipeline.html.markup import agreed, el, join, number
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.report.realism import realism_html
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, VersionSources
from pairmill.schemas.image import ImageRecord
from pairmill.schemas.realism import RealismConfig, RealismReport


def write_realism(
    storage: Storage,
    manifest: CorpusManifest,
    real: Iterable[ImageRecord],
    config: RealismConfig,
    advanced: Callable[[str], None] = lambda _: None,
    inception: str = "",
) -> RealismReport:
    """Measure, and write `report/realism/`; the version itself stays as it is.

    Args:
        storage: The workspace.
        manifest: A sealed version.
        real: Real photos to compare with.
        config: How to measure.
        advanced: Called with what is looked at next.
        inception: File of Inception weights for FID; empty leaves it out.

    Raises:
        UserError: if the weights are not those of FID.
    """
    from pairmill.pipeline.report.inception import read_inception
    from pairmill.pipeline.report.realism_rows import measure  # loads torch and scikit-learn

    folder, asked = folder_of(manifest), read_inception(inception) if inception else None
    section = measure(
        storage,
        manifest,
        real,
        config,
        PictureFiles(storage, folder),
        advanced,
        groups=groups_of(storage, manifest),
        inception=asked,
    )
    report = RealismReport(
        corpus=f"{manifest.identity.name}@{manifest.version}", config=config, section=section
    )
    storage.write(f"{folder}/realism.json", report.model_dump_json(indent=1).encode())
    storage.write(f"{folder}/index.html", realism_page(report).encode())
    return report


def groups_of(storage: Storage, manifest: CorpusManifest) -> dict[str, str]:
    """Name of the group of photographs by pixel digest, as the version remembers it; empty where
    there is one group.
    """
    path = layout.version_sources(manifest.identity.name, manifest.version)
    if not storage.exists(path):
        return {}
    images = VersionSources.model_validate_json(storage.read(path)).images
    return {image.pixel_sha256: image.group for image in images if image.group}


def folder_of(manifest: CorpusManifest) -> str:
    """Where the page and its numbers lie."""
    return f"{layout.version_folder(manifest.identity.name, manifest.version)}/report/realism"


def realism_page(report: RealismReport) -> str:
    """The page: a pure function of the report."""
    c = report.config
    network = "with a network" if c.network else "without a network"
    how = (
        f"Measured on at most {c.patches:,} patches of {report.section.patch} × "
        f"{report.section.patch} LR pixels on either side, in {c.folds} folds, {network}, seed "
        f"{c.seed}. "
    )
    foot = join([how, el("code", "realism.json"), " beside this page holds all its numbers."])
    section, measured = report.section, [row for row in report.section.rows if not row.control]
    facts = [
        (number(len(measured)), agreed(len(measured), "degraders")),
        (number(section.photographs), agreed(section.photographs, "real photos")),
        (f"{section.patch} × {section.patch} px", "of LR in a patch"),
    ]
    top = hero("Realism", report.corpus, "", facts)
    parts = [("realism", "", realism_html(section, unfolded_=True))]
    return document(f"Realism of {report.corpus}", report.corpus, top, parts, foot)
