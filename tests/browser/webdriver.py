"""Drives the browsers that Playwright cannot: a system's own Firefox and WebKitGTK.

Playwright brings patched builds of its own. What visitors have is nearer to what Debian ships:
Firefox listens to Marionette, the protocol below its WebDriver; WebKit has a WebDriver server.
Neither is installed by anything here: where one is missing, `MissingError` says what to install.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

START = 60
"""A browser may take this long to start on a busy machine, seconds."""
ANSWER = 150
"""A command may take this long, seconds: a page may be loading Python."""
PREFERENCES = {
    "marionette.port": 0,  # any free one, written to a file in the profile
    "network.proxy.type": 1,  # nothing but this machine can be reached
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False,
}


class MissingError(Exception):
    """The browser is not installed; the message says how it can be."""


class Remote(ABC):
    """A browser with one tab."""

    name: str
    version: str

    @abstractmethod
    def close(self) -> None:
        """End the session."""

    @abstractmethod
    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""

    @abstractmethod
    def run(self, script: str, *arguments: Any) -> Any:
        """Return what ``script``, the body of a function, returns on the page."""

    @abstractmethod
    def point(self, actions: list[dict[str, Any]]) -> None:
        """Do what WebDriver calls the actions of a pointer: a mouse."""

    def wait_until(self, script: str, *arguments: Any, limit: float = ANSWER) -> None:
        """Wait until ``script`` returns something true; TimeoutError if it never does."""
        deadline = time.monotonic() + limit
        while not self.run(script, *arguments):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: never true: {script}")
            time.sleep(0.05)

    def draw(self, strokes: list[list[tuple[float, float]]]) -> None:
        """Draw with the mouse; points in CSS pixels of the window."""
        actions: list[dict[str, Any]] = []
        for points in strokes:
            for index, (x, y) in enumerate(points):
                actions.append({"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)})
                if index == 0:
                    actions.append({"type": "pointerDown", "button": 0})
            actions.append({"type": "pointerUp", "button": 0})
        self.point(actions)


class Firefox(Remote):
    """Firefox at the other end of a Marionette connection."""

    name = "Firefox"

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER)
        self._count = 0
        self._receive()  # it introduces itself
        self.version = self._send("WebDriver:NewSession")["capabilities"]["browserVersion"]

    def close(self) -> None:
        self._socket.close()

    def open(self, url: str) -> None:
        self._send("WebDriver:Navigate", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        return self._send("WebDriver:ExecuteScript", script=script, args=list(arguments))["value"]

    def point(self, actions: list[dict[str, Any]]) -> None:
        self._send("WebDriver:PerformActions", actions=[_mouse(actions)])

    def _send(self, command: str, **parameters: Any) -> Any:
        self._count += 1
        message = json.dumps([0, self._count, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = self._receive()
        if error:
            raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
        return result

    def _receive(self) -> Any:
        """Return a message: its length in bytes, a colon, JSON."""
        length = b""
        while not length.endswith(b":"):
            length += self._read(1)
        return json.loads(self._read(int(length[:-1])))

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self._socket.recv(count - len(found))
            if not more:
                raise RuntimeError("Firefox closed the connection")
            found += more
        return found


class WebKit(Remote):
    """WebKitGTK's small browser, behind a WebDriver server."""

    name = "WebKitGTK"

    def __init__(self, port: int, browser: Path) -> None:
        self._address = f"http://127.0.0.1:{port}/session"
        self._open = build_opener(ProxyHandler({})).open
        wanted = {"binary": str(browser), "args": ["--automation"]}
        capabilities = {"alwaysMatch": {"webkitgtk:browserOptions": wanted}}
        session = self._send("", {"capabilities": capabilities})
        self._address += f"/{session['sessionId']}"
        self.version = session["capabilities"]["browserVersion"]

    def close(self) -> None:
        self._send("", method="DELETE")

    def open(self, url: str) -> None:
        self._send("/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._send("/execute/sync", {"script": script, "args": list(arguments)})

    def point(self, actions: list[dict[str, Any]]) -> None:
        self._send("/actions", {"actions": [_mouse(actions)]})

    def _send(self, path: str, body: Any = None, method: str = "POST") -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(self._address + path, data, headers, method=method)
        try:
            with self._open(request, timeout=ANSWER) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()}") from error


def _mouse(actions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "pointer",
        "id": "mouse",
        "parameters": {"pointerType": "mouse"},
        "actions": actions,
    }


@contextlib.contextmanager
def firefox() -> Iterator[Remote]:
    """Run a Firefox with an empty profile and no window; MissingError where there is none."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise MissingError("no Firefox is installed (Debian: the package firefox-esr)")
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        Path(profile, "user.js").write_text("\n".join(lines), "utf-8")
        command = [program, "--headless", "--marionette", "--no-remote", "--profile", profile]
        with _running(command, os.environ):
            port = Path(profile, "MarionetteActivePort")
            _wait_for(lambda: port.exists() and port.read_text().strip(), "Firefox's Marionette")
            with contextlib.closing(Firefox(int(port.read_text()))) as browser:
                yield browser


@contextlib.contextmanager
def webkit() -> Iterator[Remote]:
    """Run WebKitGTK's browser on a display that nobody sees; MissingError where there is none."""
    found = sorted(Path("/usr").glob("lib*/**/webkit2gtk-4.*/MiniBrowser"))
    programs = {name: shutil.which(name) for name in ("WebKitWebDriver", "Xvfb")}
    if not found or None in programs.values():
        raise MissingError(
            "no WebKitGTK with its WebDriver, or no Xvfb, is installed"
            " (Debian: the packages webkit2gtk-driver and xvfb)"
        )
    with TemporaryDirectory(ignore_cleanup_errors=True) as home, contextlib.ExitStack() as stack:
        number, told = os.pipe()
        command = ["Xvfb", "-displayfd", str(told), "-screen", "0", "1280x900x24"]
        stack.enter_context(_running([*command, "-nolisten", "tcp"], os.environ, told))
        os.close(told)
        with open(number) as display:
            environment = {
                **os.environ,
                "DISPLAY": f":{display.readline().strip()}",
                "GDK_BACKEND": "x11",
                "HOME": home,
                "WEBKIT_DISABLE_COMPOSITING_MODE": "1",  # there is no graphics card
            }
        port = _free_port()
        stack.enter_context(_running(["WebKitWebDriver", f"--port={port}"], environment))
        _wait_for(lambda: _listens(port), "WebKitWebDriver")
        with contextlib.closing(WebKit(port, found[-1])) as browser:
            yield browser


@contextlib.contextmanager
def _running(command: list[str], environment: Any, *files: int) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env=environment,
        pass_fds=files,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(condition: Any, what: str) -> None:
    deadline = time.monotonic() + START
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come within {START} seconds")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
