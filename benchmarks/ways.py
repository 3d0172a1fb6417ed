"""The registry of ways from data to a solution: all are given the same data, and must find the same optimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from allocate.compiler import Arrays, Compiled
from allocate.engine.highs import Impossible, Solver
from allocate.engine.model import DECLARATION, Figures
from benchmarks import bare
from benchmarks.made import SHAPES, Data


@dataclass(frozen=True)
class Way:
    """What a way takes, off the clock, and then builds, hands over and solves (None where there is no solution).

    `needs` packages; knows `shapes`, every one where none is named."""

    take: Callable[[Data], Any]
    build: Callable[[Any], Any]
    hand_over: Callable[[Any], Any]
    solve: Callable[[Any], float | None]
    needs: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()

    def why_not(self, data: Data) -> str | None:
        """Why this way is not gone with these data."""
        if missing := [name for name in self.needs if find_spec(name) is None]:
            return f"not installed: {', '.join(missing)} (pip install 'allocate[bench]')"
        if self.shapes and data.shape not in self.shapes:
            return f"not written out for {data.shape}"
        return None


def _compiled(given: tuple[dict, Figures]) -> Arrays:
    return Compiled.of(DECLARATION, given[0]).arrays(given[1])


def _solved(solver: Solver) -> float | None:
    try:
        return solver.run(bare.LIMIT).value
    except Impossible:
        return None


def _late(module: str, name: str, *arguments: Any) -> Any:
    """A function of a module that is imported when it is first called."""
    return getattr(import_module(f"benchmarks.{module}"), name)(*arguments)


def _by(module: str, *names: str) -> tuple:
    return tuple(partial(_late, module, name) for name in names)


def _same(data: Data) -> Data:
    return data


WRITTEN = "bare, totals written out"
"""The same by hand, with no column for any total: not the engine's model, but one with the same answers."""
WAYS = {
    "bare highspy": Way(_same, bare.by_hand, bare.handed_over, bare.solved),
    "compiled": Way(lambda data: (data.members, data.figures), _compiled, Solver, _solved),
    WRITTEN: Way(_same, partial(bare.by_hand, named=False), bare.handed_over, bare.solved),
    "linopy": Way(
        _same, *_by("with_linopy", "model", "handed_over"), bare.solved, ("linopy", "xarray"),
        ("plain", "shares", "fairness", "integers", "clash"),
    ),
    "cvxpy": Way(_same, *_by("with_cvxpy", "model", "handed_over", "solved"), ("cvxpy", "scipy")),
    "Pyomo, persistent": Way(*_by("with_pyomo", "tables", "model", "persistent", "solved_persistent")),
    "Pyomo, appsi": Way(*_by("with_pyomo", "tables", "model", "appsi", "solved_appsi")),
    "Pyomo, LP file": Way(*_by("with_pyomo", "tables", "model", "by_file"), bare.solved),
}  # fmt: skip
"""Every way by its name; the first is what others are compared with."""
BARE, COMPILED = list(WAYS)[:2]
assert {shape for way in WAYS.values() for shape in way.shapes} <= set(SHAPES)
