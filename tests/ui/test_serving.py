"""`allocate explore`: it starts for real, is reached from this machine alone under its own name, and ends cleanly."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import allocate as al
from allocate import cli
from allocate.ui import serving
from tests.conftest import SCENARIOS

ROOT = SCENARIOS.parent
TINY = str(SCENARIOS / "tiny")


@dataclass
class Served:
    """An explorer under way: its process, its port, and the line that says where it is."""

    process: subprocess.Popen
    port: int
    line: str

    def asked(self, path: str, host: str = "", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        """How it answers when asked under a name."""
        connection = http.client.HTTPConnection(serving.HOST, self.port, timeout=20)
        connection.request(method, path, headers={"Host": host or f"localhost:{self.port}"} | headers)
        answer = connection.getresponse()
        connection.close()
        return answer


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Iterator[Callable[..., Served]]:
    """Start `allocate explore` without a browser, and wait until it says where it is."""
    started: list[subprocess.Popen] = []

    def begin(*arguments: str, **environment: str) -> Served:
        home = tmp_path_factory.mktemp("home")
        with socket.socket() as one:  # runs side by side must not race for the same port
            one.bind((serving.HOST, 0))
            port = one.getsockname()[1]
        command = [sys.executable, "-m", "allocate.cli", "explore", "--no-browser", "--port", str(port), *arguments]
        process = subprocess.Popen(
            command, cwd=home, env=os.environ | {"ALLOCATE_HOME": str(home)} | environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, line + process.stderr.read()
        return Served(process, int(found[1]), line)

    yield begin
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def served(start) -> Served:
    """One explorer, on tiny, for every test that only asks it something."""
    return start(TINY)


def test_a_practice_file_that_is_not_there(tmp_path, capsys):
    """A practice file that is not there, or is a folder, is refused before anything starts."""
    for path, said in ((tmp_path / "none.csv", "is not there"), (tmp_path, "is a folder")):
        assert cli.main(["explore", TINY, "--no-browser", "--practices", str(path)]) == 2
        assert said in " ".join(capsys.readouterr().err.split())


def test_it_says_where_it_is_in_one_line_and_is_well(served):
    """Once it answers it says its address in one line on stderr, and Streamlit's own health is good."""
    assert served.line == f"The explorer is at http://127.0.0.1:{served.port}. Ctrl-C ends it.\n"
    assert served.asked("/_stcore/health").status == 200


UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", "169.254.169.254"])
def test_another_name_is_refused(served, host):
    """A page elsewhere that points its own name at this machine gets no conversation: all that a visitor sees and does
    goes through this one socket; the rest is an empty page."""
    assert served.asked("/_stcore/stream", host, Origin=f"http://{host}", **UPGRADE).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_another_page_is_refused(served, origin):
    """Nor does a page elsewhere that asks for this machine by its right name."""
    assert served.asked("/_stcore/stream", Origin=origin, **UPGRADE).status == 403


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_its_own_names_are_served(served, name):
    """Under either name of this machine the page comes, and the conversation begins."""
    host = f"{name}:{served.port}"
    assert served.asked("/", host).status == 200
    assert served.asked("/_stcore/stream", host, Origin=f"http://{host}", **UPGRADE).status == 101


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists who listens where in /proc")
def test_it_listens_on_this_machine_alone(served):
    """Nothing listens on its port but on 127.0.0.1: neither on the network nor on IPv6."""
    found = []
    for table in ("tcp", "tcp6"):
        if (path := Path("/proc/net") / table).exists():
            rows = [line.split() for line in path.read_text().splitlines()[1:]]
            found += [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{served.port:04X}")]
    assert found == [f"0100007F:{served.port:04X}"]


def test_nothing_is_sent_without_being_asked_from_here(served):
    """A file cannot be put from another page: without Streamlit's token the upload is refused."""
    assert served.asked("/_stcore/upload_file/session/file", method="PUT").status == 403


def test_a_port_that_is_taken_is_said(served, capsys):
    """A port that something else listens on is refused in words, with exit code 2, and nothing is started."""
    assert cli.main(["explore", TINY, "--port", str(served.port), "--no-browser"]) == 2
    out, words = capsys.readouterr()
    assert out == ""
    assert f"--port: '{served.port}' cannot be had: something else listens there" in words


def test_without_a_port_the_next_free_one_is_taken(served, monkeypatch):
    """Two explorers run side by side: a port that is taken is passed over."""
    monkeypatch.setattr(serving, "FIRST_PORT", served.port)
    assert serving.FIRST_PORT < serving.free_port(None) < served.port + serving.PORTS


@pytest.mark.skipif(os.name == "nt", reason="signals are told differently there")
@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(start, told):
    """Ctrl-C, or being told to end, ends it with exit code 0, without a traceback, and its port is free again."""
    one = start(TINY)
    one.process.send_signal(told)
    out, words = one.process.communicate(timeout=20)
    assert one.process.returncode == 0
    assert out == ""
    assert "Traceback" not in words
    until = time.monotonic() + 10
    while not serving.is_free(one.port) and time.monotonic() < until:
        time.sleep(0.05)
    assert serving.is_free(one.port)


@pytest.mark.skipif(os.name == "nt", reason="processes are ended differently there")
def test_that_it_failed_is_said(start):
    """Where the server behind it ends by itself, that is our fault and is said, with exit code 1."""
    one = start(TINY)
    children = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children")
    if not children.exists():
        pytest.skip("only Linux lists whose child is whose in /proc")
    for child in children.read_text().split():
        os.kill(int(child), signal.SIGKILL)
    _, words = one.process.communicate(timeout=20)
    assert one.process.returncode == 1
    assert "the explorer ended by itself, with exit code -9" in words


# --- the folders ----------------------------------------------------------------------------------------------------


def test_folders_are_looked_at_first(tmp_path, capsys):
    """What is wrong with any of the folders is said at once, in words, with exit code 2, before anything is started."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / f"two{os.pathsep}parts").mkdir()
    names = ["nowhere", "file", "empty", f"two{os.pathsep}parts"]
    assert cli.main(["explore", *(str(tmp_path / name) for name in names), TINY, "--no-browser"]) == 2
    out, words = capsys.readouterr()
    assert out == ""
    for said in (
        "nowhere: is not there",
        "file: is a file",
        "empty: holds no scenario.toml",
        "in its name or above it",
    ):
        assert said in words
    assert "4 problems" in words


def test_folders_become_whole(monkeypatch):
    """Folders are named in full, so that it does not matter where Streamlit runs; one above several will do."""
    monkeypatch.chdir(SCENARIOS)
    assert serving.checked(["tiny", ".", "../scenarios/tiny"]) == [SCENARIOS / "tiny", SCENARIOS, SCENARIOS / "tiny"]


@pytest.mark.parametrize("text", ["0", "65536", "-1", "8501.0", "eight", "", "٣"])
def test_a_port_is_a_port(text, capsys):
    """A port that is none is refused by the command line itself."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["explore", f"--port={text}"])
    assert ended.value.code == 2
    assert "is not a whole number from 1 to 65535" in capsys.readouterr().err


def test_no_free_port_is_said(monkeypatch):
    """Where every port that is tried is taken, the way out is named."""
    monkeypatch.setattr(serving, "is_free", lambda port: False)
    with pytest.raises(al.ScenarioError, match=r"8501 to 8550.*name a free one with --port"):
        serving.free_port(None)


def test_the_browser_is_opened_once_it_answers(monkeypatch):
    """The browser is sent to the address when the explorer is well, not before; and not at all where that is asked."""
    happened: list[str] = []

    class Server:
        returncode = 0

        def wait(self) -> None:
            raise KeyboardInterrupt

    class Child:
        def __enter__(self) -> Server:
            return Server()

        def __exit__(self, *_: object) -> None:
            happened.append("ended")

    monkeypatch.setattr(serving, "child", lambda port, environment: Child())
    monkeypatch.setattr(serving, "wait_until_healthy", lambda server, address: happened.append("well"))
    monkeypatch.setattr(serving.webbrowser, "open", happened.append)
    assert serving.explore([TINY], 8599) == 0
    assert serving.explore([TINY], 8599, open_browser=False) == 0
    assert happened == ["well", "http://127.0.0.1:8599", "ended", "well", "ended"]


def test_it_asks_health_directly():
    """Nobody there is not healthy, and is said so without an error."""
    with socket.socket() as one:
        one.bind((serving.HOST, 0))
        assert not serving.is_healthy(f"http://{serving.HOST}:{one.getsockname()[1]}")


# --- installed ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_a_wheel_carries_the_explorer(wheel):
    """An installed wheel has the script, its settings, font, pages, look and every example, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("allocate/ui/")}
    ui = ROOT / "src" / "allocate" / "ui"
    expected = {f"allocate/ui/{path.relative_to(ui).as_posix()}" for path in files(ui)}
    outside = [ROOT / "app.py", ROOT / "scenarios" / "README.md", *files(ROOT / ".streamlit"), *files(ROOT / "static")]
    for path in (ROOT / "scenarios").glob("*/scenario.toml"):
        outside += files(path.parent)
    expected |= {f"allocate/ui/explorer/{path.relative_to(ROOT).as_posix()}" for path in outside}
    assert held == expected


def files(folder: Path) -> list[Path]:
    """Every file under a folder, without what Python leaves behind."""
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_an_installed_wheel_serves_the_examples(wheel, start, tmp_path):
    """From a wheel alone, in any folder, it starts with its own settings: this machine only, under its own names."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    one = start(PYTHONPATH=str(tmp_path))
    assert (tmp_path / "allocate" / "ui" / "explorer" / "app.py").is_file()
    assert one.asked("/_stcore/health").status == 200
    assert one.asked("/_stcore/stream", "evil.example", Origin="http://evil.example", **UPGRADE).status == 403
    assert one.asked("/app/static/inter.woff2").status == 200
