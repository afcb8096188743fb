"""Which draw the images of the version before fell into their splits by, so that new images move
none of them.
"""

from __future__ import annotations

from pairmill.pipeline.corpora.log import read_log
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import VersionSources
from pairmill.schemas.recipe import Recipe


def earlier_keys(storage: Storage, recipe: Recipe, name: str) -> dict[str, str]:
    """As `split_keys`, of the newest version of a corpus."""
    if recipe.curation is None:
        return {}
    return split_keys(storage, recipe, name, newest_version(storage, name))


def newest_version(storage: Storage, name: str) -> str:
    """The newest version in the log of a corpus; empty if there is none."""
    log = read_log(storage, name)
    return log[-1].version if log else ""


def split_keys(storage: Storage, recipe: Recipe, name: str, version: str) -> dict[str, str]:
    """Images of a version of a corpus and their split keys; empty unless it looked for
    copies in the same way.

    A group of copies falls into its split by the draw of one member. Were that decided among the
    present members alone, an added copy could take the whole group elsewhere; so the version before
    is asked first.
    """
    path = layout.version_sources(name, version) if version else ""
    if recipe.curation is None or not path or not storage.exists(path):
        return {}
    sources = VersionSources.model_validate_json(storage.read(path))
    then, now = sources.curation, recipe.curation
    if then is None or (then.alike, then.duplicates) != (now.alike, now.duplicates):
        return {}
    return {image.pixel_sha256: image.split_key or image.pixel_sha256 for image in sources.images}
