"""The judgements that may be moved: which they are, how far they go, and that what is bought lands as often."""

from __future__ import annotations

import numpy as np
import pytest

from allocate.commons.apart.ground import Ground
from allocate.commons.apart.judgements import SHARE, Figure, covered, figures_of, laid, said_otherwise
from tests.commons.apart.test_switching import neighbour


def test_figures_are_those_of_partners_that_decide():
    """Every figure of every row is one, and rows of the same kind of partner move together."""
    scenario = neighbour()
    ground = Ground.of(scenario)
    many, alone = figures_of(scenario, ground.benefits, ground.apart.fed)
    assert [each.key for each in many] == ["shares of council", "every share", "every own", "every worth"]
    assert len(alone) == 3 * len(scenario.table("benefits"))
    assert all(isinstance(each, Figure) and each.lowest <= each.now <= each.highest for each in (*many, *alone))


@pytest.mark.parametrize("value", [0.1, 0.4, 0.5])
def test_what_one_counts_more_its_buyer_counts_less(value):
    """Whatever the neighbour counts of what the buyer buys, both together count nine tenths of it; no other row moves,
    and the scenario that says so reads as any other."""
    scenario = neighbour()
    ground = Ground.of(scenario)
    _, alone = figures_of(scenario, ground.benefits, ground.apart.fed)
    (share,) = (each for each in alone if each.key == "benefits.b.health..share")
    table = laid(scenario, share, value, covered(scenario))
    rows = table.set_index(["partner", "outcome"])
    assert rows.loc[("b", "health"), SHARE] == value
    assert rows.loc[("a", "health"), "own"] == pytest.approx(0.9 - value)
    services = [each[each["outcome"] == "service"].to_dict("records") for each in (table, scenario.table("benefits"))]
    assert services[0] == services[1]
    assert np.array_equal(said_otherwise(scenario, table).table("benefits")[SHARE], table[SHARE])
