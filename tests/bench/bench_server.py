"""Measure the server under load: requests a second of /predict beside a route that does nothing.

    python tests/bench/bench_server.py [--rounds 3] [--seconds 5]

Needs wrk and hey (Debian has packages of these names). The server is a process of its own, as
`python server.py` starts it, with one more route. wrk keeps eight connections busy, in turn with
an average drawing for /predict and with the same bytes for the route that does nothing; then hey
asks /predict 100 times a second. The client takes a part of the same cores.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.sample import drawings  # noqa: E402

SERVER = """
import sys, server
create_app = server.create_app

def with_nothing(config):
    app = create_app(config)
    app.post("/nothing")(lambda: "{}")
    return app

server.create_app = with_nothing
sys.exit(server.main(sys.argv[1:]))
"""
RATE = 100
"""Requests a second at which the latency is measured."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement (%(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="a measurement (%(default)s)")
    options = parser.parse_args(argv)
    missing = [name for name in ("wrk", "hey") if not shutil.which(name)]
    if missing:
        print(f"skipped: {' and '.join(missing)} missing: apt-get install wrk hey")
        return 0
    samples = [sample for sample in drawings() if sample.label in "0123456789"]
    samples.sort(key=lambda sample: sum(map(len, sample.strokes)))
    drawing = samples[len(samples) // 2]
    body = json.dumps({"strokes": drawing.strokes})
    points = sum(map(len, drawing.strokes))
    print(f"a {drawing.label} of {points} points, {len(body)} bytes")

    start = [sys.executable, "-c", SERVER, "--port", "0", "--quiet"]
    with subprocess.Popen(start, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[-1].rstrip("/")
            _measure(url, body, options.rounds, options.seconds)
        finally:
            process.terminate()
    return 0


def _measure(url: str, body: str, rounds: int, seconds: int) -> None:
    rates: dict[str, list[float]] = {"nothing": [], "predict": []}
    for _ in range(rounds):
        for route, seen in rates.items():
            rate, latency = _wrk(f"{url}/{route}", body, seconds)
            seen.append(rate)
            print(f"/{route:8} {rate:7.0f} requests/s   {latency}")
    ratio = statistics.median(rates["predict"]) / statistics.median(rates["nothing"])
    print(f"ratio {ratio:.2f} (medians of {rounds})")
    print(f"/predict at {RATE} requests/s: {_hey(f'{url}/predict', body, seconds)}")


def _wrk(url: str, body: str, seconds: int) -> tuple[float, str]:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n')
        script.write(f"wrk.body = [==[{body}]==]\n")
        script.flush()
        command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "--latency", "-s", script.name, url]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told:
        raise RuntimeError(told)
    percentiles = re.findall(r"(\d+)%\s+([\d.]+\w+)", told)
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert found
    return float(found[1]), ", ".join(f"{share} %: {time}" for share, time in percentiles)


def _hey(url: str, body: str, seconds: int) -> str:
    clients = 4
    command = ["hey", "-z", f"{seconds}s", "-c", str(clients), "-q", str(RATE // clients)]
    command += ["-m", "POST", "-T", "application/json", "-d", body, url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    percentiles = re.findall(r"(\d+)%+ in ([\d.]+) secs", told)
    statuses = re.findall(r"\[(\d+)\]\s+(\d+) responses", told)
    shown = ", ".join(f"{share} %: {float(time) * 1e3:.1f} ms" for share, time in percentiles)
    return f"{shown} ({', '.join(f'{count} x {status}' for status, count in statuses)})"


if __name__ == "__main__":
    sys.exit(main())
