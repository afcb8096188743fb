"""Whether networks were trained on the images that they are judged on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.evaluation import NetworkView, PictureView


def warnings(
    workspace: Storage, networks: Sequence[NetworkView], pictures: Sequence[PictureView]
) -> Iterator[str]:
    """A sentence per network whose train split has source images, told by their pixels, that were
    evaluated on, or of whose corpus that cannot be said.
    """
    evaluated = {one.source for one in pictures if one.source}
    seen: dict[tuple[str, str], set[str] | None] = {}
    if not evaluated:
        return
    for one in networks:
        for corpus, digest in _versions(one):
            if (corpus, digest) not in seen:
                seen[corpus, digest] = _trained_on(workspace, corpus, digest)
            sources = seen[corpus, digest]
            if sources is None:
                yield (
                    f"{one.name} was trained on {corpus}, which is not in this workspace: whether "
                    "it has seen these images cannot be said."
                )
            elif shared := len(evaluated & sources):
                yield (
                    f"Warning: {one.name} was trained on {shared} of the {len(evaluated)} source "
                    f"images here (train split of {corpus}): its scores are not those of new "
                    "images."
                )


def _versions(network: NetworkView) -> Iterator[tuple[str, str]]:
    """What it was trained on, with the digest where the checkpoint says it."""
    if network.corpus:
        yield network.corpus, network.corpus_digest
        yield from ((each, "") for each in network.smaller)


def _trained_on(workspace: Storage, corpus: str, digest: str) -> set[str] | None:
    """Pixel digests of the images of a version's train split; none if it is not here."""
    try:
        manifest = find_version(workspace, corpus)
        if digest not in ("", manifest.digest):
            return None
        return {row.image for row in read_table(workspace, manifest) if row.split == "train"}
    except (UserError, IntegrityError):
        return None
