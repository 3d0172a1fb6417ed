"""The same model in linopy: whole arrays at a time over labelled dimensions, handed over directly, without names.

Spend is a sum of slices, as an expression. What rules count (the money of systems, places and groups) are variables
with rows of their own: written out wherever they stand, they take linopy longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import highspy
import linopy
import numpy as np
import xarray as xr

from benchmarks.bare import OPTIONS
from benchmarks.made import GROUPS, Data

NAMES = "system", "place", "programme", "year"
SHAPES = "plain", "shares", "fairness", "integers", "clash"
"""What is written out here."""


class Grid:
    """A model's figures over the dimensions of its data."""

    def __init__(self, data: Data) -> None:
        self.figures, self.sizes = data.figures, dict(zip(NAMES, data.grid, strict=True))
        self.data = data

    def over(self, values: np.ndarray, *names: str) -> xr.DataArray:
        """Values over these dimensions; one that is not the data's own is as long as it must be."""
        array = np.reshape(values, [self.sizes.get(name, -1) for name in names])
        return xr.DataArray(array, {name: np.arange(n) for name, n in zip(names, array.shape, strict=True)}, names)

    def __getitem__(self, name: str) -> xr.DataArray:
        """A figure of every line or, with steps, of every slice."""
        return self.over(self.figures[name], *NAMES, *(["step"] if name in ("width", "slope") else []))


def model(data: Data) -> tuple[linopy.Model, float]:
    """The model, for data whose lines alone feed their curves, and the constant of its aim, which linopy has not."""
    assert data.shape in SHAPES, f"not written out for {data.shape}"
    grid, m = Grid(data), linopy.Model()
    pieces = m.add_variables(0, grid["width"], name="slice")
    spend = pieces.sum("step") + grid["start"]
    m.add_objective((pieces * (grid["slope"] * grid["weight"])).sum(), sense="max")
    _money(m, grid, spend)
    if data.shape == "integers":
        _choices(m, grid, spend)
    elif data.shape != "plain":
        _rules(m, grid, spend, pieces)
    return m, float(data.figures["weight"] @ data.figures["start_gain"])


def _money(m: linopy.Model, grid: Grid, spend: linopy.LinearExpression) -> None:
    """Money is spent, moved to the next year, or left."""
    amount = grid.over(grid.figures["amount"], "system", "year")
    unspent = m.add_variables(0, coords=amount.coords, name="unspent")
    # Nothing is moved out of the last year.
    most = np.pad(grid.figures["route_high"].reshape(len(amount), -1), ((0, 0), (0, 1)))
    moved = m.add_variables(0, grid.over(most, "system", "year"), name="moved")
    left = spend.sum(["place", "programme"]) + unspent + moved - moved.shift(year=1).fillna(0)
    m.add_constraints(left == amount, name="money")


def _choices(m: linopy.Model, grid: Grid, spend: linopy.LinearExpression) -> None:
    """Nothing, or enough."""
    programme = np.unique(np.unravel_index(grid.data.places["CHOICES"], grid.data.grid)[2])
    names = {**grid.sizes, "programme": len(programme)}
    scale, most = (
        xr.DataArray(np.reshape(grid.figures[name], list(names.values())), dims=NAMES, coords={
            name: programme if name == "programme" else np.arange(size) for name, size in names.items()
        })
        for name in ("scale", "ceiling")
    )  # fmt: skip
    opened = m.add_variables(binary=True, coords=scale.coords, name="opened")
    chosen = spend.sel(programme=programme)
    m.add_constraints(chosen - scale * opened >= 0, name="least")
    m.add_constraints(chosen - most * opened <= 0, name="most")


def _rules(m: linopy.Model, grid: Grid, spend: linopy.LinearExpression, pieces: linopy.Variable) -> None:
    """Totals by place and by system, and the rules of the shape."""
    systems, places = grid.sizes["system"], grid.sizes["place"]
    low, high, term = (grid.figures[name].reshape(systems, -1) for name in ("limit_low", "limit_high", "term"))
    by_place = spend.sum(["programme", "year"])
    place = m.add_variables(coords=by_place.coords, name="place")
    m.add_constraints(place - by_place == 0, name="places")
    if grid.data.shape == "clash":
        m.add_constraints(place >= grid.over(low, "system", "place"), name="floor")
        return
    everything = m.add_variables(coords=[by_place.indexes["system"]], name="everything")
    m.add_constraints(everything - place.sum("place") == 0, name="all")
    factors = grid.over(term[:, : 2 * places], "system", "place", "term")
    body = factors.sel(term=0, drop=True) * everything + factors.sel(term=1, drop=True) * place
    m.add_constraints(body >= grid.over(low[:, :places], "system", "place"), name="least")
    if grid.data.shape == "fairness":
        m.add_constraints(body <= grid.over(high, "system", "place"), name="most")
        return
    by_group = (spend * _staff(grid)).sum(["place", "year"]).groupby(_groups(grid)).sum()
    group = m.add_variables(coords=by_group.coords, name="group")
    m.add_constraints(group - by_group == 0, name="groups")
    share = grid.over(term[:, 2 * places : -1].reshape(systems, GROUPS, 2)[:, :, 0], "system", "group")
    m.add_constraints(group + share * everything <= 0, name="at most")
    gains = (pieces * grid["slope"]).sum([*NAMES[1:], "step"]) + grid["start_gain"].sum(NAMES[1:])
    m.add_constraints(gains >= grid.over(low[:, -1], "system"), name="gains")


def _staff(grid: Grid) -> xr.DataArray:
    """What a line counts for in its group."""
    total, line = grid.data.places["LINE_FACTORS"].T
    mine = total % (grid.sizes["place"] + GROUPS + 2) > grid.sizes["place"]
    factor = np.empty(grid.data.sizes["LINES"])
    factor[line[mine]] = grid.figures["line_factor"][mine]
    return grid.over(factor, *NAMES)


def _groups(grid: Grid) -> xr.DataArray:
    programme = np.arange(grid.sizes["programme"])
    return xr.DataArray(programme % GROUPS, {"programme": programme}, name="group")


def handed_over(both: tuple[linopy.Model, float]) -> highspy.Highs:
    """The model in HiGHS, without a file and without names."""
    with _silence():
        highs = linopy.io.to_highspy(both[0], set_names=False)
    highs.changeObjectiveOffset(both[1])
    for option, value in OPTIONS.items():
        highs.setOptionValue(option, value)
    return highs


@contextmanager
def _silence() -> Iterator[None]:
    """Without the banner that HiGHS prints before it can be told not to."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
