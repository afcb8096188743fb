"""Dask, as far as it shows on a terminal."""

from __future__ import annotations

import logging

from pairmill.flows.dask_executor import silence_logs


def test_nothing_of_the_cluster_reaches_the_terminal() -> None:
    """Importing distributed gives some of these loggers levels of their own, which do not heed
    their parents'.
    """
    import distributed  # noqa: F401

    silence_logs()
    for name in ("distributed.nanny", "bokeh", "tornado.general", "tornado.application"):
        assert not logging.getLogger(name).isEnabledFor(logging.ERROR), name
