"""The kinds of rule: each a small class that says itself in a sentence and yields limits from a tally.

To add a kind: write the class with `@kind` above it, in a module that is imported here. Reading it from rules.toml,
`--set`, the audit, its price, its place in the rule book and the contract tests follow from that alone.
"""

from __future__ import annotations

from allocate.rules.aims import Balanced, BottomUp, Fair, Tails, Weighted, WorstOff, aim_of
from allocate.rules.amounts import Cap, Floor, Keep, Measured
from allocate.rules.binding import INFINITY, Binding, Fraction, Growth, Ratio, binding_rules
from allocate.rules.choices import Either, Moves, Prerequisite, Start
from allocate.rules.evenness import Gini, Hoover, Palma
from allocate.rules.flows import Open, Reserve, Virement
from allocate.rules.heads import PerHead, Spread
from allocate.rules.places import Converge, Gap
from allocate.rules.proportions import Band, GrowthFloor, Share
from allocate.rules.purposes import Match, Reach, Report, RingFence
from allocate.scenario.rulebook import KINDS

__all__ = [
    "INFINITY", "KINDS", "Balanced", "Band", "Binding", "BottomUp", "Cap", "Converge", "Either", "Fair", "Floor",
    "Fraction", "Gap", "Gini", "Growth", "GrowthFloor", "Hoover", "Keep", "Match", "Measured", "Moves", "Open",
    "Palma", "PerHead", "Prerequisite", "Ratio", "Reach", "Report", "Reserve", "RingFence", "Share", "Spread",
    "Start", "Tails", "Virement", "Weighted", "WorstOff", "aim_of", "binding_rules",
]  # fmt: skip
