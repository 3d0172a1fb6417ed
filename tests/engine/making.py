"""Small scenarios made in a few lines, checked as a file's would be, for tests of the engine."""

from __future__ import annotations

from typing import Any

import allocate as al
from allocate.scenario.checks import problems
from allocate.scenario.evidence import evidence
from allocate.scenario.reading import frame, make_rule
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES, Heading

YEAR = "2026"


def make(
    lines: list[dict[str, Any]],
    curves: list[dict[str, Any]],
    money: float | dict[str, float],
    rules: dict[str, dict[str, Any]] | None = None,
    outcomes: dict[str, float] | None = None,
    years: tuple[str, ...] = (YEAR,),
    **more: list[dict[str, Any]],
) -> Scenario:
    """A scenario, of one year unless said. A line is `dict(place=..., programme=..., high=...)`, partner 'body',
    envelope 'pot' unless said; a curve likewise, outcome 'health' unless said; `money` is the pot, or envelope to
    amount."""
    amounts = money if isinstance(money, dict) else {"pot": money}
    outcomes = outcomes or {"health": 1.0}
    lines = [{"partner": "body", "envelope": "pot", "year": YEAR, "baseline": 0.0} | line for line in lines]
    curves = [{"outcome": "health", "year": YEAR} | curve for curve in curves]

    def named(ids) -> list[dict[str, Any]]:
        return [{"id": name, "name": name.title()} for name in sorted(set(ids))]

    places = named(line["place"] for line in lines)
    envelopes = [{"id": n, "year": YEAR, "name": n, "holder": "body", "amount": a} for n, a in amounts.items()]
    rows: dict[str, list[dict[str, Any]]] = {
        "partners": [partner | {"kind": "trust"} for partner in named(line["partner"] for line in lines)],
        "places": [place | {"population": 1000.0, "parent": None} for place in places],
        "programmes": named(line["programme"] for line in lines),
        "outcomes": [{"id": n, "name": n.title(), "unit": "units", "weight": w} for n, w in outcomes.items()],
        "envelopes": envelopes, "lines": lines, "curves": curves,
        "sources": [{"id": "made-up", "title": "Made up"}], "evidence": [],
    }  # fmt: skip
    if not any(line["partner"] == "body" for line in lines):
        rows["partners"].append({"id": "body", "name": "Body", "kind": "trust"})
    rows |= more
    found: list[al.Problem] = []
    book = tuple(
        rule for name, fields in sorted((rules or {}).items())
        if (rule := make_rule(name, {"owner": "body"} | fields, found)) is not None
    )  # fmt: skip
    heading = Heading(id="made", name="Made", years=years)

    def built(rows: dict[str, list[dict[str, Any]]]) -> Scenario:
        tables = {
            name: frame(row, {k: row.model_validate(fields) for k, fields in enumerate(rows.get(name, []), 2)})
            for name, row in TABLES.items()
        }
        return Scenario(heading, book, tables)

    figures = evidence(built(rows))["figure"]
    rows["evidence"] = [{"figure": path, "status": "assumed", "source": "made-up"} for path in figures]
    scenario = built(rows)
    found += problems(scenario)
    if found:
        raise al.ScenarioError("made", found)
    return scenario


def spent(plan: al.Plan) -> dict[str, float]:
    """Pounds by 'place programme' (and partner or envelope where that is not enough)."""
    table = plan.spend
    keys = table["place"] + " " + table["programme"]
    if keys.duplicated().any():
        keys = keys + " " + table["partner"]
    return dict(zip(keys, table["spend"], strict=True))
