from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "compiler.md"


def test_the_example_in_the_documentation_runs():
    """The page's example does what it says."""
    code = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    exec(compile(code, str(PAGE), "exec"), {"__name__": "example"})
