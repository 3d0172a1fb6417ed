"""Every kind of broken input, as a user meets it: the command says what is wrong, exits 2 and writes nothing."""

from __future__ import annotations

import pytest

from allocate import cli
from tests.scenario.test_checks import NAMES, SENSE
from tests.scenario.test_reading import CORPUS


@pytest.mark.parametrize("fault", CORPUS + NAMES + SENSE, ids=lambda fault: fault.name)
def test_broken_input_exits_2_in_words_and_writes_nothing(fault, folder, tmp_path, capsys):
    """Solving a broken folder prints no table, says the fault on stderr, and leaves no output behind."""
    fault.edit(folder)
    assert cli.main(["solve", str(folder), "--out", str(tmp_path / "out")]) == 2
    out, words = capsys.readouterr()
    assert out == ""
    assert "problem" in words
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".allocate-*"))
