"""The list of third-party files: what each has to be, and where it can be had."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from errors import BuildError

LOCK_FILE = "runtime.lock.json"


@dataclass(frozen=True)
class RuntimeFile:
    """A third-party file: where it goes below generated/, what it must be, where it can be had."""

    path: str
    sha256: str
    size: int
    sources: tuple[Mapping[str, str], ...]

    def matches(self, data: bytes) -> bool:
        """Tell whether `data` is this file, by its SHA-256."""
        return hashlib.sha256(data).hexdigest() == self.sha256


def read_lock(path: Path) -> tuple[list[RuntimeFile], dict[str, Any]]:
    """Return the files that the lock at `path` names, and its table of tools.

    Raises BuildError if it is missing, or no such lock.
    """
    try:
        lock = json.loads(path.read_text("utf-8"))
        if lock["format"] != 1:
            raise BuildError(f"{path}: expected format 1, got {lock['format']!r}")
        files = []
        for part in lock["components"].values():
            for name, facts in part["files"].items():
                sources = tuple(
                    {kind: text.replace("{name}", name) for kind, text in source.items()}
                    for source in part["sources"]
                )
                target = f"{part['directory']}/{PurePosixPath(name).name}"
                files.append(RuntimeFile(target, facts["sha256"], facts["size"], sources))
        return files, lock["tools"]
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}; restore it from version control") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuildError(f"{path}: not a lock file of this build: {error!r}") from error
