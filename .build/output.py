"""Where a site goes: whole or not at all, and over nothing that no build has made."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from errors import BuildError, say

try:
    import fcntl
except ImportError:  # Windows: builds into one target do not wait for each other there
    fcntl = None  # type: ignore[assignment]


def refuse_to_overlap(out: Path, root: Path) -> None:
    """Raise unless `out` is apart from the sources."""
    for name in ("site", "nn", ".build"):
        source = (root / name).resolve()
        if out == source or source in out.parents or out in source.parents:
            raise BuildError(
                f"--out {out}: overlaps the sources in {source}; choose another directory"
            )


@contextlib.contextmanager
def turn(target: Path) -> Iterator[None]:
    """Let builds into one target take turns, or one would look at what another is replacing.

    The lock is on the directory above: it leaves no file behind, and ends with its process.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks, as some network ones are
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another build into {target.parent} to end")
                fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def refuse_to_overwrite(out: Path, unlisted: Collection[str]) -> None:
    """Raise unless `out` is new, empty or an earlier build.

    The manifest of that lists all its files but those that may be `unlisted`.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise BuildError(f"--out {out}: is a file; give a directory")
    if out.is_mount():
        raise BuildError(f"--out {out}: is a mount point, which cannot be replaced; go within it")
    try:
        earlier = json.loads((out / "generated" / "manifest.json").read_text("utf-8"))
        entries = [*earlier["files"], *earlier.get("fallback", [])]
        known = {entry["path"] for entry in entries} | set(unlisted)
    except (OSError, ValueError, KeyError, TypeError):
        known = set()
    for path in out.rglob("*"):
        is_file = path.is_symlink() or not path.is_dir()  # no build makes links, to files or not
        if is_file and path.relative_to(out).as_posix() not in known:
            raise BuildError(
                f"--out {out}: would be replaced, but {path} is not from an earlier build; "
                "move it away or choose an empty directory"
            )


def write_directory(target: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` beside `target` and put them in its place in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}-*"):  # of a build that was killed
        with contextlib.suppress(OSError):  # no directory, or one that another build has deleted
            # What holds anything else has a name like that by chance: .site-backup.
            ours = {"new", "old"}.issuperset(os.listdir(leftover))
            if ours and time.time() - leftover.stat().st_mtime > 3600:
                shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        new = work / "new"
        for name, data in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        while not replace_directory(new, target, work / "old"):
            pass
    finally:
        shutil.rmtree(work, ignore_errors=True)


def replace_directory(new: Path, target: Path, old: Path) -> bool:
    """Rename `new` to `target`; False if another build came between: then try again."""
    try:
        os.rename(new, target)
        return True
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    try:  # Linux can exchange two directories in one step
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        if rename(here, os.fsencode(new), here, os.fsencode(target), exchange) == 0:
            return True
    except (AttributeError, OSError, TypeError):
        pass
    try:
        os.rename(target, old)
    except FileNotFoundError:
        return False
    try:
        os.rename(new, target)
    except OSError:
        os.rename(old, target)
        raise
    return True
