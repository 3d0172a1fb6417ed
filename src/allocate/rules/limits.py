"""All the limits of a scenario: what its rules become, and what its resources allow."""

from __future__ import annotations

import numpy as np

from allocate.rules.kinds import INFINITY, binding_rules
from allocate.rules.tally import Limit, Row, Tally
from allocate.scenario.checks import fits
from allocate.scenario.scenario import Scenario


def limits(scenario: Scenario, tally: Tally) -> list[Limit]:
    """Every limit, rules first. Bodies are rows or numbers, as the tally answers. Names are unique."""
    found = [limit for rule in binding_rules(scenario) for limit in rule.limits(tally)]
    return [limit for limit in found if not _idle(limit)] + resource_limits(scenario, tally)


def _idle(limit: Limit) -> bool:
    """Whether a limit counts nothing, as a cap on gains where no curve leads, and so holds by itself."""
    return isinstance(limit.body, Row) and not limit.body.terms and limit.low <= 0.0 <= limit.high


def resource_limits(scenario: Scenario, tally: Tally) -> list[Limit]:
    """A limit for every resource and year that any line uses."""
    lines, uses = scenario.table("lines"), scenario.table("uses")
    found = []
    for row in scenario.table("resources").itertuples():
        rates = np.zeros(len(lines))
        for use in uses[uses["resource"] == row.id].itertuples():
            rates += use.rate * fits(use, lines)
        rates *= (lines["year"] == row.year).to_numpy()
        if rates.any():
            label = f"{row.name}: at most {row.amount:,.12g} {row.unit} in {row.year}"
            name = f"resource {row.id}"
            found.append(Limit(name, label, tally.use(rates), -INFINITY, row.amount, "resource", row.year))
    return found
