"""The report in a headless browser: no errors, no missing images, nothing wider than the screen,
flipping works."""

from __future__ import annotations

from typing import Any

import pytest

from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import circumstance
from pairmill.schemas.provenance import StageTiming
from tests.support.browser import show
from tests.support.make import make_stages, photograph, save, tiny_recipe
from tests.support.pages import check_whole

LONG = "a-very-long-file-name-" * 8 + ".png"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of the report of a small corpus with long names and broken files."""
    folder = tmp_path_factory.mktemp("page")
    for seed, name in enumerate(["plain.png", LONG, "<script>throw 1<|script>.png"]):
        save(photograph(seed, 141, 133), folder / "real" / name)
    for number in range(20):
        (folder / "real" / f"broken-{number}-{LONG}").write_bytes(b"")
    workspace = str(folder / "workspace")
    made = make_stages(tiny_recipe(folder, images={"real": [str(folder / "real")]}), workspace)
    timings = tuple(
        StageTiming(stage=name, units=3, computed=1, seconds=75) for name in made.versions
    )
    manifest = publish(
        made,
        Profile(workspace),
        circumstance("2026-01-01T00:00:00Z", "1 local worker", "", timings),
        write_report,
    )
    return f"file://{workspace}/{layout.version_folder('tiny', manifest.version)}/report/index.html"


@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_whole(browser: Any, index: str, width: int) -> None:
    show(browser, index, width)
    assert browser.execute_script("return document.images.length") > 50
    check_whole(browser, width)


def test_one_heading(browser: Any, index: str) -> None:
    show(browser, index, 1280)
    assert browser.execute_script("return document.querySelectorAll('h1').length") == 1


def test_pairs_flip_by_keyboard_and_all_at_once(browser: Any, index: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    show(browser, index, 1280)
    opacity = (
        "return getComputedStyle(document.querySelectorAll('.pane .flip')[arguments[0]]).opacity"
    )
    assert browser.execute_script(opacity, 0) == "0"
    browser.execute_script("document.querySelector('.pane').focus()")
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    assert browser.execute_script(opacity, 0) == "1"
    assert browser.execute_script("return document.querySelector('.pane').ariaPressed") == "true"
    ActionChains(browser).send_keys(Keys.ENTER).key_down("f").perform()
    assert [browser.execute_script(opacity, place) for place in (0, 3)] == ["1", "1"]
    ActionChains(browser).key_up("f").perform()
    assert browser.execute_script(opacity, 3) == "0"


def test_lr_can_be_shown_bicubically(browser: Any, index: str) -> None:
    show(browser, index, 1280)
    shown = (
        "return [...document.querySelectorAll('.pane .' + arguments[0])].filter((i) => "
        "i.checkVisibility()).length"
    )
    assert browser.execute_script(shown, "bicubic") == 0
    browser.execute_script("document.querySelector('#lr-bicubic').click()")
    assert browser.execute_script(shown, "bicubic") > 0
    assert browser.execute_script(shown, "nearest") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(browser: Any, index: str, scheme: str) -> None:
    show(browser, index, 1280, scheme)
    ratio = """
      const probe = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
      const light = (name) => {
        probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
        probe.fillRect(0, 0, 1, 1);
        const part = [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
          .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
      };
      const [a, b] = [...arguments].map(light).sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    """
    for ink, paper in (
        ("--ink", "--paper"),
        ("--quiet", "--paper"),
        ("--quiet", "--card"),
        ("--quiet", "--sunk"),
        ("--accent", "--paper"),
        ("--accent", "--accent-paper"),
        ("--bad", "--bad-paper"),
    ):
        assert browser.execute_script(ratio, ink, paper) >= 4.5, (ink, paper)
