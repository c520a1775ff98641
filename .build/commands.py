"""Other programs, run as processes: in words what went wrong with one."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

from errors import BuildError


def call(command: Sequence[str], **options: Any) -> None:
    """Run `command` to its end. Raises BuildError that says what went wrong, in its own words."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, **options)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"did not end within {error.timeout:g} s") from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()]
        told = [line for line in lines if "rror" in line] or lines  # Node.js ends with its version
        raise BuildError(told[-1][:500] if told else f"exit code {error.returncode}") from error


def works(command: Sequence[str]) -> bool:
    """Tell whether `command` can be run, and ends well."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
