"""The status page is readable at the width of a telephone and of a screen, in headless Chromium.

Usage: status_page_test.py --programs FOLDER [--screenshots FOLDER]

Opens the page of a gateway of FOLDER/passfort-gateway, whose Passfort fails, and looks at it as a browser lays it out.
Without Chromium or its driver the tests are skipped, but where the variable CI is set that is a failure.

Exit codes: 0 all hold; 1 one does not; 2 wrong usage.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/samples"))

from tour import SHOWN_METRICS, Tour, make_certificates, read_line, started  # noqa: E402

WIDTHS = (360, 1280)
BOUND_SECONDS = 60
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
             "--disable-dev-shm-usage"]
# What is wider than the page, or reaches beyond it.
TOO_WIDE = """
const width = document.documentElement.clientWidth;
const found = [...document.querySelectorAll("body *")].filter(element =>
  element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "inline" ||
  element.getBoundingClientRect().right > width + 1);
return {width: width, scrolled: document.documentElement.scrollWidth,
        found: found.map(element => element.tagName + ": " + element.textContent.slice(0, 60))};
"""
# The smallest letters, in pixels, and the least contrast of a text with what is behind it (WCAG 2).
LEGIBILITY = """
const luminance = color => {
  const parts = color.match(/[0-9.]+/g).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const behind = element => {
  const color = getComputedStyle(element).backgroundColor;
  return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : color;
};
let size = 100, contrast = 21;
for (const element of document.querySelectorAll("h1, h2, p, footer, a, dt, dd, strong")) {
  const style = getComputedStyle(element);
  size = Math.min(size, parseFloat(style.fontSize));
  const [low, high] = [luminance(style.color), luminance(behind(element))].sort((a, b) => a - b);
  contrast = Math.min(contrast, (high + 0.05) / (low + 0.05));
}
return {size: size, contrast: contrast};
"""


class Browser:
    """A headless Chromium, by the WebDriver protocol."""

    def __init__(self, driver: str, chromium: str, folder: pathlib.Path, processes: contextlib.ExitStack):
        process = processes.enter_context(started([driver, "--port=0"], dict(os.environ)))
        port = read_line(process, r"started successfully on port (\d+)")[1]
        self._url = f"http://127.0.0.1:{port}/session"
        options = {"binary": chromium, "args": [*ARGUMENTS, f"--user-data-dir={folder}"]}
        session = self._post("", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
        self._url += f"/{session['sessionId']}"
        processes.callback(self._delete)

    def open(self, url: str, width: int) -> None:
        # A window has a least width, a page in it has none.
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        self._post("/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})
        self._post("/url", {"url": url})

    def run(self, script: str):
        return self._post("/execute/sync", {"script": script, "args": []})

    def screenshot(self) -> bytes:
        shot = self._post("/goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": {
            "format": "png", "captureBeyondViewport": True}})
        return base64.b64decode(shot["data"])

    def _post(self, path: str, body: dict):
        return self._send(urllib.request.Request(self._url + path, json.dumps(body).encode(), method="POST"))

    def _delete(self) -> None:
        self._send(urllib.request.Request(self._url, method="DELETE"))

    @staticmethod
    def _send(request: urllib.request.Request):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=BOUND_SECONDS) as response:
            return json.load(response)["value"]


def fetch(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=BOUND_SECONDS) as response:
        return response.read().decode()


class StatusPageTest(unittest.TestCase):
    programs: pathlib.Path
    screenshots: pathlib.Path | None
    browser: Browser
    url: str

    @classmethod
    def setUpClass(cls) -> None:
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if chromium is None or driver is None:
            if "CI" in os.environ:
                raise AssertionError("no chromium or no chromedriver: run ./dev deps test")
            raise unittest.SkipTest("no chromium or no chromedriver here")
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_certificates(folder)
        tour = Tour(cls.programs, folder, stack, folder)
        cls.url = f"http://{tour.address(SHOWN_METRICS)}/"
        # Something that needs a look, with a long text.
        (folder / "callers.json").write_text('{"callers": [' + "{" * 500)
        cls.wait_for("not used as it is now")
        cls.browser = Browser(driver, chromium, folder / "chromium", stack)

    @classmethod
    def wait_for(cls, text: str) -> None:
        bound = time.monotonic() + BOUND_SECONDS
        while text not in fetch(cls.url):
            assert time.monotonic() < bound, f"the page never said: {text}"
            time.sleep(0.05)

    def test_nothing_is_wider_than_the_page(self) -> None:
        for width in WIDTHS:
            with self.subTest(width=width):
                self.browser.open(self.url, width)
                seen = self.browser.run(TOO_WIDE)
                self.assertEqual([], seen["found"])
                self.assertLessEqual(seen["scrolled"], seen["width"])
                self.assertLessEqual(seen["width"], width)
                if self.screenshots is not None:
                    (self.screenshots / f"status-{width}.png").write_bytes(self.browser.screenshot())

    def test_all_text_is_legible(self) -> None:
        for width in WIDTHS:
            with self.subTest(width=width):
                self.browser.open(self.url, width)
                seen = self.browser.run(LEGIBILITY)
                self.assertGreaterEqual(seen["size"], 13)
                self.assertGreaterEqual(seen["contrast"], 4.5)

    def test_what_is_bad_is_said_in_words_and_without_a_script(self) -> None:
        self.browser.open(self.url, WIDTHS[0])
        text = self.browser.run("return document.body.innerText")
        self.assertRegex(text, r"callers file\s+bad not used as it is now")
        self.assertEqual([], self.browser.run("return [...document.querySelectorAll('script, img, link')].length"
                                              " ? ['something is loaded'] : []"))

    def test_its_links_lead_to_the_other_pages(self) -> None:
        links = re.findall(r'href="/([^"]+)"', fetch(self.url))
        self.assertEqual(["statusz.json", "metrics", "healthz"], links)
        for link in links:
            self.assertTrue(fetch(self.url + link))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--programs", required=True, type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    arguments = parser.parse_args()
    StatusPageTest.programs = arguments.programs
    StatusPageTest.screenshots = arguments.screenshots
    unittest.main(argv=sys.argv[:1])
