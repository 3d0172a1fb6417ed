"""The best value of a one-year scenario, found without `allocate`: where the expected values in `cases` come from.

    python -m benchmarks.independent

It reads the files with pandas and tomllib, states every rule afresh from the format in scenarios/README.md, and solves
with scipy over ever finer straight pieces. It shares no code with the package, which is its only merit: it is slow,
knows only what the cases need, and checks nothing. Needs scipy, which the package does not.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

PIECES = 120
ROUNDS = 6


def best_value(folder: Path, envelopes: dict[str, float] | None = None) -> float:
    """The best value in a scenario's folder, with some envelopes changed to other amounts."""
    tables = {path.stem: pd.read_csv(path, keep_default_na=False) for path in folder.glob("*.csv")}
    rules = tomllib.loads((folder / "rules.toml").read_text(encoding="utf-8"))
    tables["envelopes"]["amount"] = [
        (envelopes or {}).get(name, amount) for name, amount in tables["envelopes"][["id", "amount"]].to_numpy()
    ]
    tables["routes"] = _routes(tables, rules)
    curves = [_curve(row, tables) for row in tables["curves"].to_dict("records")]
    weight = dict(tables["outcomes"][["id", "weight"]].to_numpy())
    weights = np.array([weight[name] for name in tables["curves"]["outcome"]])
    rows, low, high = _rows(tables, rules)
    most = np.array([high[fed].sum() for _, fed, _ in curves])
    ends = zip(curves, most, strict=True)
    grids = [np.array(corners) if corners else np.linspace(0, top, PIECES) for (_, _, corners), top in ends]
    best = -np.inf
    for _ in range(ROUNDS):
        spend = _solved(tables, curves, weights, rows, low, high, grids)
        effort = [spend[fed].sum() for _, fed, _ in curves]
        best = max(best, sum(w * gain(x) for w, (gain, _, _), x in zip(weights, curves, effort, strict=True)))
        at = zip(grids, effort, curves, strict=True)
        grids = [grid if corners else _closer(grid, x) for grid, x, (_, _, corners) in at]
    return float(best)


def _closer(grid: np.ndarray, x: float) -> np.ndarray:
    """Breakpoints drawn together round x, with the ends kept."""
    at = int(np.clip(np.searchsorted(grid, x), 2, len(grid) - 3))
    return np.unique(np.concatenate([grid[[0]], np.linspace(grid[at - 2], grid[at + 2], PIECES - 2), grid[[-1]]]))


def _curve(row: dict, tables: dict):
    """A curve: what x pounds buy, the lines that feed it, and its corners if it is given by points."""
    lines = tables["lines"]
    fed = ((lines["place"] == row["place"]) & (lines["programme"] == row["programme"])).to_numpy()
    before = lines["baseline"].to_numpy()[fed].sum()
    given = (row.get(name, "") for name in ("slope", "reference", "exponent", "ceiling"))
    slope, reference, exponent, ceiling = (0.0 if value == "" else float(value) for value in given)
    b = reference or before
    if row["shape"] == "points":
        points = tables["curve_points"]
        mine = points[(points["place"] == row["place"]) & (points["programme"] == row["programme"])]
        mine = mine.sort_values("spend")
        xs, ys = mine["spend"].to_numpy(float), mine["gain"].to_numpy(float)
        return (lambda x: np.interp(x, xs, ys)), fed, list(xs)
    if row["shape"] == "saturation":
        return (lambda x: ceiling * (1 - np.exp(-np.asarray(x) / b))), fed, None
    if row["shape"] == "linear":
        return (lambda x: slope * np.asarray(x)), fed, None
    today = 1.0 if row["shape"] == "isoelastic" else 0.0
    return (lambda x: slope * b / exponent * ((np.asarray(x) / b) ** exponent - today)), fed, None


def _rows(tables: dict, rules: dict):
    """Rows (coefficients over lines and routes, least, most) of envelopes, resources, rules; then bounds of lines."""
    lines, envelopes = tables["lines"], tables["envelopes"]
    routes = tables["routes"]
    pad = np.zeros(len(routes))
    rows = []
    entering = routes.groupby("target")["high"].sum() if len(routes) else {}
    most = {e.id: e.amount + (entering.get(e.id, 0.0) if len(routes) else 0.0) for e in envelopes.itertuples()}
    for e in envelopes.itertuples():
        drawn = (lines["envelope"] == e.id).to_numpy(float)
        moves = (routes["source"] == e.id).to_numpy(float) - (routes["target"] == e.id).to_numpy(float)
        rows.append((np.concatenate([drawn, moves]), -np.inf, e.amount))
    for resource in tables.get("resources", pd.DataFrame()).itertuples():
        rates = np.zeros(len(lines))
        for use in tables["uses"].query("resource == @resource.id").itertuples():
            fits = np.ones(len(lines), dtype=bool)
            for column in ("partner", "place", "programme"):
                if getattr(use, column, ""):
                    fits &= (lines[column] == getattr(use, column)).to_numpy()
            rates += use.rate * fits
        rows.append((np.concatenate([rates, pad]), -np.inf, resource.amount))
    for rule in _binding(rules):
        if rule["kind"] == "virement":
            rows.append((np.concatenate([np.zeros(len(lines)), pad + 1.0]), -np.inf, rule["amount"]))
        else:
            rows += [(np.concatenate([over, pad]), low, high) for over, low, high in _rule(rule, tables)]
    low = lines["low"].to_numpy(float) if "low" in lines else np.zeros(len(lines))
    asked = lines["high"] if "high" in lines else [""] * len(lines)
    high = np.array([float(h) if h != "" else most[e] for h, e in zip(asked, lines["envelope"], strict=True)])
    return rows, low, high


def _binding(rules: dict) -> list[dict]:
    """The rules that hold money to something: those in force, but for reports and what opens a route."""
    rules = [rule for rule in rules.values() if rule.get("in_force", True) and rule.get("standing") != "recorded"]
    return [rule for rule in rules if rule["kind"] not in ("open", "report")]


def _routes(tables: dict, rules: dict) -> pd.DataFrame:
    """The routes, each as far open as it is by itself or a rule opens it."""
    routes = tables.get("routes", pd.DataFrame(columns=["id", "source", "target", "high"])).copy()
    for rule in rules.values():
        if rule["kind"] == "open" and rule.get("in_force", True):
            mine = routes["id"] == rule["route"]
            routes.loc[mine, "high"] = routes.loc[mine, "high"].clip(lower=rule["amount"])
    return routes


def _rule(rule: dict, tables: dict):
    """The inequalities of a rule: coefficients over lines, least, most."""
    if rule["kind"] == "converge":
        yield from _converge(rule, tables)
        return
    lines = tables["lines"]
    covered, each = _covers(rule.get("where", {}), tables), rule.get("each")
    names = lines.index.to_series() if each == "line" else lines[each] if each else pd.Series("", index=lines.index)
    for name in names[covered].unique():
        mine = covered & (names == name).to_numpy()
        over, before = mine.astype(float), lines["baseline"].to_numpy()[mine].sum()
        kind = rule["kind"]
        if kind == "floor":
            yield over, rule["amount"], np.inf
        elif kind == "cap":
            yield over, -np.inf, rule["amount"]
        elif kind == "ring-fence":
            yield over * _covers(rule["only"], tables) - rule.get("at_least", 1.0) * over, 0.0, np.inf
        elif kind == "growth":
            yield over, (1 + rule["at_least"]) * before, np.inf
        elif kind == "band":
            yield over, (1 - rule.get("down", np.inf)) * before, (1 + rule.get("up", np.inf)) * before
        else:
            base = _covers(rule.get("of", {}), tables)
            base = base if each in (None, "line") else base & (names == name).to_numpy()
            if "at_least" in rule:
                yield over - rule["at_least"] * base, 0.0, np.inf
            if "at_most" in rule:
                yield over - rule["at_most"] * base, -np.inf, 0.0


def _converge(rule: dict, tables: dict):
    """No place further from its share of need, of what is spent in all of them, than it was at first."""
    assert rule["pace"] == 0
    assert not rule["no_overshoot"]
    lines, need = tables["lines"], tables["places"].set_index("id")["need"].astype(float)
    covered = _covers(rule["where"], tables)
    places = lines.loc[covered, "place"].unique()
    before = lines["baseline"].to_numpy() * covered
    for place in places:
        here, share = covered & (lines["place"] == place).to_numpy(), need[place] / need[places].sum()
        distance = before[here].sum() / (share * before.sum()) - 1
        over = here - share * (1 + distance) * covered
        yield (over, 0.0, np.inf) if distance < 0 else (over, -np.inf, 0.0)


def _covers(scope: dict, tables: dict) -> np.ndarray:
    """Which lines a scope covers."""
    lines = tables["lines"]
    fits = np.ones(len(lines), dtype=bool)
    for field, column in (("partners", "partner"), ("programmes", "programme"), ("envelopes", "envelope")):
        if field in scope:
            fits &= lines[column].isin(scope[field]).to_numpy()
    families = (("kinds", "partners", "kind", "partner"), ("groups", "programmes", "group", "programme"))
    for field, table, key, column in families:
        if field in scope:
            rows = tables[table]
            fits &= lines[column].isin(rows.loc[rows[key].isin(scope[field]), "id"]).to_numpy()
    if "places" in scope:
        parent, inside = dict(tables["places"][["id", "parent"]].to_numpy()), set(scope["places"])
        for _ in parent:
            inside |= {place for place, above in parent.items() if above in inside}
        fits &= lines["place"].isin(inside).to_numpy()
    return fits


def _solved(tables: dict, curves: list, weights, rows: list, low, high, grids: list) -> np.ndarray:
    """Pounds on every line, at the best over these pieces. Lines with a minimum viable scale are all, or nothing."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, hstack, vstack

    lines, routes = tables["lines"], tables["routes"]
    scale = lines["scale"].replace("", 0).to_numpy(float) if "scale" in lines else np.zeros(len(lines))
    count, flows = len(lines), len(lines) + len(routes)
    widths = [np.diff(grid) for grid in grids]
    along = zip(weights, grids, curves, strict=True)
    slopes = [weight * np.diff(gain(grid)) / np.diff(grid) for weight, grid, (gain, _, _) in along]
    pieces = sum(map(len, widths))
    owner = np.repeat(np.arange(len(curves)), [len(width) for width in widths])
    top = csr_array(np.array([over for over, _, _ in rows]))
    feeds = np.zeros((len(curves), flows + count + pieces))
    for q, (_, fed, _) in enumerate(curves):
        feeds[q, :count] = fed
        feeds[q, flows + count :][owner == q] = -1.0
    opening = np.zeros((2 * count, flows + count + pieces))
    opening[:count, :count] = opening[count:, :count] = np.eye(count)
    opening[:count, flows : flows + count], opening[count:, flows : flows + count] = -np.diag(scale), -np.diag(high)
    unit = 1e6 if max(high) > 1e8 else 1e3
    matrix = vstack([hstack([top, csr_array((len(rows), count + pieces))]), csr_array(feeds), csr_array(opening)])
    least = [low for _, low, _ in rows] + [grid[0] for grid in grids] + [0.0] * count + [-np.inf] * count
    most = [high for _, _, high in rows] + [grid[0] for grid in grids] + [np.inf] * count + [0.0] * count
    # Openings are yes/no only where there is a scale; elsewhere they are open.
    upper = np.concatenate([high, routes["high"].to_numpy(float), np.full(count, unit), np.concatenate(widths)]) / unit
    lower = np.concatenate([low, np.zeros(len(routes)), np.where(scale > 0, 0.0, unit), np.zeros(pieces)]) / unit
    cost = -np.concatenate([np.zeros(flows + count), *slopes])
    whole = np.concatenate([np.zeros(flows), scale > 0, np.zeros(pieces)])
    matrix = matrix.tocsc()
    matrix[:, flows : flows + count] = matrix[:, flows : flows + count] / unit
    found = milp(
        cost / np.abs(cost).max(), integrality=whole, bounds=Bounds(lower, upper),
        constraints=LinearConstraint(matrix, np.array(least) / unit, np.array(most) / unit),
        options={"mip_rel_gap": 1e-9},
    )  # fmt: skip
    if found.x is None:
        raise ValueError(found.message)
    return found.x[:count] * unit


def main() -> None:
    """Print the values that `cases` holds."""
    from benchmarks.cases import CASES, SCENARIOS

    for case in CASES.values():
        values = best_value(SCENARIOS / case.name), best_value(SCENARIOS / case.name, {case.envelope: case.amount})
        print(f"{case.name:26} {values[0]:.9g} {values[1]:.9g}")


if __name__ == "__main__":
    main()
