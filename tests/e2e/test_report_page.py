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


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1280, "dark"), (390, "dark")])
def test_page_is_whole(browser: Any, index: str, width: int, scheme: str) -> None:
    show(browser, index, width, scheme)
    assert browser.execute_script("return document.images.length") > 50
    check_whole(browser, width)


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


PAPER = "return getComputedStyle(document.body).backgroundColor"


def test_dark_mode_is_switched_and_remembered(browser: Any, index: str) -> None:
    show(browser, index, 1280)
    light = browser.execute_script(PAPER)
    assert browser.execute_script("return document.querySelector('.theme').textContent") == (
        "Dark mode"
    )
    browser.find_element("css selector", ".theme").click()
    dark = browser.execute_script(PAPER)
    assert dark != light
    browser.get(index)
    assert browser.execute_script(PAPER) == dark
    check = "return document.querySelector('.theme').textContent"
    assert browser.execute_script(check) == "Light mode"
    browser.find_element("css selector", ".theme").click()
    assert browser.execute_script(PAPER) == light
    assert browser.execute_script("return localStorage.length") == 0  # follows the system again


EDGE = (
    "return getComputedStyle(document.querySelector('.wipe .side + .side')).clipPath"
    ".match(/([\\d.]+)(%|px)\\)$/)[1]"
)


def test_hr_is_wiped_over_lr_by_keyboard_and_pointer(browser: Any, index: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    show(browser, index, 1280)
    assert float(browser.execute_script(EDGE)) == 50
    browser.execute_script("document.querySelector('.wipe input').focus()")
    ActionChains(browser).send_keys(*[Keys.ARROW_RIGHT] * 3).perform()
    assert float(browser.execute_script(EDGE)) == 53
    box = browser.find_element("css selector", ".wipe")
    browser.execute_script(
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", box
    )
    ActionChains(browser).move_to_element_with_offset(
        box, -box.size["width"] // 4, 0
    ).click().perform()
    assert float(browser.execute_script(EDGE)) == pytest.approx(25, abs=2)


def test_without_scripts_images_stand_side_by_side(browser: Any, index: str) -> None:
    show(browser, index, 1280)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(index)
        first, second, photo = browser.find_elements("css selector", ".compared .side")[:3]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert first.rect["x"] < second.rect["x"] < photo.rect["x"]
    assert first.rect["y"] == second.rect["y"] == photo.rect["y"]
    assert first.rect["width"] == second.rect["width"] == photo.rect["width"]


def test_every_degrader_is_compared_with_a_photograph(browser: Any, index: str) -> None:
    show(browser, index, 1280)
    pixels = """
      return [...document.querySelectorAll(".compared figure")].map((one) => [...one.querySelectorAll("img")]
        .map((i) => [i.naturalWidth, i.getBoundingClientRect().width % i.naturalWidth, getComputedStyle(i).imageRendering]));
    """  # noqa: E501
    shown = browser.execute_script(pixels)
    assert len(shown) == 3  # realsr, kmsr and the control
    for hr, lr, photo in shown:
        assert hr[0] == 2 * lr[0] == 2 * photo[0]
        assert [one[1:] for one in (hr, lr, photo)] == [[0, "pixelated"]] * 3


def test_contents_open_what_they_lead_to_on_a_phone(browser: Any, index: str) -> None:
    show(browser, index, 390)
    browser.get(index)
    contents, part = (
        browser.find_element("css selector", name) for name in (".toc", "#noise > details")
    )
    assert contents.get_property("open") is False
    assert part.get_property("open") is False
    contents.find_element("css selector", "summary").click()
    contents.find_element("css selector", "a[href='#noise']").click()
    assert contents.get_property("open") is False
    assert part.get_property("open") is True
