"""What the nightly check of a workspace did and found."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.base import Frozen
from pairmill.schemas.corpus import Finding


class CheckedVersion(Frozen):
    """One version: verified byte by byte, and some samples made again."""

    corpus: str
    """Name of the corpus."""
    version: str
    """The version; empty if not even that could be found out."""
    tags: tuple[str, ...] = ()
    """Tags of the version, by name."""
    newest: bool = False
    """Whether it is the newest version of its corpus."""
    shards: int = 0
    """Shards that were read."""
    samples: int = 0
    """Samples in the version."""
    replayed: int = 0
    """Samples whose LR was made again."""
    differing: tuple[str, ...] = ()
    """Keys of the samples whose LR came out otherwise."""
    findings: tuple[Finding, ...] = ()
    """What `verify` found."""
    problem: str = ""
    """Why the version could not be checked to the end; empty if it could."""
    seconds: float = 0.0
    """Time it took, in seconds."""

    @property
    def ok(self) -> bool:
        """Whether all checksums match and every replayed LR is identical."""
        return not (self.findings or self.differing or self.problem)


class NightlyReport(Frozen):
    """`runs/nightly/DATE.json`: the newest and all tagged versions of a workspace, checked."""

    format: Literal["pairmill-nightly/1"] = "pairmill-nightly/1"
    """Layout of this file."""
    date: str
    """The day that the replayed samples were drawn for, ISO 8601."""
    share: float
    """Share of the samples of a version that were replayed."""
    versions: tuple[CheckedVersion, ...]
    """What was checked, by corpus, oldest version first."""

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return all(version.ok for version in self.versions)

    def words(self) -> str:
        """The result in one sentence."""
        bad = [f"{version.corpus}@{version.version}" for version in self.versions if not version.ok]
        samples, again = (
            sum(v.samples for v in self.versions),
            sum(v.replayed for v in self.versions),
        )
        if bad:
            return (
                f"{len(bad)} of {len(self.versions)} versions do not match their checksums: "
                f"{', '.join(bad)}"
            )
        count = f"{len(self.versions)} version{'' if len(self.versions) == 1 else 's'}"
        return f"{count}, {samples} samples: all checksums match, {again} replayed and identical"
