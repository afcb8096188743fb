"""A headless browser and what pages do in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@contextmanager
def chromium(folder: Path) -> Iterator[Any]:
    """A headless Chromium that keeps its own files in `folder`."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "disable-dev-shm-usage",
        f"user-data-dir={folder}",
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(20)
    try:
        yield driver
    finally:
        driver.quit()


def show(browser: Any, url: str, width: int, scheme: str = "light") -> None:
    """Open the page, unfold all of it, and wait until every image has loaded or failed."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme_ = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme_)
    browser.get(url)
    browser.execute_async_script("""
      const done = arguments[0];
      document.querySelectorAll("details").forEach((part) => { part.open = true; });
      const images = [...document.images];
      images.forEach((image) => { image.loading = "eager"; });
      const over = (image) => image.complete ? 1 : new Promise((next) => { image.onload = image.onerror = next; });
      Promise.all(images.map(over)).then(() => done());
    """)  # noqa: E501
