"""The page of `pairmill camera` in a headless browser: whole at every width, uncertain things
first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairmill.flows.cli.camera import show_camera
from tests.support.browser import show
from tests.support.cameras import kernel_of, write_photographs_by
from tests.support.make import save
from tests.support.pages import check_whole

LONG = "a-very-long-file-name-" * 8 + ".png"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a page with two cameras, long names, a flat picture and a broken file."""
    folder: Path = tmp_path_factory.mktemp("camera")
    for name, wide, seeds in (("sharp", 0.8, range(4)), ("soft", 2.0, range(4, 8))):
        write_photographs_by(folder / "photos" / name, kernel_of(wide), seeds)
    (folder / "photos/soft/4.png").rename(folder / "photos/soft" / LONG)
    save(np.full((80, 90, 3), 100, np.uint8), folder / "photos/soft/<b>flat.png")
    (folder / f"photos/broken-{LONG}").write_bytes(b"")
    show_camera(
        [str(folder / "photos")],
        scale=2,
        clean=[],
        group_by="names",
        out=str(folder / "out"),
        as_json=False,
        open_=False,
    )
    return f"file://{folder}/out/index.html"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (390, "light")])
def test_page_is_whole(browser: Any, page: str, width: int, scheme: str) -> None:
    show(browser, page, width, scheme)
    check_whole(browser, width)
    first = "return [...document.querySelectorAll('section:first-of-type > *')][1].className"
    assert browser.execute_script(first) == "notice"
    assert browser.execute_script("return document.querySelectorAll('.tag.bad').length") == 1
