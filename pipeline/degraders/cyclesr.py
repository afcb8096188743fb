"""CycleSR (Chen et al. 2020): a CycleGAN between bicubic LR and the photographs, drawn towards what
can be restored.
"""

from pairmill.pipeline.degraders.translated import Translated


class Cyclesr(Translated):
    """See `Translated`."""
