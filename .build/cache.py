"""The cache, which spares a build what an earlier one has fetched or made."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from errors import say


def keep(cached: Path, data: bytes) -> None:
    """Put `data` into the cache; the site can be built without one."""
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as beside:
            try:
                beside.write(data)
                beside.flush()
            except OSError:
                os.unlink(beside.name)
                raise
        os.replace(beside.name, cached)
    except OSError as error:
        say(f"not kept in the cache: {error}")
