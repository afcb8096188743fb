"""Where the images of a version lie: known in this workspace, outside of `corpora/`, which may be
published.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, VersionPlaces, VersionSources

if TYPE_CHECKING:
    from pairmill.pipeline.build.publish import BuildResult


def note_places(storage: Storage, made: BuildResult, manifest: CorpusManifest) -> None:
    """Remember where the last build of a version found its images; a later one may find the version
    sealed and them elsewhere.
    """
    pairs = [file for pair in made.pairs for file in (pair.lq, pair.hq)]
    found = {image.pixel_sha256: image.url for image in (*made.images.manifest.accepted, *pairs)}
    if read_places(storage, manifest).images != found:
        noted = VersionPlaces(host=socket.gethostname(), images=found)
        storage.write(
            layout.version_places(manifest.identity.name, manifest.version),
            noted.canonical_json().encode(),
        )


def read_places(storage: Storage, manifest: CorpusManifest) -> VersionPlaces:
    """What this workspace knows; nothing of a version that was copied here."""
    path = layout.version_places(manifest.identity.name, manifest.version)
    if not storage.exists(path):
        return VersionPlaces(host=manifest.circumstance.host, images={})
    return VersionPlaces.model_validate_json(storage.read(path))


def places_of(
    storage: Storage, manifest: CorpusManifest, sources: VersionSources
) -> dict[str, str]:
    """Pixel digests of a version's images and their places; those sealed by earlier pairmills name
    them.
    """
    named = {image.pixel_sha256: image.name for image in sources.images if "/" in image.name}
    return named | read_places(storage, manifest).images
