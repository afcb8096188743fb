"""Checkpoints and other files that somebody names, and what stands beside them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import StoreError, UserError


def read_file(place: str, what: str, todo: str) -> bytes:
    """The bytes of a file at a path or URL.

    Raises:
        UserError: if it is not there or cannot be read.
    """
    storage, name = _beside(place)
    try:
        if name and storage.exists(name):
            return storage.read(name)
    except StoreError as error:
        raise UserError(
            f"the {what} cannot be read", where=place, got=error.got or error.what
        ) from error
    raise UserError(
        f"there is no such {what}", where=place, wanted="the path or URL of a file", todo=todo
    )


def _beside(checkpoint: str) -> tuple[Storage, str]:
    """The folder of a checkpoint, and its name there."""
    folder, slash, name = checkpoint.rpartition("/")
    return Storage(folder or slash or "."), name


def name_of(checkpoint: str) -> str:
    """A name for tables: the file's, and where a training run wrote it, the run's."""
    parts = checkpoint.split("/")
    if len(parts) > 2 and parts[-2] == "checkpoints":
        return f"{parts[-3]}/{_stem(checkpoint)}"
    return _stem(checkpoint)


def _stem(checkpoint: str) -> str:
    return checkpoint.rpartition("/")[2].rpartition(".")[0] or checkpoint.rpartition("/")[2]


def training_of(checkpoint: str) -> dict[str, Any]:
    """What the JSON next to a checkpoint of ours says of its training, as fields of a view."""
    storage, name = _beside(checkpoint)
    beside = f"{_stem(name)}.json"
    said: Any = {}
    if storage.exists(beside):
        with suppress(ValueError):
            said = json.loads(storage.read(beside))
    if not isinstance(said, dict):
        return {}
    corpus, step, digest = said.get("corpus"), said.get("step"), said.get("digest")
    if isinstance(corpus, dict):
        corpus = corpus.get("reference") or corpus.get("name")
    others = said.get("smaller")
    smaller = tuple(map(str, others.values())) if corpus and isinstance(others, dict) else ()
    words = []
    if corpus:
        words.append(f"corpus {', '.join((str(corpus), *smaller))}")
    if isinstance(step, int):
        words.append(f"step {step:,}")
    return {
        "training": ", ".join(words),
        "corpus": str(corpus or ""),
        "smaller": smaller,
        "corpus_digest": str(digest or "") if corpus else "",
    }
