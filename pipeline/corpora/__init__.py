"""Sealed corpora: making, finding, verifying and replaying them."""
