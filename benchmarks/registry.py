"""The registry of models (size x shape) beside the scenarios in `cases`, and the rows in which results are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import allocate as al
from benchmarks.cases import SCENARIOS
from benchmarks.made import PLACES, Data, made, of_scenario
from benchmarks.timing import Seconds, spread

Row = dict[str, Any]
FIGURES = (
    "case", "phase", "way", "slices", "runs", "cpu_median", "cpu_p95", "wall_median", "wall_p95", "wall_least",
    "peak_mb", "note",
)  # fmt: skip
"""What a row says of a measurement, before what it says of the machine."""


LARGE = 100
"""Places from which a model is large."""


@dataclass(frozen=True)
class Model:
    """A model that all ways can be given: where its data come from."""

    name: str
    data: Callable[[], Data]
    large: bool = False
    """whether it is measured only where it is named"""


def _made(shape: str, systems: int, places: int = PLACES) -> Model:
    name = f"{shape}-{systems}" if places == PLACES else f"{shape}-{systems}x{places}"
    return Model(name, partial(made, shape, systems, places), systems * places >= LARGE)


def _scenario(name: str) -> Model:
    return Model(f"{name} model", lambda: of_scenario(al.read(SCENARIOS / name)))


MODELS = {
    model.name: model
    for model in (
        *(_made(shape, systems) for shape in ("plain", "shares") for systems in (1, 5, 42)),
        _made("joined", 5), _made("integers", 1), _made("clash", 1), _made("fairness", 1), _made("fairness", 1, 100),
        _made("pairs", 1, 100), _made("shares", 1, 1), _scenario("coventry-warwickshire"),
        _scenario("greater-manchester"),
    )
}  # fmt: skip
"""Every model by its name: shape-systems, or shape-systems x places."""


def row(case: str, phase: str, way: str, slices: int, times: Sequence[Seconds], note: str = "", **more: Any) -> Row:
    """A row of results."""
    told = {"case": case, "phase": phase, "way": way, "slices": slices, "runs": len(times), "note": note}
    return dict.fromkeys(FIGURES, "") | told | spread(times) | more
