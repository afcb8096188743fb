"""Realistic HR/LR training pairs from your own low-resolution photos.

    corpus = pairmill.build("phone.yaml")          # or pairmill.open("phone@released")
    for hr, lr, record in corpus.pairs("train"):   # (H, W, 3) uint8 RGB
        ...

Nothing is imported before it is used: `import pairmill` takes milliseconds, and torch comes with
`Loader`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pairmill.building import Preview, build, fit_chain, preview
    from pairmill.corpus import Corpus, Pair, apply, open  # noqa: A004
    from pairmill.models.functional.labels import Labels
    from pairmill.pipeline.corpora.replay import Replayed
    from pairmill.pipeline.shards.reader import Loader, Pairs
    from pairmill.schemas.errors import (
        BusyError,
        IntegrityError,
        MissingLibraryError,
        PairmillError,
        StoreError,
        UserError,
    )
    from pairmill.schemas.labels import LabelConfig
    from pairmill.schemas.program import Program
    from pairmill.schemas.recipe import Recipe
    from pairmill.schemas.sample import SampleRow

    __version__: str

__all__ = [
    "BusyError",
    "Corpus",
    "IntegrityError",
    "LabelConfig",
    "Labels",
    "Loader",
    "MissingLibraryError",
    "Pair",
    "PairmillError",
    "Pairs",
    "Preview",
    "Program",
    "Recipe",
    "Replayed",
    "SampleRow",
    "StoreError",
    "UserError",
    "__version__",
    "apply",
    "build",
    "fit_chain",
    "open",
    "preview",
]

_HOME = {
    "Corpus": "pairmill.corpus",
    "LabelConfig": "pairmill.schemas.labels",
    "Labels": "pairmill.models.functional.labels",
    "Loader": "pairmill.pipeline.shards.reader",
    "Pair": "pairmill.corpus",
    "Pairs": "pairmill.pipeline.shards.reader",
    "Preview": "pairmill.building",
    "Program": "pairmill.schemas.program",
    "Recipe": "pairmill.schemas.recipe",
    "Replayed": "pairmill.pipeline.corpora.replay",
    "SampleRow": "pairmill.schemas.sample",
    "__version__": "pairmill.version",
    "apply": "pairmill.corpus",
    "build": "pairmill.building",
    "fit_chain": "pairmill.building",
    "open": "pairmill.corpus",
    "preview": "pairmill.building",
} | dict.fromkeys((name for name in __all__ if name.endswith("Error")), "pairmill.schemas.errors")
"""Which module each public name comes from."""

if not TYPE_CHECKING:  # for checkers any name would exist with it

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOME[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
