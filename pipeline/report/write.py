"""Write the report of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.report.collect import collect
from pairmill.pipeline.report.page import page
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult


def write_report(storage: Storage, made: BuildResult, manifest: CorpusManifest) -> None:
    """Write `report/`: images in `img/`, `report.json` with all that the page says, and last the
    page `index.html`.

    Args:
        storage: The workspace.
        made: Sealed stages of the build.
        manifest: The version; its shards, pools and `samples.parquet` are in place, `manifest.json`
            need not be.

    Raises:
        StoreError: If the workspace fails.
    """
    folder = f"{layout.version_folder(manifest.identity.name, manifest.version)}/report"
    data = collect(storage, made, manifest, PictureFiles(storage, folder))
    storage.write(f"{folder}/report.json", data.model_dump_json(indent=1).encode())
    storage.write(f"{folder}/index.html", page(data).encode())
