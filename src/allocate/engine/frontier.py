"""What fairness costs: the most that an aim's score can be, for each part of the best plan's gain that is given up.

The most benefit is found once and the fairest plan once; between them, at even steps of what is given up, each point is
one stage of `fairest`. Where all that may be given up is spent, that stage's plan is the point: no other is as fair and
gives up no more. Where it is not (with choices), the most benefit of the plans that are as fair is found too. This is
the epsilon-constraint method (Haimes, Lasdon and Wismer 1971, IEEE Transactions on Systems, Man, and Cybernetics 1);
every point is bounded by weak duality, so that what is shown as the most has that as its proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from allocate.engine.certificate import Flows
from allocate.engine.fairest import LEAST_GIVEN, Sight, discrete, most_of_the_fair, sighted, stages, what_is_kept
from allocate.engine.optimum import Optimum, Options
from allocate.engine.piece import Clash, best, itself
from allocate.engine.problem import Problem
from allocate.engine.watch import Stopped, Watch
from allocate.engine.welfare import firm, no_further
from allocate.errors import ScenarioError
from allocate.rules.aims import BottomUp, Fair, WorstOff

Array = np.ndarray
Tick = Callable[[int, int], bool | None]
FINE = 1e-6
"""The gap that points are refined to, as a part of what is at stake for the aim: no eye sees less in a picture. The
ends are exact."""


@dataclass(frozen=True, eq=False)
class Point:
    """A plan on the frontier, before rounding: its flows, its value in units of the agreed aim, the part of the best
    gain that it gives up, its score, and the score that no plan exceeds that gives up no more."""

    flows: Flows
    value: float
    given_up: float
    score: float
    bound: float


@dataclass(frozen=True, eq=False)
class Traced:
    """A frontier: its points, the most benefit first and the fairest last.

    value     the most of the agreed outcome that any plan buys
    gain      that less what today's spending buys (or the least, where that is nothing): what is given up is a part
    at_stake  the highest score that any plan could have, less that of the least spending
    discrete  whether there are choices: then nothing between two points need be possible
    whole     False where it was stopped before all points were found
    """

    sight: Sight
    points: tuple[Point, ...]
    value: float
    gain: float
    at_stake: float
    discrete: bool
    whole: bool

    def score(self, spend: Array) -> float:
        """The score of pounds on lines."""
        return self.sight.score(self.sight.values(spend))


def trace(problem: Problem, aim: Fair, points: int, options: Options, watch: Watch, tick: Tick | None = None) -> Traced:
    """The frontier of a problem by an aim, whatever that says may be given up: so many points, or as many as what is
    given up can be told apart. Of an aim that raises places from the bottom up it is that of the lowest place.

    `tick(done, total)` is told how far it is; once it returns False, or the watch is stopped, the points between that
    are not found yet are left out. Raises what `fairest.solved_fairly` does."""
    watch.begin(options.seconds)
    tracing = _Tracing.of(problem, _scored(aim), options, watch)
    low = np.where(problem.choices, 0.0, problem.low)
    fairest = tracing.fairest()
    at_stake = max(fairest.bound - tracing.sight.score(tracing.sight.values(low)), 1e-12)
    first, steps = tracing.first(), min(points - 1, int(fairest.given_up / LEAST_GIVEN))
    found, whole = [first], True
    for k in range(1, steps):
        if watch.stopped or (tick is not None and tick(k + 1, steps + 1) is False):
            whole = False
            break
        try:
            watch.enter(f"point {k + 1} of {steps + 1}")
            found += tracing.point(fairest.given_up * k / steps)
        except Stopped:
            # One that nobody waits for any more is stopped here again.
            watch.left()
            whole = False
            break
    if steps > 0:
        found.append(fairest)
    most = tracing.most.certificate
    watch.settle(most.value, most.bound)
    return Traced(tracing.sight, tuple(found), most.value, tracing.gain, at_stake, tracing.discrete, whole)


def _scored(aim: Fair) -> Fair:
    """The aim whose worth is this one's score, with nothing said of what may be given up."""
    if isinstance(aim, BottomUp):
        fields = {name: getattr(aim, name) for name in BottomUp.model_fields}
        return WorstOff.model_construct(**fields | {"part": 0.0, "give_up": None})
    return aim.model_copy(update={"give_up": None})


@dataclass(frozen=True, eq=False)
class _Tracing:
    """What every point needs: the most benefit, the aim's sight of places, and the gain that parts are taken of."""

    problem: Problem
    sight: Sight
    most: Optimum
    gain: float
    options: Options
    watch: Watch

    @classmethod
    def of(cls, problem: Problem, aim: Fair, options: Options, watch: Watch) -> _Tracing:
        most = best(problem, options, watch, itself)
        sight = sighted(aim, problem, most, options, watch)
        return cls(problem, sight, most, what_is_kept(sight, most)[1], options, watch)

    @property
    def discrete(self) -> bool:
        return discrete(self.problem)

    def first(self) -> Point:
        """The most benefit, nearest to today; bounded by what giving up the least that can be weighed would reach."""
        bound = max((point.bound for point in self.point(LEAST_GIVEN)), default=0.0)
        return self._told(self.most.flows, bound)

    def point(self, give_up: float) -> list[Point]:
        """The fairest plan that gives up at most this part of the gain; none where every such plan leaves some place
        with nothing, and the aim means nothing then."""
        try:
            return [self._fairest(give_up)]
        except (Clash, ScenarioError):
            if self.watch.stopped or not self.sight.aim.positive:
                raise
            return []

    def fairest(self) -> Point:
        """The fairest plan, whatever it gives up."""
        return self._fairest(None)

    def _fairest(self, give_up: float | None) -> Point:
        aim = self.sight.aim.model_copy(update={"give_up": give_up})
        sight = replace(self.sight, aim=aim)
        more = what_is_kept(sight, self.most)[0]
        options = self.options if give_up is None else replace(self.options, fine=FINE)
        staged = stages(sight, firm(self.problem, self.most.flows), more, self.most, options, self.watch)
        laid, flows = staged.laid, staged.flows
        if staged.spent is None:
            held = no_further(self.problem, self.most.flows)
            laid, found = most_of_the_fair(sight, held, staged, options, self.watch)
            flows = found.flows
        return self._told(laid.flows(flows), sight.scored(staged.bound))

    def _told(self, flows: Flows, bound: float) -> Point:
        value = self.problem.value(flows.spend, flows.moved)
        given_up = (self.most.certificate.value - value) / self.gain
        return Point(flows, value, given_up, self.sight.score(self.sight.values(flows.spend)), bound)


__all__ = ["Point", "Tick", "Traced", "trace"]
