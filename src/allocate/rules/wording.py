"""Words of rules: money, shares, dates, and scopes as minutes would say them.

No figure is rounded: what a sentence says is what the rule holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from itertools import accumulate

from allocate.scenario.rulebook import Bend, Rule, Scope
from allocate.scenario.scenario import Scenario

COUNTED = frozenset({"pool", "fund", "grant", "budget", "allocation", "allowance", "envelope", "levy", "premium"})
"""Last words of an envelope's name that take an article: 'the Coventry pool', but 'Core money'."""
UNCOUNTED = frozenset({"money", "funding"})
DONE = frozenset({"gained", "averted", "avoided", "saved", "prevented"})
"""Last words of an outcome's name that already say that it is gained."""


def money(amount: float, currency: str = "£") -> str:
    """£105.392m, £450,000, £0.50: in millions where whole thousands say it all."""
    if amount >= 1e6 and amount % 1000 == 0:
        return f"{currency}{amount / 1e6:,.3f}".rstrip("0").rstrip(".") + "m"
    if amount == int(amount):
        return f"{currency}{amount:,.0f}"
    return f"{currency}{amount:,.2f}" if amount == round(amount, 2) else f"{currency}{amount:,.15g}"


def coin(amount: float, currency: str = "£") -> str:
    """A sum of a few pounds or less: 50p, £1.50, $0.25."""
    pence = round(100 * amount, 9)
    return f"{pence:.9g}p" if currency == "£" and amount < 1 else money(amount, currency)


def per_cent(fraction: float) -> str:
    """2.15%"""
    return f"{100 * fraction:.12g}%"


def number(amount: float) -> str:
    """1,010 or 1.5"""
    return f"{amount:,.12g}"


def day(when: date) -> str:
    """1 April 2025"""
    return f"{when.day} {when:%B %Y}"


def lower(name: str) -> str:
    """A name inside a sentence: 'Years of good health' as 'years of good health', 'QALYs' as it stands."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def capital(text: str) -> str:
    """A text with its first letter in capitals."""
    return text[:1].upper() + text[1:]


def listed(names: Sequence[str], before: str = "") -> str:
    """'A, B and C'. Where a name holds an 'and' of its own, the word before them is said again: 'A, on B and C and on
    D'."""
    several = [*names[:1], *(f"{before} {name}" for name in names[1:])] if before and _unclear(names) else list(names)
    return "".join(several) if len(several) < 2 else ", ".join(several[:-1]) + " and " + several[-1]


def several(names: Sequence[str]) -> str:
    """'A, B and C', or 'A; B and C; D' where a name holds an 'and' of its own."""
    return "; ".join(names) if _unclear(names) else listed(names)


def _unclear(names: Sequence[str]) -> bool:
    return len(names) > 1 and any(" and " in name or "," in name for name in names)


def measured(amount: float, measure: str, scenario: Scenario, unit: bool = True) -> str:
    """An amount of money, or of an outcome in its unit; the unit is left out where the outcome's name begins with it
    and `unit` is false."""
    if measure == "spend":
        return money(amount, scenario.heading.currency)
    outcomes = scenario.table("outcomes").set_index("id")
    word = str(outcomes.loc[measure, "unit"]) if measure in outcomes.index else measure
    if amount == 1:
        first, *rest = word.split()
        word = " ".join([first if first.endswith("ss") else first.removesuffix("s"), *rest])
    said = scenario.name_of("outcomes", measure)
    return number(amount) if not unit and said.casefold().startswith(word.casefold()) else f"{number(amount)} {word}"


def counted(measure: str, scenario: Scenario) -> str:
    """What a rule counts, in words: 'spending', 'years of good health gained'."""
    if measure == "spend":
        return "spending"
    name = lower(scenario.name_of("outcomes", measure))
    return name if name.split()[-1] in DONE else f"{name} gained"


def partners(scope: Scope, scenario: Scenario) -> list[str]:
    """Who: the partners of a scope, and the kinds of partner."""
    kinds = [f"{value.replace('-', ' ')} bodies" for value in scope.kinds]
    return [partner(name, scenario) for name in scope.partners] + kinds


def partner(key: str, scenario: Scenario) -> str:
    """A partner's name inside a sentence: 'The Trust', 'the voluntary and community sector'."""
    name = scenario.name_of("partners", key)
    return f"the {lower(name)}" if _last(name) == "sector" and not name.casefold().startswith("the ") else name


def things(scope: Scope, scenario: Scenario) -> list[str]:
    """What for: the programmes of a scope, and the groups of programmes."""
    groups = [value.replace("-", " ") for value in scope.groups]
    return [scenario.name_of("programmes", name) for name in scope.programmes] + groups


def places(scope: Scope, scenario: Scenario) -> list[str]:
    """Where: the names of a scope's places."""
    return [scenario.name_of("places", name) for name in scope.places]


def purses(scope: Scope, scenario: Scenario) -> str:
    """Out of which envelopes: 'the Coventry and Warwickshire Better Care Fund pools', 'Core money and the grant'."""
    names = [scenario.name_of("envelopes", name) for name in scope.envelopes]
    if len(names) > 1 and not {_last(name) for name in names} & UNCOUNTED:
        tail = _common_end(names)
        heads = [name.removesuffix(tail).strip() for name in names]
        if tail and all(heads) and _last(tail) in COUNTED:
            return f"the {listed(heads)} {tail}s"
        if not any(_last(name) in COUNTED for name in names):
            return f"the {listed(heads)} {tail} envelopes" if tail and all(heads) else f"the {listed(names)} envelopes"
    return listed([_purse(name) for name in names]) if names else ""


def names_money(scope: Scope, scenario: Scenario) -> bool:
    """Whether an envelope of a scope is called money of some sort itself."""
    return any(_last(scenario.name_of("envelopes", name)) in UNCOUNTED for name in scope.envelopes)


def _purse(name: str) -> str:
    if _last(name) in UNCOUNTED:
        return name
    article = "" if name.casefold().startswith("the ") else "the "
    return article + name + ("" if _last(name) in COUNTED else " envelope")


def _last(name: str) -> str:
    return name.split()[-1].casefold()


def _common_end(names: Sequence[str]) -> str:
    """The words that all names end with."""
    words = [name.split() for name in names]
    tail: list[str] = []
    for same in zip(*(reversed(each) for each in words), strict=False):
        if len(set(same)) > 1:
            break
        tail.insert(0, same[0])
    return " ".join(tail)


def named(scope: Scope, scenario: Scenario, by: bool = True) -> str:
    """A scope in words that follow 'spending': ' on Care by The Trust in North from Core money'; without the partners
    where not `by`."""
    phrases = (
        ("on", things(scope, scenario)),
        ("by", partners(scope, scenario) if by else []),
        ("in", places(scope, scenario)),
        ("from", [purses(scope, scenario)] if scope.envelopes else []),
        ("in", list(scope.years)),
    )
    return "".join(f" {word} {listed(said, word)}" for word, said in phrases if said)


def bent(bends: Sequence[Bend], measure: str, short: str, scenario: Scenario) -> str:
    """The published price of a breach: 'each £1m short costs 20 points, beyond £1m 60'. '' where there is none."""
    if not bends:
        return ""
    said = [f"{_each(measure, scenario)} {short} costs {_points(bends[0].price)}"]
    ends = _ends(bends, measure, scenario)
    said += [f"beyond {end} {number(bend.price)}" for end, bend in zip(ends, bends[1:], strict=False)]
    return ", ".join(said) + _stop(bends, ends)


def bends_at(bends: Sequence[Bend], measure: str, short: str, scenario: Scenario) -> str:
    """The same as minutes put it: 'Bends at 20 points for each £1m short up to £1m, 60 beyond'."""
    if not bends:
        return ""
    ends = _ends(bends, measure, scenario)
    first = f"Bends at {_points(bends[0].price)} for {_each(measure, scenario)} {short}"
    said = [first + (f" up to {ends[0]}" if len(bends) > 1 else "")]
    said += [f"{number(bend.price)} up to {end}" for bend, end in zip(bends[1:-1], ends[1:], strict=False)]
    said += [f"{number(bends[-1].price)} beyond"] if len(bends) > 1 else []
    return ", ".join(said) + _stop(bends, ends)


def _each(measure: str, scenario: Scenario) -> str:
    return f"each {measured(1e6 if measure == 'spend' else 1.0, measure, scenario)}"


def _points(price: float) -> str:
    return f"{number(price)} point" + ("" if price == 1 else "s")


def _ends(bends: Sequence[Bend], measure: str, scenario: Scenario) -> list[str]:
    """Where each band ends, as breaches add up; of a last band without an end, nothing."""
    ends = accumulate(bend.width for bend in bends)
    return [measured(end, measure, scenario) for end in ends if end < math.inf]


def _stop(bends: Sequence[Bend], ends: Sequence[str]) -> str:
    return "" if bends[-1].by is None else f", and no further than {ends[-1]}"


def measure_of(rule: Rule) -> str:
    """What a breach of a rule is counted in: 'spend', or the id of an outcome."""
    return str(getattr(rule, "measure", "spend"))


__all__ = [
    "bends_at", "bent", "capital", "coin", "counted", "day", "listed", "lower", "measure_of", "measured", "money",
    "named", "names_money", "number", "partner", "partners", "per_cent", "places", "purses", "several", "things",
]  # fmt: skip
