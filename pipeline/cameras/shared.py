"""What photographs say alike of their cameras, and what is uncertain about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pairmill.schemas.camera import CameraFacts

RESIZED = 1.5
"""Longest side of a photograph over that of another of the same camera, from which on one of them
counts as resized."""


def shared_facts(cameras: Sequence[CameraFacts | None]) -> CameraFacts | None:
    """What all of them say alike; none if that is nothing."""
    facts = [camera or CameraFacts() for camera in cameras]
    alike: dict[str, Any] = {}
    for name in CameraFacts.model_fields:
        values = {getattr(camera, name) for camera in facts}
        if len(values) == 1:
            alike[name] = values.pop()
    shared = CameraFacts.model_validate(alike)
    return None if shared == CameraFacts() else shared


def uncertain(
    cameras: Sequence[CameraFacts | None], sizes: Sequence[tuple[int, int]]
) -> tuple[str, ...]:
    """What may make photographs of one group unlike one another, in plain words."""
    notes = []
    zooms = sorted({camera.digital_zoom for camera in cameras if camera})
    if len(zooms) > 1:
        notes.append(f"digital zoom from {zooms[0]:g} to {zooms[-1]:g}")
    sides = sorted(max(size) for size in sizes)
    if sides[-1] >= RESIZED * sides[0]:
        notes.append(f"longest side from {sides[0]:,} to {sides[-1]:,} px: some may be resized")
    return tuple(notes)
