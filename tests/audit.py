"""Look up the pinned Python packages in the database of known vulnerabilities.

    python -m tests.audit

Runs pip-audit, in an environment of its own, on both requirements files. Ends with 1 if a package
has a known vulnerability; where the database cannot be asked it says so, and ends with 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOL = "pip-audit==2.10.1"
HOME = Path(sys.prefix) / "audit"
FILES = ("requirements.txt", "requirements-dev.txt")


def main() -> int:
    """Audit; return the exit code."""
    if not (HOME / "bin" / "pip-audit").exists():
        venv.create(HOME, with_pip=True, clear=True)
        install = [HOME / "bin" / "pip", "--disable-pip-version-check", "install", "-q", TOOL]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            return _not_audited(done.stderr)
    audit = [HOME / "bin" / "pip-audit", "--disable-pip", "--require-hashes", "--format=json"]
    audit += [argument for name in FILES for argument in ("--requirement", name)]
    done = subprocess.run(audit, cwd=ROOT, capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return _not_audited(done.stderr)
    known = [package for package in packages if "skip_reason" not in package]
    if not known:
        return _not_audited("the database knows none of the packages")
    found = [(package, vulnerability) for package in known for vulnerability in package["vulns"]]
    for package, vulnerability in found:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}")
    print(
        f"audit: {len(known)} of {len(packages)} packages looked up, {len(found)} vulnerabilities"
    )
    return int(bool(found))


def _not_audited(report: str) -> int:
    reason = ([line for line in report.splitlines() if line.strip()] or ["no reason given"])[-1]
    print(f"audit: not done, the database cannot be asked: {reason.strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
