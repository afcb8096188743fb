"""CinCGAN (Yuan et al. 2018): what undoes the cleaning of the photographs."""

from pairmill.pipeline.degraders.translated import Translated


class Cincgan(Translated):
    """See `Translated`."""
