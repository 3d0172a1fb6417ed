"""Every check across a scenario's tables. Each yields sentences; all of them run, so that all problems come at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from allocate.errors import Problem
from allocate.scenario.evidence import evidence_problems
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES
from allocate.scenario.words import invisible, skeleton, suggestion

Check = Callable[[Scenario], Iterator[Problem]]
Checks = Mapping[Check, tuple[str, ...]]
Lost = dict[str, set[str]]
"""By table (or "rules"), the ids of the rows that could not be read; "*" where an id is not known."""
FAR = 3.0
"""How many times its lines' baseline an envelope may hold, and how small a part of it."""

REFERENCES: tuple[tuple[str, str, str, str], ...] = (
    ("places", "parent", "places", "id"),
    ("envelopes", "holder", "partners", "id"),
    ("routes", "source", "envelopes", "id"),
    ("routes", "target", "envelopes", "id"),
    ("lines", "partner", "partners", "id"),
    ("lines", "place", "places", "id"),
    ("lines", "programme", "programmes", "id"),
    ("lines", "envelope", "envelopes", "id"),
    ("curves", "place", "places", "id"),
    ("curves", "programme", "programmes", "id"),
    ("curves", "outcome", "outcomes", "id"),
    ("curve_points", "place", "places", "id"),
    ("curve_points", "programme", "programmes", "id"),
    ("curve_points", "outcome", "outcomes", "id"),
    ("needs", "place", "places", "id"),
    ("needs", "programme", "programmes", "id"),
    ("uses", "resource", "resources", "id"),
    ("uses", "partner", "partners", "id"),
    ("uses", "place", "places", "id"),
    ("uses", "programme", "programmes", "id"),
    ("benefits", "partner", "partners", "id"),
    ("benefits", "outcome", "outcomes", "id"),
    ("benefits", "place", "places", "id"),
    ("evidence", "source", "sources", "id"),
)


def problems(scenario: Scenario, lost: Mapping[str, set[str]] | None = None) -> list[Problem]:
    """Everything wrong across the tables; sense is only judged once names and keys are sound.

    Rows that could not be read are reported already. No check complains for want of them: one that must see a table
    whole is left out until it is.
    """
    lost = lost or {}
    found = [*unknown_names(scenario, lost), *_found_by(STRUCTURE, scenario, lost)]
    return found or _found_by(SENSE, scenario, lost)


def figure_problems(scenario: Scenario, before: Scenario) -> list[Problem]:
    """What is wrong with a scenario that differs from one that is sound in figures and rules alone.

    The names and keys of its tables are as they were, and a changed figure's evidence is the change. So only the checks
    that read figures of a table that changed are run, and rules that stayed are judged again only if a table changed.
    """
    tables = {name for name in TABLES if scenario._tables[name] is not before._tables[name]}
    stood = {rule.id: rule for rule in before.rules}
    rules = [rule for rule in scenario.rules if rule is not stood.get(rule.id)]
    if found := [problem for rule in rules for problem in rule.problems(scenario)]:
        return found
    checks = [check for check, read in FIGURES_READ.items() if tables & set(read)]
    found = [problem for check in checks for problem in check(scenario)]
    judged = scenario.rules if tables else rules
    return found + [problem for rule in judged if rule.binds for problem in rule.sense(scenario)]


def _found_by(checks: Checks, scenario: Scenario, lost: Mapping[str, set[str]]) -> list[Problem]:
    whole = [check for check, tables in checks.items() if not lost.keys() & set(tables)]
    return [problem for check in whole for problem in check(scenario)]


def a(word: str) -> str:
    """A word with its article."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def money(pounds: float, currency: str = "£") -> str:
    return f"{currency}{pounds:,.0f}"


# --- structure: keys, names and references -------------------------------------------------------------------------


def duplicate_keys(scenario: Scenario) -> Iterator[Problem]:
    for name, row in TABLES.items():
        table, key = scenario.table(name), list(row.key)
        if len(set(zip(*(table[part].tolist() for part in key), strict=True))) == len(table):
            continue
        repeated = table[table.duplicated(key, keep="first")]
        for line, values in repeated.iterrows():
            same = (table[key].fillna("") == values[key].fillna("")).all(axis=1)
            text = " ".join(str(value) for value in values[key] if value is not None)
            first = min(table.index[same])
            yield Problem(f"{name}.csv", f"the same {', '.join(key)} as row {first}", _row(line), "", text)


def unknown_names(scenario: Scenario, lost: Mapping[str, set[str]]) -> Iterator[Problem]:
    for name, column, target, key in REFERENCES:
        asked, unread = scenario.table(name)[column], lost.get(target, set())
        known = dict.fromkeys(scenario.table(target)[key].tolist())
        if "*" in unread or not set(asked.tolist()).difference(known, unread, [None]):
            continue
        for line, value in asked[asked.notna() & ~asked.isin([*known, *unread])].items():
            named = id_of(value, scenario.table(target))
            fix = f"did you mean {named}?" if named else suggestion(value, known)
            yield Problem(f"{name}.csv", f"is not in {target}.csv", _row(line), column, value, fix)


def id_of(name: str, table: pd.DataFrame) -> str:
    """The id of the one row with this name, or ''."""
    if "name" not in table:
        return ""
    same = table.loc[[skeleton(str(other)) == skeleton(name) for other in table["name"]], "id"]
    return str(same.iloc[0]) if len(same) == 1 else ""


def unknown_years(scenario: Scenario) -> Iterator[Problem]:
    for name, row in TABLES.items():
        table = scenario.table(name)
        if "year" in row.model_fields and not set(table["year"].tolist()) <= set(scenario.years):
            for line, value in table.loc[~table["year"].isin(scenario.years), "year"].items():
                fix = suggestion(value, scenario.years)
                yield Problem(f"{name}.csv", "is not one of scenario.toml's years", _row(line), "year", value, fix)
    known = set(zip(scenario.table("envelopes")["id"], scenario.table("envelopes")["year"], strict=True))
    for name, column in (("lines", "envelope"), ("routes", "source"), ("routes", "target")):
        table = scenario.table(name)
        for line, envelope, year in zip(table.index, table[column], table["year"], strict=True):
            if (envelope, year) not in known and envelope in {key for key, _ in known}:
                yield Problem(f"{name}.csv", f"has no amount in {year}", _row(line), column, envelope)


def order_of_years(scenario: Scenario) -> Iterator[Problem]:
    file, written = "scenario.toml", ", ".join(scenario.years)
    if len(set(scenario.years)) < len(scenario.years):
        yield Problem(file, "a year stands twice", field="years", value=written)
    elif list(scenario.years) != sorted(scenario.years):
        fix = f"write {', '.join(sorted(scenario.years))}"
        yield Problem(file, "must stand in order, the first year first", field="years", value=written, fix=fix)
    for year in scenario.years:
        first, _, second = year.partition("/")
        if second and int(second) != (int(first) + 1) % 100:
            fix = f"write {first}/{(int(first) + 1) % 100:02d}"
            yield Problem(file, "is not a year: its halves do not follow", field="years", value=year, fix=fix)


def unknown_purposes(scenario: Scenario) -> Iterator[Problem]:
    known = set(scenario.table("programmes")["id"])
    for line, purpose in scenario.table("envelopes")["purpose"].items():
        for programme in str(purpose).split():
            if programme not in known:
                fix = suggestion(programme, known)
                yield Problem("envelopes.csv", "is not in programmes.csv", _row(line), "purpose", programme, fix)


def lookalike_names(scenario: Scenario) -> Iterator[Problem]:
    """Two rows a reader cannot tell apart, or a name with characters nobody can see."""
    for name in ("partners", "places", "programmes", "outcomes", "envelopes", "resources"):
        seen: dict[str, tuple[str, int]] = {}
        for line, key, text in _rows(scenario, name, "id", "name"):
            hidden = invisible(text)
            if hidden:
                yield Problem(f"{name}.csv", f"holds a character nobody can see: {hidden}", _row(line), "name", text)
            other, first = seen.setdefault(skeleton(text), (key, line))
            if other != key:
                yield Problem(f"{name}.csv", f"looks the same as the name in row {first}", _row(line), "name", text)


def place_tree(scenario: Scenario) -> Iterator[Problem]:
    places = scenario.table("places")
    parent = dict(zip(places["id"], places["parent"], strict=True))
    for line, place in places["id"].items():
        above, steps = parent[place], 0
        while isinstance(above, str) and above != place and steps <= len(parent):
            above, steps = parent.get(above), steps + 1
        if above == place:
            yield Problem("places.csv", "lies inside itself: follow its parents", _row(line), "parent", parent[place])


def rule_names(scenario: Scenario) -> Iterator[Problem]:
    for rule in scenario.rules:
        yield from rule.problems(scenario)


# --- sense: whether the figures can be meant -----------------------------------------------------------------------


def line_bounds(scenario: Scenario) -> Iterator[Problem]:
    lines = scenario.table("lines")[["low", "high", "scale"]]
    low, high, scale = (lines[figure].to_numpy() for figure in lines)
    wrong = (low > high) | (scale > high) | ((low > 0) & (low < scale))
    for line, low, high, scale in lines[wrong].itertuples() if wrong.any() else ():
        most = f"above the most ({money(high, scenario.heading.currency)})"
        if low > high:
            yield Problem("lines.csv", f"the least is {most}", _row(line), "low", f"{low:.15g}")
        if scale > high:
            yield Problem("lines.csv", f"the minimum viable scale is {most}", _row(line), "scale", f"{scale:.15g}")
        if 0 < low < scale:
            expected = f"is above the least ({money(low, scenario.heading.currency)}), which already rules out nothing"
            fix = "give the larger as low and leave scale blank, or set low to 0"
            yield Problem("lines.csv", expected, _row(line), "scale", f"{scale:.15g}", fix)


def line_purposes(scenario: Scenario) -> Iterator[Problem]:
    envelopes = scenario.table("envelopes")
    purpose = dict(zip(envelopes["id"], envelopes["purpose"], strict=True))
    group, pairs = _groups(scenario, "lines", ("programme", "envelope"))
    wrong = [programme not in (purpose[envelope].split() or (programme,)) for programme, envelope in pairs]
    if not any(wrong):
        return
    lines = scenario.table("lines")[np.array(wrong, dtype=bool)[group]]
    for line, programme, envelope in lines[["programme", "envelope"]].itertuples():
        allowed = str(purpose[envelope]).split()
        if allowed and programme not in allowed:
            expected = f"may not be paid from {envelope}, whose purpose is {', '.join(allowed)}"
            yield Problem("lines.csv", expected, _row(line), "programme", programme)


def envelope_sums(scenario: Scenario) -> Iterator[Problem]:
    """Minima that exceed the money, baselines far from it, envelopes in £m or k, envelopes nothing can use."""
    routes, currency = scenario.table("routes"), scenario.heading.currency
    lows, baselines = (_sums(scenario, "lines", ("envelope", "year"), figure) for figure in ("low", "baseline"))
    enters = _summed(scenario, "routes", ("target", "year"), scenario.route_high)
    leaves = set(zip(routes["source"], routes["year"], strict=True))
    for line, name, year, amount in _rows(scenario, "envelopes", "id", "year", "amount"):
        if (name, year) not in lows:
            if (name, year) not in leaves:
                yield Problem("envelopes.csv", "has no line and no route that can draw on it", _row(line), "id", name)
            continue
        low, baseline = lows[name, year], baselines[name, year]
        most = amount + enters.get((name, year), 0.0)
        nearest = min(max(baseline, amount), most)
        if baseline > 0 and not 1 / FAR <= nearest / baseline <= FAR:
            expected = f"is far from its lines' baseline of {money(baseline, currency)}"
            yield Problem(
                "envelopes.csv", expected, _row(line), "amount", f"{amount:.15g}", _unit_slip(amount, baseline)
            )
        elif low > most * (1 + 1e-12):
            short = money(low - most, currency)
            expected = f"its lines' minima add to {money(low, currency)}, {short} more than the money"
            fix = f"raise it by {short} or lower some of lines.csv's low"
            yield Problem("envelopes.csv", expected, _row(line), "amount", f"{amount:.15g}", fix)


def _sums(scenario: Scenario, table: str, key: tuple[str, ...], figure: str) -> dict[tuple[str, ...], float]:
    """The sum of a figure by these columns."""
    return _summed(scenario, table, key, scenario._tables[table][figure].to_numpy())


def _summed(scenario: Scenario, table: str, key: tuple[str, ...], values: np.ndarray) -> dict[tuple[str, ...], float]:
    """The sum of values, one a row, by these columns."""
    number, names = _groups(scenario, table, key)
    sums = np.bincount(number, values, minlength=len(names))
    return dict(zip(names, sums.tolist(), strict=True))


def _groups(scenario: Scenario, table: str, key: tuple[str, ...]) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """The rows of a table by these columns, none of which a change of figures touches: the number of each row's group,
    and each group's names."""

    def found() -> tuple[np.ndarray, list[tuple[str, ...]]]:
        columns = [scenario.codes(table, column) for column in key]
        number = np.zeros(len(scenario._tables[table]), dtype=int)
        for codes, names in columns:
            number = number * len(names) + codes
        _, first, group = np.unique(number, return_index=True, return_inverse=True)
        return group, list(zip(*(names[codes[first]] for codes, names in columns), strict=True))

    return scenario.shared(("groups of", table, key), found)


def _unit_slip(amount: float, baseline: float) -> str:
    """What to write instead, if the amount looks like the baseline given in a larger unit."""
    ratio = baseline / amount if amount > 0 else 0.0
    power = round(np.log10(ratio)) if 0 < ratio < np.inf else 0
    unit = {3: "thousands", 6: "millions", 9: "billions"}.get(power, "")
    return f"given in {unit}? write {amount * 10**power:.0f}" if unit else ""


def route_ends(scenario: Scenario) -> Iterator[Problem]:
    for line, source, target in _rows(scenario, "routes", "source", "target"):
        if source == target:
            yield Problem("routes.csv", "is the envelope that the money leaves", _row(line), "target", target)


def sums_of_people(scenario: Scenario) -> Iterator[Problem]:
    """Places whose population is not that of the places inside them."""
    places = scenario.table("places")
    if places["parent"].isna().all():
        return
    inside = places.groupby("parent")["population"].agg(["sum", "min"])
    for line, place, population in _rows(scenario, "places", "id", "population"):
        total, least = inside.loc[place] if place in inside.index else (0.0, 0.0)
        if least > 0 and abs(population - total) > 0.01 * total:
            expected = f"is not the sum of the places inside it ({total:,.0f})"
            fix = f"write {total:.15g}"
            yield Problem("places.csv", expected, _row(line), "population", f"{population:.15g}", fix)


def people(scenario: Scenario) -> Iterator[Problem]:
    """Places without people that money is planned for, and needs that are missing or nothing."""
    lines, places = scenario.table("lines"), scenario.table("places")
    used = set(lines["place"])
    envelopes = scenario.table("envelopes")
    by_need = set(envelopes.loc[envelopes["by_need"] == "yes", "id"])
    needy = set(lines.loc[lines["envelope"].isin(by_need), "place"]) - set(places["parent"].dropna())
    for line, place, population, need in _rows(scenario, "places", "id", "population", "need"):
        if place in used and not population > 0:
            yield Problem("places.csv", "has lines but no people", _row(line), "population", f"{population:.15g}")
        if place in needy and not need > 0:
            expected = "is required: an envelope by need spends here"
            yield Problem("places.csv", expected, _row(line), "need", "" if pd.isna(need) else f"{need:.15g}")
    for line, population, need in _rows(scenario, "places", "population", "need"):
        if population > 0 and need > 0 and not 1 / 5 <= need / population <= 5:
            expected = f"is far from the population of {population:,.0f}"
            fix = "a weighted population is in people"
            yield Problem("places.csv", expected, _row(line), "need", f"{need:.15g}", fix)


def aims(scenario: Scenario) -> Iterator[Problem]:
    outcomes, curves = scenario.table("outcomes"), scenario.table("curves")
    if not outcomes["weight"].sum() > 0:
        yield Problem("outcomes.csv", "the weights sum to nothing: the aim would be empty", field="weight", value="0")
    for line, name in outcomes.loc[~outcomes["id"].isin(curves["outcome"]), "id"].items():
        yield Problem("outcomes.csv", "has no curve that leads to it", _row(line), "id", name)


FIGURES_OF_SHAPE = {
    "linear": ({"slope"}, {"slope"}),
    "power": ({"slope", "exponent"}, {"slope", "exponent", "reference"}),
    "isoelastic": ({"slope", "exponent"}, {"slope", "exponent", "reference"}),
    "saturation": ({"ceiling"}, {"ceiling", "reference"}),
    "points": (set(), set()),
}
"""For each shape, the figures it needs and the figures it takes."""


def curve_figures(scenario: Scenario) -> Iterator[Problem]:
    curves = scenario.table("curves")
    wrong = curves[_wrong_curves(scenario)]
    baseline = _sums(scenario, "lines", ("place", "programme", "year"), "baseline") if len(wrong) else {}
    for row in wrong.itertuples():
        line, name = _row(row.Index), f"{row.place} {row.programme}"
        needed, taken = FIGURES_OF_SHAPE[row.shape]
        given = {f for f in ("slope", "reference", "exponent", "ceiling") if not np.isnan(getattr(row, f))}
        for figure in sorted(needed - given):
            yield Problem("curves.csv", f"is required for {a(row.shape)} curve", line, figure)
        for figure in sorted(given - taken):
            value = f"{getattr(row, figure):.15g}"
            yield Problem("curves.csv", f"is not used by {a(row.shape)} curve: leave it blank", line, figure, value)
        covered = baseline.get((row.place, row.programme, row.year))
        if covered is None:
            yield Problem("curves.csv", f"has no line that spends here in {row.year}", line, "programme", name)
        elif "reference" in taken:
            reference = covered if np.isnan(row.reference) else row.reference
            if not reference > 0:
                expected = "must be above 0, or its lines must have a baseline"
                yield Problem("curves.csv", expected, line, "reference", f"{reference:.15g}")
            elif covered > 0 and not 1e-3 < reference / covered < 1e3:
                expected = f"is far from its lines' baseline of {money(covered, scenario.heading.currency)}"
                yield Problem("curves.csv", expected, line, "reference", f"{reference:.15g}", "in pounds?")


def _wrong_curves(scenario: Scenario) -> np.ndarray:
    """The curves with figures that `curve_figures` has something to say of: booleans."""
    curves, (curve, line) = scenario.table("curves"), scenario.feeding
    shape, figures = curves["shape"].to_numpy(dtype=object), ("slope", "reference", "exponent", "ceiling")
    given = {figure: ~np.isnan(curves[figure].to_numpy()) for figure in figures}
    covered = np.bincount(curve, scenario._tables["lines"]["baseline"].to_numpy()[line], minlength=len(curves))
    wrong = np.bincount(curve, minlength=len(curves)) == 0
    reference = np.where(given["reference"], curves["reference"].to_numpy(), covered)
    times = np.divide(reference, covered, out=np.ones(len(curves)), where=covered > 0)
    far = ~((times > 1e-3) & (times < 1e3))
    for name, (needed, taken) in FIGURES_OF_SHAPE.items():
        mine = shape == name
        for figure in figures:
            wrong |= mine & ((~given[figure] & (figure in needed)) | (given[figure] & (figure not in taken)))
        if "reference" in taken:
            wrong |= mine & (~(reference > 0) | far)
    return wrong


def slopes(scenario: Scenario) -> Iterator[Problem]:
    """A slope far above those of its kind: most often a cost for one unit, which is one over the slope."""
    curves = scenario.table("curves")
    given = curves.loc[curves["slope"] > 0, "slope"]
    # A middle one may lie halfway between nothing and the lowest.
    if not given.size or given.max() <= 500 * given.min():
        return
    for (outcome, shape), group in curves[curves["slope"].notna()].groupby(["outcome", "shape"]):
        usual = float(group["slope"].median())
        for line, slope in group.loc[group["slope"] > 1000 * usual, "slope"].items():
            if len(group) >= 4 and usual > 0:
                expected = f"is more than 1,000 times the middle one ({usual:.3g}) of the {shape} curves for {outcome}"
                fix = f"upside down? write 1/slope: {1 / slope:.6g}"
                yield Problem("curves.csv", expected, _row(line), "slope", f"{slope:.15g}", fix)


def curve_points(scenario: Scenario) -> Iterator[Problem]:
    key = ["place", "programme", "outcome", "year"]
    curves, points = scenario.table("curves"), scenario.table("curve_points")
    if not len(points) and not (curves["shape"] == "points").any():
        return
    given = {name: group for name, group in points.groupby(key)}
    lows = _sums(scenario, "lines", ("place", "programme", "year"), "low") if given else {}
    curves = curves.loc[curves["shape"] == "points", key]
    wanted = {tuple(row): line for line, row in zip(curves.index, curves.to_numpy(), strict=True)}
    pointed = set(wanted)
    for name, group in given.items():
        if name not in pointed:
            expected = "has no curve with shape points in curves.csv"
            yield Problem("curve_points.csv", expected, _row(group.index[0]), "", " ".join(name))
            continue
        gains = group["gain"].to_numpy()
        for k in np.flatnonzero(np.diff(gains) < 0):
            expected = "more spend buys less: gains must not fall as spend rises"
            yield Problem("curve_points.csv", expected, _row(group.index[k + 1]), "gain", f"{gains[k + 1]:.15g}")
        least, first = lows.get((name[0], name[1], name[3]), 0.0), group["spend"].iloc[0]
        if first > least:
            expected = f"the points start above the least that may be spent ({money(least, scenario.heading.currency)})"
            yield Problem("curve_points.csv", expected, _row(group.index[0]), "spend", f"{first:.15g}")
    for name in pointed:
        if len(given.get(name, ())) < 2:
            expected = "needs at least two rows of curve_points.csv"
            yield Problem("curves.csv", expected, _row(wanted[name]), "shape", " ".join(name))


def resource_sums(scenario: Scenario) -> Iterator[Problem]:
    """Resources whose least use is more than there is; pairs of uses that cover one line twice; uses of nothing."""
    lines, uses = scenario.table("lines"), scenario.table("uses")
    if not len(uses) and not len(scenario.table("resources")):
        return
    counts: dict[str, np.ndarray] = {}
    needed: dict[str, np.ndarray] = {}
    for use in uses.itertuples():
        mask = fits(use, lines)
        if not mask.any():
            yield Problem("uses.csv", "covers no line of lines.csv", _row(use.Index), "resource", use.resource)
        count = counts.setdefault(use.resource, np.zeros(len(lines)))
        count += mask
        needed[use.resource] = needed.get(use.resource, 0.0) + use.rate * lines["low"].to_numpy() * mask
        if (count > 1).any():
            twice = scenario.line_ids[int(np.argmax(count > 1))]
            yield Problem("uses.csv", f"covers {twice} a second time", _row(use.Index), "resource", use.resource)
            return
    for row in scenario.table("resources").itertuples():
        if row.id not in counts:
            yield Problem("resources.csv", "is used by no row of uses.csv", _row(row.Index), "id", row.id)
        least = float((needed.get(row.id, np.zeros(len(lines))) * (lines["year"] == row.year).to_numpy()).sum())
        if least > row.amount * (1 + 1e-12):
            expected = f"the lines' minima need {least:,.1f} {row.unit}, more than there is"
            yield Problem("resources.csv", expected, _row(row.Index), "amount", f"{row.amount:.15g}")


def fits(use, lines: pd.DataFrame) -> np.ndarray:
    """Which lines a row of uses.csv covers."""
    mask = np.ones(len(lines), dtype=bool)
    for column in ("partner", "place", "programme"):
        value = getattr(use, column)
        if isinstance(value, str):
            mask &= (lines[column] == value).to_numpy()
    return mask


def benefit_curves(scenario: Scenario) -> Iterator[Problem]:
    """Benefits of what no curve leads to, and pairs of them that cover one curve twice for the same partner."""
    covered: dict[str, np.ndarray] = {}
    for row in scenario.table("benefits").itertuples():
        mine, said = benefits_from(scenario, row), row.place if isinstance(row.place, str) else "anywhere"
        count = covered.setdefault(row.partner, np.zeros(len(mine), dtype=int))
        count += mine
        if not mine.any():
            expected = f"covers no curve of curves.csv: nothing there leads to {row.outcome}"
            yield Problem("benefits.csv", expected, _row(row.Index), "place", said)
        elif (count[mine] > 1).any():
            expected = f"covers the {row.outcome} of some place a second time for {row.partner}"
            yield Problem("benefits.csv", expected, _row(row.Index), "place", said)


def benefits_from(scenario: Scenario, row) -> np.ndarray:
    """The curves that a row of benefits.csv covers: booleans."""
    curves = scenario._tables["curves"]
    mine = (curves["outcome"] == row.outcome).to_numpy()
    return mine & curves["place"].isin(scenario.within(row.place)).to_numpy() if isinstance(row.place, str) else mine


def rule_sense(scenario: Scenario) -> Iterator[Problem]:
    for rule in scenario.rules:
        if rule.binds:
            yield from rule.sense(scenario)


def _rows(scenario: Scenario, table: str, *columns: str) -> Iterator[tuple]:
    """The rows of a table: the line number and these columns."""
    rows = scenario.table(table)
    return zip(rows.index.tolist(), *(rows[column].tolist() for column in columns), strict=True)


def _row(line) -> int | None:
    """A line number for people; rows made by a change have none."""
    return int(line) if line > 0 else None


RULED = ("partners", "places", "programmes", "envelopes", "lines", "routes", "outcomes", "sources")
STRUCTURE: Checks = {
    duplicate_keys: (),
    unknown_years: ("envelopes",),
    order_of_years: (),
    unknown_purposes: ("programmes",),
    lookalike_names: (),
    place_tree: (),
    rule_names: RULED,
}
"""Checks of keys and names, each with the tables that it must see whole."""
SENSE: Checks = {
    line_bounds: (),
    line_purposes: ("envelopes",),
    envelope_sums: ("lines", "routes"),
    route_ends: (),
    sums_of_people: ("places",),
    people: ("places", "envelopes"),
    aims: ("outcomes", "curves"),
    curve_figures: ("lines",),
    slopes: ("curves",),
    curve_points: ("lines", "curves", "curve_points"),
    resource_sums: ("lines", "uses"),
    benefit_curves: ("places", "curves", "benefits"),
    rule_sense: RULED,
    evidence_problems: (*TABLES, "rules"),
}
"""Checks of what figures can mean, each with the tables that it must see whole."""
FIGURES_READ: Mapping[Check, tuple[str, ...]] = {
    line_bounds: ("lines",),
    envelope_sums: ("lines", "routes", "envelopes"),
    sums_of_people: ("places",),
    people: ("places",),
    aims: ("outcomes",),
    curve_figures: ("lines", "curves"),
    slopes: ("curves",),
    curve_points: ("lines", "curve_points"),
    resource_sums: ("lines", "uses", "resources"),
}
"""The checks that read figures, in the order of SENSE, each with the tables whose figures it reads. Rules aside: a kind
of rule may read any."""
