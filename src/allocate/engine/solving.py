"""Solving scenarios: in one piece, or apart where they fall apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocate.engine.apart import solved_apart
from allocate.engine.clash import no_plan
from allocate.engine.fairest import solved_fairly
from allocate.engine.optimum import Options, must_order
from allocate.engine.parts import parts
from allocate.engine.piece import Clash, Solved, solved_whole
from allocate.engine.problem import Problem
from allocate.engine.watch import Stopped, Watch
from allocate.errors import NoPlan
from allocate.rules.kinds import aim_of
from allocate.scenario.scenario import Scenario


def solve_scenario(scenario: Scenario, options: Options, watch: Watch | None = None, explain: bool = True) -> Solved:
    """The best plan of a scenario. Raises NoPlan where its rules cannot all hold, with what clashes and the ways out if
    it is to `explain`; Stopped where `watch` was stopped before there was a plan, and EngineError where no answer
    passes its checks. Safe from several threads at once."""
    watch = watch or Watch()
    watch.enter("reading the rules")
    problem = Problem.of(scenario)
    aim = aim_of(scenario)
    try:
        pieces, shared = parts(problem) if aim is None else ([], np.array([]))
        tied = len(shared) > 0 and (problem.choices.any() or must_order(problem) or np.isin(problem.soft, shared).any())
        if aim is not None:
            solved = solved_fairly(problem, aim, options, watch)
        elif not pieces or tied or problem.terms.picks:
            solved = solved_whole(problem, options, watch)
        else:
            solved = solved_apart(problem, pieces, shared, options, watch)
    except Clash:
        if watch.stopped:
            raise Stopped from None
        if not explain:
            raise NoPlan("No plan keeps every rule.", []) from None
        raise no_plan(scenario, options.seconds, watch) from None
    solved = solved.plain
    watch.settle(solved.certificate.value, solved.certificate.bound)
    return solved if not watch.stopped else replace(solved, optimum=replace(solved.optimum, status="stopped"))


__all__ = ["Solved", "solve_scenario"]
