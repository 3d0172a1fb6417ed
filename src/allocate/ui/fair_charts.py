"""The price of fairness as a picture: how fair a plan can be for each part of the gain that is given up."""

from __future__ import annotations

from typing import Any

import pandas as pd

from allocate.plan.aim import PEOPLE, aim_unit, part_in_words
from allocate.plan.frontier import CHOSEN, EQUAL, FAIREST, MOST, ON, OUTSIDE, TARGET, TODAY, Frontier
from allocate.plan.plan import Plan
from allocate.plan.words import capital
from allocate.ui.flows import CONFIG, TEXT, Chart, Spec

BLUE, GREY = "#005eb8", "#5b6b78"
HEIGHT = 250
AXIS: Spec = {
    "grid": True, "gridColor": "#e8edee", "domainColor": "#aeb7bd", "tickColor": "#aeb7bd", "tickCount": 5,
    "labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal", "labelColor": "#4c6272",
    "titleColor": "#4c6272",
}  # fmt: skip
WIDER = 1.25
"""Plans that give up more than so many times what the fairest does are told in words alone: the curve would be a line
at the edge."""
NAMES = {
    MOST: "The most benefit",
    FAIREST: "The fairest",
    CHOSEN: "This plan",
    TODAY: "Today",
    EQUAL: "Equal growth",
    TARGET: "Fair shares",
}


def price_of_fairness(found: Frontier, plan: Plan) -> Chart:
    """The frontier as a curve from the most benefit to the fairest plan, with the plan that is looked at, and today and
    equal growth where they lie near. Table: what is given up, the outcome and how fair, a row a point."""
    points = [_point(found, row.given_up, row.score) for row in found.table.itertuples()]
    marks = _marks(found, plan)
    told = pd.DataFrame(
        {
            "Given up": [part_in_words(each) for each in found.table["given_up"]],
            f"Outcome ({found.unit})": [f"{each:,.6g}" for each in found.table["value"]],
            "How fair": [found.said(each) for each in found.table["score"]],
        }
    )
    first, last = found.table.iloc[0], found.table.iloc[-1]
    alt = (
        f"How fair a plan can be for what is given up: from {found.said(first['score'])} for nothing to "
        f"{found.said(last['score'])} for {part_in_words(last['given_up'])} of the gain."
    )
    return Chart(_spec(found, points, marks, alt), alt, told)


def _point(found: Frontier, given_up: float, score: float) -> dict[str, Any]:
    said = {"Given up": f"{part_in_words(max(given_up, 0.0))} of the gain", "How fair": found.said(score)}
    return {"x": 100 * max(given_up, 0.0), "y": score * _scale(found), **said}


def _scale(found: Frontier) -> float:
    """What scores are multiplied by to be shown: outcomes for 1,000 people, parts as per cents."""
    return {"spend": 1.0, "fair-share": 100.0, "own-best": 100.0}.get(found.aim.view, PEOPLE)


def _marks(found: Frontier, plan: Plan) -> list[dict[str, Any]]:
    """The plans that have a name, as points; the one that is looked at covers those that are where it is."""
    end = float(found.table["given_up"].iloc[-1])
    named = {row.name: (row.given_up, row.score, row.where) for row in found.named.itertuples(index=False)}
    if plan.aim is None:
        del named[CHOSEN]
    else:
        named[CHOSEN] = (plan.given_up, plan.aim.reached, ON)
    made: list[dict[str, Any]] = []
    for name in (CHOSEN, MOST, FAIREST, TARGET, EQUAL, TODAY):
        if name not in named or named[name][0] > WIDER * max(end, 1e-9):
            continue
        given, score, where = named[name]
        here = _point(found, given, score)
        near = 0.03 * 100 * end
        if any(abs(here["x"] - each["x"]) <= near and abs(here["y"] - each["y"]) <= _near(found) for each in made):
            continue
        said = NAMES[name] + " (breaks rules)" * (where == OUTSIDE)
        side = "right" if here["x"] > 60 * end else "left"
        made.append({"Plan": said, "colour": BLUE if name == CHOSEN else GREY, "side": side, **here})
    return made


def _near(found: Frontier) -> float:
    score = found.table["score"] * _scale(found)
    return 0.03 * float(score.max() - score.min())


def upwards(found: Frontier) -> str:
    """What the curve rises in, in words."""
    subject = capital(found.aim.subject(found.scenario))
    if found.aim.view in ("fair-share", "own-best"):
        return f"{subject}, per cent"
    currency = found.scenario.heading.currency
    return f"{subject}, {f'{currency} a head' if found.aim.view == 'spend' else _unit(found)}"


def _unit(found: Frontier) -> str:
    return f"{aim_unit(found.plans[MOST])} for 1,000 people"


def _spec(found: Frontier, points: list[dict[str, Any]], marks: list[dict[str, Any]], alt: str) -> Spec:
    tip = [{"field": each, "type": "nominal"} for each in ("Given up", "How fair")]
    across: Spec = {"field": "x", "type": "quantitative", "title": "Given up, per cent of the best plan's gain"}
    across |= {"scale": {"nice": False, "padding": 24}, "axis": AXIS}
    up: Spec = {"field": "y", "type": "quantitative", "title": None}
    up |= {"scale": {"zero": False, "padding": 18}, "axis": AXIS}
    curve = {"type": "line", "color": BLUE, "strokeWidth": 2.5, "aria": False}
    curve["interpolate"] = "step-after" if found.discrete else "linear"
    letters = {"type": "text", "aria": False, "fontWeight": 600, "fontSize": 13, "fill": TEXT, "tooltip": None}
    sides: list[Spec] = [
        {
            "data": {"values": [each for each in marks if each["side"] == side]},
            "mark": {
                **letters,
                "align": side,
                "dx": 10 if side == "left" else -10,
                "dy": 16 if side == "left" else -14,
            },
            "encoding": {"x": across, "y": up, "text": {"field": "Plan", "type": "nominal"}},
        }
        for side in ("left", "right")
    ]
    dot = {"type": "point", "filled": True, "size": 130, "opacity": 1, "aria": False, "stroke": "#ffffff"}
    layers: list[Spec] = [
        {"data": {"values": points}, "mark": curve, "encoding": {"x": across, "y": up}},
        {"data": {"values": points}, "mark": {"type": "point", "size": 60, "opacity": 0, "aria": False},
         "encoding": {"x": across, "y": up, "tooltip": tip}},
        {"data": {"values": marks}, "mark": dot,
         "encoding": {"x": across, "y": up, "color": {"field": "colour", "type": "nominal", "scale": None},
                      "tooltip": [{"field": "Plan", "type": "nominal"}, *tip]}},
        *sides,
    ]  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": alt,
        "width": "container",
        "height": HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": CONFIG,
        "layer": layers,
    }


__all__ = ["price_of_fairness", "upwards"]
