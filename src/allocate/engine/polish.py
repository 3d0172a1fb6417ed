"""From a nearly best plan to the best one: Newton's method on the limits that bind.

Straight slices find which lines are free and which limits bind; on those, the conditions for the best plan (every
free pound worth the same, once prices are paid) are smooth equations, and Newton's method solves them to the penny.
An active-set safeguard drops lines onto their bounds and picks up limits as they are reached (Nocedal and Wright,
Numerical Optimization, 2nd ed., chapter 16). The certificate judges the result, so this step need not be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import ThreadpoolController

from allocate.engine.certificate import Flows, Prices
from allocate.engine.problem import Problem

Array = np.ndarray
ROUNDS = 60
MOVES = 40
"""How often limits may go to other bands."""
CLOSE = 1e-6
"""Solver units of money within which Newton's method is done: a penny where a unit is £10,000."""


_blas = ThreadpoolController()


@dataclass(eq=False)
class _Place:
    """Where the search is: amounts in pounds over lines then routes, their bounds, which are free, and which rows
    (envelopes, then joint limits) bind. Limits about one line alone are bounds here."""

    at: Array
    low: Array
    high: Array
    free: Array
    binding: Array
    ends: tuple[Array, Array]
    """the least and most of every row"""
    _blocks: tuple[bytes, _Blocks] | None = None

    def blocks(self, problem: Problem) -> _Blocks:
        """The free amounts by block: worked out again only where others are free."""
        key = self.free.tobytes()
        if self._blocks is None or self._blocks[0] != key:
            self._blocks = key, _Blocks.of(problem, np.flatnonzero(self.free))
        return self._blocks[1]


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Lines that feed the same curves make a block. `order` sorts the `free` amounts by block; `first`, `sizes` and
    `number` are where each begins, how many it has, and which it is."""

    free: Array
    order: Array
    first: Array
    sizes: Array
    number: Array

    @classmethod
    def of(cls, problem: Problem, free: Array) -> _Blocks:
        block = problem.alike[0][free]
        order = np.argsort(block, kind="stable")
        number, first, sizes = np.unique(block[order], return_index=True, return_counts=True)
        return cls(free, order, first, sizes, number)


def polish(problem: Problem, flows: Flows, prices: Prices, picks: Array | None = None) -> tuple[Flows, Prices]:
    """The best plan near this one, and its exact prices; whatever it reaches if it does not converge. What rules chose
    stays (as their own words have it, unless `picks` are given); limits that bend go from band to band until each has
    a price that its band bears out."""
    # The systems are small: more threads in the linear algebra only wait for one another.
    with _blas.limit(limits=1, user_api="blas"):
        picks = problem.picks(flows.spend, flows.moved) if picks is None else picks
        if not problem.bends:
            return _polished(problem.decided(None, picks), flows, prices)
        stand, seen = problem.stand(flows.spend, flows.moved, picks), set[bytes]()
        # Where limits depend on one another some may go to and fro for ever: once is enough.
        while len(seen) < MOVES and stand.band.tobytes() not in seen:
            seen.add(stand.band.tobytes())
            flows, within = _polished(problem.decided(stand, picks), flows, _less(prices, stand.toll))
            prices = _less(within, -stand.toll)
            further = stand.moved(prices.limit)
            if further is None:
                break
            stand = further
        return flows, prices


def _less(prices: Prices, toll: Array) -> Prices:
    """Prices with so much less for each limit."""
    return replace(prices, limit=prices.limit - toll)


def _polished(problem: Problem, flows: Flows, prices: Prices) -> tuple[Flows, Prices]:
    place = _start(problem, flows, prices)
    corners = _corners(problem, flows.spend)
    multipliers = np.concatenate([prices.envelope, prices.limit[problem.joint]])
    once = np.zeros(len(place.at), dtype=bool)
    for _ in range(ROUNDS):
        try:
            step, multipliers = _newton_step(problem, place, multipliers, corners)
        except np.linalg.LinAlgError:
            break
        share, blocker = _longest_step(problem, place, step)
        place.at = place.at + share * step
        if blocker is not None:
            _block(place, *blocker)
        elif np.abs(step).max(initial=0.0) < CLOSE * problem.units.money and not _release(
            problem, place, multipliers, once
        ):
            break
    lines = len(flows.spend)
    return Flows(place.at[:lines], place.at[lines:]), _prices(problem, place, multipliers, corners)


def attributed(problem: Problem, flows: Flows, prices: Prices) -> Prices:
    """Prices of the best plan with what a limit about one line alone is worth put down to that limit.

    Such limits bound the efforts that slices cover, so the solver's own prices miss them.
    """
    picks = problem.picks(flows.spend, flows.moved)
    if not problem.bends:
        return _attributed(problem.decided(None, picks), flows, prices)
    stand = problem.stand(flows.spend, flows.moved)
    return _less(_attributed(problem.decided(stand, picks), flows, _less(prices, stand.toll)), -stand.toll)


def _attributed(problem: Problem, flows: Flows, prices: Prices) -> Prices:
    multipliers = np.concatenate([prices.envelope, prices.limit[problem.joint]])
    return _prices(problem, _start(problem, flows, prices), multipliers, _corners(problem, flows.spend))


def _start(problem: Problem, flows: Flows, prices: Prices) -> _Place:
    low, high = (np.concatenate([bound, route]) for bound, route in zip(
        problem.bounds, (np.zeros(len(flows.moved)), problem.route_high), strict=True
    ))  # fmt: skip
    lines = len(flows.spend)
    closed = problem.choices & (flows.spend < 1.0)
    low[:lines][closed] = high[:lines][closed] = 0.0
    at = np.clip(np.concatenate([flows.spend, flows.moved]), low, high)
    near = 1e-9 * np.maximum(high, problem.units.money)
    weighed = np.concatenate(
        [prices.envelope * problem.units.money, (prices.limit * problem.limit_units)[problem.joint]]
    )
    binding = np.abs(weighed) > 1e-7 * problem.units.value
    return _Place(at, low, high, (at > low + near) & (at < high - near), binding, _ends(problem))


def _corners(problem: Problem, spend: Array) -> list[int]:
    """Curves given by points that sit at a corner: their effort stays."""
    effort, near = problem.curves.effort(spend), 1e-6 * problem.units.money
    return [
        q for q, points in enumerate(problem.curves.points)
        if points is not None and np.abs(points[0] - effort[q]).min() < near
    ]  # fmt: skip


def gradients(problem: Problem, at: Array) -> Array:
    """Gradients of every envelope and joint limit over lines and routes."""
    if not problem.gain_rows:
        return problem.flow_rows
    rows, lines = problem.flow_rows.copy(), len(problem.low)
    marginal = problem.curves.marginal(problem.curves.effort(at[:lines]))
    rows[len(problem.amount) :, :lines] += (
        problem.gain_rows.scaled(marginal).through(problem.feeds).dense(problem.joint)
    )
    return rows


def _levels(problem: Problem, at: Array) -> Array:
    """What is drawn from every envelope beyond its amount, and every joint limit's body."""
    levels = problem.flow_rows @ at
    levels[: len(problem.amount)] -= problem.amount
    if problem.gain_rows:
        gain = problem.curves.gain(problem.curves.effort(at[: len(problem.low)]))
        levels[len(problem.amount) :] += (problem.gain_rows @ gain)[problem.joint]
    return levels


def _ends(problem: Problem) -> tuple[Array, Array]:
    """The least and most of every level."""
    envelopes = len(problem.amount)
    low, high = problem.limit_low[problem.joint], problem.limit_high[problem.joint]
    return np.concatenate([np.full(envelopes, -np.inf), low]), np.concatenate([np.zeros(envelopes), high])


def _newton_step(problem: Problem, place: _Place, multipliers: Array, corners: list[int]) -> tuple[Array, Array]:
    """One Newton step on the conditions for the best plan: changes in pounds, and new multipliers of all rows."""
    curves, lines = problem.curves, len(problem.low)
    money, value = problem.units.money, problem.units.value
    effort = curves.effort(place.at[:lines])
    marginal = curves.marginal(effort)
    blocks, binding = place.blocks(problem), np.flatnonzero(place.binding)
    free = blocks.free
    weight = problem.weight - _on_limits(problem, multipliers) @ problem.gain_rows
    # In solver units, with every row at most 1, so that the system is well scaled.
    hessian = _Hessian.of(problem, blocks, weight * curves.bend(effort) * (money * money / value))
    steep = np.zeros(len(place.at))
    steep[:lines] = ((problem.weight * marginal) @ problem.feeds) * (money / value)
    steep -= problem.toll * (money / value)
    rows, level = gradients(problem, place.at), _levels(problem, place.at)
    low, high = place.ends
    room = np.where(np.abs(low - level) < np.abs(high - level), low, high) - level
    # A row that no free amount is in says nothing here; its multiplier stays.
    a = rows[binding][:, free]
    says = np.abs(a).max(axis=1, initial=0.0) > 0
    binding, a = binding[says], np.vstack([a[says], *([_feeding(problem, corners, free)] if corners else [])])
    size = np.maximum(np.abs(a).max(axis=1, initial=0.0), 1e-12)
    a, gap = a / size[:, None], np.concatenate([room[binding], np.zeros(len(corners))]) / size / money
    known = np.concatenate([multipliers[binding], np.zeros(len(corners))]) * size * (money / value)
    # By the Schur complement: first the multipliers, of which there are few, then the step.
    inner = hessian.solve(a.T)
    right = a.T @ known - steep[free]
    complement = a @ inner
    np.einsum("ii->i", complement)[:] += 1e-11
    change = np.linalg.solve(complement, gap - inner.T @ right)
    step = np.zeros(len(place.at))
    step[free] = (hessian.solve(right[:, None])[:, 0] + inner @ change) * money
    found = np.where(place.binding, multipliers, 0.0)
    found[binding] = ((known + change) * value / money / size)[: len(binding)]
    return step, found


@dataclass(frozen=True, eq=False)
class _Hessian:
    """Second derivatives of the aim over the free amounts, in solver units, less a touch on the diagonal.

    Lines that feed the same curves share theirs: a block of equal numbers. Without the touch they, and rows that repeat
    one another, would leave the system singular; with it the shortest step is picked, and what it bends is put right by
    the next one. `bend` is each block's number.
    """

    blocks: _Blocks
    bend: Array
    touch: float

    @classmethod
    def of(cls, problem: Problem, blocks: _Blocks, bend: Array) -> _Hessian:
        of_amount, of_curve = problem.alike
        bends = np.bincount(of_curve, bend, minlength=len(of_amount))[blocks.number]
        curved = np.abs(bends[bends != 0])
        return cls(blocks, bends, 1e-3 * _median(curved) if len(curved) else 1e-6)

    def solve(self, right: Array) -> Array:
        """This matrix' inverse times others, a column each (Sherman and Morrison 1950, block by block)."""
        order, first, sizes = self.blocks.order, self.blocks.first, self.blocks.sizes
        if not len(order):
            return right
        out, right = np.empty_like(right), right[order]
        shared = np.add.reduceat(right, first) * (self.bend / (self.touch - self.bend * sizes))[:, None]
        out[order] = (right + shared.repeat(sizes, axis=0)) / -self.touch
        return out


def _median(values: Array) -> float:
    """What np.median says, ten times as fast for few."""
    middle = (len(values) - 1) // 2, len(values) // 2
    return float(np.partition(values, middle)[[*middle]].mean())


def _feeding(problem: Problem, curves: list[int], free: Array) -> Array:
    """1 where a free amount feeds one of these curves, a row a curve."""
    feeding = np.zeros((len(curves), len(problem.low) + len(problem.route_high)))
    feeding[:, : len(problem.low)] = problem.feeds.dense(np.array(curves, dtype=int))
    return feeding[:, free]


def _on_limits(problem: Problem, multipliers: Array) -> Array:
    """Multipliers of the joint limits as prices of all limits."""
    limit = np.zeros(len(problem.limits))
    limit[problem.joint] = multipliers[len(problem.amount) :]
    return limit


def _longest_step(problem: Problem, place: _Place, step: Array) -> tuple[float, tuple[str, int] | None]:
    """How much of a step keeps every bound and every row that did not bind, and what stops it."""
    room = np.where(step > 0, place.high - place.at, place.at - place.low)
    with np.errstate(over="ignore"):  # a step of next to nothing goes as far as one of nothing
        share = np.divide(room, np.abs(step), out=np.full(len(step), np.inf), where=step != 0)
    stop = int(np.argmin(share)) if len(share) else 0
    longest, blocker = 1.0, None
    if len(share) and share[stop] < 1.0:
        longest, blocker = max(0.0, float(share[stop])), ("amount", stop)
    before, after = _levels(problem, place.at), _levels(problem, place.at + step)
    low, high = place.ends
    change = after - before
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where((after > high) | (after < low), (np.where(change > 0, high, low) - before) / change, np.inf)
    share[place.binding | np.isnan(share)] = np.inf
    stop = int(np.argmin(share)) if len(share) else 0
    if len(share) and share[stop] < longest:
        longest, blocker = max(0.0, float(share[stop])), ("row", stop)
    return longest, blocker


def _block(place: _Place, kind: str, row: int) -> None:
    """Hold the amount at its bound, or the row at its end."""
    if kind == "row":
        place.binding[row] = True
        return
    place.free[row] = False
    nearer_top = place.high[row] - place.at[row] < place.at[row] - place.low[row]
    place.at[row] = place.high[row] if nearer_top else place.low[row]


def _release(problem: Problem, place: _Place, multipliers: Array, once: Array) -> bool:
    """Free what its price would rather move: amounts at a bound, rows held at an end. Whether there was any.

    An amount is freed only `once`: one whose price is next to nothing would come and go for ever.
    """
    noise = 1e-8 * problem.units.value / problem.units.money
    lines = len(problem.low)
    rows, level = gradients(problem, place.at), _levels(problem, place.at)
    worth = -multipliers @ rows
    worth[:lines] += (problem.weight * problem.curves.marginal(problem.curves.effort(place.at[:lines]))) @ problem.feeds
    worth -= problem.toll
    fixed = ~place.free & (place.low < place.high)
    at_low = place.at <= place.low
    freed = fixed & ~once & np.where(at_low, worth > noise, worth < -noise)
    once |= freed
    low, high = place.ends
    at_high = np.abs(high - level) <= np.abs(level - low)
    dropped = place.binding & (low < high) & np.where(at_high, multipliers < -noise, multipliers > noise)
    place.free |= freed
    place.binding &= ~dropped
    return bool(freed.any() or dropped.any())


def _prices(problem: Problem, place: _Place, multipliers: Array, corners: list[int]) -> Prices:
    """Prices from multipliers; a limit about one line alone gets what is left of its line's worth."""
    envelopes = len(problem.amount)
    envelope, limit = multipliers[:envelopes], _on_limits(problem, multipliers)
    spend = place.at[: len(problem.low)]
    effort = (problem.weight - limit @ problem.gain_rows) * problem.curves.marginal(problem.curves.effort(spend))
    _price_corners(problem, place, effort, envelope, limit, corners)
    worth = effort @ problem.feeds - costs(problem, envelope, limit)
    body = problem.line_rows @ spend
    lone = np.flatnonzero(problem.lone >= 0)
    price = worth[problem.lone[lone]] / problem.lone_factor[lone]
    end = np.where(price > 0, problem.limit_high[lone], problem.limit_low[lone])
    with np.errstate(invalid="ignore"):
        binds = np.isfinite(end) & (np.abs(body[lone] - end) <= 1e-9 * np.maximum(1.0, np.abs(end)))
    # The first of the limits that bind a line takes all its worth.
    _, first = np.unique(problem.lone[lone[binds]], return_index=True)
    limit[lone[binds][first]] = price[binds][first]
    return Prices(envelope, limit, effort)


def costs(problem: Problem, envelope: Array, limit: Array) -> Array:
    """What a pound on each line costs: its envelope's money, what limits take, and what bending them does."""
    toll = np.broadcast_to(problem.toll, len(problem.low) + len(problem.route_high))[: len(problem.low)]
    return envelope[problem.envelope_of_line] + limit @ problem.line_rows + toll


def _price_corners(problem: Problem, place: _Place, effort: Array, envelope: Array, limit: Array, corners: list[int]):
    """At a corner effort may have any price between the slopes on its sides: the one that its lines' money costs."""
    asking = costs(problem, envelope, limit)
    weight = problem.weight - limit @ problem.gain_rows
    for q in corners:
        points = problem.curves.points[q]
        assert points is not None
        lines = problem.curves.lines[q]
        others = (effort @ problem.feeds)[lines] - effort[q]
        paid = asking[lines] - others
        bought = place.at[lines] > place.low[lines]
        asked = paid[bought].max() if bought.any() else paid.min()
        spends, gains = points
        at = int(np.argmin(np.abs(spends - place.at[lines].sum())))
        worth = np.diff(gains) / np.diff(spends) * max(weight[q], 0.0)
        slopes = np.concatenate([[np.inf], worth, [0.0]])
        effort[q] = np.clip(asked, slopes[at + 1], max(slopes[at], slopes[at + 1]))
