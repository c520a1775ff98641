"""Measure what others see of the server while hostile clients of every kind are at it.

    python tests/bench/bench_siege.py

Exits with 1 if a health check takes more than a second, the server's processes more than 300 MB
together, or a good request gets a wrong answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.server.conftest import Running  # noqa: E402
from tests.server.siege import GOOD, SLOW, besiege  # noqa: E402

SECONDS = 1.0
MEMORY = 300e6


def main() -> int:
    """Besiege a server of its own and print what was seen; return the exit code."""
    server = Running(ROOT / "site", "--quiet")
    try:
        seen = besiege(server, rounds=8)
    finally:
        server.close()
    health = sorted(seen.health)
    print(
        f"{seen.answered} requests, {GOOD} of them good and at once, beside {3 * SLOW} connections "
        "that drip, are half closed or take no answer\n"
        f"health checks      {len(health)}: median {health[len(health) // 2] * 1e3:.0f} ms, "
        f"slowest {health[-1] * 1e3:.0f} ms (at most {SECONDS * 1e3:.0f})\n"
        f"most memory        {seen.memory / 1e6:.0f} MB (at most {MEMORY / 1e6:.0f})\n"
        f"wrong answers      {len(seen.wrong)}"
    )
    for line in seen.wrong:
        print(f"  {line}")
    return int(bool(seen.wrong) or health[-1] > SECONDS or seen.memory > MEMORY)


if __name__ == "__main__":
    sys.exit(main())
