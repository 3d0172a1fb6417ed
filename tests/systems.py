"""Small systems drawn by lot, of the whole range that a scenario may be, and what must change nothing but its names.

A system is rows before they are a scenario, so that it can be told again: with other names, in another order, in
pounds a thousand times as many, with a place in two halves. A seed says all that is in it. Among them, on purpose, are
partners that count nothing and partners alike, empty envelopes, floors at today's spending, and ties.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import allocate as al
from tests.engine.making import make

Row = dict[str, Any]
Rows = list[Row]
OUTCOMES = ("health", "school", "calm")
PROGRAMMES = ("care", "prevention", "housing")
PLACES = ("east", "north", "west")
PARTNERS = ("acute", "council", "mind", "trust")
ALIKE = PARTNERS[:2]
"""Those that are alike in everything, where any are."""
HOLDER = "board"
LEVEL = ("power", "saturation", "linear", "points")
"""Shapes that count from nothing."""


@dataclass(frozen=True)
class System:
    """The rows of a scenario, by table, and its rules."""

    tables: Mapping[str, Rows]
    rules: Mapping[str, Row]
    years: tuple[str, ...] = ("2026",)

    @property
    def scenario(self) -> al.Scenario:
        """The scenario that it is. Raises ScenarioError where it is none."""
        tables = dict(self.tables)
        lines, curves, outcomes = (tables.pop(name) for name in ("lines", "curves", "outcomes"))
        weights = {row["id"]: row["weight"] for row in outcomes}
        return make(lines, curves, 0.0, dict(self.rules), weights, self.years, **tables)

    @property
    def partners(self) -> list[str]:
        """Everybody, by id."""
        return [row["id"] for row in self.tables["partners"]]

    def named(self, names: Mapping[str, str]) -> System:
        """The same with partners of other ids, and each table in another order."""

        def told(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: told(each) for key, each in value.items()}
            if isinstance(value, list):
                return [told(each) for each in value]
            return names.get(value, value) if isinstance(value, str) else value

        columns = ("partner", "holder")
        tables = {
            name: [row | {column: names[row[column]] for column in columns if column in row} for row in rows][::-1]
            for name, rows in self.tables.items()
        }
        tables["partners"] = [row | {"id": names[row["id"]]} for row in self.tables["partners"]][::-1]
        return replace(self, tables=tables, rules=told(deepcopy(dict(self.rules))))

    def times(self, factor: float) -> System:
        """The same where everything costs, and everybody has, so many times as many pounds."""
        tables = {name: [_dearer(row, factor) for row in rows] for name, rows in self.tables.items()}
        return replace(self, tables=tables, rules={name: _asking(rule, factor) for name, rule in self.rules.items()})

    def halved(self, place: str) -> System:
        """The same with a place in two: each half has half the people, the money and the need, and what a pound for
        one of its people buys is as it was. Rules stay as they are: leave out those that such a place would change."""
        both = (f"{place}-a", f"{place}-b")
        tables = {
            name: [part for row in rows for part in (_halves(name, row, both, place))]
            for name, rows in self.tables.items()
        }
        return replace(self, tables=tables)


def _dearer(row: Row, factor: float) -> Row:
    """A row of any table in other pounds."""
    money = ("amount", "baseline", "low", "high", "scale", "reference", "spend", "worth")
    changed = {name: row[name] * factor for name in money if row.get(name) is not None}
    return row | changed | ({"slope": row["slope"] / factor} if row.get("slope") is not None else {})


def _asking(rule: Row, factor: float) -> Row:
    """A rule in other pounds."""
    changed: Row = {}
    if "measure" not in rule and rule["kind"] != "reach":
        for name in ("amount", "other_amount", "beyond"):
            changed |= {name: rule[name] * factor} if name in rule else {}
        if rule["kind"] == "per-head":
            changed |= {name: rule[name] * factor for name in ("at_least", "at_most") if name in rule}
        if "bends" in rule:
            changed["bends"] = [
                {name: value * factor if name == "by" else value / factor for name, value in band.items()}
                for band in rule["bends"]
            ]
    return rule | changed


def _halves(table: str, row: Row, both: tuple[str, str], place: str) -> Rows:
    if row.get("place", row.get("id") if table == "places" else None) != place:
        return [row]
    halved = ("population", "need", "baseline", "low", "high", "scale", "reference", "ceiling", "spend", "gain")
    half = row | {name: row[name] / 2 for name in halved if row.get(name) is not None}
    if table == "places":
        return [half | {"id": each, "name": each.title()} for each in both]
    return [half | {"place": each} for each in both]


# --- by lot -----------------------------------------------------------------------------------------------------------


def system(seed: int) -> System:
    """The system of a seed. Rules that nobody could mean are left out; now and then no plan keeps the others."""
    return _meant(_Drawing(np.random.default_rng([7, seed])).system())


def clashing(seed: int) -> System:
    """The system of a seed with rules on money that ask for more than it could be sure of; most of them clash."""
    return _meant(_Drawing(np.random.default_rng([8, seed])).asking_too_much())


def _meant(found: System) -> System:
    """The same without rules that are refused."""
    while True:
        try:
            _ = found.scenario
        except al.ScenarioError as refused:
            wrong = {problem.field.partition(".")[0] for problem in refused.problems if problem.where == "rules.toml"}
            if not wrong:
                raise
            found = replace(found, rules={name: rule for name, rule in found.rules.items() if name not in wrong})
        else:
            return found


class _Drawing:
    """One system in the making."""

    def __init__(self, drawn: np.random.Generator) -> None:
        self.drawn = drawn
        count = int(drawn.integers(2, 5))
        self.partners = list(PARTNERS[:count])
        self.places = list(PLACES[: int(drawn.integers(1, 4))])
        self.programmes = list(PROGRAMMES[: int(drawn.integers(2, 4))])
        self.outcomes = list(OUTCOMES[: int(drawn.integers(1, 4))])
        self.years = ("2026", "2027") if self._now_and_then(0.12) else ("2026",)
        self.alike = self._now_and_then(0.25)
        self.tied = self._now_and_then(0.2)
        self.choices = self._now_and_then(0.2)
        self.bare = self._now_and_then(0.5)

    def system(self) -> System:
        """All of its rows."""
        lines = self._lines()
        envelopes = self._envelopes(lines)
        curves, points = self._curves(lines)
        self.outcomes = [name for name in self.outcomes if any(row["outcome"] == name for row in curves)]
        tables = {
            "partners": [_named(name, kind="trust") for name in sorted({*self.partners, HOLDER})],
            "places": self._people(),
            "programmes": [_named(name) for name in self.programmes],
            "outcomes": [
                {"id": name, "weight": self._round(0.2, 3.0) if name != "health" else 1.0}
                for name in self.outcomes
            ],
            "envelopes": envelopes, "routes": self._routes(envelopes), "lines": lines, "curves": curves,
            "curve_points": points, "benefits": self._benefits(curves),
        }  # fmt: skip
        return System(tables, self._rules(lines, tables), self.years)

    def asking_too_much(self) -> System:
        """The same with other rules: firm ones, on money alone, and many."""
        found = self.system()
        rules: dict[str, Row] = {}
        for _ in range(int(self.drawn.integers(4, 9))):
            kind = str(self.drawn.choice(["floor", "floor", "cap", "keep", "growth", "share", "band"]))
            lines = found.tables["lines"]
            if kind in ("floor", "cap", "keep"):
                rule = self._sum(kind, lines, *{"floor": (0.9, 1.7), "cap": (0.5, 1.1), "keep": (0.7, 1.3)}[kind])
            elif kind == "growth":
                rule = {"kind": kind, "where": self._where(), "at_least": self._round(-0.1, 0.4)}
            else:
                rule = self._share(lines, found.tables) if kind == "share" else self._band(lines, found.tables)
            if rule is not None:
                standing = "statutory" if self._now_and_then(0.25) else "agreed"
                rules[f"{kind}-{len(rules)}"] = rule | {"owner": self.partners[0], "standing": standing}
        return replace(found, rules=rules)

    # --- money --------------------------------------------------------------------------------------------------------

    def _lines(self) -> Rows:
        """Who spends where on what: of its own pot, or of the purse of all."""
        rows: Rows = []
        for k, partner in enumerate(self.partners):
            if k == 1 and self.alike:
                rows += [
                    row | {"partner": partner, "envelope": row["envelope"].replace(self.partners[0], partner)}
                    for row in rows
                ]
                continue
            mine = [
                (place, programme, envelope) for place in self.places for programme in self.programmes
                for envelope in (partner, "purse") if self._now_and_then(0.4)
            ] or [(self.places[0], self.programmes[k % len(self.programmes)], partner)]  # fmt: skip
            rows += [
                self._line(partner, place, programme, envelope, year)
                for place, programme, envelope in mine[:4] for year in self.years
            ]  # fmt: skip
        return rows

    def _line(self, partner: str, place: str, programme: str, envelope: str, year: str) -> Row:
        baseline = 0.0 if self._now_and_then(0.1) else self._pounds(50, 900)
        row = {"partner": partner, "place": place, "programme": programme, "envelope": envelope, "year": year,
               "baseline": baseline}  # fmt: skip
        if self._now_and_then(0.3):
            row["high"] = float(round(baseline * self._round(1.0, 2.5))) + 20_000.0
        if self._now_and_then(0.2):
            row["low"] = float(round(baseline * self._round(0.0, 0.8)))
        elif self.choices and len(self.years) == 1 and self._now_and_then(0.25):
            row["scale"] = float(round(max(baseline, 40_000.0) * self._round(0.3, 1.0)))
            row["high"] = max(row.get("high", 0.0), row["scale"])
        return row

    def _envelopes(self, lines: Rows) -> Rows:
        rows: Rows = []
        rate = self._round(0.95, 1.3)
        for name in sorted({row["envelope"] for row in lines}):
            for year in self.years:
                before = sum(row["baseline"] for row in lines if (row["envelope"], row["year"]) == (name, year))
                amount = float(round(before * rate)) if self._now_and_then(0.6) else before
                if before == 0 and self._now_and_then(0.5):
                    amount = self._pounds(10, 200)
                holder = HOLDER if name == "purse" and self._now_and_then(0.5) else name
                holder = self.partners[0] if holder == "purse" else holder
                by_need = "yes" if self._now_and_then(0.5) else "no"
                rows.append({"id": name, "year": year, "name": name.title(), "holder": holder, "amount": amount,
                             "by_need": by_need})  # fmt: skip
        for row in rows:
            row |= next(
                {"holder": each["holder"], "by_need": each["by_need"]} for each in rows if each["id"] == row["id"]
            )
        return rows

    def _routes(self, envelopes: Rows) -> Rows:
        rows: Rows = []
        for year in self.years:
            mine = [row for row in envelopes if row["year"] == year]
            for source in mine:
                for target in mine:
                    if source is not target and self._now_and_then(0.2):
                        high = float(round(source["amount"] * self._round(0.05, 0.6)))
                        rows.append({"id": f"{source['id']}-{target['id']}", "year": year, "source": source["id"],
                                     "target": target["id"], "high": high, "authority": "section 75"})  # fmt: skip
        return rows

    # --- outcomes -----------------------------------------------------------------------------------------------------

    def _people(self) -> Rows:
        heads = [float(self.drawn.integers(2, 30) * 1000) for _ in self.places]
        if self.tied:
            heads = heads[:1] * len(heads)
        return [
            _named(name, population=each, need=float(round(each * self._round(0.8, 1.25))), parent=None)
            for name, each in zip(self.places, heads, strict=True)
        ]

    def _curves(self, lines: Rows) -> tuple[Rows, Rows]:
        curves: Rows = []
        points: Rows = []
        same: dict[tuple[str, str], Row] = {}
        for place, programme in sorted({(row["place"], row["programme"]) for row in lines}):
            for outcome in self.outcomes:
                if outcome != "health" and self._now_and_then(0.6):
                    continue
                for year in self.years:
                    key = {"place": place, "programme": programme, "outcome": outcome, "year": year}
                    before = sum(
                        row["baseline"] for row in lines
                        if (row["place"], row["programme"], row["year"]) == (place, programme, year)
                    )  # fmt: skip
                    like = same.get((programme, outcome)) if self.tied else None
                    curve, more = self._curve(before, like)
                    same[programme, outcome] = curve
                    curves.append(key | curve)
                    points += [key | row for row in more]
        return curves, points

    def _curve(self, before: float, like: Row | None) -> tuple[Row, Rows]:
        if like is not None and like["shape"] != "points":
            return dict(like), []
        reference = before if before > 0 and self._now_and_then(0.5) else self._pounds(80, 900)
        slope = float(np.exp(self.drawn.uniform(np.log(2e-5), np.log(4e-4))))
        slope = float(f"{slope:.4g}")
        shape = str(
            self.drawn.choice(["isoelastic", "saturation", "points", "power", "linear"], p=[0.3, 0.25, 0.2, 0.15, 0.1])
        )
        if shape == "saturation":
            return {"shape": shape, "ceiling": float(f"{slope * reference:.4g}"), "reference": reference}, []
        if shape == "points":
            return {"shape": shape}, self._points(reference, slope)
        curve = {"shape": shape, "slope": slope}
        if shape != "linear":
            curve |= {"reference": reference, "exponent": self._round(0.2, 0.9)}
        return curve, []

    def _points(self, reference: float, slope: float) -> Rows:
        """Corners, each step buying less by the pound than the one before."""
        spend, gain, rows = 0.0, 0.0, [{"spend": 0.0, "gain": 0.0}]
        for _ in range(int(self.drawn.integers(1, 4))):
            width = float(round(reference * self._round(0.4, 1.0)))
            spend, gain = spend + width, gain + width * slope
            rows.append({"spend": spend, "gain": float(f"{gain:.6g}")})
            slope *= self._round(0.2, 0.8)
        return rows

    def _benefits(self, curves: Rows) -> Rows:
        """What everybody counts: some nothing, some all alike, some only in one place."""
        rows: Rows = []
        for k, partner in enumerate(self.partners):
            if k == 1 and self.alike:
                rows += [row | {"partner": partner} for row in rows]
                continue
            nothing = self._now_and_then(0.12)
            for outcome in self.outcomes:
                row = {"partner": partner, "outcome": outcome, "own": self._part(), "share": self._part() * 0.5,
                       "worth": 0.0 if nothing else float(self.drawn.integers(1, 60) * 500)}  # fmt: skip
                if self._now_and_then(0.15):
                    row["place"] = str(self.drawn.choice([row["place"] for row in curves if row["outcome"] == outcome]))
                rows.append(row)
        return rows

    # --- rules --------------------------------------------------------------------------------------------------------

    def _rules(self, lines: Rows, tables: Mapping[str, Rows]) -> dict[str, Row]:
        kinds = ["floor", "cap", "share", "band", "growth", "converge", "gap", "per-head", "virement", "reserve",
                 "match", "ring-fence", "reach", "measure", "keep", "gini", "ratio"]  # fmt: skip
        if self.choices:
            kinds += ["start", "moves", "either"]
        rules: dict[str, Row] = {}
        for _ in range(int(self.drawn.integers(0, 4))):
            kind = str(self.drawn.choice(kinds))
            rule = getattr(self, "_" + kind.replace("-", "_"))(lines, tables)
            if rule is None:
                continue
            statutory = self._now_and_then(0.4)
            rule |= {"owner": str(self.drawn.choice(self.partners)),
                     "standing": "statutory" if statutory else "agreed"}  # fmt: skip
            if not statutory and kind in ("floor", "cap", "share") and self._now_and_then(0.4):
                rule["bends"] = [{"by": self._pounds(20, 90), "price": self._round(5.0, 60.0)}, {"price": 300.0}]
            rules[f"{rule['kind']}-{len(rules)}"] = rule
        if len(self.places) > 1 and self._now_and_then(0.25):
            rules["aim"] = self._aim()
        return rules

    def _where(self) -> Row:
        """Some of it: a programme, a place, a partner, or both of the first."""
        programme = {"programmes": [str(self.drawn.choice(self.programmes))]}
        place = {"places": [str(self.drawn.choice(self.places))]}
        partner = {"partners": [str(self.drawn.choice(self.partners))]}
        return [programme, place, partner, programme | place][int(self.drawn.integers(4))]

    def _before(self, lines: Rows, where: Row) -> float:
        fields = {"programmes": "programme", "places": "place", "partners": "partner"}
        return sum(
            row["baseline"] for row in lines
            if all(row[fields[name]] in values for name, values in where.items())
        )  # fmt: skip

    def _sum(self, kind: str, lines: Rows, low: float, high: float) -> Row | None:
        where = self._where()
        before = self._before(lines, where)
        exactly = self._now_and_then(0.2)
        amount = before if exactly else float(round(before * self._round(low, high)))
        return {"kind": kind, "where": where, "amount": amount} if before > 0 else None

    def _floor(self, lines: Rows, tables: Mapping[str, Rows]) -> Row | None:
        return self._sum("floor", lines, 0.5, 1.15)

    def _cap(self, lines: Rows, tables: Mapping[str, Rows]) -> Row | None:
        return self._sum("cap", lines, 0.85, 1.4)

    def _keep(self, lines: Rows, tables: Mapping[str, Rows]) -> Row | None:
        return self._sum("keep", lines, 0.9, 1.1)

    def _share(self, lines: Rows, tables: Mapping[str, Rows]) -> Row | None:
        programme, each = {"programmes": [str(self.drawn.choice(self.programmes))]}, self._now_and_then(0.4)
        part = self._before(lines, programme) / max(self._before(lines, {}), 1.0)
        found = {"kind": "share", "where": programme, "at_least": round(part * self._round(0.3, 1.1), 4)}
        return found | ({"each": "place"} if each else {}) if part > 0 else None

    def _band(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        each = str(self.drawn.choice(["line", "partner", "place"]))
        return {"kind": "band", "where": self._where(), "each": each, "down": self._round(0.05, 0.6),
                "up": self._round(0.1, 1.0)}  # fmt: skip

    def _growth(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "growth", "where": self._where(), "at_least": self._round(-0.2, 0.08)}

    def _converge(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "converge", "pace": self._round(0.0, 0.5)}

    def _gap(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "gap", "within": self._round(0.3, 1.0), "by": str(self.drawn.choice(["need", "population"]))}

    def _ratio(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "ratio", "at_most": self._round(1.5, 6.0)}

    def _gini(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": str(self.drawn.choice(["gini", "hoover"])), "at_most": self._round(0.1, 0.5)}

    def _per_head(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        heads = sum(row["population"] for row in tables["places"])
        return {"kind": "per-head", "at_least": round(self._before(lines, {}) / heads * self._round(0.05, 0.7), 2)}

    def _virement(self, lines: Rows, tables: Mapping[str, Rows]) -> Row | None:
        return {"kind": "virement", "amount": self._pounds(5, 200)} if tables["routes"] else None

    def _reserve(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "reserve", "amount": self._pounds(1, 60)}

    def _match(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        first, second = self.programmes[:2]
        return {"kind": "match", "of": {"programmes": [first]}, "where": {"programmes": [second]},
                "at_least": self._round(0.05, 0.5)}  # fmt: skip

    def _ring_fence(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        envelope = str(self.drawn.choice(tables["envelopes"])["id"])
        only = {"programmes": [str(self.drawn.choice(self.programmes))]}
        where = {"envelopes": [envelope]}
        return {"kind": "ring-fence", "where": where, "only": only, "at_least": self._round(0.05, 0.4)}

    def _reach(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "reach", "where": self._where(), "outcome": "health", "more": self._round(0.0, 4.0)}

    def _measure(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "floor", "where": self._where(), "measure": "health", "amount": self._round(0.0, 20.0)}

    def _start(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "start", "where": {"programmes": [self.programmes[0]]}, "each": "place",
                "amount": self._pounds(50, 400)}  # fmt: skip

    def _moves(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        return {"kind": "moves", "at_most": int(self.drawn.integers(2, 5)), "beyond": 1000.0}

    def _either(self, lines: Rows, tables: Mapping[str, Rows]) -> Row:
        first, second = self.programmes[:2]
        return {"kind": "either", "where": {"programmes": [first]}, "amount": self._pounds(50, 300),
                "other": {"programmes": [second]}, "other_amount": self._pounds(50, 300)}  # fmt: skip

    def _aim(self) -> Row:
        kind = str(self.drawn.choice(["balanced", "worst-off", "bottom-up", "weighted"]))
        view = "spend" if self._now_and_then(0.6) else "gain"
        more = {"balanced": {"strength": 1.0}, "worst-off": {"part": 0.3}, "weighted": {"aversion": 1.0}}.get(kind, {})
        given = {"give_up": self._round(0.01, 0.3)} if self._now_and_then(0.5) else {}
        return {"kind": kind, "owner": self.partners[0], "view": view} | more | given

    # --- lots ---------------------------------------------------------------------------------------------------------

    def _now_and_then(self, often: float) -> bool:
        return bool(self.drawn.random() < often)

    def _pounds(self, low: int, high: int) -> float:
        """A sum in thousands of pounds; seldom a round one."""
        return float(self.drawn.integers(low * 1000, high * 1000)) if not self.tied else float(low * 1000 + high * 500)

    def _round(self, low: float, high: float) -> float:
        return round(float(self.drawn.uniform(low, high)), 4)

    def _part(self) -> float:
        return [0.0, 1.0, self._round(0.0, 1.0)][int(self.drawn.integers(3))]


def _named(name: str, **more: Any) -> Row:
    return {"id": name, "name": name.title(), **more}
