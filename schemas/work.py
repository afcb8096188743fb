"""Units of work and what they leave behind."""

from __future__ import annotations

from typing import Any

from pairmill.schemas.base import Digest, Frozen, digest_of


class Payload(Frozen):
    """What one unit of a stage works on."""

    @property
    def label(self) -> str:
        """What to call the unit in messages."""
        raise NotImplementedError

    def identity(self) -> Any:
        """The JSON value that determines the unit's result; places of files are left out."""
        return self.model_dump(mode="json")


class FileRecord(Frozen):
    """One file that a unit or a stage has written."""

    name: str
    """Name in the unit's folder."""
    bytes: int
    """Size, in bytes."""
    sha256: Digest
    """Digest of the bytes."""


def unit_key(stage: str, version: int, config: Frozen, payload: Payload) -> str:
    """Digest of all that determines a unit's result; finished work is found by it."""
    return digest_of([stage, version, config.model_dump(mode="json"), payload.identity()])


def stage_key(stage: str, version: int, config: Frozen, unit_keys: list[str]) -> str:
    """Digest of all that determines a sealed stage."""
    return digest_of([stage, version, config.model_dump(mode="json"), unit_keys])
