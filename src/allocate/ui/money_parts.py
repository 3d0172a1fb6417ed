"""What the page of the money is made of."""

from __future__ import annotations

from collections.abc import Container
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from allocate.plan import explaining
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.plan import Plan
from allocate.plan.seats import SeatView, rows_of
from allocate.plan.words import count, some
from allocate.ui import lawful_parts, panels, parts, seating
from allocate.ui.desk import View
from allocate.ui.flows import flows
from allocate.ui.knobs import title
from allocate.ui.parts import Column, figure
from allocate.ui.words import money


def show(view: View, plan: Plan) -> None:
    """Who holds what, where it goes, and what may move and does; from a seat, what of that touches it first."""
    text, mine = sentence(plan), seating.seen(view, plan)
    parts.draw(parts.verdict(text, "note"), key="verdict")
    if mine is not None:
        seating.banner(mine, told_to(mine, plan))
    panels.strip(view)
    parts.announce(text)
    if mine is None:
        _system(plan)
    else:
        _from_seat(mine, plan)
        with st.expander("The whole system's money", key="whole-money", on_change="rerun") as fold:
            if fold.open:
                _system(plan)
    lawful_parts.reach(view, plan)


def _system(plan: Plan) -> None:
    """The money of all."""
    _flows(plan, links(plan), "In", "Where the money goes", "flows")
    with st.container(border=True, key="card-envelopes"):
        st.html(envelopes(plan))
    with st.container(border=True, key="card-routes"):
        st.html(routes(plan))


def _flows(plan: Plan, ribbons: list[dict], last: str, heading: str, key: str) -> None:
    moved, currency = float(plan.routes["moved"].sum()), plan.scenario.heading.currency
    to = "to where" if last == "In" else "by whom"
    note = f"From whose envelopes it is spent, to what it is spent on, {to}. Hover over a ribbon for its sum."
    if moved >= 1:
        said = pounds(moved, currency, millions=parts.unit(plan).endswith("m"))
        note = f"After {said} has moved between envelopes (see below): {note[:1].lower()}{note[1:]}"
    parts.chart(flows(ribbons, ["Spent from the envelopes of", "Spent on", last], parts.unit(plan)), heading, note, key)


# --- from a seat -----------------------------------------------------------------------------------------------------


def _from_seat(mine: SeatView, plan: Plan) -> None:
    """The money that touches a seat: where it goes, its envelopes with totals, and the routes to and from them."""
    touched, by_whom = touching(mine, plan)
    heading = "Where the money goes that you hold or spend" if not mine.place else "Where the money spent on you goes"
    if touched.any():
        last = "Spent by" if by_whom else "In"
        _flows(plan, links(plan, touched, "partner" if by_whom else "place"), last, heading, "flows-mine")
    with st.container(border=True, key="card-my-envelopes"):
        st.html(my_envelopes(mine, plan))
    with st.container(border=True, key="card-my-routes"):
        st.html(routes(plan, set(_my_money(mine, plan)["envelope"])))


def holders(plan: Plan) -> np.ndarray:
    """Per line, who holds its envelope in law."""
    scenario = plan.scenario
    return scenario.table("envelopes")["holder"].to_numpy(dtype=str)[scenario.envelope_of_line]


def touching(mine: SeatView, plan: Plan) -> tuple[np.ndarray, bool]:
    """Which lines touch a seat, its own and those paid from what it holds; and whether to tell them by who spends them
    rather than by place."""
    own = np.zeros(len(plan.scenario.line_ids), dtype=bool)
    own[rows_of(plan.scenario, mine.seat)] = True
    if mine.place:
        return own, mine.lines["place"].nunique() < 2
    held = holders(plan) == mine.key
    return own | held, bool((held & ~own).any())


def told_to(mine: SeatView, plan: Plan) -> str:
    """What a seat holds and spends, and out of whose money, in a sentence or two."""
    spend, own = plan.spend["spend"].to_numpy(), np.zeros(len(plan.scenario.line_ids), dtype=bool)
    own[rows_of(plan.scenario, mine.seat)] = True
    return _told_place(plan, spend * own) if mine.place else _told_partner(mine, plan, spend, own)


def _told_place(plan: Plan, spend: np.ndarray) -> str:
    currency, held = plan.scenario.heading.currency, pd.Series(spend).groupby(holders(plan)).sum()
    held = held[held >= 1].sort_values(ascending=False, kind="stable")
    if held.empty:
        return "Nothing is spent on you."
    most = plan.scenario.name_of("partners", held.index[0])
    first = f"{pounds(held.sum(), currency)} is spent on you"
    if len(held) == 1:
        return f"{first}, all of it held in law by {most}."
    return f"{first}, held in law by {len(held)} bodies; {most} holds {pounds(held.iloc[0], currency)} of it."


def _told_partner(mine: SeatView, plan: Plan, spend: np.ndarray, own: np.ndarray) -> str:
    say, table = partial(pounds, currency=plan.scenario.heading.currency), plan.money
    held, by_me = table[table["holder"] == mine.key], holders(plan) == mine.key
    said = "You hold no envelope in law."
    if len(held):
        out = float(spend[by_me & ~own].sum())
        others = f"; others spend {say(out)} from {'it' if len(held) == 1 else 'them'}" if out >= 1 else ""
        said = f"You hold {say(held['amount'].sum())} in law in {count(len(held), 'envelope')}{others}."
    if not own.any():
        return f"{said} You spend none yourself."
    yours = f"{said} You spend {say(spend[own].sum())}"
    foreign = pd.Series(spend * (own & ~by_me)).groupby(holders(plan)).sum().sort_values(ascending=False)
    names = [plan.scenario.name_of("partners", key) for key in foreign.index[foreign >= 1]]
    if not names:
        return f"{yours}, all of it from your own."
    part = "all" if not (own & by_me).any() else say(foreign.sum())
    return f"{yours}, {part} of it from what {some(names)} {'holds' if len(names) == 1 else 'hold'}."


def _my_money(mine: SeatView, plan: Plan) -> pd.DataFrame:
    """The envelopes that a seat holds or that pay its lines: held ones first, then by what it has of them. As in
    `Plan.money`, with `mine` and `fallback`, pounds in the plan and last year."""
    sums = mine.lines.groupby(["envelope", "year"])[["spend", "baseline"]].sum().reset_index()
    table = plan.money.merge(sums, on=["envelope", "year"], how="left")
    table = table.rename(columns={"spend": "mine", "baseline": "fallback"}).fillna({"mine": 0.0, "fallback": 0.0})
    table["held"] = (table["holder"] == mine.key) & (not mine.place)
    table = table[table["held"] | (table["mine"] > 0) | (table["fallback"] > 0)]
    return table.sort_values(["held", "mine"], ascending=False, kind="stable", ignore_index=True)


def my_envelopes(mine: SeatView, plan: Plan) -> str:
    """HTML of the envelopes that a seat holds or is paid from, what it has of each in the plan and on its fallback, and
    the totals."""
    heading = "The envelopes that pay for you" if mine.place else "What you hold, and what pays you"
    table = _my_money(mine, plan)
    if table.empty:
        return parts.title(heading, "No envelope is yours, and none pays you.")
    say, whose = money(plan), "on you" if mine.place else "by you"
    years = [Column("year", "Year")] if len(plan.scenario.years) > 1 else []
    columns = [
        Column("name", "Envelope"), Column("who", "Held in law by"), *years, figure("amount", "Amount", say),
        figure("moved", "Moved in or out", money(plan, signed=True)), figure("mine", f"Spent {whose}", say),
        figure("part", "Part of what is spent", per_cent),
        figure("fallback", f"If no plan is agreed: {mine.fallback_name}", say),
        figure("change", "Change", money(plan, signed=True)),
    ]  # fmt: skip
    note = "" if mine.place or not table["held"].any() else "Those that you hold come first; they stand out."
    held = [int(row) for row in np.flatnonzero(table["held"])]
    rows = _with_total(plan, table)
    return parts.title(heading, note) + parts.table(rows, columns, "Your envelopes", held, total=True)


def _with_total(plan: Plan, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of a seat's envelopes in words, and their sum."""
    name = plan.scenario.name_of
    rows = table.assign(
        name=[name("envelopes", each) for each in table["envelope"]],
        who=[name("partners", each) for each in table["holder"]],
        moved=table["moved_in"] - table["moved_out"],
        change=table["mine"] - table["fallback"],
    )
    sums = rows[["amount", "moved", "mine", "fallback", "change", "spent"]].sum()
    rows = pd.concat([rows, pd.DataFrame([{"name": "All of these", "who": "", "year": "", **sums}])], ignore_index=True)
    return rows.assign(part=rows["mine"] / rows["spent"].where(rows["spent"] > 0))


# --- the whole system ------------------------------------------------------------------------------------------------


def sentence(plan: Plan) -> str:
    """Who holds how much, how much of it may move, and how much does."""
    money, moves, currency = plan.money, plan.routes, plan.scenario.heading.currency
    held = money.groupby("holder")["amount"].sum().sort_values(ascending=False, kind="stable")
    most = plan.scenario.name_of("partners", held.index[0])
    bodies = f"{len(held)} bodies hold" if len(held) > 1 else "one body holds"
    first = (
        f"In law {bodies} {pounds(held.sum(), currency)} in {count(len(money), 'envelope')}; {most} holds "
        f"{pounds(held.iloc[0], currency)} of it."
    )
    if moves.empty:
        return f"{first} No route is open: each envelope is spent by its own holder's rules."
    may, does = (pounds(moves[column].sum(), currency) for column in ("high", "moved"))
    return f"{first} Up to {may} may move along {len(moves)} routes; {does} does."


def links(plan: Plan, only: np.ndarray | None = None, last: str = "place") -> list[dict]:
    """Ribbons from holder to what it is spent on (groups of programmes), and from that to place (or partner): level,
    source, target, amount (£). Of some lines `only`, where they are given."""
    scenario, spend = plan.scenario, plan.spend
    spend["holder"] = [scenario.name_of("partners", each) for each in holders(plan)]
    spend["what"] = purposes(plan, spend["programme"])
    spend["where"] = [scenario.name_of(f"{last}s", each) for each in spend[last]]
    spend = spend if only is None else spend[only]
    return [*ribbons(spend, 0, "holder", "what"), *ribbons(spend, 1, "what", "where")]


def purposes(plan: Plan, programmes: pd.Series) -> list[str]:
    """What programmes are, in few enough words: their groups where they have any, else their names. A group that is
    called as one of the several programmes in it says that there are others."""
    table = plan.scenario.programmes.set_index("id")
    names = table["group"].map(title, na_action="ignore")
    for group, inside in table.groupby("group"):
        same = inside["name"].str.casefold() == title(str(group)).casefold()
        if len(inside) > 1 and same.any():
            names[inside.index] = f"{title(str(group))} and others"
    names = names.fillna(table["name"])
    return list(programmes.map(names))


def ribbons(spend: pd.DataFrame, level: int, left: str, right: str) -> list[dict]:
    """The ribbons between two columns of a table of spending."""
    sums = spend.groupby([left, right], sort=False)["spend"].sum().reset_index()
    rows = sums[sums["spend"] >= 1].itertuples(index=False)
    return [{"level": level, "source": a, "target": b, "amount": amount} for a, b, amount in rows]


def envelopes(plan: Plan) -> str:
    """HTML of the table of envelopes: who holds them in law, what moves, what is left, what more would buy."""
    scenario, currency, little = plan.scenario, plan.scenario.heading.currency, explaining.a_little(plan)
    table = plan.money
    table["name"] = [scenario.name_of("envelopes", each) for each in table["envelope"]]
    table["who"] = [scenario.name_of("partners", each) for each in table["holder"]]
    table["moved"] = table["moved_in"] - table["moved_out"]
    table["more"] = table["price"] * little

    years = [Column("year", "Year")] if len(scenario.years) > 1 else []
    columns = [
        Column("name", "Envelope"), Column("who", "Held in law by"), *years,
        figure("amount", "Amount", money(plan)),
        figure("moved", "Moved in or out", money(plan, signed=True)),
        figure("spent", "Spent", money(plan)), figure("unspent", "Left", money(plan)),
    ]  # fmt: skip
    if plan.has_prices:
        columns.append(figure("more", f"{explaining.round_sum(little, currency)} more buys", number))
    note = f"What more buys is in {explaining.aim_unit(plan)}." if plan.has_prices else ""
    return parts.title("Who holds what", note) + parts.table(table, columns, "Envelopes")


def routes(plan: Plan, only: Container[str] | None = None) -> str:
    """HTML of the table of lawful routes: from, to, how much may move and does, and by what authority. Only those to
    and from some envelopes, where they are given."""
    table, scenario = plan.routes, plan.scenario
    heading = parts.title(
        "What may move, and what does" if only is None else "What may move to and from these, and what does",
        "Money leaves its holder only along a route that law or an agreement opens.",
    )
    if only is not None:
        ends = zip(table["source"], table["target"], strict=True)
        table = table[[source in only or target in only for source, target in ends]].reset_index(drop=True)
    if table.empty:
        return heading + parts.paragraph("No route is open here.")
    said = scenario.routes.set_index(["id", "year"])["authority"]
    table["from"] = [scenario.name_of("envelopes", each) for each in table["source"]]
    table["to"] = [scenario.name_of("envelopes", each) for each in table["target"]]
    table["room"] = table["high"] - table["moved"]
    table["authority"] = [said[row.route, row.year] for row in table.itertuples()]

    years = [Column("year", "Year")] if len(scenario.years) > 1 else []
    columns = [
        Column("from", "From"), Column("to", "To"), *years,
        figure("high", "May move", money(plan)), figure("moved", "Moves", money(plan)),
        figure("room", "Could still move", money(plan)), Column("authority", "By what authority"),
    ]  # fmt: skip
    return heading + parts.table(table, columns, "Routes")
