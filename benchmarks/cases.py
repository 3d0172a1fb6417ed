"""The registry: which scenarios are timed, and the answers they must give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"


@dataclass(frozen=True)
class Case:
    """A scenario, a what-if on one envelope, and what must come out of both.

    `value` and `changed_value` are the best values, from `benchmarks.independent`; `spent` and `changed_spent` are
    the pounds that the plan spends in all.
    """

    name: str
    lines: int
    figures: int
    limits: int
    value: float
    spent: float
    envelope: str
    amount: float
    changed_value: float
    changed_spent: float

    @property
    def changes(self) -> dict[str, float]:
        """The what-if, as `Scenario.change` takes it."""
        return {f"envelopes.{self.envelope}": self.amount}


CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case("tiny", 4, 34, 3, 1924.94768, 1e6, "core", 855_000, 1879.37066, 955_000),
        Case("participatory-budget", 10, 68, 4, 3525, 975_000, "ballot", 800_000, 2950, 785_000),
        Case(
            "health-benefits-package", 20, 133, 26, 156_884.486729, 18_000_000, "budget", 12_600_000,
            158_275.659323, 18_600_000,
        ),
        Case(
            "coventry-warwickshire", 112, 612, 155, 12_012.9686334, 2_513_824_000, "core", 1_893_489_420,
            14_699.1281724, 2_532_571_420,
        ),
        Case(
            "greater-manchester", 290, 1470, 408, 39_714.1312275, 8_324_158_000, "core", 6_179_824_380,
            48_475.4474793, 8_385_344_380,
        ),
    )
}  # fmt: skip
"""Every case by its name, the smallest first."""

RELATIVE = 1e-6
"""How near a value must come to the expected one. Whole pounds cost a little: less than this in every case."""
