"""Which tests run in one process when several processes share the work (`pytest -n 2`)."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "server": re.compile(r"tests/e2e/test_(build|faults|object_store|train|versions)\.py"),
    "wheel": re.compile(r"tests/package/.*"),
}
"""Modules that share something dear: the Prefect server of the session, the wheel. They run in one
process, so that there is one of it."""


class ByModule(LoadScopeScheduling):  # type: ignore[misc]
    """All tests of a module in one process, so that what they share is made once."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        self.config.option.loadscopereorder = False  # the order is that of tests/conftest.py

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        shared = (name for name, modules in TOGETHER.items() if modules.fullmatch(module))
        return next(shared, module)
