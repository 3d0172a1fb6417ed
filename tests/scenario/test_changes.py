"""Changes: a dict of paths to values laid over a scenario, and what the new one remembers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.scenario.checks import problems
from allocate.scenario.paths import matches, parse
from allocate.scenario.rulebook import record
from allocate.scenario.scenario import Scenario
from tests.conftest import SCENARIOS
from tests.scenario.breaking import add, put

TINY = al.read(SCENARIOS / "tiny")
CAP = {"kind": "cap", "owner": "board", "where": {"places": ["north"]}, "amount": 500_000}

CHANGES: dict[str, st.SearchStrategy] = {
    "envelopes.core": st.integers(600_000, 1_200_000),
    "envelopes.core.amount": st.integers(600_000, 1_200_000),
    "lines.trust.north.high": st.none() | st.integers(400_000, 900_000),
    "lines.*.*.care.high": st.none() | st.integers(400_000, 900_000),
    "lines.council.*.baseline": st.integers(40_000, 60_000),
    "lines.council.south.prevention.low": st.integers(0, 20_000),
    "curves.north.care.slope": st.floats(0.001, 0.004),
    "places.north.need": st.integers(4_000, 5_000),
    "outcomes.health": st.integers(1, 9),
    "rules.steady-care.down": st.floats(0, 1),
    "rules.steady-care.up": st.none() | st.floats(0, 1),
    "rules.prevention-north": st.none() | st.just(record(TINY.rules[0])),
    "rules.steady-care.in_force": st.booleans(),
    "rules.*.in_force": st.booleans(),
    "rules.*.down": st.floats(0, 1) | st.sampled_from(["x1", "x0.5", "*2"]),
    "rules.prevention-north.amount": st.sampled_from(["x0.9", "\u00d71.1", "x1"]),
    "lines.*.*.prevention.baseline": st.sampled_from(["x0.9", "x1.1", "x1"]),
    "lines.*.north.*.baseline": st.sampled_from(["x0.9", "x1.1", "x1"]),
    "curves.*.slope": st.sampled_from(["x0.9", "x1.1", "x1"]),
    "rules.cap": st.none() | st.just(CAP),
}
"""Paths of tiny, each with values that it may take."""


def some_changes(size: int = 5) -> st.SearchStrategy[list[dict]]:
    """A few changes to tiny, one laid over another."""
    paths = st.sampled_from(sorted(CHANGES))
    return st.lists(
        paths.flatmap(lambda path: CHANGES[path].map(lambda value: {path: value})), min_size=1, max_size=size
    )


def laid(scenario: al.Scenario, changes: list[dict]) -> al.Scenario:
    """The scenario under the changes in turn; one that cannot be made (no such rule to take out) is passed over."""
    for change in changes:
        try:
            scenario = scenario.change(change)
        except al.ScenarioError as error:
            assert "there is no such rule" in str(error)
    return scenario


@settings(max_examples=25)
@given(some_changes())
def test_changes_laid_over_the_base_give_the_same(changes):
    """`changes` is a true record: laid over the base at once it gives the same scenario."""
    new = laid(TINY, changes)
    assert TINY.change(new.changes) == new
    assert TINY.change(new.changes).changes == new.changes


@settings(max_examples=25)
@given(some_changes())
def test_there_and_back_is_the_same(changes):
    """Putting every figure and rule back gives the same digest, and no changes."""
    back = {
        f"lines.{key}.{field}": getattr(row, field)
        for key, row in zip(TINY.line_ids, TINY.lines.itertuples(), strict=True)
        for field in ("baseline", "low", "high", "scale")
    }
    back = {path: None if np.isnan(value) else value for path, value in back.items()}
    back |= {
        "envelopes.core": 900_000,
        "curves.north.care.slope": 0.002,
        "curves.south.care.slope": 0.001,
        "places.north.need": 4_500,
        "outcomes.health": 1,
    }
    new = laid(TINY, changes)
    back |= {f"rules.{rule.id}": record(rule) for rule in TINY.rules}
    back |= {"rules.cap": None} if "cap" in {rule.id for rule in new.rules} else {}
    again = new.change(back)
    assert again.digest == TINY.digest
    assert again.changes == {}


@settings(max_examples=25)
@given(some_changes())
def test_a_changed_scenario_has_evidence_for_everything(changes):
    """Each figure that differs from the base is assumed, with the source `change`; the others keep what was found."""
    new = laid(TINY, changes)
    before = al.evidence(TINY).set_index("figure")
    for row in al.evidence(new).itertuples():
        same = row.figure in before.index and before.loc[row.figure, "value"] == row.value
        assert row.source == ("made-up" if same else "change")
        assert row.status == "assumed"


def test_the_scenario_is_not_touched(tiny):
    """A change makes a new scenario; the old one keeps its figures, and the new one knows it."""
    digest = tiny.digest
    new = tiny.change({"envelopes.core": 850_000})
    assert (tiny.digest, tiny.changes, tiny.base) == (digest, {}, None)
    assert new.base is tiny
    assert new.change({"outcomes.health": 2}).base is tiny
    assert new.envelopes["amount"].tolist() == [850_000, 100_000]


def test_a_value_that_is_already_there_is_no_change(tiny):
    """Setting a figure to what it is changes nothing."""
    assert tiny.change({"envelopes.core": 900_000.0}).changes == {}


def test_a_table_handed_out_is_a_copy(tiny):
    """Writing into a table leaves the scenario as it was."""
    table = tiny.lines
    table.loc[0, "baseline"] = 1
    assert tiny.lines.loc[0, "baseline"] == 45_000


def test_ways_to_name_one_figure(tiny):
    """The whole path, a shorter one, and one without the obvious field mean the same."""
    paths = ("envelopes.core.2026/27.amount", "envelopes.core.2026/27", "envelopes.core.amount", "envelopes.core")
    assert len({tiny.change({path: 850_000}).digest for path in paths}) == 1


def test_star_fits_every_row(tiny):
    """A star sets every row it fits, and only those."""
    new = tiny.change({"lines.*.*.care.high": 500_000})
    assert new.lines["high"].fillna(-1).tolist() == [-1, -1, 500_000, 500_000]


def test_star_fits_every_rule_that_has_the_field(tiny):
    """A star sets a field of all rules that have it, is remembered as one change, and can be put back."""
    off = tiny.change({"rules.*.in_force": "false"})
    assert [rule.in_force for rule in off.rules] == [False, False]
    assert off.changes == {"rules.*.in_force": "false"}
    assert off.change({"rules.*.in_force": True}).changes == {}
    assert off.change({"rules.*.in_force": True}).digest == tiny.digest
    assert tiny.change({"rules.*.up": 0.4}).changes == {"rules.*.up": 0.4}


def test_a_rule_put_in_and_taken_out_around_a_star(tiny):
    """A rule that came and went leaves no change behind, and the star's change can be laid over the base."""
    new = tiny.change({"rules.cap": CAP}).change({"rules.*.in_force": False}).change({"rules.cap": None})
    assert new.changes == {"rules.*.in_force": False}
    assert tiny.change(new.changes) == new


def test_blanking_a_figure(tiny):
    """None, or an empty text from a command line, blanks a figure; one with a default takes it."""
    new = tiny.change({"lines.*.high": 600_000, "lines.*.low": 10})
    for blank in (None, ""):
        again = new.change({"lines.*.high": blank, "lines.*.low": blank})
        assert again.digest == tiny.digest
        assert again.changes == {}


def test_numbers_as_a_command_line_gives_them(tiny):
    """A number may be text, read as strictly as in a file, and numpy's numbers are numbers."""
    wanted = tiny.change({"envelopes.core": 850_000}).digest
    for value in ("850000", "850e3", " 850000 ", np.float64(850_000), np.int64(850_000)):
        assert tiny.change({"envelopes.core": value}).digest == wanted


def test_words_can_be_changed(tiny):
    """Not only figures: a holder, a purpose, a source's title."""
    new = tiny.change(
        {"envelopes.core.purpose": "", "envelopes.core.holder": "council", "sources.made-up.title": "Elsewhere"}
    )
    assert new.sources["title"].tolist() == ["Elsewhere"]
    assert (
        new.change(
            {
                "envelopes.core.purpose": "care",
                "envelopes.core.holder": "board",
                "sources.made-up.title": tiny.sources["title"][0],
            }
        ).digest
        == tiny.digest
    )


def test_a_rule_out_and_in(tiny):
    """Taking a rule out and putting it back restores the digest; a new rule needs no evidence of its own."""
    out = tiny.change({"rules.prevention-north": None})
    assert [rule.id for rule in out.rules] == ["steady-care"]
    assert out.changes == {"rules.prevention-north": None}
    back = out.change({"rules.prevention-north": record(tiny.rules[0])})
    assert back.digest == tiny.digest
    assert back.changes == {}
    assert [rule.id for rule in tiny.change({"rules.cap": CAP}).rules] == ["cap", "prevention-north", "steady-care"]


def test_a_field_inside_a_rule(tiny):
    """A path may go into a rule's scope, and None takes a field out."""
    new = tiny.change({"rules.prevention-north.where.places": ["south"], "rules.steady-care.up": None})
    assert new.rules[0].where.places == ("south",)
    assert new.rules[1].up is None


def test_a_change_told_again_counts_last():
    """A wide change after a narrow one overrules it, and the record says so."""
    new = TINY.change({"lines.*.high": 6e5}).change({"lines.trust.north.high": 5e5}).change({"lines.*.high": 7e5})
    assert set(new.lines["high"]) == {7e5}
    assert TINY.change(new.changes) == new


def test_a_changed_scenario_can_be_pickled(tiny):
    """A scenario goes to another process and comes back the same, with its base."""
    new = tiny.change({"envelopes.core": 850_000})
    again = pickle.loads(pickle.dumps(new))
    assert again == new
    assert again.changes == new.changes
    assert again.base == tiny


def test_a_factor_is_of_the_figure_as_it_was_read(tiny):
    """Told twice the later factor counts alone, in one spelling; 1 is no change; money is in whole pounds."""
    new = tiny.change({"lines.*.*.care.baseline": "*0.8"}).change({"lines.*.*.care.baseline": "\u00d71.0000051"})
    assert new.changes == {"lines.*.*.care.baseline": "x1.0000051"}
    assert new.lines["baseline"].tolist() == [45_000, 45_000, 300_002, 500_003]
    assert new.change({"lines.*.*.care.baseline": "x1"}) == tiny
    assert new.change({"lines.*.*.care.baseline": "x1"}).changes == {}


def test_a_factor_where_some_are_blank(tiny):
    """With a star, blanks stay blank; a figure that was blank when read is so again."""
    new = tiny.change({"curves.*.slope": "x2"})
    assert new.curves["slope"].fillna(-1).tolist() == [0.004, -1, 0.002, -1]
    base = al.Scenario(tiny.heading, tiny.rules, tiny.change({"lines.trust.south.high": 600_000})._tables)
    again = base.change({"lines.trust.north.high": 500_000}).change({"lines.*.high": "x0.5"})
    assert again.lines["high"].fillna(-1).tolist() == [-1, -1, -1, 300_000]
    assert base.change(again.changes) == again


def test_a_factor_of_rules(tiny):
    """One rule's figure, or that of every rule which was read, is multiplied; a rule put in keeps its own."""
    assert tiny.change({"rules.steady-care.down": "x1.5"}).rules[1].down == 0.075
    assert tiny.change({"rules.prevention-north.amount": "x1.00001"}).rules[0].amount == 60_001
    new = tiny.change({"rules.cap": CAP}).change({"rules.*.amount": "x0.5"})
    assert [rule.amount for rule in new.rules[:2]] == [500_000, 30_000]
    assert tiny.change(new.changes) == new


@pytest.mark.parametrize("last", ["exact", "wide"])
def test_what_is_told_last_speaks_for_a_figure(tiny, last):
    """An exact change and a wide factor on one figure: the later decides, and the record says so."""
    told = {"exact": {"lines.trust.north.baseline": 330_000}, "wide": {"lines.*.*.care.baseline": "x1.02"}}
    first = "wide" if last == "exact" else "exact"
    new = tiny.change(told[first]).change(told[last])
    assert new.lines["baseline"].tolist()[2:] == [330_000 if last == "exact" else 306_000, 510_000]
    assert tiny.change(new.changes) == new
    assert tiny.change(told[first] | told[last]) == new


REFUSED = {
    "negative factor": ({"envelopes.core": "x-0.5"}, "envelopes.core: 'x-0.5' is not a factor", "such as x0.8"),
    "factor beyond numbers": ({"envelopes.core": "x1e999"}, "is not a factor: expected a finite number"),
    "factor that is no number": ({"envelopes.core": "xtwo"}, "'xtwo' is not a number", "such as x0.8"),
    "factor of a text": ({"envelopes.core.holder": "x2"}, "'x2' is no figure"),
    "factor of a blank": ({"lines.trust.north.high": "x2"}, "is blank as it was read"),
    "factor of blanks": ({"lines.*.high": "x2"}, "is blank as it was read"),
    "factor out of range": ({"curves.north.care.exponent": "x3"}, "must be above 0 and at most 1"),
    "factor of a rule's text": ({"rules.steady-care.owner": "x2"}, "is no figure of a rule that was read"),
    "factor of a rule's blank": ({"rules.*.at_least": "x2"}, "no rule has this field"),
    "factor of a rule that is not there": (
        {"rules.steady-car.down": "x2"},
        "no such rule",
        "did you mean steady-care?",
    ),
    "negative factor of a rule": ({"rules.steady-care.down": "x-1"}, "is not a factor"),
    "factor of a rule put in": (
        {"rules.new": CAP, "rules.new.amount": "x2"},
        "rules.new.amount: 'x2' is no figure of a rule that was read",
    ),
    "factor for a rule": ({"rules.steady-care": "x2"}, "is not a rule"),
    "unknown table": ({"envelope.core": 1}, "'envelope' is not a table", "did you mean envelopes?"),
    "unknown row": ({"envelopes.cor": 1}, "envelopes.cor: names no row", "did you mean core?"),
    "unknown place in a line": (
        {"lines.trust.nort.high": 1},
        "lines.trust.nort.high",
        "place nort: did you mean north?",
    ),
    "unknown field": (
        {"envelopes.core.2026/27.amont": 1},
        "'amont' is not a field of envelopes",
        "did you mean amount?",
    ),
    "ambiguous": ({"lines.trust.baseline": 1}, "names 2 rows of lines", "trust.south.care.core.2026/27", "use *"),
    "no field": ({"lines.trust.north": 1}, "is not a field of lines"),
    "no row": ({"envelopes": 1}, "does not name a row"),
    "nothing": ({"": 1}, "is not a table"),
    "too long": ({"lines.a.b.c.d.e.f.high": 1}, "does not name a row"),
    "key": ({"envelopes.core.2026/27.id": "x"}, "'id' is not a field of envelopes"),
    "text for a number": ({"envelopes.core": "lots"}, "envelopes.core: 'lots' is not a number"),
    "commas": ({"envelopes.core": "850,000"}, "commas: 850000"),
    "per cent": ({"rules.steady-care.down": "5%"}, "write the fraction: 0.05"),
    "nan": ({"envelopes.core": float("nan")}, "envelopes.core: 'nan' must be a finite number"),
    "nan where blank is allowed": ({"lines.trust.north.high": float("nan")}, "must be a finite number"),
    "inf": ({"envelopes.core": np.inf}, "must be a finite number"),
    "yes for a number": ({"envelopes.core": True}, "'True' is not a number"),
    "negative": ({"envelopes.core": -1}, "greater than or equal to 0"),
    "list for a number": ({"envelopes.core": [1]}, "valid number"),
    "dict for a number": ({"envelopes.core": {"a": 1}}, "valid number"),
    "blank a required figure": ({"envelopes.core": None}, "envelopes.core: is required"),
    "in millions": ({"envelopes.core": 0.85}, "far from", "£800,000"),
    "unknown name": ({"envelopes.core.holder": "bord"}, "is not in partners.csv", "did you mean board?"),
    "unknown rule": ({"rules.steady-car.down": 0.1}, "no such rule", "did you mean steady-care?"),
    "unknown rule taken out": ({"rules.steady-car": None}, "no such rule", "did you mean steady-care?"),
    "unknown field of a rule": (
        {"rules.steady-care.dwon": 0.1},
        "change, rules.steady-care.dwon",
        "did you mean down?",
    ),
    "inside a figure": ({"rules.steady-care.down.x": 1}, "'steady-care.down' has no fields"),
    "rule without its table": ({"steady-care.in_force": False}, "is not a table", "did you mean rules.steady-care?"),
    "envelope without its table": ({"core": 1}, "is not a table", "did you mean envelopes.core?"),
    "star for a field no rule has": ({"rules.*.dwon": 0.1}, "rules.*.dwon: no rule has", "did you mean down?"),
    "star without a field": ({"rules.*": None}, "rules.*: names no field", "rules.*.in_force"),
    "new rule with an unknown field": ({"rules.new": CAP | {"amuont": 1}}, "change, rules.new.amuont", "amount?"),
    "name for an id": ({"envelopes.core.holder": "The Board"}, "envelopes.core.holder", "did you mean board?"),
    "name for an id in a rule": ({"rules.steady-care.owner": "The Board"}, "steady-care.owner", "mean board?"),
    "per cent of an amount": ({"envelopes.core": "+1%"}, "not a number (write the amount itself, not a per cent)"),
    "year with a hyphen": ({"rules.steady-care.where.years": ["2026-27"]}, "did you mean 2026/27?"),
    "sense after the change": ({"envelopes.core": 0.9}, "after the change, envelopes.csv row 2, amount"),
    "rule without a kind": ({"rules.new": {"owner": "board"}}, "not a kind of rule"),
    "rule as a number": ({"rules.new": 3}, "is not a rule"),
    "rules at large": ({"rules": None}, "no such rule"),
    "rule that covers nothing": ({"rules.new": CAP | {"where": {"kinds": ["icb"]}}}, "covers no line"),
    "line above its most": ({"lines.trust.north.low": 2, "lines.trust.north.high": 1}, "the least is above the most"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_change(tiny, name):
    """A change that cannot be meant is refused in words, with what it names."""
    change, *said = REFUSED[name]
    with pytest.raises(al.ScenarioError) as error:
        tiny.change(change)
    assert any(all(part in str(problem) for part in said) for problem in error.value.problems), str(error.value)


def test_all_problems_of_a_change_at_once(tiny):
    """Several slips in one change are all reported."""
    with pytest.raises(al.ScenarioError) as error:
        tiny.change({"envelopes.cor": 1, "rules.steady-car": None, "lines.trust.high": 1})
    assert len(error.value.problems) == 3


def test_path_to_a_point_of_pence(folder):
    """A key that is an amount may hold a decimal point."""
    put("curves.csv", "power,0.002,100000,0.5", "points,,,")(folder)
    points = "".join(f"north,care,health,2026/27,{x},{y}\n" for x, y in ((0, 0), (1000.5, 3), (2000, 4)))
    add("curve_points.csv", "place,programme,outcome,year,spend,gain\n" + points)(folder)
    add("evidence.csv", "curve_points.*.gain,assumed,made-up,\n")(folder)
    scenario = al.read(folder)
    for path in ("curve_points.north.care.health.2026/27.1000.5.gain", "curve_points.north.care.health.2026/27.1000.5"):
        assert scenario.change({path: 3.5}).curve_points["gain"].tolist() == [0, 3.5, 4]


@pytest.mark.parametrize(
    "change",
    [
        {"envelopes.core": 0.9},
        {"outcomes.health": 0},
        {"rules.prevention-north.amount": 2_000_000},
        {"places.north.population": 0},
        {"lines.trust.north.care.low": 1_000_000},
        {"curves.north.care.health.reference": 0},
    ],
)
def test_a_change_of_figures_is_judged_as_a_folder_with_those_figures_would_be(tiny, change, tmp_path):
    """Checking figures alone after a change finds what checking everything finds."""
    with pytest.raises(al.ScenarioError) as caught:
        tiny.change(change)
    sound = Scenario(tiny.heading, tiny.rules, dict(tiny._tables))
    tables = dict(sound._tables)
    rules = {rule.id: rule for rule in sound.rules}
    for text, value in change.items():
        path = parse(text)
        if path.table == "rules":
            rules[path.keys[0]] = rules[path.keys[0]].model_copy(update={path.field: value})
        else:
            table = tables[path.table].copy()
            table.loc[matches(path, table), path.field] = float(value)
            tables[path.table] = table
    whole = problems(Scenario(tiny.heading, tuple(rules.values()), tables))
    assert [str(problem) for problem in caught.value.problems] == [f"after the change, {each}" for each in whole]


FIGURES = {
    "envelopes.*.amount": [0.0, 1.0, 5e4, 9e5, 9e8],
    "lines.*.*.care.low": [0.0, 4e5, 9e5],
    "lines.*.*.care.high": [None, 1e5, 6e5],
    "lines.*.scale": [0.0, 5e4],
    "lines.*.baseline": ["x0", "x3.5", "x0.2"],
    "places.*.population": [0.0, 1.0, 1e4],
    "places.north.need": [None, 0.0, 4e5],
    "outcomes.*.weight": [0.0, 2.0],
    "curves.*.slope": [None, 0.0, "x2"],
    "curves.*.reference": [None, 0.0, 1.0, 5e5],
    "curves.*.ceiling": [None, 100.0],
    "rules.*.in_force": [True, False],
    "rules.*.amount": [1.0, 9e6, "x20"],
    "rules.steady-care.up": [None, 3.0, 1.0],
    "rules.prevention-north.measure": ["health", "wealth"],
    "rules.prevention-north.where.places": [["south"], ["mars"]],
    "rules.new": [CAP, CAP | {"amount": 0.0}, CAP | {"owner": "mars"}],
    "rules.steady-care": [None],
}
"""Paths of figures and rules, with values that may or may not be meant."""


@settings(max_examples=80)
@given(st.lists(st.sampled_from(sorted(FIGURES)).flatmap(lambda p: st.tuples(st.just(p), st.sampled_from(FIGURES[p])))))
def test_a_change_finds_the_problems_that_checking_everything_finds(told):
    """Checking only what figures and rules can spoil leaves nothing out, in the same order."""
    first, changes = TINY.change({"lines.trust.north.low": 10.0}), dict(told)
    try:
        new, said = first.change(changes), []
    except al.ScenarioError as error:
        said = [str(problem) for problem in error.problems]
        if not all(text.startswith("after the change") for text in said):
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("allocate.scenario.changes.figure_problems", lambda *_: [])
            new = first.change(changes)
    whole = problems(
        al.Scenario(new.heading, new.rules, new._tables | {n: new.table(n) for n in ("evidence", "sources")})
    )
    assert said == [f"after the change, {each}" for each in whole]


@settings(max_examples=40)
@given(some_changes())
def test_the_digest_is_that_of_the_same_content_read_anew(changes):
    """What is kept from the base and what is worked out again agree: the digest depends on content alone."""
    new = laid(TINY, changes)
    again = al.Scenario(
        new.heading, new.rules, {name: new.table(name).copy() for name in ("evidence", "sources")} | {
            name: table.copy() for name, table in new._tables.items() if name not in ("evidence", "sources")
        },
    )  # fmt: skip
    assert again.digest == new.digest
    assert (new.digest == TINY.digest) == (not new.changes)


def test_evidence_that_speaks_for_nothing_any_more_is_left_out(tiny):
    """Blanking a curve's figures, or taking a rule out, takes with it the evidence that spoke for them alone."""
    new = tiny.change({"rules.steady-care.up": None, "rules.prevention-north": None, "lines.trust.north.low": 5})
    gone = set(tiny.evidence["figure"]) - set(new.evidence["figure"])
    assert gone == {"rules.steady-care.up", "rules.prevention-north.amount"}
    added = new.evidence[new.evidence["source"] == "change"]
    assert added.to_numpy().tolist() == [["lines.trust.north.care.core.2026/27.low", "assumed", "change", "was 0"]]
    assert new.sources["id"].tolist() == ["change", "made-up"]
    assert tiny.sources["id"].tolist() == ["made-up"]


def test_a_digest_is_the_same_everywhere(tiny):
    """The digest is of the content alone, so it does not change with the machine, Python or the libraries."""
    assert tiny.digest == "5193cb410299248cff28093a8892ed11d16b934240d1112a504c7ffe3d40b405"


def test_names_are_grouped_once_for_all_changes_of_figures():
    """Which line is whose is said by names and places in them, and worked out once however figures change."""
    names, which = TINY.groups("lines", "partner")
    assert names[which].tolist() == TINY.lines["partner"].tolist()
    assert TINY.change({"envelopes.core": 900_000}).groups("lines", "partner")[1] is which
