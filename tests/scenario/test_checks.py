"""Checks across tables: figures and names that are each well written and together cannot be meant."""

from __future__ import annotations

import pytest

import allocate as al
from tests.scenario.breaking import add, both, every, put, remove
from tests.scenario.test_reading import CURVES, LINES, PLACES, RULES, Fault

ROUTE = "id,year,source,target,high,authority\n"
POINTS = "place,programme,outcome,year,spend,gain\n"
RESOURCES = "id,year,name,unit,amount\n"
USES = "resource,partner,place,programme,rate\n"
BENEFITS = "partner,outcome,place,own,share,worth\n"
COUNTED = add("evidence.csv", "".join(f"benefits.*.{name},assumed,made-up,\n" for name in ("own", "share", "worth")))
KNOWN = add(
    "evidence.csv",
    "curve_points.*.gain,assumed,made-up,\nresources.*.amount,assumed,made-up,\nuses.*.rate,assumed,made-up,\n"
    "routes.*.high,assumed,made-up,\n",
)
IN_POINTS = put(CURVES, "power,0.002,100000,0.5", "points,,,")

NAMES = [
    Fault(
        "unknown place",
        put(LINES, "trust,north", "trust,nroth"),
        ("lines.csv row 2, place", "'nroth'", "places.csv", "did you mean north?"),
    ),
    Fault(
        "unknown partner",
        put(LINES, "trust,north", "trusts,north"),
        ("lines.csv row 2, partner", "did you mean trust?"),
    ),
    Fault(
        "unknown programme in a curve",
        put(CURVES, "north,care", "north,caer"),
        ("curves.csv row 2, programme", "did you mean care?"),
    ),
    Fault(
        "unknown holder",
        put("envelopes.csv", "Core money,board", "Core money,bored"),
        ("envelopes.csv row 2, holder", "did you mean board?"),
    ),
    Fault(
        "unknown purpose",
        put("envelopes.csv", ",care,yes", ",care home,yes"),
        ("envelopes.csv row 2, purpose", "'home'", "programmes.csv"),
    ),
    Fault(
        "unknown source",
        put("evidence.csv", "made-up", "made-upp"),
        ("evidence.csv row 2, source", "did you mean made-up?"),
    ),
    Fault(
        "unknown parent",
        put(PLACES, "North,system", "North,sytem"),
        ("places.csv row 3, parent", "did you mean system?"),
    ),
    Fault(
        "name in place of an id",
        put(LINES, "trust,north", "The Trust,north"),
        ("lines.csv row 2, partner", "did you mean trust?"),
    ),
    Fault(
        "name in place of a rule's place",
        put(RULES, '["north"]', '["North"]'),
        ("prevention-north.where.places", "'North'", "did you mean north?"),
    ),
    Fault(
        "name that is an unknown id",
        both(put("partners.csv", "The Trust", "hospital"), put(LINES, "trust,north", "hospital,north")),
        ("lines.csv row 2, partner", "is not in partners.csv", "did you mean trust?"),
    ),
    Fault(
        "name in place of a holder",
        put("envelopes.csv", "Core money,board", "Core money,The Board"),
        ("envelopes.csv row 2, holder", "did you mean board?"),
    ),
    Fault(
        "unknown owner",
        put(RULES, '"council"', '"counsel"'),
        ("rules.toml, prevention-north.owner", "did you mean council?"),
    ),
    Fault(
        "unknown place in a rule",
        put(RULES, '["north"]', '["nort"]'),
        ("prevention-north.where.places", "'nort'", "did you mean north?"),
    ),
    Fault(
        "unknown year",
        put(LINES, "grant,2026/27,45000", "grant,2027/28,45000"),
        ("lines.csv row 4, year", "'2027/28'", "2026/27"),
        2,
    ),
    Fault(
        "year whose halves do not follow",
        both(*(every(f, "2026/27", "2026/28") for f in ("scenario.toml", LINES, CURVES, "envelopes.csv"))),
        ("scenario.toml, years", "'2026/28'", "write 2026/27"),
    ),
    Fault(
        "years out of order",
        both(put("scenario.toml", '["2026/27"]', '["2027/28", "2026/27"]')),
        ("scenario.toml, years", "in order", "write 2026/27, 2027/28"),
    ),
    Fault(
        "a year twice",
        put("scenario.toml", '["2026/27"]', '["2026/27", "2026/27"]'),
        ("scenario.toml, years", "stands twice"),
    ),
    Fault(
        "duplicate id",
        add("partners.csv", "trust,Another,acute\n"),
        ("partners.csv row 5", "'trust'", "the same id as row 4"),
    ),
    Fault(
        "duplicate line",
        add(LINES, "trust,north,care,core,2026/27,0,0,,\n"),
        (
            "lines.csv row 6",
            "'trust north care core 2026/27'",
            "the same partner, place, programme, envelope, year as row 2",
        ),
    ),
    Fault(
        "two names alike but for case",
        put(PLACES, "South", "north"),
        ("places.csv row 4, name", "looks the same as the name in row 3"),
    ),
    Fault(
        "two names alike but for a Greek letter",
        put(PLACES, "South", "N\u03bfrth"),
        ("places.csv row 4, name", "looks the same", "row 3"),
    ),
    Fault(
        "two names alike but for spaces",
        put("envelopes.csv", "Prevention grant", "Core  money "),
        ("envelopes.csv row 3, name", "looks the same"),
    ),
    Fault(
        "zero-width character in a name",
        put("partners.csv", "The Trust", "The \u200bTrust"),
        ("partners.csv row 4, name", "nobody can see", "zero width space"),
    ),
    Fault(
        "text that runs backwards",
        put("partners.csv", "The Trust", "The \u202eTrust"),
        ("partners.csv row 4, name", "right-to-left override"),
    ),
    Fault(
        "place inside itself",
        put(PLACES, "The System,", "The System,system"),
        ("places.csv row 2, parent", "inside itself"),
    ),
    Fault(
        "places in a ring",
        put(PLACES, "The System,", "The System,north"),
        ("places.csv row 2, parent", "'north'", "follow its parents"),
        2,
    ),
    Fault(
        "rule covers no line",
        put(RULES, 'places = ["north"]', 'kinds = ["acute"]'),
        ("rules.toml, prevention-north.where", "'kinds acute; programmes prevention'", "covers no line"),
    ),
]

SENSE = [
    Fault(
        "low above high",
        put(LINES, "300000,0,,", "300000,300001,300000,"),
        ("lines.csv row 2, low", "'300001'", "above the most (£300,000)"),
        2,
    ),
    Fault(
        "scale above high",
        put(LINES, "45000,0,,", "45000,0,50000,60000"),
        ("lines.csv row 4, scale", "'60000'", "(£50,000)"),
        3,
    ),
    Fault(
        "minima above the money",
        both(put(LINES, "300000,0", "300000,500000"), put(LINES, "500000,0", "500000,450000")),
        ("envelopes.csv row 2, amount", "minima add to £950,000, £50,000 more", "raise it by £50,000"),
    ),
    Fault(
        "envelope in millions",
        put("envelopes.csv", "900000", "0.9"),
        ("envelopes.csv row 2, amount", "baseline of £800,000", "millions? write 900000"),
    ),
    Fault(
        "envelope in thousands",
        put("envelopes.csv", "900000", "900"),
        ("envelopes.csv row 2, amount", "thousands? write 900000"),
    ),
    Fault(
        "envelope far above its lines",
        put("envelopes.csv", "900000", "9000000"),
        ("envelopes.csv row 2, amount", "far from", "£800,000"),
    ),
    Fault(
        "envelope nobody can use",
        add("envelopes.csv", "spare,2026/27,Spare,board,1,,yes,no\n"),
        ("envelopes.csv row 4, id", "'spare'", "no line and no route"),
    ),
    Fault(
        "programme outside the purpose",
        put(LINES, "council,south,prevention,grant", "council,south,care,grant"),
        ("lines.csv row 5, programme", "may not be paid from grant, whose purpose is prevention"),
        2,
    ),
    Fault(
        "route to where it came from",
        both(
            add("routes.csv", ROUTE + "pool,2026/27,core,core,5,law\n"),
            add("evidence.csv", "routes.*.high,assumed,made-up,\n"),
        ),
        ("routes.csv row 2, target", "'core' is the envelope that the money leaves"),
    ),
    Fault(
        "people that do not add up",
        put(PLACES, "10000,10000", "12000,10000"),
        ("places.csv row 2, population", "'12000' is not the sum", "(10,000)", "write 10000"),
    ),
    Fault(
        "slope upside down",
        both(
            put(CURVES, "saturation,,50000,,100", "power,0.002,50000,0.5,"),
            put(CURVES, "saturation,,50000,,100", "power,500,50000,0.5,"),
            put("evidence.csv", "curves.*.ceiling,assumed,made-up,\n", ""),
        ),
        ("curves.csv row 5, slope", "'500' is more than 1,000 times", "upside down? write 1/slope: 0.002"),
    ),
    Fault(
        "figure too many for an isoelastic curve",
        put(CURVES, "power,0.002,100000,0.5,", "isoelastic,0.002,100000,0.5,7"),
        ("curves.csv row 2, ceiling", "not used by an isoelastic curve"),
    ),
    Fault("place without people", put(PLACES, "4000,4500", "0,4500"), ("places.csv row 3, population", "no people")),
    Fault("need required", put(PLACES, "4000,4500", "4000,"), ("places.csv row 3, need", "required", "by need")),
    Fault(
        "need as an index",
        put(PLACES, "4000,4500", "4000,1.12"),
        ("places.csv row 3, need", "far from the population of 4,000", "in people"),
    ),
    Fault(
        "weights sum to nothing", put("outcomes.csv", "years,1", "years,0"), ("outcomes.csv, weight", "sum to nothing")
    ),
    Fault(
        "outcome without a curve",
        both(add("outcomes.csv", "joy,Joy,smiles,1\n")),
        ("outcomes.csv row 3, id", "'joy'", "no curve"),
    ),
    Fault(
        "curve without its slope",
        put(CURVES, "power,0.002", "power,"),
        ("curves.csv row 2, slope", "required for a power curve"),
    ),
    Fault(
        "curve with a figure too many",
        put(CURVES, "100000,0.5,", "100000,0.5,7"),
        ("curves.csv row 2, ceiling", "'7'", "not used by a power curve"),
    ),
    Fault(
        "curve where nobody spends",
        put(CURVES, "south,prevention", "system,prevention"),
        ("curves.csv row 5, programme", "no line that spends here"),
    ),
    Fault(
        "curve without a reference or baseline",
        both(put(CURVES, "power,0.002,100000", "power,0.002,"), put(LINES, "300000,0", "0,0")),
        ("curves.csv row 2, reference", "above 0"),
        1,
    ),
    Fault(
        "reference in millions",
        put(CURVES, "0.002,100000", "0.002,0.1"),
        ("curves.csv row 2, reference", "far from", "£300,000", "in pounds?"),
    ),
    Fault(
        "points missing",
        both(IN_POINTS, KNOWN),
        ("curves.csv row 2, shape", "at least two rows of curve_points.csv"),
        5,
    ),
    Fault(
        "points without their curve",
        both(
            add("curve_points.csv", POINTS + "south,care,health,2026/27,0,0\n"),
            add("evidence.csv", "curve_points.*.gain,assumed,made-up,\n"),
        ),
        ("curve_points.csv row 2", "no curve with shape points"),
    ),
    Fault(
        "points that fall",
        both(
            IN_POINTS,
            add("evidence.csv", "curve_points.*.gain,assumed,made-up,\n"),
            add(
                "curve_points.csv",
                POINTS + "".join(f"north,care,health,2026/27,{x},{y}\n" for x, y in ((0, 0), (5, 9), (9, 8))),
            ),
        ),
        ("curve_points.csv row 4, gain", "'8'", "more spend buys less"),
    ),
    Fault(
        "points that begin too late",
        both(
            IN_POINTS,
            add("evidence.csv", "curve_points.*.gain,assumed,made-up,\n"),
            add(
                "curve_points.csv",
                POINTS + "".join(f"north,care,health,2026/27,{x},{y}\n" for x, y in ((5, 0), (9, 8))),
            ),
        ),
        ("curve_points.csv row 2, spend", "'5'", "start above the least that may be spent (£0)"),
    ),
    Fault(
        "resource nobody uses",
        both(
            add("resources.csv", RESOURCES + "nurses,2026/27,Nurses,hours,9000\n"),
            add("evidence.csv", "resources.*.amount,assumed,made-up,\n"),
        ),
        ("resources.csv row 2, id", "'nurses' is used by no row of uses.csv"),
    ),
    Fault(
        "resource minima above supply",
        both(
            add("resources.csv", RESOURCES + "nurses,2026/27,Nurses,hours,10\n"),
            add("uses.csv", USES + "nurses,,,care,0.01\n"),
            put(LINES, "300000,0", "300000,200000"),
            add("evidence.csv", "resources.*.amount,assumed,made-up,\nuses.*.rate,assumed,made-up,\n"),
        ),
        ("resources.csv row 2, amount", "need 2,000.0 hours, more than there is"),
    ),
    Fault(
        "a line that uses a resource twice",
        both(
            add("resources.csv", RESOURCES + "nurses,2026/27,Nurses,hours,9000\n"),
            add("uses.csv", USES + "nurses,,,care,0.01\nnurses,,north,,0.01\n"),
            add("evidence.csv", "resources.*.amount,assumed,made-up,\nuses.*.rate,assumed,made-up,\n"),
        ),
        ("uses.csv row 3, resource", "covers trust.north.care.core.2026/27 a second time"),
    ),
    Fault(
        "use of no line",
        both(
            add("resources.csv", RESOURCES + "nurses,2026/27,Nurses,hours,9000\n"),
            add("uses.csv", USES + "nurses,board,,,0.01\n"),
            add("evidence.csv", "resources.*.amount,assumed,made-up,\nuses.*.rate,assumed,made-up,\n"),
        ),
        ("uses.csv row 2, resource", "covers no line"),
    ),
    Fault(
        "a benefit to nobody",
        both(add("benefits.csv", BENEFITS + "trusts,health,,1,0,20000\n"), COUNTED),
        ("benefits.csv row 2, partner", "'trusts'", "did you mean trust?"),
    ),
    Fault(
        "a share as per cent",
        both(add("benefits.csv", BENEFITS + "trust,health,,1,10,20000\n"), COUNTED),
        ("benefits.csv row 2, share", "'10.0'", "must be a fraction, at most 1 (for 10 per cent write 0.1)"),
    ),
    Fault(
        "a benefit counted twice",
        both(add("benefits.csv", BENEFITS + "trust,health,,1,0,1\ntrust,health,north,1,0,1\n"), COUNTED),
        ("benefits.csv row 3, place", "'north'", "covers the health of some place a second time for trust"),
    ),
    Fault(
        "a benefit of nothing",
        both(
            add("benefits.csv", BENEFITS + "trust,health,far,1,0,1\n"),
            add("places.csv", "far,Far,,10,10\n"),
            COUNTED,
        ),
        ("benefits.csv row 2, place", "'far'", "covers no curve of curves.csv: nothing there leads to health"),
    ),
    Fault(
        "route from an unknown envelope",
        both(
            add("routes.csv", ROUTE + "pool,2026/27,cor,grant,5,law\n"),
            add("evidence.csv", "routes.*.high,assumed,made-up,\n"),
        ),
        ("routes.csv row 2, source", "'cor'", "did you mean core?"),
    ),
    Fault(
        "floor more than could be got",
        put(RULES, "60000", "100001"),
        ("prevention-north.amount", "'100001'", "could ever get (£100,000)"),
    ),
    Fault(
        "cap below the minima",
        both(
            put(RULES, '"floor"', '"cap"'),
            put(LINES, "north,prevention,grant,2026/27,45000,0", "north,prevention,grant,2026/27,45000,70000"),
        ),
        ("prevention-north.amount", "less than its lines' minima (£70,000)"),
    ),
    Fault(
        "rise as per cent", put(RULES, "up = 0.5", "up = 50"), ("steady-care.up", "'50'", "for 50 per cent write 0.5")
    ),
    Fault(
        "evidence missing",
        put("evidence.csv", "lines.*.baseline,assumed,made-up,\n", ""),
        (
            "evidence.csv",
            "lines.council.north.prevention.grant.2026/27.baseline and 3 more",
            "no evidence",
            "lines.*.baseline",
        ),
    ),
    Fault(
        "evidence for nothing",
        add("evidence.csv", "lines.*.high,assumed,made-up,\n"),
        ("evidence.csv row 16, figure", "'lines.*.high'", "no figure"),
    ),
    Fault(
        "evidence for an unknown field",
        put("evidence.csv", "lines.*.low", "lines.*.lwo"),
        ("evidence.csv row 7, figure", "did you mean low?"),
        2,
    ),
    Fault(
        "evidence for an unknown table",
        put("evidence.csv", "lines.*.low", "line.*.low"),
        ("evidence.csv row 7, figure", "did you mean lines?"),
        2,
    ),
]


@pytest.mark.parametrize("fault", NAMES + SENSE, ids=lambda fault: fault.name)
def test_fault_is_reported(folder, fault):
    """Every slip across tables is named with its file, row, value and repair."""
    fault.edit(folder)
    with pytest.raises(al.ScenarioError) as error:
        al.read(folder)
    said = [str(problem) for problem in error.value.problems]
    assert any(all(part in text for part in fault.said) for text in said), said
    assert len(said) <= fault.count, said


def test_amounts_are_in_the_scenario_s_currency(folder):
    """A problem speaks of dollars where the scenario does."""
    put("scenario.toml", 'name = "Tiny"', 'name = "Tiny"\ncurrency = "$"')(folder)
    put("envelopes.csv", "900000", "0.9")(folder)
    with pytest.raises(al.ScenarioError, match=r"baseline of \$800,000"):
        al.read(folder)


def test_money_that_routes_bring_counts(folder):
    """Minima above an envelope's own amount are sound where a route can bring the rest."""
    put(LINES, "45000,0", "45000,120000")(folder)
    both(
        add("routes.csv", ROUTE + "pool,2026/27,core,grant,50000,law\n"),
        add("evidence.csv", "routes.*.high,assumed,made-up,\n"),
    )(folder)
    assert al.read(folder).routes["high"].tolist() == [50000]


def test_rules_may_be_left_out(folder):
    """A scenario without rules is a scenario."""
    remove(RULES)(folder)
    text = (folder / "evidence.csv").read_text().splitlines()
    (folder / "evidence.csv").write_text("\n".join(line for line in text if not line.startswith("rules")) + "\n")
    assert al.read(folder).rules == ()


def test_a_rule_that_binds_nothing_is_not_judged(folder):
    """A recorded rule may say what could not be kept; it stays in the book."""
    put(RULES, "amount = 60000", 'amount = 5e6\nstanding = "recorded"')(folder)
    assert [rule.binds for rule in al.read(folder).rules] == [False, True]


def test_all_checks_of_names_run(folder):
    """A bad key in one table does not hide a bad name in another."""
    put(PLACES, "North,system", "North,sytem")(folder)
    put(RULES, '"council"', '"counsel"')(folder)
    add("partners.csv", "trust,Another,acute\n")(folder)
    with pytest.raises(al.ScenarioError) as error:
        al.read(folder)
    assert {problem.where for problem in error.value.problems} == {"places.csv", "rules.toml", "partners.csv"}
