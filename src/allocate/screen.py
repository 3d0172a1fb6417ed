"""A plan on the terminal: the sentences to stderr, the tables to stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from allocate.plan.explaining import explain
from allocate.plan.figures import IN_MILLIONS, per_cent, pounds
from allocate.plan.plan import Plan


@contextmanager
def progress(text: str) -> Iterator[None]:
    """A spinner with a clock on stderr while something takes time; nothing where nobody watches."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=_Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        bar.add_task(escape(text), total=None)
        yield


def show(plan: Plan) -> None:
    """Headline and explanation, then who gets what, by place, by partner and by programme."""
    words, out = _Console(stderr=True), _console()
    words.print(Text(f"\n{plan.scenario.heading.name}", style="bold"))
    words.print(Text(explain(plan)))
    words.print()
    out.print(_places(plan))
    for column, table, title in (
        ("partner", "partners", "By partner"), ("programme", "programmes", "By programme"),
    ):  # fmt: skip
        out.print(_sums(plan, column, table, title))


class _Console(Console):
    def __init__(self, **options) -> None:
        super().__init__(highlight=False, emoji=False, **options)

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, which knows that a reader may stop early."""
        raise BrokenPipeError


def _console() -> Console:
    """stdout at the terminal's width, or wide enough for any table where it is a file or a pipe."""
    return _Console() if sys.stdout.isatty() else _Console(width=140)


def _places(plan: Plan) -> Table:
    currency, frame = plan.scenario.heading.currency, plan.places
    parents = set(plan.scenario.places["parent"].dropna())
    frame = frame[(frame["spend"] > 0) | (frame["baseline"] > 0)]
    leaves, above = frame[~frame["place"].isin(parents)], frame[frame["place"].isin(parents)]
    millions = bool(frame["spend"].max() >= IN_MILLIONS)
    several = frame["year"].nunique() > 1
    with_target = frame["target"].notna().any()
    titles = ["Place", *(["Year"] if several else []), "Now", "Proposed", "Change", "%", "Per head"]
    table = _table("By place", titles + (["From fair share, now", "proposed"] if with_target else []))
    for row in pd.concat([leaves, above]).itertuples():
        cells = [escape(plan.scenario.name_of("places", row.place)), *([row.year] if several else [])]
        cells += _money_cells(row.baseline, row.spend, row.change, currency, millions)
        cells.append(pounds(row.per_head, currency))
        if with_target:
            cells += [per_cent(row.distance_before, signed=True), per_cent(row.distance_after, signed=True)]
        table.add_row(*cells, style="dim" if row.place in parents else None)
    return table


def _sums(plan: Plan, column: str, names: str, title: str) -> Table:
    currency, sums = plan.scenario.heading.currency, plan.by(column)
    table = _table(title, [title.removeprefix("By ").capitalize(), "Now", "Proposed", "Change", "%"])
    total = sums[["baseline", "spend", "change"]].sum()
    millions = bool(total["spend"] >= IN_MILLIONS)
    for key, baseline, spend, change in sums.itertuples(index=False):
        table.add_row(
            escape(plan.scenario.name_of(names, key)), *_money_cells(baseline, spend, change, currency, millions)
        )
    table.add_section()
    cells = _money_cells(total["baseline"], total["spend"], total["change"], currency, millions)
    table.add_row("Total", *cells, style="bold")
    return table


def _money_cells(baseline: float, spend: float, change: float, currency: str, millions: bool) -> list[str]:
    share = per_cent(change / baseline, signed=True) if baseline else ""
    now, proposed = (pounds(amount, currency, millions=millions) for amount in (baseline, spend))
    return [now, proposed, pounds(change, currency, signed=True, millions=millions), share]


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for k, column in enumerate(columns):
        table.add_column(column, justify="left" if k == 0 else "right", no_wrap=k > 0)
    return table
