"""What `pairmill corpus realism` does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pairmill.flows import terminal
from pairmill.flows.cli.options import checked_options
from pairmill.flows.rows import (
    CARD_COLUMNS,
    REALISM_COLUMNS,
    card_row,
    matrix_rows,
    realism_row,
)
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
from pairmill.schemas.realism_card import RealismCard


def show_realism(
    workspace: str,
    reference: str,
    real: list[str],
    options: dict[str, Any],
    inception: str = "",
    *,
    as_json: bool = False,
) -> RealismReport:
    """Measure, print the ranking and the scores of papers, and say where the page is; or print the
    report as JSON.
    """
    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    photographs = given_photos(real) if real else known_photos(storage, manifest)
    config = checked_options(RealismConfig, options)
    console = terminal.err if as_json else terminal.out
    with console.status("photos") as status:
        report = write_realism(
            storage,
            manifest,
            photographs,
            config,
            lambda name: status.update(f"{name} ..."),
            inception,
        )
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=1) + "\n")
    else:
        _print(report)
        terminal.line(f"  page     {storage.path(folder_of(manifest))}/index.html")
    return report


def _print(report: RealismReport) -> None:
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
    if found.card:
        _print_card(found.card)


def _print_card(card: RealismCard) -> None:
    """The scores of papers, and cameras against one another."""
    terminal.table("scores of papers", CARD_COLUMNS, [card_row(row) for row in card.rows])
    terminal.line("  0 is equal; AKLD and KLD of noise in nats, spectrum in dB; 95 % intervals")
    if card.cross:
        title = "LR made after the camera of the row, told from photographs of that of the column"
        rows = matrix_rows(card.cross)
        terminal.table(title, ("LR of", *card.cross.groups), rows)


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
