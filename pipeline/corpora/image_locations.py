"""Where the images of a version lie: known in this workspace, outside of `corpora/`, which may be
published.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, VersionPlaces, VersionSources


def note_locations(storage: Storage, manifest: CorpusManifest, found: Mapping[str, str]) -> None:
    """Remember where the last build of a version found its images; a later one may find the version
    sealed and them elsewhere.

    Args:
        storage: The workspace.
        manifest: The version.
        found: Paths or URLs by pixel digest.
    """
    if read_locations(storage, manifest).images != found:
        noted = VersionPlaces(host=socket.gethostname(), images=dict(found))
        storage.write(
            layout.version_places(manifest.identity.name, manifest.version),
            noted.canonical_json().encode(),
        )


def read_locations(storage: Storage, manifest: CorpusManifest) -> VersionPlaces:
    """What this workspace knows; nothing of a version that was copied here."""
    path = layout.version_places(manifest.identity.name, manifest.version)
    if not storage.exists(path):
        return VersionPlaces(host=manifest.circumstance.host, images={})
    return VersionPlaces.model_validate_json(storage.read(path))


def locations_of(
    storage: Storage, manifest: CorpusManifest, sources: VersionSources
) -> dict[str, str]:
    """Pixel digests of a version's images and their places; those sealed by earlier pairmills name
    them.
    """
    named = {image.pixel_sha256: image.name for image in sources.images if "/" in image.name}
    return named | read_locations(storage, manifest).images
