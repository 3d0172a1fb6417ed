"""The deal as pictures: apart, told and together on one scale, and each partner's way from no deal to the deal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from allocate.commons.apart.regimes import APART, AT_BEST, BEST, TODAY, TOGETHER, TOLD, WORST, Regimes
from allocate.plan.figures import number, pounds
from allocate.plan.words import capital
from allocate.ui.deal_work import Offer
from allocate.ui.pictures import Picture, extremes, framed, legend, lined, mark, saying, scaled, span, tabled, ticks_of

Row = dict[str, Any]
Scale = Callable[[float], float]
LAWFUL = "As last year, made lawful"
FAR = 4.0
"""The scale of apart, told and together reaches so many times as far down as from together to apart."""
WIDE = 2.5
"""A band that is so many times as wide as anybody's own change is shown whole."""
WAYS_TOLD = 6
"""Settlements that have a mark of their own."""
BEYOND = "\N{BLACK LEFT-POINTING SMALL TRIANGLE}"


def three_ways(found: Regimes) -> Picture:
    """What is bought apart, told and together, all on one scale: a dot where it ends, a bar from what each rule from
    above brings if each then acts for itself to what it could bring at best, and a band where apart may end otherwise.
    Lines stand at apart and at together; what lies far below both fades out at the left edge. Table: way, outcome, its
    least and most, and how much more that is than apart."""
    rows = ways(found)
    low, high = _ends(rows, found.noise)
    scale = scaled(low, high, margin=0.05)
    body = "".join(lined(row["name"], row["label"], _way(row, scale, rows, low)) for row in rows)
    ticks = "".join(mark("al-tick", scale(at), text) for at, text in ticks_of(low, high, number))
    alt = f"{capital(found.unit)}. {extremes(rows, 'at')}"
    words = {"apart": "Apart, and where else it may end", "told": "Told: each for itself, to at best",
             "after": "Together"}  # fmt: skip
    if all(row["kind"] != "told" for row in rows):
        del words["told"]
    table = tabled(rows, {"name": "Way", "label": capital(found.unit), "more": "Against apart"})
    return Picture(framed(body + lined("", "", ticks, " al-ticks"), alt, legend(words)), alt, table)


def _ends(rows: list[Row], noise: float) -> tuple[float, float]:
    """Where the scale begins and ends: with the lowest that is near apart, not with all that lies far below."""
    least, most = [row[key] for row in rows for key in ("least", "at", "most")], max(row["most"] for row in rows)
    gap = most - next(row["least"] for row in rows if row["kind"] == "apart")
    return min(each for each in least if gap <= noise or each >= most - FAR * gap), most


def ways(found: Regimes) -> list[Row]:
    """What the picture of apart, told and together has, a row a way: name, kind, at, least, most, label, more. Rules
    from above that leave no plan are left out."""
    first = found.table[found.table["rule"] == ""].set_index("regime")["value"].to_dict()
    apart, whole = first[APART], first[TOGETHER]
    rows: list[Row] = [_dot(LAWFUL, "today", first[TODAY])] if TODAY in first else []
    rows.append({**_dot("Apart", "apart", apart), "least": first[WORST], "most": first[BEST]})
    for rule, told in found.table[found.table["rule"] != ""].groupby("rule", sort=False):
        value = told.set_index("regime")["value"]
        if value.notna().all():
            low, high = sorted(map(float, (value[TOLD], value[AT_BEST])))
            rows.append(_dot(f"Told: {rule}", "told", value[TOLD]) | {"least": low, "most": high})
    rows.append(_dot("Together", "together", whole))
    for row in rows:
        ends = number(row["least"]), number(row["most"])
        row["label"] = " to ".join(ends) if row["kind"] == "told" and len(set(ends)) > 1 else number(row["at"])
        row["more"] = "" if row["kind"] == "apart" else number(row["at"] - apart, signed=True)
    return rows


def _dot(name: str, kind: str, value: float) -> Row:
    return {"name": name, "kind": kind, "at": float(value), "least": float(value), "most": float(value)}


def _way(row: Row, scale: Scale, rows: list[Row], low: float) -> str:
    apart, together = (next(each["at"] for each in rows if each["kind"] == kind) for kind in ("apart", "together"))
    guides = mark("al-guide", scale(apart)) + mark("al-guide al-guide-best", scale(together))
    cut = row["least"] < low
    ends = 0.0 if cut else scale(row["least"]), scale(row["most"])
    reach = span(f"al-reach-{row['kind']}{' al-cut' * cut}", *ends) if ends[1] > ends[0] else ""
    kind = {"today": "al-before", "apart": "al-dot-apart", "told": "al-dot-told", "together": "al-after"}[row["kind"]]
    return guides + reach + (mark(kind, scale(row["at"])) if row["at"] >= low else mark("al-beyond", 0.0, BEYOND))


# --- who would sign --------------------------------------------------------------------------------------------------


def signing(offer: Offer, unit: str, mine: str = "") -> Picture:
    """Each partner's way from no deal, which is nought, to the plan together as it stands (an arrow), and on to the
    deal after payments (a dot). The band is where nobody has less than without a deal: from nought to the whole gain.
    `mine` is the partner whose seat is taken."""
    rows = [
        {"name": row.name_ + (" (you)" if row.partner == mine else ""), "change": row.change, "gain": row.gain,
         "label": payment_said(offer, row.payment)}
        for row in offer.partners.rename(columns={"name": "name_"}).itertuples()
    ]  # fmt: skip
    ends = [0.0, *(row["change"] for row in rows)]
    ends += [row["gain"] for row in rows] if offer.shares else []
    # The band is as wide as the whole gain: where that is far more than anybody's own it runs off the edge.
    whole = offer.gain <= WIDE * max(map(abs, ends))
    ends += [offer.gain] if offer.shares and whole else []
    scale = scaled(min(ends), max(ends), margin=0.05)
    body = "".join(lined(row["name"], row["label"], _journey(row, offer, scale)) for row in rows)
    say = _ticked(unit, ends)
    ticks = "".join(mark("al-tick", scale(at), text) for at, text in ticks_of(min(ends), max(ends), say))
    words = {"rose": "Together, as it stands: more than without a deal", "fell": "Less"}
    band = "Where nobody has less than without a deal" + ("" if whole else f", to {offer.say(offer.gain, True)}")
    words |= {"deal": "With payments", "band": band} if offer.shares else {}
    told = [{**row, "label": offer.say(row["change"], True)} for row in rows]
    alt = f"{len(rows)} partners, together against no deal. {extremes(told, 'change')}"
    return Picture(framed(body + lined("", "", ticks, " al-ticks"), alt, legend(words)), alt, who_signs(offer))


def _ticked(unit: str, ends: list[float]) -> Callable[[float], str]:
    """How ticks are said: in millions only where that tells them apart."""
    say = saying(unit, signed=True)
    said = [text for _, text in ticks_of(min(ends), max(ends), say)]
    return say if len(set(said)) == len(said) else saying(unit.removesuffix("m"), signed=True)


def payment_said(offer: Offer, payment: float) -> str:
    """'pays £1.5m', 'receives £2.2m'; '' where nothing can be paid."""
    if not offer.shares:
        return ""
    if abs(payment) <= offer.noise:
        return "no payment"
    return f"{'receives' if payment > 0 else 'pays'} {offer.say(abs(payment))}"


def band_said(offer: Offer, least: float, most: float) -> str:
    """Between which payments a partner, and all others, have what they have without a deal."""
    if least != least:
        return ""
    if least >= 0:
        return f"receives {offer.say(least)} to {offer.say(most)}"
    if most <= 0:
        return f"pays {offer.say(-most)} to {offer.say(-least)}"
    return f"pays up to {offer.say(-least)}, receives up to {offer.say(most)}"


def who_signs(offer: Offer) -> pd.DataFrame:
    """The figures behind the picture, in words."""
    rows = [
        {"name": row.name_, "fallback": offer.say(row.fallback), "together": offer.say(row.together),
         "payment": payment_said(offer, row.payment), "amount": offer.say(row.amount),
         "band": band_said(offer, row.least, row.most)}
        for row in offer.partners.rename(columns={"name": "name_"}).itertuples()
    ]  # fmt: skip
    paid = {"payment": "Payment", "amount": "With the deal", "band": "Everybody stays in if it"}
    columns = {"name": "Partner", "fallback": "Without a deal", "together": "Together, as it stands"}
    return tabled(rows, columns | (paid if offer.shares else {}))


def _journey(row: Row, offer: Offer, scale: Scale) -> str:
    zero, now = scale(0.0), scale(row["change"])
    side = "rose" if row["change"] >= 0 else "fell"
    arrow = span(f"al-shaft al-shaft-{side}", zero, now) + mark(f"al-head al-head-{side}", now)
    if not offer.shares:
        return arrow + mark("al-zero", zero)
    band, deal = span("al-band", zero, scale(offer.gain)), scale(row["gain"])
    way = span("al-line", min(now, deal), max(now, deal))
    return band + way + arrow + mark("al-zero", zero) + mark("al-deal", deal)


def room(rows: list[Row], unit: str) -> Picture:
    """How far sums of money could go: a bar from the least to the most of each, against what is agreed. Rows: name,
    least, agreed, most."""
    say = saying(unit, signed=True)
    told = [
        {"name": str(row["name"]), "low": row["least"] - row["agreed"], "high": row["most"] - row["agreed"]}
        for row in rows
    ]  # fmt: skip
    for row in told:
        row["label"] = f"{say(row['low'])} to {say(row['high'])}"
    table = tabled(told, {"name": "Name", "label": "Against the agreed plan"})
    ends = [0.0, *(row[key] for row in told for key in ("low", "high"))]
    scale = scaled(min(ends), max(ends), margin=0.02)
    body = "".join(
        lined(
            row["name"],
            row["label"],
            span("al-rose", scale(row["low"]), scale(row["high"])) + mark("al-zero", scale(0)),
        )
        for row in told
    )
    alt = f"{len(told)} ranges against the agreed plan. {extremes(told, 'high')}" if told else "There are no ranges."
    return Picture(framed(body, alt), alt, table)


def settled(rows: pd.DataFrame, currency: str, mine: str = "") -> Picture:
    """What each settlement lands on each partner: a row a partner, a dot a settlement, the band from the least to the
    most that any of them lands. Rows: settlement, partner, name, gain."""
    told, words = [], list(dict.fromkeys(rows["settlement"]))
    for partner, every in rows.groupby("partner", sort=False):
        gains = dict(zip(every["settlement"], every["gain"], strict=True))
        low, high = min(gains.values()), max(gains.values())
        name = str(every["name"].iloc[0]) + (" (you)" if partner == mine else "")
        ends = [pounds(each, currency, signed=True) for each in (low, high)]
        told.append({"name": name, "low": low, "high": high, "gains": gains, "label": " to ".join(dict.fromkeys(ends))})
    table = pd.DataFrame([
        {"Partner": row["name"]} | {each: pounds(row["gains"][each], currency, signed=True) for each in words}
        for row in told
    ], dtype=object)  # fmt: skip
    most = max([0.0, *(row["high"] for row in told)])
    scale = scaled(min([0.0, *(row["low"] for row in told)]), most, margin=0.04)
    body = "".join(lined(row["name"], row["label"], _dots(row, words, scale)) for row in told)
    alt = f"{len(words)} settlements, {len(told)} partners. {extremes(told, 'high')}"
    key = legend({f"way-{place % WAYS_TOLD}": each for place, each in enumerate(words)})
    return Picture(framed(body, alt, key), alt, table)


def _dots(row: Row, words: list[str], scale: Scale) -> str:
    line = span("al-line", scale(row["low"]), scale(row["high"])) + mark("al-zero", scale(0.0))
    return line + "".join(
        mark(f"al-way al-way-{place % WAYS_TOLD}", scale(row["gains"][each])) for place, each in enumerate(words)
    )


__all__ = ["band_said", "payment_said", "room", "settled", "signing", "three_ways", "ways", "who_signs"]
