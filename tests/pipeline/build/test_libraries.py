"""What a build needs is asked for before it begins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pairmill.pipeline.build.libraries import check_libraries
from pairmill.schemas.errors import MissingLibraryError
from tests.support.make import tiny_recipe


def test_the_encoder_of_the_shards(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpng", None)
    check_libraries(tiny_recipe(photographs, shards={"encoding": "opencv"}))
    with pytest.raises(MissingLibraryError, match="encoding: fast"):
        check_libraries(tiny_recipe(photographs, shards={"encoding": "fast"}))
