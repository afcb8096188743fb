"""`python -m flows.cli` is `pairmill`."""

from __future__ import annotations

from flows.cli.main import main

main()
