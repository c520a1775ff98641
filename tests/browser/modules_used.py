"""Find out which modules the page's Python imports, by having it do all that it may ever do.

    python -m tests.browser.modules_used            says how `runtime.modules.txt` differs from that
    python -m tests.browser.modules_used --write    writes it

The work (work.py) runs in the real page, in Chromium, on a runtime with all modules.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page

import build
from tests.browser import chromium
from tests.browser.drawing import ask_python, draw, expect_answer, sample, wait_for_engine
from tests.browser.hosting import static_host

LIST = build.ROOT / build.MODULES_FILE
WORK = Path(__file__).with_name("work.py")
HEADER = """\
# The modules that the page's Python is cut to, by what its work was seen to import, one a line.
# `python -m tests.browser.modules_used --write` writes this file.
"""


def add_work(site: Path) -> None:
    """Let the engine of the built `site` know the work as well."""
    add_program(site, WORK.read_text("utf-8").replace("from __future__ import annotations\n", ""))


def add_program(site: Path, program: str) -> None:
    """Let the engine of the built `site` go on with this program."""
    replace_file(site, "engine.py", (site / "engine.py").read_bytes() + b"\n" + program.encode())


def replace_file(site: Path, path: str, data: bytes, group: str = "files") -> None:
    """Give a built `site` another file, and list it as it is now, in `group`."""
    manifest = site / "generated" / "manifest.json"
    described = json.loads(manifest.read_text("utf-8"))
    (entry,) = (entry for entry in described[group] if entry["path"] == path)
    entry.update(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    (site / path).write_bytes(data)
    text = json.dumps(described)
    manifest.write_text(text, "utf-8")
    (site / "generated" / "precache.js").write_text(f"self.PRECACHE = {text};\n", "utf-8")


def work(page: Page) -> set[str]:
    """Have a running page with the work do it; return the names of all modules that it has then."""
    draw(page, sample("3"))
    expect_answer(page, "3")
    names: str = ask_python(page, "work")
    return set(names.split("\n"))


def files_in(path: Path) -> dict[str, bytes]:
    """Return the files in a module that the build has made of an archive."""
    content = path.read_bytes()[len(build.as_module(b"")) :]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {m.name: file.read() for m in archive if (file := archive.extractfile(m))}


def in_archive(site: Path) -> set[str]:
    """Return the names of the runtime's modules in the archives of a built `site`."""
    archives = [site / "generated" / name for name in ("python.wasm", "libraries.wasm")]
    names = {build.module_name(path) for archive in archives for path in files_in(archive)}
    return {name for name in names if name.split(".")[0] not in {"nn", "sitecustomize", "left_out"}}


def find(browser: Browser) -> set[str]:
    """Return the names of the runtime's modules that the page's work imports."""
    with tempfile.TemporaryDirectory() as directory:
        site = Path(directory) / "site"
        build.build_site(out=site, whole=True)
        add_work(site)
        with static_host(site) as host:
            page = browser.new_page()
            page.goto(host.url)
            wait_for_engine(page)
            used = work(page)
            page.close()
        return used & in_archive(site)


def wants_to_write(description: str | None, path: Path, argv: Sequence[str] | None) -> bool:
    """Read the command line of a program that compares a list, or writes it to `path`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"write {path.name}")
    return bool(parser.parse_args(argv).write)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare or write the list as the command line asks; return the exit code."""
    is_writing = wants_to_write(__doc__, LIST, argv)
    used = chromium.of_running(find)
    if is_writing:
        LIST.write_text(HEADER + "".join(f"{name}\n" for name in sorted(used)), "utf-8")
        print(f"{LIST.name}: {len(used)} modules")
        return 0
    listed = set(build.read_modules(LIST)) if LIST.exists() else set()
    for sign, names in (("+", used - listed), ("-", listed - used)):
        for name in sorted(names):
            print(sign, name)
    return int(used != listed)


if __name__ == "__main__":
    sys.exit(main())
