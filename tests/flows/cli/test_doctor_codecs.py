"""The doctor tries every encoder of shards."""

from __future__ import annotations

import sys

import pytest

from pairmill.flows.cli.doctor import CHECKS
from pairmill.schemas.errors import MissingLibraryError


def test_a_missing_encoder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "fast, small, opencv" in CHECKS["codecs"]("data")
    monkeypatch.setitem(sys.modules, "fpng", None)
    with pytest.raises(MissingLibraryError, match="encoding: fast"):
        CHECKS["codecs"]("data")
