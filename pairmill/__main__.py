"""`python -m pairmill`: the command line."""

from __future__ import annotations

from pairmill.flows.cli.main import main

if __name__ == "__main__":
    main()
