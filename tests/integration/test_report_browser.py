"""The HTML report in a real browser: no horizontal overflow, dark where asked, charts with a size, nothing loaded."""

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.vocabulary import Task
from modelyard.records.envelope import Envelope, Step
from modelyard.report.renderers.html import render_html
from tests.diagnostics_samples import with_diagnostics
from tests.report_samples import STORIES, many, run

INSTALL = "apt-get update && apt-get install -y chromium"
AXE = Path(__file__).parents[2] / ".tools" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (*STORIES, "multiclass", "regression")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


class Browser:
    """Chromium over its debugging pipe: its window is never narrower than 500 pixels, so a phone has to be emulated."""

    def __init__(self, executable: str, profile: Path) -> None:
        to_read, self._commands = os.pipe()
        self._answers, to_write = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        script = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", executable, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        page = next(item for item in self.call("Target.getTargets")["targetInfos"] if item["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Log"):
            self.call(f"{domain}.enable")

    _session: str | None = None

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._answers, 1 << 16)
            assert chunk, "chromium ended"
            self._buffer += chunk
        raw, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(raw)
        return message

    def open(self, page: Path, *, width: int, dark: bool) -> None:
        """Load a page at this width and in this colour scheme, and wait until it stands."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def evaluate(self, expression: str) -> Any:
        """A JavaScript expression's value; the page itself holds no script, and its policy allows none."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def picture(self) -> bytes:
        """PNG of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def close(self) -> None:
        """End the browser that this object started."""
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=60)
        os.close(self._commands)
        os.close(self._answers)


def pixel(png: bytes, x: int, y: int) -> tuple[int, int, int]:
    """Red, green and blue of one pixel of an 8-bit RGB or RGBA picture (PNG, third edition, 9: filters)."""
    width, _, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[colour]
    data, position = b"", 8
    while position < len(png):
        length, kind = struct.unpack(">I4s", png[position : position + 8])
        if kind == b"IDAT":
            data += png[position + 8 : position + 8 + length]
        position += 12 + length
    raw = zlib.decompress(data)
    size = width * channels
    above = bytearray(size)
    for row in range(y + 1):
        start = row * (size + 1)
        line = bytearray(raw[start + 1 : start + 1 + size])
        _unfilter(raw[start], line, above, channels)
        above = line
    found = above[x * channels : x * channels + 3]
    return found[0], found[1], found[2]


def _unfilter(kind: int, line: bytearray, above: bytearray, channels: int) -> None:
    for index in range(len(line)):
        left = line[index - channels] if index >= channels else 0
        corner = above[index - channels] if index >= channels else 0
        up = above[index]
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda value: abs(guess - value))
        line[index] = (line[index] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = shutil.which("chromium")
    assert executable, f"chromium is missing; install it with: {INSTALL}"
    found = Browser(executable, tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    records = {story: run(story) for story in STORIES}
    shown: dict[str, dict[Step, Envelope]] = {str(story): each for story, each in records.items()}
    tasks: tuple[Task, ...] = ("multiclass", "regression")
    shown |= {task: with_diagnostics(records["hold"], task) for task in tasks}
    found: dict[str, Path] = {}
    for name, each in shown.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(render_html(each), "utf-8")
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("story", PAGES)
def test_the_page_fits_its_window_in_both_themes(
    browser: Browser, pages: dict[str, Path], story: str, width: int, dark: bool
) -> None:
    browser.open(pages[story], width=width, dark=dark)
    assert browser.evaluate("innerWidth") == width
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    red, green, blue = pixel(browser.picture(), 3, 3)
    assert max(red, green, blue) < 60 if dark else min(red, green, blue) > 230


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_stands_outside_the_window_except_inside_what_scrolls(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    browser.open(pages["hold"], width=width, dark=False)
    outside = browser.evaluate(
        """[...document.querySelectorAll('main *, header *, footer *')]
           .filter(e => !e.closest('.scroll, pre, caption, svg') && e.getBoundingClientRect().right > innerWidth + 0.5)
           .map(e => e.tagName + ' ' + e.className).slice(0, 5)"""
    )
    assert outside == []


@pytest.mark.parametrize("width", [1280, 390])
def test_every_chart_has_a_size_and_says_what_it_shows(browser: Browser, pages: dict[str, Path], width: int) -> None:
    browser.open(pages["hold"], width=width, dark=False)
    charts = browser.evaluate(
        """[...document.querySelectorAll('td.plot svg[role=img], figure svg[role=img]')].map(e => [
             Math.round(e.getBoundingClientRect().width), e.querySelector('title').textContent.length])"""
    )
    assert len(charts) > 20
    assert all(shown >= 180 and said > 10 for shown, said in charts)


def test_the_page_loads_nothing_and_breaks_none_of_its_own_rules(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hold"], width=1280, dark=False)
    requests = [
        event["params"]["request"]["url"]
        for event in browser.events
        if event.get("method") == "Network.requestWillBeSent"
    ]
    assert requests == [pages["hold"].as_uri()]
    assert [event for event in browser.events if event.get("method") == "Log.entryAdded"] == []


def test_text_stands_out_from_its_background_in_both_themes(browser: Browser, pages: dict[str, Path]) -> None:
    for dark in (False, True):
        browser.open(pages["cannot-tell"], width=1280, dark=dark)
        worst = browser.evaluate(
            """(() => {
              const light = c => c.match(/[0-9.]+/g).slice(0, 3).map(Number).map(v => v / 255)
                .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
              const behind = e => { for (; e; e = e.parentElement) {
                const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } };
              return Math.min(...[...document.querySelectorAll('p, td, th, dt, dd, small, li, h1 span, .badge, .muted')]
                .map(e => { const a = light(getComputedStyle(e).color), b = light(behind(e));
                  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));
            })()"""
        )
        assert worst >= 4.5, f"WCAG 2 AA asks for 4.5, found {worst:.2f}"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("story", ["hold", "failed-data", "multiclass", "regression"])
def test_axe_finds_nothing_with_every_fold_open(
    browser: Browser, pages: dict[str, Path], story: str, width: int
) -> None:
    assert AXE.is_file(), "axe is missing: run tools/parts"
    for dark in (False, True):
        browser.open(pages[story], width=width, dark=dark)
        browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        browser.evaluate(AXE.read_text("utf-8") + "; 0")
        found = browser.evaluate(
            "axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120)).slice(0, 3)]))"
        )
        assert found == []


def test_everything_can_be_reached_and_opened_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hold"], width=1280, dark=False)
    stops = []
    for _ in range(60):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        stops.append(browser.evaluate(
            """(() => { const e = document.activeElement, s = getComputedStyle(e);
                 return [e.tagName, e.textContent.trim().slice(0, 20), s.outlineStyle]; })()"""
        ))  # fmt: skip
    kinds = {tag for tag, _, _ in stops}
    assert {"A", "SUMMARY", "DIV"} <= kinds, "contents, folds and tables that scroll"
    assert {outline for tag, _, outline in stops if tag != "BODY"} == {"solid"} | {"auto"} & {s[2] for s in stops}
    listed = browser.evaluate("[...document.querySelectorAll('nav a')].map(e => e.hash)")
    there = browser.evaluate("[...document.querySelectorAll('section')].map(e => '#' + e.id)")
    assert listed == there


def test_six_hundred_slices_and_three_hundred_candidates_with_long_names_stay_one_page_that_opens(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "many.html"
    page.write_text(render_html(many(600, 300)), "utf-8")
    assert page.stat().st_size <= 1_000_000
    for width in (1280, 390):
        browser.open(page, width=width, dark=False)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    shown = browser.evaluate(
        "[...document.querySelectorAll('#slices tbody tr, #training tbody tr')].filter(e => e.checkVisibility()).length"
    )
    assert shown <= 110, "what passed, and candidates after the tenth, are folded"


def test_a_usual_report_prints_on_four_pages(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["promote"], width=1280, dark=False)
    printed = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 4
