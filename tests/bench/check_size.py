"""Check what a first visit transfers against a budget: python tests/bench/check_size.py [SITE]

`size_budget.json` beside this file allows each group of files so many bytes, compressed with gzip
as static hosts do. Visitors get either Python's modules or, on a fast line, a snapshot. SITE is a
built site, by default site/. The exit code is 1 when one is too big.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUDGET = Path(__file__).with_name("size_budget.json")
LEVEL = 6  # what most hosts use
MODULES, SNAPSHOT = "generated/python.wasm", "generated/snapshot.wasm"
TOTALS = {"total": SNAPSHOT, "total with the snapshot": MODULES}
"""Names, and what they are without."""


def measure(site: Path, budget: dict[str, int]) -> dict[str, int]:
    """Return the compressed size of each group in `budget`, and of all together."""
    sizes = {
        pattern: sum(len(gzip.compress(path.read_bytes(), LEVEL)) for path in site.glob(pattern))
        for pattern in budget
        if pattern not in TOTALS
    }
    totals = {name: sum(sizes.values()) - sizes.get(left, 0) for name, left in TOTALS.items()}
    return {**sizes, **totals}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the sizes beside their budget; return the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    site = Path(arguments[0]) if arguments else ROOT / "site"
    budget: dict[str, int] = json.loads(BUDGET.read_text("utf-8"))
    sizes = measure(site, budget)
    for name, allowed in budget.items():
        verdict = "missing" if not sizes[name] else "too big" if sizes[name] > allowed else ""
        print(f"{name:36}{sizes[name]:>10,} of {allowed:>10,}  {verdict}")
    return int(any(not sizes[name] or sizes[name] > allowed for name, allowed in budget.items()))


if __name__ == "__main__":
    sys.exit(main())
