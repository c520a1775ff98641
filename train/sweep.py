"""A sweep: the same training with other seeds and settings, several at a time, and its table.

Each run is a process of its own with a folder of its own, so that it can be repeated and resumed
like any other and none takes another one down. Which one runs when and where is joblib's to say,
on this computer or, through Dask, on others.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from train.config import Config
from train.data.files import replacing
from train.interrupt import Stopped, stop_request
from train.run import write_json
from train.watch import log

PROJECT = Path(__file__).resolve().parents[1]
Settings = dict[str, Any]


class SweepError(RuntimeError):
    """Some runs of a sweep failed; the message says which and why."""


class Crew:
    """The processes that are at work here, so that all of them can be asked to stop."""

    def __init__(self) -> None:
        self.dismissed = False
        self._working: set[subprocess.Popen[bytes]] = set()

    def dismiss(self) -> None:
        """Ask all to save and stop, and let none begin any more."""
        self.dismissed = True
        for process in list(self._working):
            process.terminate()

    def work(self, command: Sequence[str], output: IO[str]) -> None:
        """Run a command to its end.

        In a session of its own: Ctrl-C reaches it once, through ``dismiss``, not twice.
        """
        if self.dismissed:
            return
        # What it prints is read again as UTF-8, whatever the terminal's encoding may be.
        environment = os.environ | {"PYTHONIOENCODING": "utf-8:backslashreplace"}
        with subprocess.Popen(
            command,
            cwd=PROJECT,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        ) as process:
            self._working.add(process)
            if self.dismissed:  # between the question above and here
                process.terminate()
            process.wait()
        self._working.discard(process)


class Result(NamedTuple):
    """What came of one run."""

    name: str
    settings: Settings
    """Those that differ from run to run, the seed among them."""
    errors: Mapping[str, float]
    """Of each validation part, 0 to 1; empty if the run failed."""
    seconds: float
    problem: str
    """The end of what a failed run printed; empty if it did not fail."""


def combinations(choices: Sequence[str], seeds: Sequence[int]) -> list[Settings]:
    """Return the settings of every run, from ``NAME=VALUE,VALUE`` and the seeds.

    Raises ValueError for a name that is no setting, or a value of another kind than it has.
    """
    defaults = Config().to_dict()
    tried: dict[str, list[Any]] = {}
    for choice in choices:
        name, equals, values = choice.partition("=")
        name = name.replace("-", "_")
        if not equals or not values or name not in defaults or name == "seed":
            known = ", ".join(sorted(defaults.keys() - {"seed"}))
            raise ValueError(
                f"--set: expected NAME=VALUE,VALUE with one of {known}; got {choice!r}"
            )
        if name in tried:
            raise ValueError(f"--set: {name} comes twice; name all its values at once")
        try:
            found = [type(defaults[name])(value) for value in values.split(",")]
        except ValueError as error:
            raise ValueError(f"--set {name}: {error}") from error
        # Two runs of the same values would be in each other's way, in one folder.
        tried[name] = list(dict.fromkeys(found))
    return [
        dict(zip([*tried, "seed"], values, strict=True))
        for values in itertools.product(*tried.values(), dict.fromkeys(seeds))
    ]


def name_of(settings: Settings) -> str:
    """Return a folder's name for a run: ``learning_rate=0.05 seed=1``, with dashes."""
    return "-".join(f"{name}={value}" for name, value in settings.items())


def run_all(
    arguments: Sequence[str],
    runs: Sequence[Settings],
    directory: Path,
    jobs: int,
    dask: str | None = None,
) -> list[Result]:
    """Run ``fit`` with ``arguments`` and each of ``runs``, ``jobs`` at a time.

    ``dask`` is the address of a scheduler whose workers are to do it. Raises SweepError where the
    packages for that are missing, and train.interrupt.Stopped after a signal.
    """
    try:
        from joblib import Parallel, delayed, parallel_config
    except ImportError:
        raise SweepError("a sweep needs the package joblib: `pip install joblib`") from None

    for settings in runs:  # or the table of what is there would be lost
        place, own = directory / name_of(settings), [*arguments, *_options(settings)]
        if _asked(place) not in (None, own):
            raise SweepError(f"{place} holds a run with other options: give another --run")

    def tasks(*crew: Crew) -> Iterable[Any]:
        for settings in runs:
            own = [*arguments, *_options(settings)]
            yield delayed(run_one)(own, settings, directory / name_of(settings), *crew)

    if dask is None:
        crew = Crew()
        with stop_request(crew.dismiss) as stop:
            # Threads, because each only waits for the process that it started.
            results = list(Parallel(n_jobs=jobs, backend="threading")(tasks(crew)))
        if stop:
            raise Stopped("stopped; the same command goes on from there", stop.signal_number)
        return results
    try:
        from dask.distributed import Client
    except ImportError:
        raise SweepError("--dask needs the package: `pip install 'dask[distributed]'`") from None
    with Client(dask), parallel_config(backend="dask"):
        return list(Parallel(n_jobs=jobs)(tasks()))


def run_one(
    arguments: Sequence[str], settings: Settings, directory: Path, crew: Crew | None = None
) -> Result:
    """Run ``fit`` in a process of its own, unless it is done; go on with it if it was stopped."""
    directory.mkdir(parents=True, exist_ok=True)
    before = _asked(directory)
    if before is not None and before != list(arguments):
        problem = "the folder holds a run with other options: give another --run"
        result = Result(directory.name, settings, {}, 0.0, problem)
    else:
        write_json(directory / "arguments.json", list(arguments))
        if not (directory / "result.json").exists():
            _fit(arguments, directory, crew or Crew())
        result = _result(settings, directory)
    if crew is not None and crew.dismissed:
        return result
    what = result.problem or "  ".join(f"{n} {e:.2%}" for n, e in result.errors.items())
    print(f"{result.name}: {what}\n", end="", flush=True)
    return result


def _asked(directory: Path) -> Any:
    """Return the arguments of the run that a folder holds, if it holds one.

    Raises SweepError for a file that is damaged.
    """
    asked = directory / "arguments.json"
    try:
        return json.loads(asked.read_text("utf-8")) if asked.exists() else None
    except ValueError as error:
        raise SweepError(
            f"{asked}: expected a run's arguments as JSON ({error}); give another --run"
        ) from error


def _fit(arguments: Sequence[str], directory: Path, crew: Crew) -> None:
    resume = ["--resume"] if (directory / "run.json").exists() else []
    files = ["--run", str(directory), "--out", str(directory / "weights.npz")]
    command = [sys.executable, "-m", "train", "fit", *arguments, *files, *resume]
    with open(directory / "output.txt", "w", encoding="utf-8") as output:
        crew.work(command, output)


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table for people, the least errors first."""
    rows = _rows(results)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def write_table(path: Path, results: Sequence[Result]) -> None:
    """Write the results as CSV for other programs, whole or not at all."""
    text = io.StringIO()
    csv.writer(text).writerows(_rows(results))
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def _rows(results: Sequence[Result]) -> list[list[str]]:
    """Return a header and a row for each run; errors in percent."""
    names = list(dict.fromkeys(name for result in results for name in result.settings))
    parts = list(dict.fromkeys(name for result in results for name in result.errors))
    rows = [[*names, *(f"{part} error %" for part in parts), "seconds", "weights"]]
    for result in sorted(results, key=_mean_error):
        errors = [f"{100 * result.errors[part]:.3f}" if result.errors else "" for part in parts]
        settings = [str(result.settings[name]) for name in names]
        weights = "failed" if result.problem else f"{result.name}/weights.npz"
        rows.append([*settings, *errors, f"{result.seconds:.0f}", weights])
    return rows


def _mean_error(result: Result) -> float:
    errors = result.errors.values()
    return sum(errors) / len(errors) if errors else float("inf")


def _result(settings: Settings, directory: Path) -> Result:
    path = directory / "result.json"
    seconds, problem = 0.0, ""
    errors: dict[str, float] = {}
    try:
        lines = log.read(directory / "log.jsonl")
        seconds = lines[-1]["seconds"] if lines else 0.0
        errors = dict(json.loads(path.read_text("utf-8"))["errors"]["validation"])
    except FileNotFoundError:
        output = (directory / "output.txt").read_text("utf-8").strip().splitlines()
        problem = output[-1] if output else "it printed nothing"
    except (ValueError, TypeError, KeyError) as error:
        problem = (
            f"{directory}: expected a run's log and result as JSON ({error!r}); delete both, "
            "and the same command makes them again"
        )
    return Result(directory.name, settings, errors, seconds, problem)


def _options(settings: Settings) -> list[str]:
    return [
        word
        for name, value in settings.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
