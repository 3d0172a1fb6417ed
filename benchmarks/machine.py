"""What figures depend on: machine, versions, commit; and what a process holds in memory."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
PACKAGES = "allocate", "pyomo", "highspy", "numpy", "pandas", "linopy", "cvxpy", "scipy"


BLAS = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"


@contextmanager
def one_thread() -> Iterator[None]:
    """With one thread for linear algebra, in libraries that are loaded, those that will be, and processes started here.

    OpenBLAS shares out even a product of two vectors if they have more than 10,000 numbers, and its other threads then
    spin for a tenth of a second: their processor time would be counted with whatever comes next.
    """
    before = {name: os.environ.get(name) for name in BLAS}
    os.environ.update(dict.fromkeys(BLAS, "1"))
    try:
        with threadpool_limits(1):
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def machine() -> dict[str, str | int]:
    """Machine, versions and commit. Nothing that names a person, a host or a folder."""
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "commit": commit(),
        "machine": f"{processor()} {platform.machine()} {platform.system()}",
        "cores": os.cpu_count() or 0,
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "",
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def processor() -> str:
    """The processor's model, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def commit() -> str:
    """The commit measured, with a plus sign where files differ from it."""
    try:
        asked = (["git", "rev-parse", "--short", "HEAD"], ["git", "status", "--porcelain", "--untracked-files=no"])
        name, differ = (
            subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()
            for command in asked
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + ("+" if differ else "")


def megabytes(name: str) -> float | None:
    """What this process holds (VmRSS), or held at most (VmHWM); None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), None)
