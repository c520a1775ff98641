"""Make two pages that start the site's Python and do nothing else: with PyScript, and without it.

What lies between them is what PyScript costs; what lies between the first and the real page is what
the page costs. Both have the modules and files of the site, and its configuration.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

HERE = Path(__file__).parent / "bare"
PAGES = {
    "its Python alone": "pyscript.html",
    "its Python alone, no PyScript": "plain.html",
}
"""The name of each page, and its file."""


def make(site: Path, out: Path) -> None:
    """Write a copy of the built `site` to `out`, with the pages."""
    shutil.copytree(site, out)
    for path in HERE.iterdir():
        shutil.copy(path, out)
    page = (site / "index.html").read_text("utf-8")
    early = re.findall(r'<link rel="preload" as="fetch".*?>', page)
    configuration = re.findall(r"<(py-config|mpy-config|template)\b(.*?</\1>)", page, re.DOTALL)
    for name in PAGES.values():
        parts = [
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bare</title>',
            *early,
            f'<script type="module" src="./{Path(name).stem}.js"></script></head><body>',
            '<output id="answer"></output>',
            *(f"<{tag}{rest}" for tag, rest in configuration if name == "pyscript.html"),
            "</body></html>",
        ]
        (out / name).write_text("\n".join(parts), "utf-8")
