"""What Prefect shows of a build and of a night: images and tables as artifacts, kept under one
key per corpus.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

from pairmill.flows.prefect_support.environment import settle

settle()

from prefect.artifacts import create_markdown_artifact, create_table_artifact  # noqa: E402

from pairmill.flows.rows import REALISM_COLUMNS, night_row, realism_row  # noqa: E402
from pairmill.pipeline.corpora.log import read_log, read_tags  # noqa: E402
from pairmill.pipeline.report.contact_sheet import contact_sheet  # noqa: E402
from pairmill.pipeline.workspace import layout  # noqa: E402
from pairmill.pipeline.workspace.storage import Storage  # noqa: E402
from pairmill.schemas.corpus import CorpusManifest  # noqa: E402
from pairmill.schemas.errors import StoreError  # noqa: E402
from pairmill.schemas.nightly import NightlyReport  # noqa: E402
from pairmill.schemas.realism import RealismSection  # noqa: E402
from pairmill.schemas.training import Score, TrainingRun  # noqa: E402

PAIRS = 6
"""Pairs on the contact sheet."""
NEWEST = 30
"""Most versions in the table."""


def publish(storage: Storage, manifest: CorpusManifest) -> None:
    """Show a version in Prefect: contact sheet with counts, the corpus' versions, and realism if it
    was measured.
    """
    publish_contact_sheet(storage, manifest)
    publish_versions(storage, manifest.identity.name)
    section = measured(storage, manifest)
    if section is not None and section.rows:
        publish_realism(manifest, section)


def publish_contact_sheet(storage: Storage, manifest: CorpusManifest) -> None:
    """A few pairs, the counts, and where the version lies."""
    picture = base64.b64encode(contact_sheet(storage, manifest, PAIRS)).decode()
    name = manifest.identity.name
    folder = storage.path(layout.version_folder(name, manifest.version))
    counts = markdown(
        ("what", "count"),
        ((key.replace("_", " "), count) for key, count in manifest.counts.items()),
    )
    create_markdown_artifact(
        f"# {name}@{manifest.version}\n\n![pairs](data:image/png;base64,{picture})\n\n{counts}\n"
        f"Report: `{folder}/report/index.html`, `pairmill corpus report "
        f"{name}@{manifest.version}`\n",
        key=key(name),
        description=f"{sum(manifest.identity.samples.values())} pairs, version {manifest.version}",
    )


def publish_versions(storage: Storage, name: str) -> None:
    """The newest versions of a corpus, newest first."""
    tags, entries = read_tags(storage, name), read_log(storage, name)
    rows = (
        (
            f"`{entry.version}`",
            entry.samples,
            entry.time,
            f"`{entry.parent}`" if entry.parent else "",
            ", ".join(tag.name for tag in tags if tag.version == entry.version),
            "deleted" if entry.collected else "",
        )
        for entry in entries[: -NEWEST - 1 : -1]
    )
    table = markdown(("version", "pairs", "sealed", "parent", "tags", ""), rows)
    summary = f"{len(entries)} in the log"
    create_markdown_artifact(
        f"# Versions of {name}\n\n{table}", key=f"{key(name)}-versions", description=summary
    )


def measured(storage: Storage, manifest: CorpusManifest) -> RealismSection | None:
    """The realism in the report of a version; none if it was not measured or there is no report."""
    path = f"{layout.version_folder(manifest.identity.name, manifest.version)}/report/report.json"
    try:
        section = json.loads(storage.read(path)).get("realism")
    except (StoreError, ValueError):
        return None
    return RealismSection.model_validate(section) if section else None


def publish_realism(manifest: CorpusManifest, section: RealismSection) -> None:
    """The ranking of the degraders, and the controls."""
    table = markdown(REALISM_COLUMNS, map(realism_row, section.rows))
    create_markdown_artifact(
        f"# Realism of {manifest.identity.name}@{manifest.version}\n\n{table}\n"
        f"Compared with {section.photographs} real photos; 50 % is guessing, 100 % is never "
        "wrong.\n",
        key=f"{key(manifest.identity.name)}-realism",
        description="how well synthetic LR can be distinguished from real LR",
    )


def publish_training(run: TrainingRun, scores: Sequence[Score], folder: str, page: str) -> None:
    """What a training came to: a row per validation."""
    table = markdown(
        ("step", "PSNR-Y, dB"),
        ((score.step, f"{score.psnr_y:.2f}") for score in scores[: -NEWEST - 1 : -1]),
    )
    summary = f"{run.config.network.words()}, x{run.scale}, on {run.corpus}@{run.version}"
    shown = f"\nEvaluation: `{page}`" if page else ""
    create_markdown_artifact(
        f"# {run.config.name}\n\n{summary}\n\n{table}\nFolder: `{folder}`{shown}\n",
        key=f"training-{run.config.name.replace('_', '-')}",
        description=summary,
    )


def publish_night(report: NightlyReport) -> None:
    """What a night found: a row per version."""
    create_table_artifact(
        [night_row(version) for version in report.versions],
        key="nightly",
        description=report.words(),
    )


def key(name: str) -> str:
    """The artifact key of a corpus; Prefect allows letters, digits and dashes."""
    return f"corpus-{name.replace('_', '-')}"


def markdown(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A markdown table."""
    lines = [
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows
    ]
    return "\n".join(["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|", *lines, ""])
