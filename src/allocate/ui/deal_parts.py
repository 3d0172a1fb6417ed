"""What the page of the deal is made of: what together adds, who would sign and for what, whether it holds, and what
stands behind it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from allocate.commons.apart.benefits import Benefits
from allocate.commons.apart.equilibrium import LEAST, still_in_words
from allocate.commons.apart.fallbacks import FALLBACKS
from allocate.commons.apart.ground import faults
from allocate.commons.apart.regimes import AIMED, ALONE, APART, TOGETHER, TOLD, Regimes
from allocate.commons.sharing.games import MOST
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.plan import Plan
from allocate.plan.words import count, quoted, some
from allocate.ui import deal_folds, deal_seat, panels, parts, state, tasks
from allocate.ui.deal_pictures import signing, three_ways
from allocate.ui.deal_work import THAN, WITHOUT, Offer, offer, regimes_of
from allocate.ui.desk import View
from allocate.ui.parts import Card, Shown, Tile
from allocate.ui.pictures import Picture

WAYS, WHO = "Apart, told, together", "Who would sign"
COUNTED = "Pounds are what outcomes are worth to each partner; payments come on top. {said}"
STAYS_PUT = (
    "That is because a group by itself is taken to spend its own money where it lands on its own members, while those "
    "left out stay put"
)


def show(view: View, plan: Plan) -> None:
    """The whole page, for a draft that has a plan."""
    # The sentence is drawn where it belongs, once what it waits for is there.
    said, seat, figures = (st.container(key=f"deal-{name}") for name in ("said", "seat", "figures"))
    panels.strip(view)
    tables = parts.tables_wanted()
    lacking = bool(list(faults(Benefits.of(view.wanted))))
    ways, who = st.container(key="deal-ways"), st.container(key="deal-who")
    with who:
        if not lacking:
            controls(view)
        # Asked for first, since it takes longer: both are worked out at the same time.
        made, whole = (None, True) if lacking else offer(view.wanted, view.draft.fallback or APART)
    with ways:
        found, all_told = regimes_of(view.wanted)
    if found is None:
        return
    if not isinstance(found, Regimes):
        with said:
            parts.draw(parts.verdict(str(found), "bad", "No answer can be given."), key="verdict")
        return
    mine = made if isinstance(made, Offer) else None
    lead, text, tone, more = verdict(found, mine)
    with said:
        parts.draw(parts.verdict(text, tone, lead, more), key="verdict")
    with seat:
        deal_seat.told(view, plan, found, mine)
    with figures:
        own = None if mine is None else deal_seat.tiles_of(view, mine)
        if shown := tiles(found, mine) if own is None else own:
            parts.draw(parts.tiles(shown), key="story")
    with ways:
        parts.draw(parts.gallery([told_of(found)], tables), key="pictures")
        if not all_told:
            st.button("Go on with other rules from above", on_click=tasks.again, args=("regimes",), key="regimes-again")
    with who:
        if mine is not None:
            counted = next(each for each in found.sentences if "benefits.csv" in each)
            _signed(view, plan, mine, whole, tables, counted)
        elif made is not None:
            parts.draw(parts.verdict(str(made), "note", "Who would sign cannot be said."), key="unsigned")
    needs(view)
    parts.announce(f"{lead} {text}")
    deal_folds.show(view, plan, found, mine)


def _signed(view: View, plan: Plan, made: Offer, whole: bool, tables: bool, counted: str) -> None:
    """Who would sign, and whether it holds; `counted` says what partners are taken to count."""
    table, _, key = view.draft.seat.partition(".")
    note = f"Pounds against no deal, where {FALLBACKS[made.fallback]}: every partner's nought. "
    note += "Whom the plan costs most as it stands comes first."
    if made.shares:
        note += " Payments between partners add up to nothing."
    picture = signing(made, parts.unit(plan), key if table == "partners" else "")
    picture = replace(picture, html=picture.html + parts.paragraph(COUNTED.format(said=counted)))
    parts.draw(parts.gallery([Shown(WHO, note, picture)], tables), key="signing")
    parts.draw(parts.cards(cards(made)), key="holding")
    if not whole:
        st.button("Go on", key="offer-again", on_click=tasks.again, args=("offer",))


def controls(view: View) -> None:
    """What no deal is taken to mean."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="deal-controls"):
        key = state.seed("deal-fallback", view.draft.fallback or APART)
        st.selectbox(
            "Without a deal", list(WITHOUT), format_func=WITHOUT.__getitem__, key=key, on_change=state.fall_back,
            args=(key,), width=440,
        )  # fmt: skip


# --- what is said ----------------------------------------------------------------------------------------------------


def verdict(found: Regimes, made: Offer | None) -> tuple[str, str, str, list[str]]:
    """What the page opens with: a lead, a sentence or two, its tone, and lines below it."""
    both = _both(found)
    if made is None:
        lead = _worth(found)
        return lead, both, "note" if found.gain <= found.noise else "good", _aimed(found)
    more = _aimed(found)
    if made.gain < -made.noise:
        lead = "No payments between partners bring everybody in."
        text = f"{both} But partners together have {made.say(-made.gain)} more without a deal than with it."
        return lead, text, "bad", more
    if not made.shares:
        text = f"{both} {_who(made)} There is nothing to share that could be paid."
        return f"Together adds nothing in pounds to {THAN[made.fallback]}.", text, "note", more
    lead = f"Together is worth {made.say(made.gain)} more to partners than {THAN[made.fallback]}."
    return lead, " ".join(each for each in (both, _who(made), _takes(made)) if each), _tone(made), more


def _both(found: Regimes) -> str:
    first = found.table[found.table["rule"] == ""].set_index("regime")["value"]
    both = f"Apart you would buy {number(first[APART])} {found.unit}, together"
    if found.gain <= found.noise:
        return f"{both} as much: what each does for itself is best for all."
    return f"{both} {number(first[TOGETHER])}."


def _worth(found: Regimes) -> str:
    if found.gain <= found.noise:
        return "Working together adds nothing here to what each does for itself."
    worth = in_pounds(found)
    if worth == worth:
        return f"Working together is worth {pounds(worth, found.scenario.heading.currency)} to partners."
    return f"Working together is worth {number(found.gain)} {found.unit}."


def in_pounds(found: Regimes) -> float:
    """What together lands on partners beyond apart; blank where not everybody counts in pounds."""
    first = found.table[found.table["rule"] == ""].set_index("regime")["pounds"]
    return float(first[TOGETHER] - first[APART])


def _aimed(found: Regimes) -> list[str]:
    """What the aim between places gives up of what together adds, where one is in force."""
    first = found.table.set_index("regime")["value"]
    if AIMED not in first:
        return []
    less = float(first[TOGETHER] - first[AIMED])
    if less <= found.noise:
        return ["The plan that follows the aim between places buys as much."]
    return [f"The plan that follows the aim between places buys {number(less)} less: that is given up for fairness."]


def _who(made: Offer) -> str:
    lose = made.losers
    if lose.empty:
        return "As it stands everybody would sign."
    fewer = f"{len(lose)} of {count(len(made.partners), 'partner')}"
    names = some([str(each) for each in lose["name"]])
    return f"As it stands {fewer} would have less than without a deal: {names}."


def _takes(made: Offer) -> str:
    """What it takes for all to sign, and whether it then holds."""
    sums = f"Payments of {made.say(made.paid)} between partners"
    does = "leave everybody better off" if len(made.losers) else "share the gain"
    if made.paid <= made.noise:
        sums, does = "No payments", "are needed"
    if made.deal is None or made.deal.stable is None:
        return f"{sums} {does}; whether groups of them would then walk is not known."
    if made.deal.stable:
        return f"{sums} {does}, and no group would do better by itself."
    return f"{sums} {does}, but no split keeps every group in: that takes {made.say(made.deal.top_up)} from outside."


def _tone(made: Offer) -> str:
    return "good" if made.deal is not None and made.deal.stable else "note"


def tiles(found: Regimes, made: Offer | None) -> list[Tile]:
    """Four figures: what together adds, who would sign as it stands, what changes hands, and whether it holds; none
    before it is known who would sign."""
    if made is None:
        return []
    apart = float(found.table.set_index("regime").loc[[APART], "value"].iloc[0])
    share = f", {per_cent(found.gain / apart, signed=True)}" if apart > 0 else ""
    outcome = f"{number(max(found.gain, 0.0), signed=True)} {found.unit}{share}"
    worth = in_pounds(found)
    first = pounds(worth, found.scenario.heading.currency, signed=True) if worth == worth else ""
    adds = Tile("Together against apart", first or number(max(found.gain, 0.0), True), outcome if first else found.unit)
    lose, everybody = made.losers, len(made.partners)
    worst = f"{lose['name'].iloc[0]} would lose {made.say(-lose['change'].iloc[0])}" if len(lose) else "nobody has less"
    signs = Tile("Would sign as it stands", f"{everybody - len(lose)} of {everybody}", worst)
    pay, receive = ((made.partners["payment"] * side > made.noise).sum() for side in (-1, 1))
    paid = Tile("Changes hands", made.say(made.paid), f"{pay} pay, {receive} receive")
    if not made.shares:
        paid = Tile("To share", made.say(min(made.gain, 0.0), True), "payments cannot bring everybody in")
    return [adds, signs, paid, _holds_tile(made)]


def _holds_tile(made: Offer) -> Tile:
    if made.deal is None:
        return Tile("Does it hold?", "Not known", f"groups are gone through for {MOST} partners at most")
    if made.deal.stable is None:
        return Tile("Does it hold?", "Not known", "it was stopped")
    if made.deal.stable:
        return Tile("Does it hold?", "Yes", "no group does better by itself", "up")
    return Tile("Does it hold?", "No", f"{made.say(made.deal.top_up)} from outside would be needed", "down")


# --- apart, told, together -------------------------------------------------------------------------------------------


def told_of(found: Regimes) -> Shown:
    """Apart, told and together as one picture, with what it says of control from above and how sure it is."""
    note = f"What is bought, in {found.unit}. {' '.join(control(found))}"
    return Shown(WAYS, note.strip(), _with_words(found))


def _with_words(found: Regimes) -> Picture:
    picture = three_ways(found)
    return replace(picture, html=picture.html + parts.lines(sure(found)))


def control(found: Regimes) -> list[str]:
    """Whether control from above wins over leaving partners alone, and where it does worst."""
    told = found.table[found.table["regime"] == TOLD].dropna(subset=["value"])
    if told.empty:
        return []
    best, worst = told.loc[told["difference"].idxmax()], told.loc[told["difference"].idxmin()]
    said = []
    if best["difference"] > found.noise:
        share = (
            ""
            if best["reached"] != best["reached"]
            else f", {per_cent(best['reached'], places=0)} of what together adds"
        )
        said.append(
            f"Control from above wins over leaving partners alone: told {quoted(best['rule'])} they buy "
            f"{number(best['difference'])} more{share}."
        )
    else:
        said.append("No rule from above does better here than leaving partners alone.")
    if worst["difference"] < -found.noise:
        said.append(f"Told {quoted(worst['rule'])} they buy {number(-worst['difference'])} less.")
    return said


def sure(found: Regimes) -> list[str]:
    """How sure it is that nobody would move apart, where else it may end, and what balancing alone costs."""
    first = found.table[found.table["rule"] == ""].set_index("regime")
    regret = float(first.loc[APART, "regret"])
    said = [still_in_words(regret)]
    cost = float(first.loc[TOGETHER, "value"] - first.loc[ALONE, "value"])
    each = "costs nothing here" if cost <= found.noise else f"costs {number(cost)} {found.unit}"
    return [*said, f"That each body balances by itself, rather than all together, {each}."]


# --- does it hold ----------------------------------------------------------------------------------------------------


def cards(made: Offer) -> list[Card]:
    """Whether it holds, whether it could do without payments, and whose leaving would hurt, in words."""
    if made.deal is None:
        few = (
            f"{len(made.partners)} partners decide here, and groups are gone through for {MOST} at most: whether some "
            "would do better by themselves, what consent costs, and whose leaving would hurt is not known. Payments "
            "are equal gain over what each has without a deal."
        )
        return [Card("Does it hold?", few)]
    return [
        Card("Does it hold?", holds(made)),
        Card("Could it do without payments?", consent(made), {"If one leaves": leaves(made)}),
    ]


def holds(made: Offer) -> str:
    """Whether a group would do better by itself, which is nearest to it, and what would hold it."""
    deal = made.deal
    assert deal is not None
    if deal.stable is None:
        return f"Not known: it was stopped after {count(len(deal.groups), 'group')}."
    groups = deal.groups[deal.groups["size"] > 1]
    if deal.stable:
        said = "Yes: with these payments no group of partners would do better by itself."
        if len(groups) and made.gain >= -made.noise:
            first = groups.iloc[0]
            left = made.say(max(first["slack"], 0.0))
            said += f" Nearest to walking is {made.names(first['group'])}, with {left} more in the deal."
        return said
    first = deal.groups.iloc[0]
    said = (
        "No: however it is shared, some group would do better by itself. With equal gain the nearest to walking is "
        f"{made.names(first['group'])}: by themselves they would have {made.say(-first['slack'])} more. "
        f"{_because(made)} A deal that holds would take {made.say(deal.top_up)} from outside."
    )
    return said


def _because(made: Offer) -> str:
    """Why no split holds: what a group takes from those left out."""
    assert made.deal is not None
    hurt = made.deal.leaving.assign(lost=lambda table: table["fallback"] - table["left"])
    if hurt.empty:
        return f"{STAYS_PUT}."
    row = hurt.loc[hurt["lost"].idxmax()]
    if row["lost"] <= made.noise or row["more"] <= made.noise:
        return f"{STAYS_PUT}."
    return (
        f"{STAYS_PUT}: without {row['name']} the others would have {made.say(row['more'])} more than with no deal at "
        f"all, and it {made.say(row['lost'])} less."
    )


def consent(made: Offer) -> str:
    """What it costs to leave nobody below its fallback without payments."""
    deal = made.deal
    assert deal is not None
    cost = deal.consent_cost
    if cost != cost:
        return "No plan was found that leaves everybody with what it has without a deal, if nothing may be paid."
    if cost <= LEAST * abs(deal.best):
        return "Yes: a plan that leaves nobody with less than without a deal buys as much."
    dearest = deal.consent.sort_values("cost", ascending=False).iloc[0]
    said = f"At a price: a plan that leaves nobody with less than without a deal buys {number(cost)} {deal.unit} less."
    if dearest["cost"] > LEAST * abs(deal.best):
        said += f" {dearest['name']} alone insisting costs {number(dearest['cost'])}"
        said += f", where a payment of {made.say(dearest['short'])} would do." if dearest["short"] > made.noise else "."
    return said


def leaves(made: Offer) -> str:
    """Whose leaving hurts the others most, and the largest group that would still do better."""
    deal = made.deal
    assert deal is not None
    if deal.leaving.empty:
        return "Not known: it was stopped before."
    row = deal.leaving.loc[deal.leaving["less"].idxmax()]
    own = float(row["acts"] - made.row(row["partner"])["amount"])
    said = (
        f"Most missed would be {row['name']}: without it the others have {_more(made, -row['less'])} than in the deal"
    )
    said += f", and it has {_more(made, own)}."
    if deal.largest:
        without = [each for each in made.partners["partner"] if each not in deal.largest]
        return (
            f"{said} The largest group that still does better than without any deal is all but {made.names(without)}."
        )
    return f"{said} No smaller group does better than without any deal."


def _more(made: Offer, change: float) -> str:
    return f"{made.say(abs(change))} {'more' if change > 0 else 'less'}"


# --- where it cannot be said -----------------------------------------------------------------------------------------


def needs(view: View) -> None:
    """What a scenario must say before it can be told who would sign, and how; nothing where it says it."""
    benefits = Benefits.of(view.wanted)
    lacking = [
        view.wanted.name_of("partners", key)
        for key, known in zip(benefits.players, benefits.in_money, strict=True) if not known
    ]  # fmt: skip
    if not lacking and len(benefits.players) > 1:
        return
    with st.container(border=True, key="card-needs"):
        if len(benefits.players) < 2:
            only = "Only one partner decides how money is spent here: there is nobody to make a deal with."
            st.html(parts.title(WHO) + parts.paragraph(only, "text"))
            return
        text = (
            "To say who would sign, each partner's part of what is bought has to be known in pounds. "
            f"Not known yet: {some(lacking, 6)}. Put a file benefits.csv into the scenario's folder, with a row for "
            "each partner and outcome:"
        )
        st.html(parts.title("What is needed to say who would sign") + parts.paragraph(text, "text"))
        st.code(example(view), language="csv", wrap_lines=True)
        st.html(parts.lines(EXAMPLE) + parts.paragraph("And three rows into its evidence.csv:", "text"))
        st.code(EVIDENCE.format(source=view.wanted.table("sources")["id"].iloc[0]), language="csv", wrap_lines=True)


EXAMPLE = (
    "own: the part of what its own lines buy that lands on the partner; 1 is all of it.",
    "share: the part of what others' lines buy that lands on it.",
    "worth: what one unit of the outcome is worth to it, in pounds. The figures above are made up: put in yours.",
)

EVIDENCE = "\n".join(f"benefits.*.{each},assumed,{{source}},A judgement" for each in ("own", "share", "worth"))


def example(view: View) -> str:
    """A benefits.csv for the partners and outcomes of a scenario, with made-up figures."""
    outcomes = view.wanted.table("outcomes")["id"].tolist()
    players = Benefits.of(view.wanted).players
    rows = [f"{player},{outcome},,0.6,0.05,20000" for player in players for outcome in outcomes]
    return "\n".join(["partner,outcome,place,own,share,worth", *rows[:12]])


__all__ = ["cards", "consent", "control", "controls", "holds", "leaves", "needs", "show", "sure", "tiles", "verdict"]
