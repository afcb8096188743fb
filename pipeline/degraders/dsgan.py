"""DSGAN (Fritsche et al. 2019): bicubic LR with the character of the photographs."""

from pairmill.pipeline.degraders.translated import Translated


class Dsgan(Translated):
    """See `Translated`."""
