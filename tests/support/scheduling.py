"""Which tests run in one process when several processes share the work (`pytest -n 2`)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

ON_ONE_SERVER = {
    f"tests/e2e/test_{name}.py" for name in ("build", "faults", "object_store", "train", "versions")
}
"""Modules whose tests use the Prefect server of the session: in one process there is one."""


class ByModule(LoadScopeScheduling):  # type: ignore[misc]
    """All tests of a module in one process, so that what they share is made once."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        self.config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return "Prefect" if module in ON_ONE_SERVER else module
