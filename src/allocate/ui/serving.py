"""Serving the explorer on this machine: Streamlit as a child process, its address, and a clean end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from allocate.errors import AllocateError, Problem, ScenarioError

SCENARIOS = "ALLOCATE_SCENARIOS"
"""The environment variable that names the folders to open, as PATH names folders."""
PRACTICES = "ALLOCATE_PRACTICES"
"""The environment variable that names NHS England's practice file, for the page of places."""
HOST, FIRST_PORT, PORTS = "127.0.0.1", 8501, 50
"""Where it listens, as .streamlit/config.toml says too, and the ports that are tried where none is asked for."""
PATIENCE = 60.0
"""Seconds that it may take to start, and a few of them to end."""


def explore(
    folders: Sequence[str | Path] = (), port: int | None = None, open_browser: bool = True, practices: str | Path = ""
) -> int:
    """Serve the explorer until Ctrl-C, on these folders (each a scenario, or one above several) or on the examples.
    Places opens on the practice file that `practices` names.

    Returns the exit code. Raises ScenarioError where a folder or the port will not do, AllocateError where it fails.
    """
    environment = dict(os.environ)
    if folders:
        environment[SCENARIOS] = os.pathsep.join(str(folder) for folder in checked(folders))
    if practices:
        environment[PRACTICES] = str(a_file(practices))
    chosen = free_port(port)
    address = f"http://{HOST}:{chosen}"
    with ended_by_a_signal(), child(chosen, environment) as server:
        try:
            wait_until_healthy(server, address)
            print(f"The explorer is at {address}. Ctrl-C ends it.", file=sys.stderr, flush=True)
            if open_browser:
                webbrowser.open(address)
            server.wait()
        except KeyboardInterrupt:
            return 0
    raise AllocateError(f"the explorer ended by itself, with exit code {server.returncode}")


def a_file(path: str | Path) -> Path:
    """The path of a file in full. Raises ScenarioError where there is none."""
    if not Path(path).is_file():
        is_there = "is a folder" if Path(path).exists() else "is not there"
        raise ScenarioError("command line", [Problem("--practices", is_there, value=str(path), fix="name a file")])
    return Path(path).resolve()


def checked(folders: Sequence[str | Path]) -> list[Path]:
    """The folders in full. Raises ScenarioError with everything wrong with any of them."""
    problems = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            problems.append(
                Problem(str(folder), "is a file" if folder.exists() else "is not there", fix="name a folder")
            )
        elif os.pathsep in str(folder.resolve()):
            problems.append(
                Problem(str(folder), f"has {os.pathsep} in its name or above it", fix="call it something else")
            )
        elif not holds_scenarios(folder):
            fix = "name a scenario's folder, or the folder above several"
            problems.append(Problem(str(folder), "holds no scenario.toml, nor a folder that does", fix=fix))
    if problems:
        raise ScenarioError("command line", problems)
    return [Path(folder).resolve() for folder in folders]


def holds_scenarios(folder: Path) -> bool:
    """Whether a folder is a scenario's, or one above scenarios."""
    return any(path.is_file() for pattern in ("scenario.toml", "*/scenario.toml") for path in folder.glob(pattern))


def script() -> Path:
    """The script that Streamlit runs: inside the package where it was installed, at the top of a checkout."""
    here = Path(__file__).resolve()
    for folder in (here.with_name("explorer"), here.parents[3]):
        if (folder / "app.py").is_file():
            return folder / "app.py"
    raise AllocateError("the explorer's app.py is missing: install allocate again")


def free_port(asked: int | None) -> int:
    """The port asked for, or the first free one. Raises ScenarioError where it is taken."""
    for port in [asked] if asked is not None else range(FIRST_PORT, FIRST_PORT + PORTS):
        if is_free(port):
            return port
    fix = "choose another, or leave --port out" if asked is not None else "name a free one with --port"
    value = str(asked) if asked is not None else f"{FIRST_PORT} to {FIRST_PORT + PORTS - 1}"
    raise ScenarioError(
        "command line", [Problem("--port", "cannot be had: something else listens there", value=value, fix=fix)]
    )


def is_free(port: int) -> bool:
    """Whether something could listen on a port of this machine."""
    with socket.socket() as listener:
        if os.name != "nt":  # there it would take a port away from who has it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def child(port: int, environment: Mapping[str, str], page: Path | None = None) -> Iterator[subprocess.Popen]:
    """Streamlit on a port with the explorer, or another page, ended on the way out. What it prints goes to stderr."""
    options = ["--server.port", str(port), "--logger.hideWelcomeMessage", "true", "--logger.level", "warning"]
    command = [sys.executable, "-m", "streamlit", "run", str(page or script()), *options]
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=2) as server:
        try:
            yield server
        finally:
            server.terminate()
            try:
                server.wait(timeout=PATIENCE / 10)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                server.kill()


@contextmanager
def ended_by_a_signal() -> Iterator[None]:
    """Being told to end is as good as Ctrl-C, so that no server stays behind."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def wait_until_healthy(server: subprocess.Popen, address: str) -> None:
    """Come back once the explorer answers. Raises AllocateError where it ended instead, or never does."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        if is_healthy(address):
            return
        time.sleep(0.05)
    raise AllocateError(
        "the explorer did not start" + (f" within {PATIENCE:.0f} seconds" if server.poll() is None else "")
    )


def is_healthy(address: str) -> bool:
    """Whether a server answers at an address on this machine, asked directly, whatever proxy is set."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{address}/_stcore/health", timeout=2
        ) as said:
            return said.status == 200
    except OSError:
        return False
