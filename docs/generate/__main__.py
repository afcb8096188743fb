"""`python -m docs.generate`, which `make docs` runs: all pages that are written from the code."""

from docs.generate import api, cli, networks, pages, results, settings

for written in (settings, cli, api, networks, results, pages):
    written.main()
