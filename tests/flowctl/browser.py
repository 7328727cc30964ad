# SPDX-License-Identifier: MIT
"""A headless Chromium without a network, for what flowctl writes to be looked at."""
import base64
import json
import os
import time
from pathlib import Path

import pytest

NPM = Path(os.environ.get("FLOWTRACE_NPM") or "/var/cache/flowtrace/npm")
SPEEDSCOPE = NPM / "node_modules" / "speedscope" / "dist" / "release"


def start():
    """A driver of it; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    if not Path("/usr/bin/chromedriver").exists():
        pytest.skip("no chromium-driver: ./dev setup installs it")
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("headless=new", "hide-scrollbars", "force-device-scale-factor=1",
                     "use-angle=swiftshader", "enable-unsafe-swiftshader",
                     "disable-background-networking", "disable-component-update",
                     "host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument("--" + argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's own does not run as root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    from selenium.webdriver.chrome.service import Service
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(120)
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
        "offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0})
    return driver


def resize(driver, width, height):
    """The size of the page's window, exactly."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


def prefer(driver, theme):
    """What the system of somebody who likes it dark, or light, would say."""
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": theme},
        {"name": "prefers-reduced-motion", "value": "reduce"}]})


def complaints(driver):
    """What the page wrote on the console, but for information."""
    return [entry["message"] for entry in driver.get_log("browser")
            if entry["level"] not in ("INFO", "DEBUG")]


def wait(what, condition, seconds=10):
    """What the condition gives, once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.05)
    raise AssertionError("waited %d s in vain: %s" % (seconds, what))


def open_in_speedscope(driver, path, scratch):
    """Opens a file in speedscope's own page; returns the text of the page and its complaints."""
    if not SPEEDSCOPE.is_dir():
        pytest.skip("no speedscope in %s: ./dev setup fetches it" % NPM)
    script = scratch / "load.js"
    script.write_text("speedscope.loadFileFromBase64(%s, %s)" % (
        json.dumps(path.name), json.dumps(base64.b64encode(path.read_bytes()).decode())))
    driver.get("about:blank")
    complaints(driver)
    driver.get("file://%s/index.html#localProfilePath=%s" % (SPEEDSCOPE, script))
    wait("speedscope has opened %s" % path.name, lambda: driver.title.endswith(" - speedscope"))
    text = driver.execute_script("return document.body.innerText")
    return text, complaints(driver)
