"""A draft and the address that says it: what goes in comes out, by link and by command line."""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import parse_qs, urlencode

from hypothesis import given
from hypothesis import strategies as st

from allocate import cli
from allocate.scenario.values import factor_text
from allocate.ui.address import LONGEST, Draft, from_query, reproduce, spelled, to_query

IDS = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,5})?", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PATHS = st.one_of(
    IDS.map("envelopes.{}.amount".format),
    st.tuples(IDS, IDS).map(lambda ids: f"rules.{ids[0]}.{ids[1].replace('-', '_')}"),
    IDS.map("curves.*.{}.slope".format),
    IDS.map("lines.*.{}.baseline".format),
    IDS.map("outcomes.{}.weight".format),
)
NUMBERS = st.floats(-1e13, 1e13, allow_nan=False)
RULES = st.fixed_dictionaries(
    {"kind": st.just("keep"), "where": st.fixed_dictionaries({"places": st.lists(IDS, max_size=3)})},
    optional={"amount": NUMBERS, "reason": TEXTS, "in_force": st.booleans()},
)
VALUES = st.one_of(
    NUMBERS, st.booleans(), st.none(), st.floats(0.001, 1000).map(factor_text), TEXTS.filter(bool), RULES
)


@st.composite
def drafts(draw) -> Draft:
    """A draft with anything that a visitor may put in it."""
    changes = draw(st.dictionaries(PATHS, VALUES, max_size=4))
    why = draw(st.dictionaries(st.sampled_from([*changes]), TEXTS, max_size=3)) if changes else {}
    plans = tuple(draw(st.lists(IDS, max_size=4, unique=True)))
    draft = Draft(
        draw(IDS), draw(st.from_regex("[0-9a-f]{12}", fullmatch=True)) if changes or plans else "", changes,
        seat=draw(st.one_of(st.just(""), IDS.map("partners.{}".format), IDS.map("places.{}".format))), plans=plans,
        pinned=tuple(draw(st.lists(PATHS, max_size=2, unique=True))), answers=draw(st.one_of(st.just(""), IDS)),
    )  # fmt: skip
    for path, reason in why.items():
        draft = draft.because(path, reason)
    return draft


def plainly(value: Any) -> Any:
    """A value with whole numbers as what they equal, so that 5 and 5.0 are one."""
    if isinstance(value, dict):
        return {key: plainly(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plainly(inner) for inner in value]
    return value if isinstance(value, bool) or not isinstance(value, int) else float(value)


def same(one: Draft, other: Draft) -> bool:
    """Whether two drafts are one, whole numbers or not."""
    return plainly(vars(one) | {"reasons": dict(one.reasons)}) == plainly(
        vars(other) | {"reasons": dict(other.reasons)}
    )


@given(drafts())
def test_an_address_says_a_draft_whole(draft):
    """Written as a web address and read back, a draft is the same: changes of every kind, reasons, seat and lists."""
    text = urlencode(to_query(draft), doseq=True)
    back, told = from_query(parse_qs(text, keep_blank_values=True, strict_parsing=True).items(), "other")
    assert told == []
    assert same(back, draft)
    assert list(back.changes) == list(draft.changes)
    assert to_query(back) == to_query(draft)


@given(drafts())
def test_the_command_line_says_the_same_changes(draft):
    """The line that reproduces a plan, taken apart as a shell does and read as the program does, gives its changes."""
    program, verb, folder, *options = shlex.split(reproduce(draft, "scenarios/it's mine"))
    assert (program, verb, folder) == ("allocate", "solve", "scenarios/it's mine")
    assert options[::2] == ["--set"] * len(draft.changes)
    read = cli.read_sets(options[1::2])
    assert plainly(read) == plainly(dict(draft.changes))
    assert list(read) == list(draft.changes)


def test_an_address_has_no_more_than_it_must():
    """What is at its default is left out, so that the address of an untouched scenario can be read by a person."""
    assert to_query(Draft("tiny", base="0123456789abcdef")) == {"scenario": "tiny"}
    changed = Draft("tiny", base="0123456789abcdef").changed("envelopes.core", 5e5).because("rules.x", "for nothing")
    assert to_query(changed) == {"scenario": "tiny", "base": "0123456789ab", "envelopes.core.amount": "500000"}


def test_a_figure_has_one_name():
    """However a path is spelled a figure is changed once, with one reason."""
    asked = {"envelopes.core": ["910000"], "envelopes.core.amount": ["920000"], "why.envelopes.core": ["Growth"]}
    draft, told = from_query(asked.items(), "tiny")
    assert dict(draft.changes) == {"envelopes.core.amount": 920_000.0}
    assert dict(draft.reasons) == {"envelopes.core.amount": "Growth"}
    assert told == []
    assert [spelled(path) for path in ("rules.a", "rules.a.up", "nothing.b", "lines.t.n.baseline")] == [
        "rules.a", "rules.a.up", "nothing.b", "lines.t.n.baseline",
    ]  # fmt: skip


@given(st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3), max_size=5))
def test_any_address_can_be_read(query):
    """No address whatever breaks the reading; what means nothing is told by its name."""
    draft, told = from_query(query.items(), "tiny")
    known = {"scenario", "base", "seat", "answers", "plans", "pinned"}
    for name in query:
        if name not in known and not name.startswith("why.") and "." not in name:
            assert any(f"“{name}”" in each for each in told)
    assert to_query(draft)["scenario"] == draft.scenario


def test_reasons_are_short_and_go_with_their_change():
    """A reason is one line of bounded length; a blank one is none; it goes when its change goes, and stays in place."""
    draft = (
        Draft("tiny").changed("envelopes.core.amount", 1.0).because("envelopes.core.amount", "a\n b\t c" + "x" * 999)
    )
    assert draft.reasons["envelopes.core.amount"].startswith("a b c")
    assert len(draft.reasons["envelopes.core.amount"]) == LONGEST
    assert draft.because("envelopes.core.amount", "  ").reasons == {}
    assert draft.without("envelopes.core.amount") == Draft("tiny")
    again = draft.changed("rules.a.up", 1.0).changed("envelopes.core.amount", 2.0)
    assert list(again.changes) == ["rules.a.up", "envelopes.core.amount"]
    assert again.reasons == draft.reasons
