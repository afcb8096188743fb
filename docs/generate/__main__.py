"""`python -m docs.generate`, which `make docs` runs."""

from docs.generate.pages import main

main()
