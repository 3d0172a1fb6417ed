"""What the page of the money is made of."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from allocate.plan import explaining
from allocate.plan.figures import number, pounds
from allocate.plan.plan import Plan
from allocate.plan.words import count
from allocate.ui import panels, parts, seating
from allocate.ui.desk import View
from allocate.ui.flows import flows
from allocate.ui.knobs import title
from allocate.ui.parts import Column, figure
from allocate.ui.words import money


def show(view: View, plan: Plan) -> None:
    """Who holds what, where it goes, and what may move and does."""
    text = sentence(plan)
    parts.draw(parts.verdict(text, "note"), key="verdict")
    seating.summary(view, plan)
    panels.strip(view)
    parts.announce(text)
    moved, currency = float(plan.routes["moved"].sum()), plan.scenario.heading.currency
    note = "From whose envelopes it is spent, to what it is spent on, to where. Hover over a ribbon for its sum."
    if moved >= 1:
        said = pounds(moved, currency, millions=parts.unit(plan).endswith("m"))
        note = f"After {said} has moved between envelopes (see below): {note[:1].lower()}{note[1:]}"
    shown = flows(links(plan), ["Spent from the envelopes of", "Spent on", "In"], parts.unit(plan))
    parts.chart(shown, "Where the money goes", note, "flows")
    with st.container(border=True, key="card-envelopes"):
        st.html(envelopes(view, plan))
    with st.container(border=True, key="card-routes"):
        st.html(routes(plan))


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


def links(plan: Plan) -> list[dict]:
    """Ribbons from holder to what it is spent on (groups of programmes), and from that to place: level, source, target,
    amount (£)."""
    scenario, spend = plan.scenario, plan.spend
    holders = scenario.envelopes.drop_duplicates("id").set_index("id")["holder"]
    spend["holder"] = [scenario.name_of("partners", each) for each in spend["envelope"].map(holders)]
    spend["what"] = purposes(plan, spend["programme"])
    spend["where"] = [scenario.name_of("places", each) for each in spend["place"]]
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


def envelopes(view: View, plan: Plan) -> str:
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
    own = view.draft.seat.removeprefix("partners.")
    mark = [row for row, holder in enumerate(table["holder"]) if holder == own]
    note = f"What more buys is in {explaining.aim_unit(plan)}." if plan.has_prices else ""
    return parts.title("Who holds what", note) + parts.table(table, columns, "Envelopes", mark)


def routes(plan: Plan) -> str:
    """HTML of the table of lawful routes: from, to, how much may move and does, and by what authority."""
    table, scenario = plan.routes, plan.scenario
    heading = parts.title(
        "What may move, and what does", "Money leaves its holder only along a route that law or an agreement opens."
    )
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
