"""The public surface: exactly these names, a light import, and a schema that describes every file."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys

import pytest

import allocate as al
from allocate.scenario.rulebook import KINDS
from allocate.scenario.tables import TABLES, Heading

NAMES = [
    "AllocateError", "Alternatives", "Clashes", "Deal", "EngineError", "Frontier", "GiveWay", "Goal", "Holds", "Lawful",
    "Lenses", "NoPlan", "Payment", "Plan", "Prices", "Problem", "Proposal", "Regimes", "Replies", "Rivals", "Scenario",
    "ScenarioError", "Settlements", "Shortage", "SwitchPoints", "Terms", "Unlike", "Version", "Watch", "accept",
    "alternatives", "banzhaf", "clash", "compare", "compare_versions", "controls", "deal", "evidence", "explain",
    "fair_share_rule", "fairness", "frontier", "holds", "lawful", "lenses", "next_pound", "pairwise", "places",
    "prices", "propose", "reach", "read", "regimes", "replies", "restore", "rules", "schema", "settle",
    "shapley_shubik", "shortage", "solve", "switch_points", "terms", "to_json", "versions", "write", "write_plan",
]  # fmt: skip


def test_names():
    """The public names are these, in the order of the alphabet, capitals first."""
    assert al.__all__ == NAMES == sorted(NAMES)


def test_nothing_else_is_lying_about():
    """Whatever is reachable without an underscore is public or a room of the package."""
    rooms = {
        "cli", "commons", "compiler", "engine", "errors", "places", "plan", "rules", "scenario", "screen", "ui",
    }  # fmt: skip
    assert {name for name in vars(al) if not name.startswith("_")} <= set(NAMES) | rooms


@pytest.mark.parametrize("name", NAMES)
def test_every_name_says_what_it_is(name):
    """Every public name has a docstring of its own, and every parameter of a function is annotated."""
    thing = getattr(al, name)
    assert inspect.getdoc(thing)
    assert thing.__doc__
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())
        assert signature.return_annotation is not inspect.Signature.empty


def test_errors_are_a_tree():
    """Every error raised on purpose can be caught at once, and each kind on its own."""
    kinds = (al.ScenarioError, al.NoPlan, al.EngineError)
    assert all(issubclass(kind, al.AllocateError) for kind in kinds)
    assert not any(issubclass(a, b) for a in kinds for b in kinds if a is not b)
    assert not issubclass(al.AllocateError, ValueError | OSError)


def test_import_is_light():
    """Importing the package loads no user interface, no plotting, no other solver and no test tool."""
    heavy = "streamlit", "altair", "matplotlib", "plotly", "pytest", "hypothesis", "scipy", "dask"
    code = f"import sys, allocate; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


# --- the schema -----------------------------------------------------------------------------------------------------

TYPES = {"string", "number", "integer", "boolean", "array", "object", "null"}


def test_schema_has_every_file():
    """The schema speaks of every file of a scenario, and is JSON."""
    schema = al.schema()
    assert set(schema) == {"scenario.toml", "rules.toml", *(f"{name}.csv" for name in TABLES)}
    assert set(schema["rules.toml"]) == set(KINDS)
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("name", ["scenario.toml", *(f"{name}.csv" for name in TABLES), *KINDS])
def test_schema_is_sound(name):
    """Each schema is an object that refuses unknown fields, requires only its own, and knows what it refers to."""
    schema = al.schema()[name] if "." in name else al.schema()["rules.toml"][name]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert schema["title"]
    assert schema["description"]
    assert set(schema.get("required", [])) <= set(schema["properties"])
    for inner in schema["properties"].values():
        _is_sound(inner, schema.get("$defs", {}))


def _is_sound(schema: dict, known: dict) -> None:
    """A schema says a type or options, its pattern compiles, and what it refers to is there."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        assert name in known
        for inner in known[name]["properties"].values():
            _is_sound(inner, known)
        return
    if "anyOf" in schema:
        for option in schema["anyOf"]:
            _is_sound(option, known)
        return
    assert schema["type"] in TYPES
    re.compile(schema.get("pattern", ""))
    if schema["type"] == "array" and "items" in schema:
        _is_sound(schema["items"], known)


def test_schema_agrees_with_the_readers():
    """What the schema requires is what the readers require, field by field."""
    models = {"scenario.toml": Heading} | {f"{name}.csv": row for name, row in TABLES.items()}
    for file, model in models.items():
        required = {name for name, field in model.model_fields.items() if field.is_required()}
        assert set(al.schema()[file].get("required", [])) == required
        assert set(al.schema()[file]["properties"]) == set(model.model_fields)
