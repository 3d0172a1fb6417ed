"""The explorer as visitors meet it: served for real, in Chromium, with nothing let through to anywhere else."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from allocate.ui import serving
from tests.browser.visiting import WATCHER, watch

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
"""Chromium sends nothing by itself, and finds no other machine whatever a page asks for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is tested here carries the marker `browser`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


WIDE, HIGH = 1440, 900


@dataclass
class Served:
    """An explorer under way: its process, where it is, the folder of its store, and what it has printed."""

    process: subprocess.Popen
    address: str
    home: Path
    log: Path

    def stop(self) -> None:
        """End it as Ctrl-C does. Close its visitors first (`page.context.close()`): they would err on its absence."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)


def start(home: Path, folders: tuple[Path, ...] = (), port: int | None = None) -> Served:
    """Serve these folders (the examples where there are none) with a store in `home`."""
    environment = {name: value for name, value in os.environ.items() if name != serving.SCENARIOS}
    environment |= {"ALLOCATE_HOME": str(home), "STREAMLIT_LOGGER_ENABLE_RICH": "false"}
    chosen = port or any_port()
    command = [sys.executable, "-m", "allocate.cli", "explore", "--no-browser", "--port", str(chosen)]
    log = home / "explorer.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*command, *map(str, folders)], cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    served = Served(process, f"http://{serving.HOST}:{chosen}", home, log)
    try:
        serving.wait_until_healthy(process, served.address)
    except Exception as error:
        served.stop()
        raise AssertionError(f"{error}:\n{log.read_text()}") from None
    return served


def any_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind((serving.HOST, 0))
        return one.getsockname()[1]


@pytest.fixture(scope="package")
def server(tmp_path_factory) -> Iterator[Served]:
    """One explorer on the examples for every test that keeps nothing, with a store of its own."""
    served = start(tmp_path_factory.mktemp("home"))
    yield served
    served.stop()


@pytest.fixture
def serve(tmp_path) -> Iterator[Callable[..., Served]]:
    """Start an explorer of one's own: `serve(folder, ..., home=...)`; the same `home` again is a restart."""
    started: list[Served] = []

    def begin(*folders: Path, home: Path | None = None) -> Served:
        place = home or tmp_path / "home"
        place.mkdir(exist_ok=True)
        started.append(start(place, folders))
        return started[-1]

    yield begin
    for served in started:
        served.stop()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that CHROMIUM names. Where there is none tests are skipped, but not in CI."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        said = "no Chromium here: apt install chromium, or name one in CHROMIUM"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium, server) -> Iterator[Callable[..., Page]]:
    """A new visitor's page: `visitor()`, `visitor(width=390)`, `visitor(served=another)`; anything else goes to
    Playwright's new_context. The test fails on any request to elsewhere, error in a page or error on its console."""
    contexts: list[tuple[BrowserContext, list[str]]] = []

    def arrive(width: int = WIDE, height: int = HIGH, served: Served = server, **options) -> Page:
        contexts.append(enter(chromium, served, viewport={"width": width, "height": height}, **options))
        return contexts[-1][0].new_page()

    yield arrive
    troubles = []
    for context, happened in contexts:
        context.close()
        troubles += happened
    assert not troubles, troubles


@pytest.fixture(scope="package")
def reading(chromium, server) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A browser that has been here before, and what must not have happened in it."""
    context, happened = enter(chromium, server)
    yield context, happened
    context.close()


@pytest.fixture
def reader(reading) -> Iterator[Callable[..., Page]]:
    """As `visitor`, for whoever only looks at pages of the one explorer: the next reader finds in the browser's cache
    what the last one fetched. Nothing else stays: Streamlit would remember whether its side was out."""
    context, happened = reading
    happened.clear()

    def arrive(width: int = WIDE, height: int = HIGH) -> Page:
        page = context.new_page()
        page.add_init_script("window.localStorage.clear()")
        page.set_viewport_size({"width": width, "height": height})
        return page

    yield arrive
    for page in context.pages:
        page.close()
    assert not happened, happened


def enter(chromium: Browser, served: Served, **options) -> tuple[BrowserContext, list[str]]:
    """A browser with nothing in its cache, and the list that fills with what must not happen in it."""
    context = chromium.new_context(base_url=served.address, reduced_motion="reduce", locale="en-GB", **options)
    context.add_init_script(WATCHER)
    return context, watch(context, served.address, served.log)
