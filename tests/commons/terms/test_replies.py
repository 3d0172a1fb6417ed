"""One contract looked at closely: what a partner spends at every rate, worked out by hand and by trying."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.commons.terms.replies import JUMPS, RISES, STAYS
from tests.commons.games import benefit, common_purse, line, shared_good, straight
from tests.engine.making import make


def test_a_smooth_reply_by_hand():
    """Paid t for a pound of prevention, of which £800,000 are there, a partner brings it to 400,000 / (1 - t)^2 as far
    as its money goes: nothing up to 29p, what is planned at 50p, everything from 53p; between two rates it lies between
    the two replies."""
    found = al.replies(shared_good(), "a", "prevention", tries=24)
    rate = found.rates["rate"].to_numpy()
    wanted = np.where(rate < 1, np.clip(4e5 / np.maximum(1 - rate, 1e-9) ** 2 - 8e5, 0, 1e6), 1e6)
    assert found.rates["activity"].to_numpy() == pytest.approx(wanted, abs=100)
    assert found.rates["pays"].to_numpy() == pytest.approx(rate * (wanted - 8e5), abs=200)
    assert found.at == pytest.approx(0.5, abs=1e-3)
    assert found.planned == pytest.approx(8e5, abs=10)
    assert found.rates["sure"].max() < 1
    assert (np.diff(found.rates["activity"]) >= -1).all()
    between = found.between
    assert between["between"].iloc[0] == STAYS
    assert 0.2 < between["high"].iloc[0] < 1 - np.sqrt(0.5) < between["high"].iloc[1]
    assert between["between"].iloc[-1] == STAYS
    assert set(between["between"]) == {STAYS, RISES}
    assert (between["low"].to_numpy()[1:] == between["high"].to_numpy()[:-1]).all()
    assert len(found.breakpoints) == (between["between"] == RISES).sum()
    assert "It spends as planned at £0.50; nothing else changes." in found.sentences


def test_a_reply_that_leaps():
    """Between two straight services of its own, worth 100p and 60p a pound to it, all of its money goes over where 40p
    are paid, and no rate makes it spend a part."""
    lines = [line("a", "care", 5e4, "pot-a"), line("a", "halls", 5e4, "pot-a"), line("b", "other", 1e5, "pot-b")]
    curves = [straight("care", "service", 1.0), straight("halls", "health", 1.0), straight("other", "service", 1.0)]
    rows = [benefit("a", "service"), benefit("b", "service"), benefit("a", "health", own=0.6), benefit("b", "health")]
    rules = {"half": {"kind": "cap", "amount": 5e4, "owner": "b", "where": {"programmes": ["halls"]}},
             "rest": {"kind": "floor", "amount": 3e4, "where": {"programmes": ["halls"]}}}  # fmt: skip
    found = al.replies(make(lines, curves, {"pot-a": 1e5, "pot-b": 1e5}, rules, {"service": 1.0, "health": 0.9},
                            benefits=rows), "a", "halls", highest=1.0)  # fmt: skip
    jump = found.breakpoints
    assert list(jump["between"]) == [JUMPS]
    assert jump["low"].iloc[0] <= 0.4 <= jump["high"].iloc[0]
    assert (jump["least"].iloc[0], jump["most"].iloc[0]) == (3e4, 5e4)
    assert any("leaps at £0.40" in each for each in found.sentences)


def test_a_levy():
    """Where it would spend more than planned, rates begin below nothing: 50p off each pound of its own service leave
    there what is planned."""
    found = al.replies(shared_good(), "a", "service-a", tries=12)
    assert found.rates["rate"].min() == pytest.approx(-0.5, abs=1e-3)
    assert found.at == pytest.approx(-0.5, abs=1e-2)
    assert any("as planned at −£0.50" in each for each in found.sentences)


PAYMENTS = {
    "bands": al.Payment(8e5, rate=0.5, bands=((1e5, 0.1), (-2e5, 0.3))),
    "a dead-band": al.Payment(4e5, rate=0.8, dead_band=1e5),
    "a cap": al.Payment(2e5, fixed=1e4, rate=0.6, cap=1.5e5),
    "a higher rate further on": al.Payment(1e5, rate=0.1, bands=((3e5, 0.75),)),
}


@pytest.mark.parametrize("name", PAYMENTS)
def test_a_contract_against_trying(name):
    """For any payment, flattening or not, no amount that is tried gives the partner more than its reply."""
    payment = PAYMENTS[name]
    found = al.replies(shared_good(), "a", "prevention", payment=payment, payer="b", tries=3).contract.iloc[0]
    tried = np.linspace(0, 1e6, 4001)
    own = 1e6 - tried + 4e5 * np.sqrt((8e5 + tried) / 1e5)
    total = own + [payment.pays(each) for each in tried]
    assert found["own"] + found["pays"] >= total.max() - 20
    assert found["activity"] == pytest.approx(tried[np.argmax(total)], abs=2000)
    assert found["concave"] == payment.concave(1e6)
    assert found["left"] == pytest.approx(found["others"] - found["pays"])


def test_several_places_at_one_rate():
    """Without a place one rate is paid for the programme everywhere that the partner decides it."""
    rows = [benefit(name, "health", worth=1000.0) for name in ("northern", "southern")]
    found = al.replies(common_purse(benefits=rows), "northern", "care", tries=4)
    assert found.planned == pytest.approx(4e5, abs=2)
    assert found.place is None


def test_nobody_waits():
    """Once nobody wants more, what is known is given."""
    found = al.replies(shared_good(), "a", "prevention", tick=lambda done, total: False)
    assert len(found.rates) == 2
    assert np.isnan(found.at)
    assert any("No rate from £0.00 to £" in each for each in found.sentences)
    watch = al.Watch()
    watch.stop()
    assert len(al.replies(shared_good(), "a", "prevention", watch=watch).rates) == 2


def test_what_is_refused():
    """Names that no line has, alone or together, and what cannot be asked, are told at once."""
    with pytest.raises(al.ScenarioError) as refused:
        al.replies(shared_good(), "z", "prevent", payer="c")
    assert [problem.value for problem in refused.value.problems] == ["z", "prevent", "c"]
    with pytest.raises(al.ScenarioError, match="no line has all of these"):
        al.replies(shared_good(), "a", "service-b")
    with pytest.raises(ValueError, match=r"tries: 2, expected 3 or more; highest: -1.*payment: falls"):
        al.replies(shared_good(), "a", "prevention", tries=2, highest=-1, payment=al.Payment(1e5, rate=-1))
