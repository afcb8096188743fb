"""Bulat et al. (2018): a network that degrades HR with random numbers."""

from pairmill.pipeline.degraders.translated import Translated


class Bulat(Translated):
    """See `Translated`."""
