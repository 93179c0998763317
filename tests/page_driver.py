"""What tests do to the page in a browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from web_site import PATIENCE_S

if TYPE_CHECKING:
    from playwright.sync_api import Page

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def until(page: Page, condition: str) -> None:
    """Wait; from outside, because the page's own policy allows no text to be run."""
    end_s = time.monotonic() + PATIENCE_S
    while not page.evaluate(condition):
        assert time.monotonic() < end_s, f"waited in vain for {condition}"
        page.wait_for_timeout(30)


def open_item(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    page.wait_for_selector("#video-meta:not(:empty)")


def open_curve(page: Page, name: str) -> None:
    open_item(page, name)
    until(page, "performance.getEntriesByName('replan').length > 0")


def at(page: Page) -> float:
    return page.evaluate("document.getElementById('video').currentTime")


def rate(page: Page) -> float:
    return page.evaluate("document.getElementById('video').playbackRate")


def wait_until_at(page: Page, time_s: float, tolerance_s: float = 0.05) -> None:
    until(page, f"Math.abs(document.getElementById('video').currentTime - {time_s}) < {tolerance_s}")


def complaints_of_axe(page: Page) -> list[str]:
    """What the rules of WCAG 2.2 AA, and good practice, object to in the page as it is now."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [f"{rule['help']}: {[node['target'] for node in rule['nodes']]}" for rule in found]


def tab_to(page: Page, selector: str, most: int = 120) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(most):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached with Tab")
