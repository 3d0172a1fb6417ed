"""The verbs on the command line. Tables go to stdout, words to stderr; exit 0 answered, 1 our fault (no answer, or one
that could not be certified), 2 the scenario or the command is wrong, 3 no plan is possible.

Each verb is a module with two functions: `add` gives the parser the verb and its options, `run` answers it and returns
the exit code. What is slow to import (the screen, the explorer, the benchmarks) is imported where it is used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

import allocate as al
from allocate.cli import (
    bench,
    check,
    clash,
    deal,
    explore,
    fairness,
    frontier,
    holds,
    lawful,
    lenses,
    next_pound,
    places,
    propose,
    reach,
    regimes,
    rules,
    schema,
    settle,
    solve,
)
from allocate.cli.options import read_changes, read_sets
from allocate.cli.output import ANSWERED, NO_PLAN, OUR_FAULT, SCENARIO_WRONG, say, say_changes, speak_utf8

VERBS = (
    check, solve, clash, rules, propose, fairness, frontier, lenses, next_pound, reach, regimes, deal, settle, holds,
    lawful, explore, places, bench, schema,
)  # fmt: skip
"""In the order in which help lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    speak_utf8()
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except al.ScenarioError as error:
        say(str(error))
        return SCENARIO_WRONG
    except al.NoPlan as error:
        say(str(error))
        say_ways(error)
        return NO_PLAN
    except al.AllocateError as error:
        say(f"allocate could not answer: {error}")
        return OUR_FAULT
    except BrokenPipeError:
        # Whoever reads our output has read enough; what is left of it goes nowhere, so that closing down is quiet too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWERED
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
        return OUR_FAULT
    except KeyboardInterrupt:
        say("stopped")
        return OUR_FAULT


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse describes it."""
    top = argparse.ArgumentParser(prog="allocate", description="Share a system's money fairly, together.")
    top.add_argument("--version", action="version", version=f"allocate {version('allocate')}")
    verbs = top.add_subparsers(title="verbs", required=True, metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    return top


def say_ways(error: al.NoPlan) -> None:
    """What gives way as changes to type, and the envelopes that would do instead."""
    if changes := {path: value for way in error.ways for path, value in way.change.items()}:
        say_changes("As changes", changes)
    for way in error.instead:
        say_changes("Or instead", way.change, way.sentence)


__all__ = ["main", "parser", "read_changes", "read_sets"]
