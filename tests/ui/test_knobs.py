"""Every lever of every scenario that is shipped: it stands where the figure stands, and moves it."""

from __future__ import annotations

import math

import pytest

import allocate as al
from allocate.scenario.paths import matches, parse
from allocate.scenario.paths import panel as panel_of
from allocate.ui.knobs import PANELS, as_read, knobs, label_of, words
from tests.conftest import SCENARIOS

EXAMPLES = ("tiny", "coventry-warwickshire", "greater-manchester", "participatory-budget", "health-benefits-package")


@pytest.fixture(scope="module", params=EXAMPLES)
def scenario(request) -> al.Scenario:
    """Each shipped scenario in turn."""
    return al.read(SCENARIOS / request.param)


def figures_at(scenario: al.Scenario, path: str) -> set:
    """What stands at a path as it was read: one figure, or those of every row it names."""
    named = parse(path)
    if named.table == "rules":
        return {as_read(scenario, path)}
    table = scenario.table(named.table)
    return set(table.loc[matches(named, table), named.field].dropna())


def test_every_knob_stands_at_its_figure(scenario):
    """A knob's base is the figure as it was read, in its own unit, and telling that back changes nothing."""
    for path, knob in knobs(scenario).items():
        stands = figures_at(scenario, path)
        assert stands, path
        assert knob.at_base(knob.base)
        told = knob.told(knob.base)
        if knob.unit == "factor":
            assert told == "x1"
            assert scenario.change({path: told}).lines.equals(scenario.lines), path
        else:
            assert stands == {told} or math.isclose(next(iter(stands)), told, rel_tol=1e-9), path
        assert knob.shown(told) == knob.base, path


def test_every_knob_is_on_its_grid(scenario):
    """The base lies between the ends, each a whole number of steps from it, so that a slider can come back to it."""
    for path, knob in knobs(scenario).items():
        if knob.unit == "switch":
            assert isinstance(knob.base, bool)
            continue
        assert knob.low <= knob.base <= knob.high, path
        assert knob.low < knob.high, path
        assert knob.step > 0
        for end in (knob.low, knob.high):
            steps = (end - knob.base) / knob.step
            assert abs(steps - round(steps)) < 1e-6 or knob.unit == "number", path
        below = (knob.base - knob.low) / knob.step
        assert abs(below - round(below)) < 1e-6, path


def test_every_knob_moves_its_figure(scenario):
    """One step either way, and both ends, are changes that the scenario makes, or refuses in words; the value told
    comes back as it was shown."""
    for path, knob in knobs(scenario).items():
        moved = [not knob.base] if knob.unit == "switch" else [
            knob.base + knob.step, knob.base - knob.step, knob.low, knob.high,
        ]  # fmt: skip
        made = 0
        for shown in moved:
            told = knob.told(shown)
            assert knob.shown(told) == pytest.approx(shown, abs=knob.step / 1e3)
            try:
                changed = scenario.change({path: told})
            except al.ScenarioError as error:
                assert all(str(problem) for problem in error.problems)
                continue
            made += 1
            if not knob.at_base(shown):
                assert path in changed.changes
                assert changed.digest != scenario.digest, path
        assert made, f"{path} cannot be moved at all"


def test_every_knob_has_words(scenario):
    """Labels, helps, units and values are never empty nor nan, and no two levers of a panel have one name."""
    for panel in PANELS:
        mine = [knob for knob in knobs(scenario).values() if knob.panel == panel]
        assert len({knob.label for knob in mine}) == len(mine)
    for path, knob in knobs(scenario).items():
        assert knob.label.strip() == knob.label
        assert len(knob.label) > 2
        assert panel_of(path) == knob.panel
        assert label_of(scenario, path) == knob.label
        for shown in [True, False] if knob.unit == "switch" else [knob.base, knob.base + knob.step]:
            said = words(scenario, path, knob.told(shown))
            assert said
            assert "nan" not in said
            assert said != words(scenario, path, None)
        if knob.unit != "switch":
            assert knob.format % knob.base
            assert knob.typed % knob.base
            near, next_to = (knob.format % each for each in (knob.base, knob.base + knob.step))
            assert near != next_to, f"{path}: one step is not seen"


def test_every_figure_of_the_evidence_has_words(scenario):
    """Whatever figure may be changed has a label in plain words, and one of the three panels."""
    for path in al.evidence(scenario)["figure"]:
        label = label_of(scenario, path)
        assert label
        assert label != path
        assert panel_of(path) in PANELS


@pytest.mark.parametrize("value", [True, False, None, "", 0.05, 5, "x0.8", "×0.8", "xray", "*", ["a"], {"kind": "cap"}])
@pytest.mark.parametrize("path", ["envelopes.core.amount", "rules.steady-care.up", "rules.new", "partners.trust.name"])
def test_any_value_is_said(tiny, path, value):
    """No value that a change may have is beyond words."""
    assert words(tiny, path, value)


def test_values_are_said_as_people_do(tiny):
    """Sums, shares, factors, switches and blanks, each in the words of the strip."""
    for path, value, said in [
        ("envelopes.core.amount", 950_000.0, "£950,000"),
        ("rules.steady-care.up", 0.044, "4.4%"),
        ("curves.*.care.slope", "x0.8", "80% of what was read"),
        ("rules.steady-care.in_force", False, "switched off"),
        ("rules.steady-care.in_force", True, "in force"),
        ("rules.new", {"kind": "cap"}, "a new rule"),
        ("rules.steady-care", None, "taken out"),
    ]:
        assert words(tiny, path, value) == said
    assert as_read(tiny, "envelopes.core.amount") == 900_000
    assert as_read(tiny, "lines.*.north.baseline") is None
    assert as_read(tiny, "lines.trust.north.care.high") is None
