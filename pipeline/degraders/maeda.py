"""Maeda (2020): bicubic LR degraded at random, by pseudo-supervision."""

from pairmill.pipeline.degraders.translated import Translated


class Maeda(Translated):
    """See `Translated`."""
