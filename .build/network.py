"""The network's package, packed for the page once its weights are known to be whole."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from errors import BuildError, say
from nn import weights


def pack_nn(nn: Path) -> bytes:
    """Return a zip of the package at `nn` (its modules and weights), the same for the same content.

    Raises BuildError if the weights are missing or damaged.

    Entries are stored, not deflated: the bytes then do not depend on the version of zlib, and the
    browser's Python reads them faster.
    """
    trained = nn / "weights.npz"
    if not trained.is_file():
        raise BuildError(
            f"{trained} is missing: restore it from version control, "
            "or make it with `python -m train`"
        )
    try:
        weights.load(trained)
    except weights.WeightsError as error:
        raise BuildError(f"not shipping these weights: {error}") from error
    teaching = fitting_rehearsal(nn)
    if (nn / "rehearsal.npz").is_file() and not teaching:
        say(
            f"leaving teaching out: {nn / 'rehearsal.npz'} belongs to other weights; "
            "`python -m train rehearsal` makes it again"
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted([*nn.rglob("*.py"), trained, *teaching]):
            entry = zipfile.ZipInfo(f"nn/{path.relative_to(nn).as_posix()}")
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is built
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()


def fitting_rehearsal(nn: Path) -> list[Path]:
    """Return the file that the page rehearses while it is taught, if made for these weights."""
    rehearsal, trained = nn / "rehearsal.npz", nn / "weights.npz"
    try:
        with zipfile.ZipFile(rehearsal) as archive:
            stated = archive.read("weights.npy")[-64:]
    except (OSError, KeyError, zipfile.BadZipFile):
        return []
    fits = stated == hashlib.sha256(trained.read_bytes()).hexdigest().encode()
    return [rehearsal] if fits else []
