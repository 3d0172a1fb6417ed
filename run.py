"""Run a command of the project in an environment of its own, made on first use.

    python3 run.py allocate explore
    python3 run.py allocate solve scenarios/coventry-warwickshire
    python3 run.py pytest

The environment is .venv beside this file, with exactly the packages of requirements.lock (checked by their hashes) and
this checkout. It is made again when the lock changes. Needs Python 3.11 or later and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE / ".venv"
BIN = HOME / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


def main() -> int:
    """Make the environment if need be, then run the command in it."""
    if sys.version_info < (3, 11):
        print(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    mark, wanted = HOME / "made-from", fingerprint()
    if not (mark.exists() and mark.read_text() == wanted):
        if (code := make()) != 0:
            return code
        mark.write_text(wanted)
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}", "VIRTUAL_ENV": str(HOME)}
    command = [str(BIN / sys.argv[1]), *sys.argv[2:]] if sys.argv[1] != "python" else [str(PYTHON), *sys.argv[2:]]
    try:
        if os.name == "posix":  # become the command, so that Ctrl-C and every other signal are its own
            os.execve(command[0], command, environment)
        return subprocess.run(command, env=environment, check=False).returncode
    except FileNotFoundError:
        print(f"There is no {sys.argv[1]} in .venv; try allocate, pytest, ruff, mypy or python.", file=sys.stderr)
        return 2


def fingerprint() -> str:
    """What the environment is made from: the lock, the project's own metadata, and the Python that made it."""
    content = (HERE / "requirements.lock").read_bytes() + (HERE / "pyproject.toml").read_bytes()
    return f"{hashlib.sha256(content).hexdigest()} {sys.version.split()[0]} {HERE}"


def make() -> int:
    """Make the environment anew; 0 when it is ready."""
    print("Installing the locked packages into .venv (once) ...", file=sys.stderr)
    try:
        venv.create(HOME, clear=True, with_pip=True)
    except (OSError, subprocess.CalledProcessError, ImportError):
        print("Python cannot make environments here. On Debian and Ubuntu: apt install python3-venv", file=sys.stderr)
        return 1
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for step in (
        [*pip, "--require-hashes", "-r", str(HERE / "requirements.lock")],
        [*pip, "--no-deps", "--no-build-isolation", "--editable", str(HERE)],
    ):
        if (code := subprocess.run(step, check=False).returncode) != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
