"""`python -m pairmill.flows.cli` is `pairmill`."""

from __future__ import annotations

from pairmill.flows.cli.main import main

main()
