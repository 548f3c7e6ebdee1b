"""A headless Chromium that nothing outside can be reached from."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1400,1000",
    # whatever a page asks for outside cannot be found
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


class Browser:
    """A window, and what is found in it by CSS selectors."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        # selenium leaves open what these take and give
        self._untyped: Any = driver

    def open(self, page: Path) -> None:
        """Open a file."""
        self.driver.get(page.absolute().as_uri())

    def all(self, selector: str) -> list[WebElement]:
        """All elements that are shown."""
        return [one for one in self.driver.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()]

    def one(self, selector: str) -> WebElement:
        """The only element that is shown."""
        (found,) = self.all(selector)
        return found

    @property
    def complaints(self) -> list[str]:
        """What has gone wrong in the page since this was last asked for."""
        return [line["message"] for line in self._untyped.get_log("browser") if line["level"] == "SEVERE"]

    @property
    def requests(self) -> list[str]:
        """What the page has asked for beside itself."""
        return self.script("return performance.getEntriesByType('resource').map(one => one.name)")

    def script(self, text: str) -> Any:
        """What some JavaScript returns."""
        return self._untyped.execute_script(text)

    def count(self, selector: str) -> int:
        """How many elements there are, shown or not."""
        return len(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def wait_for(self, selector: str) -> None:
        """Wait until an element is shown."""
        WebDriverWait(self.driver, 20).until(lambda _: self.all(selector))

    def click_at(self, x: float, y: float) -> None:
        """Click somewhere in the window, in pixels from its upper left corner."""
        builder: Any = ActionBuilder(self.driver)
        builder.pointer_action.move_to_location(round(x), round(y)).click()
        builder.perform()


@contextmanager
def browser() -> Generator[Browser, None, None]:
    """A new window; the test is skipped where there is no Chromium with its driver."""
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if not all(programs):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs[0])
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(programs[1])))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
