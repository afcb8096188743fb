"""Writing the LR of a version from Python, in this process or in worker processes of it."""

from __future__ import annotations

from pairmill.pipeline.build.materialise import materialise as make
from pairmill.pipeline.report.write import retell_report
from pairmill.pipeline.runner.execution import local_profile
from pairmill.pipeline.workspace.storage import Storage
from pairmill.pipeline.workspace.version_folder import VersionFolder
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError


def materialise(
    source: Storage, manifest: CorpusManifest, target: Storage, workers: int
) -> CorpusManifest:
    """See `Corpus.materialise`."""
    if isinstance(target, VersionFolder):
        raise UserError(
            "the folder of a version has no room for another",
            where=target.url,
            todo="name a workspace for the version with LR",
        )
    if workers < 1:
        raise UserError("no worker", where="workers", got=str(workers), wanted="1 or more")
    return make(source, manifest, local_profile(target.url, "cpu", workers), retell_report)
