"""What every test may ask for: the shipped scenarios, read once, and a copy of tiny to break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

import allocate as al

SCENARIOS = Path(__file__).parent.parent / "scenarios"
SMALL = ("tiny", "participatory-budget", "health-benefits-package")

settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")
# Hypothesis also draws the numbers that it finds in whatever modules are loaded: examples would follow what ran before.
providers._get_local_constants = lambda: providers.Constants()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Where the whole suite is asked for, a process for every core, each taking files; what is named runs in this one.
    `-n 0` runs everything in this one too."""
    if hasattr(config, "workerinput"):  # one of those processes, which must start none of its own
        return
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if whole and config.pluginmanager.hasplugin("xdist") and config.option.numprocesses is None:
        config.option.numprocesses, config.option.dist = "auto", "loadfile"


@pytest.fixture(scope="session")
def tiny() -> al.Scenario:
    """The scenario solved by hand in scenarios/tiny/README.md."""
    return al.read(SCENARIOS / "tiny")


@pytest.fixture(scope="session")
def plan(tiny) -> al.Plan:
    """The plan of the scenario solved by hand."""
    return al.solve(tiny)


@pytest.fixture(scope="session")
def system() -> al.Plan:
    """The plan of a real system."""
    return al.solve(al.read(SCENARIOS / "coventry-warwickshire"))


@pytest.fixture(scope="session", params=SMALL)
def small(request) -> al.Scenario:
    """Each of the small scenarios in turn."""
    return al.read(SCENARIOS / request.param)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of scenarios/tiny that a test may spoil."""
    return Path(shutil.copytree(SCENARIOS / "tiny", tmp_path / "tiny"))
