"""Pages of previews and explanations in a headless browser: whole, as wide as the screen, every
image square and loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.explain.explain import explain
from pairmill.pipeline.preview.preview import Request, preview
from pairmill.pipeline.workspace.storage import Storage
from tests.support.browser import show
from tests.support.make import Tiny, photograph, save, tiny_recipe
from tests.support.pages import check_whole

LONG = "a-very-long-file-name-" * 8 + ".png"


@pytest.fixture(scope="module")
def pages(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """URLs of a preview with placeholders, long names and broken files, and of an explanation."""
    folder = tmp_path_factory.mktemp("pages")
    for seed, name in enumerate([LONG, "<script>throw 1<|script>.png"]):
        save(photograph(seed, 141, 133), folder / "real" / name)
    (folder / "real" / f"broken-{LONG}").write_bytes(b"")
    recipe, store = (
        tiny_recipe(folder, images={"real": [str(folder / "real")]}),
        Storage(str(folder)),
    )
    preview(
        Request(recipe, "/", "tiny.yaml", draws=2),
        Storage(str(folder / "workspace")),
        store,
        "preview",
    )
    row = next(row for row in read_table(tiny.storage, tiny.manifest) if row.degrader == "realsr")
    explain(tiny.storage, tiny.manifest, row.key, store, "explain")
    return {name: f"file://{folder}/{name}/index.html" for name in ("preview", "explain")}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
@pytest.mark.parametrize("name", ["preview", "explain"])
def test_page_is_whole(
    browser: Any, pages: dict[str, str], name: str, width: int, scheme: str
) -> None:
    show(browser, pages[name], width, scheme)
    check_whole(browser, width)


@pytest.mark.parametrize("width", [1280, 390])
def test_every_step_has_its_picture_square_and_its_words_below(
    browser: Any,
    pages: dict[str, str],
    width: int,
) -> None:
    show(browser, pages["preview"], width)
    steps = browser.execute_script("""
      return [...document.querySelectorAll(".steps li")].map((step) => {
        const shot = step.querySelector(".shot").getBoundingClientRect(), words = step.querySelector(".words");
        return [shot.width, shot.height, words.getBoundingClientRect().top - shot.bottom, words.textContent.length];
      });
    """)  # noqa: E501
    assert len(steps) >= 2 * (
        5 + 3
    )  # two draws of realsr, which may end in a JPEG, and of the control
    for shown_width, height, below, letters in steps:
        assert shown_width == pytest.approx(height, abs=1)
        assert shown_width >= 120
        assert 0 <= below < 30
        assert letters > 1
    pixelated = "return getComputedStyle(document.querySelector('.shot')).imageRendering"
    assert browser.execute_script(pixelated) == "pixelated"


def test_the_page_opens_from_another_folder(
    pages: dict[str, str],
    browser: Any,
    tmp_path: Path,
) -> None:
    """All images lie next to the page and are named relative to it."""
    import shutil

    copy = shutil.copytree(Path(pages["preview"].removeprefix("file://")).parent, tmp_path / "copy")
    show(browser, f"file://{copy}/index.html", 1280)
    assert browser.execute_script("return [...document.images].every((i) => i.naturalWidth > 0)")
