"""The page as a player, used by keys alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from page_driver import at, complaints_of_axe, open_curve, tab_to, until, wait_until_at
from speediness.video.reader import VideoReader
from synthetic import steady, tone, write_video
from web_site import Site, made_up_curve, serving, settings_in, with_curve

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.clock]
RESTS = Path(__file__).parents[2] / "examples" / "rests.mp4"
PLAYING = "!document.getElementById('video').paused"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = settings_in(tmp_path_factory.mktemp("player"))
    shutil.copy(RESTS, settings.folder)
    write_video(settings.folder / "short.mp4", steady(1500, 25), sound_CN=tone(60))
    write_video(settings.folder / "hour.mp4", steady(3600, 1))
    with_curve(settings, "short.mp4", made_up_curve(60))
    with_curve(settings, "hour.mp4", made_up_curve(3600))
    with serving(settings) as site:
        yield site


def test_from_the_list_to_a_file_by_keys_alone(page: Page, tmp_path: Path, screenshots: Path) -> None:
    """No pointer, no call of the server by the test."""

    def fine() -> None:
        assert complaints_of_axe(page) == []

    press = page.keyboard.press
    press("j")
    press("ArrowDown")
    assert "rests.mp4" in page.evaluate("document.activeElement.textContent")
    until(page, "document.querySelectorAll('.thumbnail img').length === 1")  # curves alone have none
    fine()
    press("Enter")
    page.wait_for_selector("#analyse", state="visible")
    fine()
    tab_to(page, "#analyse")
    press("Enter")
    until(page, "performance.getEntriesByName('replan').length > 0")
    assert page.is_checked("input[value=adaptive]")
    fine()

    press("i")
    press("Shift+ArrowRight")
    wait_until_at(page, 5)
    press("o")
    assert page.inner_text("#locks li") == "0:00.0 to 0:05.0"
    press("Control+z")
    assert page.locator("#locks li").count() == 0
    press("Control+y")
    tab_to(page, "#length-typed")
    press("Control+a")
    page.keyboard.type("0:14,5")
    press("Enter")
    assert page.input_value("#rate-typed") == "1.517"
    tab_to(page, "#render")
    press("Enter")
    page.wait_for_selector("#downloads li")
    tab_to(page, "#export")
    press("Enter")
    page.wait_for_selector("#exports li")
    fine()
    page.screenshot(path=screenshots / "player.png", full_page=True)
    tab_to(page, "#downloads a")
    with page.expect_download() as waiting:
        press("Enter")
    waiting.value.save_as(tmp_path / "made.mp4")
    assert VideoReader(tmp_path / "made.mp4").info.duration_s == pytest.approx(14.5, abs=0.05)

    press("r")  # it plays in the page, on the source's clock
    until(page, "document.getElementById('video').src.endsWith('/files/film')")
    assert page.get_attribute("#showing-file", "href") == page.get_attribute("#video", "src")
    press("Home")
    press("Shift+ArrowRight")
    wait_until_at(page, 5)  # the locked part is as long as it was
    press("Shift+ArrowRight")
    until(page, "document.getElementById('chart').ariaValueNow === '10.0'")
    assert at(page) < 9
    fine()
    press("?")
    assert page.is_visible("#help") and "no longer normal speed here" in page.inner_text("#help")
    fine()
    press("Escape")
    press("p")
    tab_to(page, "#follow-add")
    press("Enter")
    press("ArrowRight")  # goes to the box, which has the focus
    assert "36 to 66 % from the left" in (page.get_attribute("#outlines polygon", "aria-label") or "")
    fine()
    press("Escape")
    page.wait_for_selector("#follow-panel", state="hidden")


def test_keys_of_editors_and_players(page: Page) -> None:
    open_curve(page, "short.mp4")
    press = page.keyboard.press
    press("1")
    press("l")
    until(page, PLAYING)
    press("l")
    until(page, "document.getElementById('video').playbackRate === 2")
    press("k")
    until(page, "document.getElementById('video').paused")
    press("l")
    # It begins anew; a busy machine is caught up with.
    until(page, "Math.abs(document.getElementById('video').playbackRate - 1) < 0.3")
    press("k")
    press("End")
    wait_until_at(page, 60)
    for speed in ("−1.00×", "−2.00×"):
        press("j")
        until(page, f"document.getElementById('speed').textContent === '{speed}'")
    until(page, "document.getElementById('video').currentTime < 59")
    press("k")
    press("Home")
    wait_until_at(page, 0)
    for _ in range(3):
        press(".")
    wait_until_at(page, 3.5 / 25, 0.001)
    press(",")
    wait_until_at(page, 2.5 / 25, 0.001)

    press("9")
    until(page, "Math.abs(document.getElementById('video').volume - 0.9) < 0.01")
    press("m")
    page.wait_for_selector("#mute[aria-pressed=true]", state="attached")
    page.reload()  # how loud it is to be is kept
    page.wait_for_selector("#mute[aria-pressed=true]", state="attached")
    assert page.evaluate("document.getElementById('video').muted")
    press("f")
    until(page, "document.fullscreenElement?.id === 'theatre'")
    press("f")
    until(page, "document.fullscreenElement === null")

    page.click("#help-open")
    page.uncheck("#help-single")
    press("Escape")
    press("m")
    assert page.evaluate("document.getElementById('video').muted")
    page.locator("#help-open").blur()
    press(" ")
    until(page, PLAYING)


def test_an_hour_is_seen_frame_by_frame(page: Page, screenshots: Path) -> None:
    open_curve(page, "hour.mp4")
    page.keyboard.press("Shift+ArrowRight")
    wait_until_at(page, 5)
    for _ in range(9):
        page.keyboard.press("+")
    until(page, "performance.getEntriesByName('refined').length > 0")
    start, end = page.inner_text("#zoom-view").split(" to ")
    assert "0:04.9" <= start <= "0:05.0" < end <= "0:12.1"
    page.screenshot(path=screenshots / "closer.png", full_page=True)
    page.keyboard.press("End")  # the view goes along
    until(page, "document.getElementById('zoom-view').textContent.endsWith('1:00:00.0')")
    assert complaints_of_axe(page) == []
    page.keyboard.press("w")
    assert page.inner_text("#zoom-view") == "" and page.is_disabled("#zoom-out")


def test_the_list_sorts_and_takes_dropped_files(page: Page, site: Site, small_video: Path) -> None:
    names = "[...document.querySelectorAll('.videos .name')].map((e) => e.textContent).join()"
    assert page.evaluate(names) == "hour.mp4,rests.mp4,short.mp4"
    page.wait_for_selector("text=0:22")  # looked at by itself
    page.select_option("#sort", "length")
    assert page.evaluate(names) == "hour.mp4,short.mp4,rests.mp4"
    page.select_option("#sort", "size")
    sizes = {video["name"]: video["size_bytes"] for video in site.get("films")}
    assert page.evaluate(names) == ",".join(sorted(sizes, key=sizes.__getitem__, reverse=True))
    content = list(small_video.read_bytes())
    page.evaluate(
        """(content) => {
            const files = new DataTransfer();
            const bytes = new Uint8Array(content);
            for (const name of ["one.mp4", "two.mp4"]) files.items.add(new File([bytes], name));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true }));
        }""",
        content,
    )
    for name in ("one.mp4", "two.mp4"):
        page.get_by_role("link", name=name).wait_for()
    page.click("#analyse-all")
    page.get_by_role("link", name="one.mp4").locator(".state .swatch").wait_for()
    page.get_by_role("link", name="two.mp4").locator(".state .swatch").wait_for()
    for video in site.get("films"):
        if video["uploaded"]:
            assert video["verdict"]["label"]
            site.client.delete(f"/api/films/{video['id']}")
