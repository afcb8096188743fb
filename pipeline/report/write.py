"""Write the report of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.storage import Storage
from schemas.corpus import CorpusManifest

if TYPE_CHECKING:
    from pipeline.corpora.seal import Made


def write_report(storage: Storage, made: Made, manifest: CorpusManifest) -> None:
    """Write `report/`."""


def contact_sheet(storage: Storage, manifest: CorpusManifest, count: int) -> bytes:
    """PNG of a few pairs."""
    return b""
