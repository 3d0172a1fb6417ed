"""A problem with an aim laid over it: an ordinary problem again, with curves for what the aim says things are worth."""

from __future__ import annotations

import numpy as np
import pytest

from allocate.engine.certificate import Flows, certify
from allocate.engine.optimum import Options
from allocate.engine.piece import best
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.engine.welfare import PER_VALUE, Laid, Welfare, firm
from allocate.rules.tally import Limit, Row, Tally
from tests.engine.aiming import places, straight

PEOPLE = [3000.0, 1000.0]


def under() -> Problem:
    return Problem.of(places(straight(4e-3, 1e-3), PEOPLE, 1e6))


def values(problem: Problem) -> tuple[list[Row], Tally]:
    """What a person of each place gains, as rows."""
    tally = Tally(problem.scenario)
    rows = []
    for k, people in enumerate(PEOPLE):
        rows.append((1 / people) * tally.gain(np.arange(2) == k, "health"))
    return rows, tally


def welfare(rows: list[Row], least: float = 0.0) -> Welfare:
    return Welfare(rows, np.array(PEOPLE) / sum(PEOPLE), 2.0, least)


def solved(problem: Problem) -> Flows:
    return best(problem, Options(), Watch(), lambda session, within, found: found, settle=False).flows


def test_it_asks_in_lines_curves_and_limits():
    """An amount is a line, a worth a line under a curve, and each has a limit; what was there stays first."""
    problem = under()
    rows, tally = values(problem)
    shape = welfare(rows)
    edge = shape.amount()
    shape.at_least(rows[0] - edge)
    shape.worth(rows[1], 0.25, 2.0)
    laid = Laid.over(problem, shape, tally.totals)
    mine = laid.problem
    assert shape.count == 3
    assert len(mine.low) == len(problem.low) + 3
    assert len(mine.curves) == len(problem.curves) + 1
    assert len(mine.limits) == len(problem.limits) + 2
    assert mine.weight.tolist() == [0.0, 0.0, 0.25]
    assert laid.scale == PER_VALUE * problem.units.money
    np.testing.assert_array_equal(mine.low[:2], problem.low)
    # The first amount is one, for constants; all are paid by an envelope of their own.
    assert mine.low[2] == mine.high[2] == laid.scale
    assert mine.amount[-1] == mine.high[2:].sum()
    assert mine.curves.exponent[-1] == -1.0
    assert laid.flows(Flows(mine.low, np.zeros(0))).spend.tolist() == problem.low.tolist()


@pytest.mark.parametrize(("aversion", "expected"), [(0.5, (12, 1)), (1.0, (3, 1)), (2.0, (1.5, 1))])
def test_worths_are_maximised(aversion, expected):
    """Two worths, weighed by people: spending is parted as their closed form says, and amounts are the values."""
    problem = under()
    rows, tally = values(problem)
    shape = welfare(rows, 1e-3)
    for row, part in zip(rows, shape.parts, strict=True):
        shape.worth(row, part, aversion)
    laid = Laid.over(problem, shape, tally.totals)
    flows = solved(laid.problem)
    spend = laid.flows(flows).spend
    assert spend == pytest.approx(1e6 * np.array(expected) / sum(expected), rel=1e-4)
    gained = np.array([4e-3, 1e-3]) * spend / PEOPLE
    assert laid.amounts(flows)[1:] == pytest.approx(gained, rel=1e-6)
    power = 1 - aversion
    worth = np.log(gained) if power == 0 else (gained**power - 1) / power
    assert laid.problem.value(flows.spend) == pytest.approx(shape.parts @ worth, rel=1e-6)
    assert not certify(laid.problem, flows, np.inf).breaches


def test_a_ladder_can_be_held_rung_by_rung():
    """The lowest is as high as can be; with other ends the rungs under places that are done are no longer asked."""
    problem = under()
    rows, tally = values(problem)
    shape = welfare(rows)
    shape.ladder()
    laid = Laid.over(problem, shape, tally.totals)
    lowest = laid.amounts(solved(laid.problem))[shape.worths[0].line]
    assert lowest == pytest.approx(4 / 7, rel=1e-6)
    # Only b's rung is left, and a is held at a fifth.
    freed = laid.ends(laid.problem, np.array([-np.inf, 0.0, 0.2, 0.0]))
    assert laid.amounts(solved(freed))[shape.worths[0].line] == pytest.approx(1 - 0.2 * 3 / 4, rel=1e-6)
    # The problem that it was made from is as it was.
    assert laid.problem.terms.ends[0, -4:].tolist() == [0.0] * 4


def test_more_limits_are_kept():
    """A limit on what may be given up is kept beside what the shape asks."""
    problem = under()
    rows, tally = values(problem)
    shape = welfare(rows)
    shape.ladder()
    most = Limit("aim", "what may be given up", tally.gain(np.ones(2, dtype=bool), "health"), 3600.0, np.inf, "health")
    laid = Laid.over(problem, shape, tally.totals, [most])
    spend = laid.flows(solved(laid.problem)).spend
    assert spend @ [4e-3, 1e-3] == pytest.approx(3600.0)
    assert spend[1] == pytest.approx(400 / 3e-3)


def test_what_does_not_bend_is_firm():
    """A problem whose limits are firm is itself; those that bend are held where the flows bend them to."""
    problem = under()
    assert firm(problem, Flows(problem.low, np.zeros(0))) is problem
    bends = [{"by": 1e5, "price": 1.0}, {"price": 5.0}]
    rules = {"floor": {"kind": "floor", "amount": 4e5, "where": {"places": ["b"]}, "bends": bends}}
    bending = Problem.of(places(straight(4e-3, 1e-3), PEOPLE, 1e6, rules))
    held = firm(bending, Flows(np.array([7e5, 3e5]), np.zeros(0)))
    assert held.terms.ends[0, 0] == 3e5
    assert not held.bends
    assert firm(bending, Flows(np.array([5e5, 5e5]), np.zeros(0))).terms.ends[0, 0] == 4e5
