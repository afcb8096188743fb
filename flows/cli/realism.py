"""What `pairmill corpus realism` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pairmill.flows import terminal
from pairmill.flows.cli.options import checked_options
from pairmill.flows.rows import REALISM_COLUMNS, realism_row
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.images.decode import ingest_file
from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.report.realism_page import folder_of, write_realism
from pairmill.pipeline.report.realism_rows import find_photographs
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageRecord, IngestConfig, Role
from pairmill.schemas.realism import RealismConfig, RealismReport


def show_realism(
    workspace: str, reference: str, real: list[str], options: dict[str, Any]
) -> RealismReport:
    """Measure, print the ranking, and say where the page is."""
    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    photographs = given_photos(real) if real else known_photos(storage, manifest)
    config = checked_options(RealismConfig, options)
    with terminal.out.status("photos") as status:
        report = write_realism(
            storage, manifest, photographs, config, lambda name: status.update(f"{name} ...")
        )
    found = report.section
    title = (
        f"{report.corpus}: compared with {found.photographs} real photos, patches of "
        f"{found.patch} x {found.patch}"
    )
    if found.problem:
        terminal.line(f"{report.corpus}: not measured: {found.problem}")
    else:
        terminal.table(
            title,
            REALISM_COLUMNS,
            [realism_row(row) for row in found.rows],
        )
        terminal.line(
            "  AUC: how often a classifier picks the synthetic of two patches; 50 % is "
            "guessing, 100 % is never wrong"
        )
    terminal.line(f"  page     {storage.path(folder_of(manifest))}/index.html")
    return report


def known_photos(storage: Storage, manifest: CorpusManifest) -> tuple[ImageRecord, ...]:
    """The real photos of a version.

    Raises:
        UserError: if the workspace does not know them.
    """
    found = find_photographs(storage, manifest)
    if not found:
        raise UserError(
            "the real photos of this version are not known here",
            where=storage.path("stages"),
            got="no sealed image set with real photos that this version was made of",
            todo="name photos, such as `--real FOLDER`; others by the same camera will do",
        )
    return found


def given_photos(patterns: list[str]) -> tuple[ImageRecord, ...]:
    """The readable photos that files, folders or globs name.

    Raises:
        UserError: if there is none.
    """
    files = find_files(tuple(patterns), str(Path.cwd()), "--real")
    records = (ingest_file(file, Role.REAL, IngestConfig()) for file in files)
    found = {record.pixel_sha256: record for record in records if isinstance(record, ImageRecord)}
    if not found:
        raise UserError(
            "no photo is usable",
            where=", ".join(patterns),
            todo="name files or folders with photos",
        )
    return tuple(found.values())
