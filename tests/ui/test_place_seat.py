"""Places from one seat: a place's own fair share, and where a partner spends."""

from __future__ import annotations

import pytest

from tests.ui.apping import explorer, said, visit

pytestmark = pytest.mark.usefixtures("explorer")


def test_a_place_reads_its_own_share_of_need():
    """From a place's seat the page says its part of people and need; from one with others inside, of them all."""
    text = said(visit("places", scenario="tiny", seat="places.north"))
    assert "North. You have 40.0% of the people and 45.0% of the need: of each £100.0m, £45.0m would be fair" in text
    assert "100.0% of the need" in said(visit("places", scenario="tiny", seat="places.system"))


def test_a_partner_reads_where_it_spends():
    """From a partner's seat the page says in which places its money is; one without lines spends none."""
    text = said(visit("places", scenario="tiny", seat="partners.trust"))
    assert "The Trust. You spend in South and North; most of it in South, 62.5%." in text
    assert "You spend no money in these places." in said(visit("places", scenario="tiny", seat="partners.board"))


__all__ = ["explorer"]
