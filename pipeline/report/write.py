"""Write the report of a version, or tell that of another one of the same samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.report.collect import collect, head_of, making_of
from pairmill.pipeline.report.page import page
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.report import ReportData

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult


def write_report(
    storage: Storage,
    made: BuildResult,
    manifest: CorpusManifest,
    advanced: Callable[[str], None] = lambda _: None,
) -> None:
    """Write `report/`: images in `img/`, `report.json` with all that the page says, and last the
    page `index.html`.

    Args:
        storage: The workspace.
        made: Sealed stages of the build.
        manifest: The version; its shards, pools and `samples.parquet` are in place, `manifest.json`
            need not be.
        advanced: Called with what is looked at next.

    Raises:
        StoreError: If the workspace fails.
    """
    folder = f"{layout.version_folder(manifest.identity.name, manifest.version)}/report"
    data = collect(storage, made, manifest, PictureFiles(storage, folder), advanced)
    storage.write(f"{folder}/report.json", data.model_dump_json(indent=1).encode())
    storage.write(f"{folder}/index.html", page(data).encode())


def retell_report(
    source: Storage, old: CorpusManifest, target: Storage, new: CorpusManifest
) -> None:
    """Write the report of a version with the samples, and so the images, of another one.

    Args:
        source: Where the other version lies.
        old: The other version.
        target: The workspace of the new one.
        new: The new version; `manifest.json` need not be there.

    Raises:
        StoreError: If a workspace fails.
    """
    there, here = (
        f"{layout.version_folder(manifest.identity.name, manifest.version)}/report"
        for manifest in (old, new)
    )
    for name in source.files(there):
        if name not in ("report.json", "index.html"):
            target.write(f"{here}/{name}", source.read(f"{there}/{name}"))
    if not source.exists(f"{there}/report.json"):  # a report is not sealed, and may be gone
        return
    data = ReportData.model_validate_json(source.read(f"{there}/report.json"))
    data = data.with_(head=head_of(new), making=making_of(new, data.making.example))
    target.write(f"{here}/report.json", data.model_dump_json(indent=1).encode())
    target.write(f"{here}/index.html", page(data).encode())
