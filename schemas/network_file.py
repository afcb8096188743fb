"""What a file of weights turned out to be."""

from __future__ import annotations

from pairmill.schemas.base import Frozen


class NetworkFile(Frozen):
    """One file that was looked at."""

    file: str
    """Path or URL."""
    reason: str = ""
    """Why it is no network of ours; empty if it is one."""
    form: str = ""
    """How the weights are stored."""
    names: str = ""
    """Whose names the weights have: `ours` (BasicSR's), or a convention of
    `pairmill.models.archs.keys`."""
    network: str = ""
    """The network in words: what differs from the published settings."""
    scale: int = 0
    """HR side over LR side; 0 if its weights are the same at every scale."""
    parameters: int = 0
    """Numbers in it."""
    told: bool = False
    """Whether settings and scale stand in the file, or follow from names and shapes alone."""
    training: str = ""
    """What the JSON beside it says it was trained on."""
    note: str = ""
    """What the file lacks, what is assumed of it, and what the program that it is for does besides;
    empty if nothing."""
    others: str = ""
    """Why spandrel, with which other programs load networks, does not read it; empty if it does."""
    sha256: str = ""
    """Digest of the file."""


class KnownNetwork(Frozen):
    """One network that pairmill has."""

    arch: str
    """Name in recipes."""
    about: str
    """What it is, in a sentence."""
    scales: tuple[int, ...]
    """Scales that it is built for with its published settings."""
    parameters: int
    """Numbers in it, with the published settings, at scale 4, or the largest that it has."""
