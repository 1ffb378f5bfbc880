# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium on the dashboard of a mini cloud, and what a person does with it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import ElementNotInteractableException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.end_to_end.lacking import lacks

ROOT = Path(__file__).parents[2]
AXE = ROOT / "build/axe/node_modules/axe-core/axe.min.js"
#: Where the pictures go: `make screenshots` names the docs' folder.
IMAGES = ROOT / os.environ.get("TROVE_SCHEDULES_SCREENSHOTS", "build/screenshots")
TIMEOUT = 90.0
WIDTH, HEIGHT = 1280, 860
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en",
    f"--window-size={WIDTH},{HEIGHT}",
)
#: For each page: what turns or fades would have Chromium draw all the time that a test waits.
_STILL = """
const still = new CSSStyleSheet();
still.replaceSync(
    "*, ::before, ::after { animation: none !important; transition: none !important }");
document.adoptedStyleSheets = [still];
"""
#: Asked of the page at once: Selenium takes two requests for each element. Like Selenium's, an
#: option is visible where its list is.
_FIRST_VISIBLE = """
const shown = {opacityProperty: true, visibilityProperty: true};
return [...document.querySelectorAll(arguments[0])].find(each =>
    (each.closest('select') ?? each).checkVisibility(shown)
    && (each.innerText ?? each.textContent).includes(arguments[1])) ?? null;
"""


class Browser:
    """One browser with a profile of its own.

    :param profile: an empty folder.
    """

    def __init__(self, url: str, profile: Path) -> None:
        self.url = url.rstrip("/")
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if not chromium or not driver:
            lacks("no chromium or no chromedriver here (Debian: chromium, chromium-driver)")
        options = webdriver.ChromeOptions()
        options.binary_location = str(chromium)
        for option in (*_OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        self.driver = webdriver.Chrome(options=options, service=Service(str(driver)))
        self.driver.set_script_timeout(120)
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _STILL})

    def quit(self) -> None:
        self.driver.quit()

    def open(self, path: str) -> None:
        self.driver.get(path if path.startswith("http") else self.url + path)

    def log_in(self, user: str, password: str) -> None:
        self.open("/auth/login/")
        self.type("#id_username", user)
        self.type("#id_password", password + Keys.ENTER)
        self.wait("the instances", lambda: self.path == "/project/databases/")

    @property
    def path(self) -> str:
        return str(self.driver.current_url).removeprefix(self.url).partition("?")[0]

    # Looking

    def wait(self, what: str, look: Callable[[], Any], timeout: float = TIMEOUT) -> Any:
        """Return what the look finds; fail with the page's text if it finds nothing in time."""
        started = time.monotonic()
        while True:
            try:
                found = look()
            except WebDriverException:  # the page is changing under our eyes
                found = None
            if found:
                return found
            waited = time.monotonic() - started
            if waited > timeout:
                text = self.driver.find_element(By.TAG_NAME, "body").text
                pytest.fail(
                    f"no {what} within {timeout:.0f} s at {self.driver.current_url}:\n{text}"
                )
            # Soon again after a click, and seldom while a backup is made.
            time.sleep(min(0.05 + waited / 10, 0.5))

    def find(self, selector: str, text: str = "", timeout: float = TIMEOUT) -> WebElement:
        """The first visible element with this text in it."""
        found: WebElement = self.wait(
            f"{selector} with {text!r}",
            lambda: self.driver.execute_script(_FIRST_VISIBLE, selector, text),
            timeout,
        )
        return found

    def rows(self) -> list[list[str]]:
        """The cells of the page's table, row by row, read at once: rows are replaced any time."""
        rows: list[list[str]] = self.driver.execute_script(
            "return [...document.querySelectorAll('table.datatable tbody tr[data-object-id]')]"
            ".map(row => [...row.cells].map(cell => cell.innerText.trim()))"
        )
        return rows

    def messages(self) -> list[str]:
        """What the toasts say, which are then closed: they cover buttons.

        Read at once, and although they may have faded by themselves, as those of successes do.
        """
        texts: list[str] = self.driver.execute_script(
            "return [...document.querySelectorAll('.messages .alert')].map(each => {"
            r" const text = each.textContent.replace(/\s+/g, ' ').trim();"
            " each.querySelector('.close').click(); return text; })"
        )
        gone = ".messages .alert"
        self.wait("end of toasts", lambda: not self.driver.find_elements(By.CSS_SELECTOR, gone))
        return texts

    def answered_in(self, asked_for: str = "") -> float:
        """Seconds from asking for the page to the end of the server's answer.

        :param asked_for: a part of the address of something that the page asked for later.
        """
        answered: float = self.driver.execute_script(
            "const kind = arguments[0] ? 'resource' : 'navigation';"
            " const all = performance.getEntriesByType(kind);"
            " const last = all.filter(each => each.name.includes(arguments[0])).at(-1);"
            " return (last.responseEnd - last.startTime) / 1000",
            asked_for,
        )
        return answered

    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    # Doing

    def click(self, selector: str, text: str = "") -> None:
        def clicked() -> bool:
            element = self.find(selector, text)
            # Selenium leaves it under the bar at the top of the page.
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True

        self.wait(f"click on {selector} with {text!r}", clicked)

    def type(self, selector: str, text: str) -> None:
        field = self.find(selector)
        field.clear()
        field.send_keys(text)

    def choose(self, selector: str, text: str) -> None:
        for option in self.find(selector).find_elements(By.TAG_NAME, "option"):
            if option.text == text:
                option.click()
                return
        raise ElementNotInteractableException(f"{selector} offers no {text!r}")

    def press(self, *keys: str) -> None:
        """Type where the focus is."""
        self.focused().send_keys(*keys)

    def confirm(self) -> None:
        """Confirm the deletion that was asked for."""
        self.click(".modal-footer .btn-danger, .modal-footer .btn-primary")

    # Recording

    def screenshot(self, name: str, height: int = HEIGHT, width: int = WIDTH) -> Path:
        """Write what is seen as a picture, in a window of this size."""
        IMAGES.mkdir(parents=True, exist_ok=True)
        picture = IMAGES / f"dashboard-{name}.png"
        self.driver.set_window_size(width, height)
        self.driver.save_screenshot(str(picture))
        self.driver.set_window_size(WIDTH, HEIGHT)
        return picture

    def accessibility_faults(self, within: str) -> list[str]:
        """What axe-core calls serious or critical in a part of the page."""
        if not self.driver.execute_script("return 'axe' in window"):
            self.driver.execute_script(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[1];"
            "axe.run(arguments[0], {resultTypes: ['violations']})"
            ".then(done, error => done({violations: [{impact: 'serious', id: String(error),"
            " nodes: []}]}));",
            within,
        )
        return [
            f"{each['id']}: {json.dumps([node['html'][:200] for node in each['nodes']])}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
