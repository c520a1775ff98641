"""Send mutated requests to the decoders, guided by the code that they reach.

    pip install atheris==3.0.0
    python -m tests.fuzz.decoders                        a million requests
    python -m tests.fuzz.decoders --runs 5000 --seed 2   some, from another start
    python -m tests.fuzz.decoders --corpus DIR           keeps what reached new code in DIR

It ends at the first request that is answered by anything but a reading or a problem, that takes
longer than a minute, and leaves that request in a file.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import threadpoolctl


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1_000_000, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the random changes (%(default)s)")
    parser.add_argument("--corpus", type=Path, help="a directory to go on from and to add to")
    options = parser.parse_args(argv)
    try:
        import atheris
    except ImportError:
        print("fuzz: error: atheris is missing: pip install atheris==3.0.0", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["server", "reader", "pictures", "nn", "PIL"]):
        from tests.fuzz.requests import decoders, repaired, seeds
    warnings.simplefilter("ignore")  # Pillow's, about damaged files
    threadpoolctl.threadpool_limits(1)
    check = decoders()
    statuses: Counter[int] = Counter()

    def one(data: bytes) -> None:
        # Changes to a PNG rarely get past its checksums; a large first byte lets them stand.
        statuses[check(data if data[:1] > b"\x7f" else repaired(data))] += 1

    with tempfile.TemporaryDirectory() as temporary:
        corpus = options.corpus or Path(temporary)
        corpus.mkdir(parents=True, exist_ok=True)
        for index, data in enumerate(seeds()):
            (corpus / f"seed-{index}").write_bytes(data)
        # The fuzzer itself keeps some 2 KB of each request; of the server the siege tells.
        limits = ["-timeout=60", "-rss_limit_mb=4000", "-max_len=4096", "-print_final_stats=1"]
        chosen = [f"-atheris_runs={options.runs}", f"-seed={options.seed}"]
        atheris.Setup([sys.argv[0], *chosen, *limits, str(corpus)], one)
        began = time.monotonic()
        try:
            atheris.Fuzz()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)  # its own, which would end what follows
            seconds = time.monotonic() - began
            told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
            print(f"{sum(statuses.values())} requests in {seconds:.0f} s: {told}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
