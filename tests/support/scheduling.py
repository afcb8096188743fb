"""Which tests run in one process when several processes share the work (`pytest -n 2`)."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

ON_ONE_SERVER = re.compile(r"tests/e2e/test_(build|faults|object_store|train|versions)\.py")
"""Modules that use the Prefect server of the session: in one process there is one."""


class ByModule(LoadScopeScheduling):  # type: ignore[misc]
    """All tests of a module in one process, so that what they share is made once."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        self.config.option.loadscopereorder = False  # the order is that of tests/conftest.py

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return "server" if ON_ONE_SERVER.fullmatch(module) else module
