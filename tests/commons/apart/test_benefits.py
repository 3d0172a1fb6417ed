"""What each partner counts when it acts for itself, and when one sum stands for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from allocate.commons.apart.benefits import Benefits, fed_by, potential
from tests.commons.games import benefit, line, shared_good, straight
from tests.engine.making import make


def worth(scenario, player: str, **how) -> dict[str, float]:
    """What one unit counts for a player, by programme."""
    found = Benefits.of(scenario, **how)
    return dict(zip(scenario.curves["programme"], found.worth[found.players.index(player)], strict=True))


def test_without_benefits_each_counts_what_its_own_lines_buy():
    """Without benefits.csv a partner counts its own curves at the agreed weights, and of shared ones its part of the
    baseline, in points."""
    scenario = make(
        [line("a", "alone", 1e4), line("a", "both", 3e4), line("b", "both", 1e4), line("b", "new", 0.0)],
        [straight(name, "health", 1.0) for name in ("alone", "both", "new")], 1e5, outcomes={"health": 2.0},
    )  # fmt: skip
    assert worth(scenario, "a") == {"alone": 2.0, "both": 1.5, "new": 0.0}
    assert worth(scenario, "b") == {"alone": 0.0, "both": 0.5, "new": 2.0}
    found = Benefits.of(scenario)
    assert not found.in_money.any()
    assert np.isnan(found.pounds(np.ones(3)))


def test_a_curve_nobody_spent_on_is_parted_by_lines():
    """Where no line of a curve has a baseline, every line counts the same."""
    lines = [line("a", "both", 0.0), line("b", "both", 0.0), line("b", "both", 0.0, "other")]
    scenario = make(lines, [straight("both", "health", 1.0)], {"pot": 1e4, "other": 1e4})
    assert worth(scenario, "a")["both"] == pytest.approx(1 / 3)
    assert worth(scenario, "b")["both"] == pytest.approx(2 / 3)


def test_rows_are_all_that_a_partner_counts():
    """A partner with rows counts what they say of its own lines and of others', in pounds, and nothing beyond them."""
    scenario = shared_good(benefits=[benefit("a", "health", own=0.5, share=0.25, worth=8.0)])
    assert worth(scenario, "a") == {"service-a": 0.0, "service-b": 0.0, "prevention": 8.0 * (0.25 + 0.125)}
    assert worth(scenario, "b") == {"service-a": 0.0, "service-b": 1.0, "prevention": 0.5}
    assert list(Benefits.of(scenario).in_money) == [True, False]


def test_a_row_for_a_place_covers_the_places_inside():
    """A row that names a place covers curves there and in the places inside it, and no others."""
    places = [
        {"id": name, "name": name.title(), "parent": parent, "population": 1000.0}
        for name, parent in (("county", None), ("town", "county"), ("far", None))
    ]
    scenario = make(
        [line("a", "care", 1e4), line("a", "care", 1e4, place="far")],
        [straight("care", "health", 1.0), straight("care", "health", 1.0, "far")], 4e4, places=places,
        benefits=[benefit("a", "health", worth=5.0) | {"place": "county"}],
    )  # fmt: skip
    found = Benefits.of(scenario)
    assert dict(zip(scenario.curves["place"], found.worth[0], strict=True)) == {"town": 5.0, "far": 0.0}
    assert found.pounds(np.array([10.0, 10.0])) == pytest.approx(50.0)


def test_holders_decide_what_their_envelopes_pay():
    """With holders, the one that holds the money in law decides every line that it pays, and its lines are those."""
    scenario = make([line("a", "care", 1e4), line("b", "care", 1e4)], [straight("care", "health", 1.0)], 3e4)
    assert Benefits.of(scenario).players == ("a", "b")
    assert Benefits.of(scenario, holders=True).players == ("body",)
    assert worth(scenario, "body", holders=True) == {"care": 1.0}


def test_when_one_sum_stands_for_all():
    """There is one sum where players want what they share in one proportion, as a good that helps both alike; none
    where one wants one shared thing more and the other another."""
    scenario = shared_good()
    found = Benefits.of(scenario)
    weight = potential(found.worth, fed_by(scenario, found))
    assert dict(zip(scenario.curves["programme"], weight, strict=True)) == {
        "prevention": 0.5, "service-a": 1.0, "service-b": 1.0,
    }  # fmt: skip
    fed = np.ones((2, 2), dtype=bool)
    assert potential(np.array([[1.0, 2.0], [3.0, 6.0]]), fed) == pytest.approx([1.0, 2.0])
    assert potential(np.array([[1.0, 2.0], [2.0, 1.0]]), fed) is None
    assert potential(np.array([[1.0, 0.0], [2.0, 1.0]]), fed) is None
    assert potential(np.array([[1.0, 0.0], [2.0, 0.0]]), fed) == pytest.approx([1.0, 0.0])


def test_a_sum_over_a_chain():
    """Players that share in a chain have one sum however far apart they stand, and apart from them others theirs."""
    fed = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=bool)
    worth_ = np.array([[1.0, 2.0, 0, 0], [0, 6.0, 3.0, 0], [0, 0, 0, 7.0]])
    assert potential(worth_, fed) == pytest.approx([1.0, 2.0, 1.0, 7.0])
