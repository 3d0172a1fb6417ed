"""A plan on the terminal: the sentences to stderr, the tables to stdout."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocate.plan.explaining import changes, explain
from allocate.plan.figures import IN_MILLIONS, per_cent, pounds
from allocate.plan.plan import Plan


@contextmanager
def progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A spinner with a clock on stderr while something takes time; nothing where nobody watches. Yields what can be
    told how much is done, and of how much."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=_Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(escape(text), total=None)
        yield lambda done, total: bar.update(task, description=f"{escape(text)}: {done} of {total}")


def show(plan: Plan) -> None:
    """Headline and explanation, then who gets what, by place, by partner and by programme."""
    words = _Console(stderr=True)
    # A file or a pipe gets each sentence whole, on a line of its own.
    told = [Text(f"\n{plan.scenario.heading.name}", style="bold"), Text(changes(plan.scenario)), Text(explain(plan))]
    for text in told:
        if text:
            words.print(text, soft_wrap=not words.is_terminal)
    words.print()
    sys.stderr.flush()
    put_all(sheets(plan))


class _Console(Console):
    def __init__(self, **options) -> None:
        super().__init__(highlight=False, emoji=False, **options)

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, which knows that a reader may stop early."""
        raise BrokenPipeError


def _console() -> Console:
    """stdout at the terminal's width, or wide enough for any table where it is a file or a pipe."""
    return _Console() if sys.stdout.isatty() else _Console(width=140)


FIRST = 12
"""Columns the names get at least; longer ones fold."""
AGAINST = "share: how far the money that goes by need is from the place's fair share of it"


@dataclass
class Sheet:
    """A table before it is laid out: its titles, rows of cells with a style, and the columns that may be left out."""

    title: str
    titles: list[str]
    rows: list[tuple[list[str], str]] = field(default_factory=list)
    spare: tuple[tuple[str, ...], ...] = ()
    """Columns to leave out on a narrow screen, in this order, those in one group together."""
    note: str = ""
    """What the last of the spare columns mean, said in the title where they are shown."""

    def width(self, left_out: Sequence[str] = ()) -> int:
        """The columns of a screen that this table needs, its names folded."""
        return FIRST + sum(2 + self._widest(k) for k, title in enumerate(self.titles) if k and title not in left_out)

    def _widest(self, k: int) -> int:
        return max(cell_len(cells[k]) for cells in (self.titles, *(cells for cells, _ in self.rows)))

    def table(self, width: int) -> tuple[str, Table]:
        """The title and the table for a screen this wide. Amounts are never cut: names fold and spare columns go."""
        left_out: list[str] = []
        for group in self.spare:
            if self.width(left_out) > width:
                left_out += group
        shown = [k for k, title in enumerate(self.titles) if title not in left_out]
        names = min(self._widest(0), FIRST + max(0, width - self.width(left_out)))
        table = Table(header_style="bold", box=None, pad_edge=False)
        table.add_column(self.titles[0], width=names, overflow="fold")
        for k in shown[1:]:
            table.add_column(self.titles[k], width=self._widest(k), justify="right", no_wrap=True)
        for cells, style in self.rows:
            # A name that folds keeps its indent, so that its second line is not read as another place.
            name = cells[0].lstrip(" ")
            first = Padding(Text(name), (0, 0, 0, len(cells[0]) - len(name)))
            table.add_row(first, *(Text(cells[k]) for k in shown[1:]), style=style or None)
        notes = [self.note] if self.note and not set(self.spare[-1]) & set(left_out) else []
        notes += [f"without {_and(left_out)}: the screen is too narrow"] if left_out else []
        return self.title + (f" ({'; '.join(notes)})" if notes else ""), table


def put_all(sheets: Sequence[Sheet]) -> None:
    """Print the tables that have rows to stdout, a blank line between them."""
    out = _console()
    for k, sheet in enumerate(each for each in sheets if each.rows):
        if k:
            out.print()
        put(sheet, out)
    sys.stdout.flush()


def put(sheet: Sheet, out: Console) -> None:
    """Print a table, over the edge of a screen that is too narrow even for what cannot be left out."""
    title, table = sheet.table(out.width)
    out.print(Text(title, style="bold"), soft_wrap=not out.is_terminal)
    needed = sum(2 + (column.width or 0) for column in table.columns) - 2
    out.width = max(out.width, needed)
    out.print(table)


def sheets(plan: Plan) -> list[Sheet]:
    """The tables of a plan, all in one unit of money."""
    millions = bool(plan.spend["spend"].sum() >= IN_MILLIONS)
    return [
        _places(plan, millions),
        _sums(plan, "partner", "partners", "Partner", millions),
        _sums(plan, "programme", "programmes", "Programme", millions),
    ]


def _places(plan: Plan, millions: bool) -> Sheet:
    """Places as a tree, so that those inside a place add up to it."""
    currency, years = plan.scenario.heading.currency, plan.scenario.years
    against = ("Share, now", "proposed") if plan.places["target"].notna().any() else ()
    several = ("Year",) if len(years) > 1 else ()
    titles = ["Place", *several, "Now", "Proposed", "Change", "%", "Per head", *against]
    spare = (("Per head",), against) if against else (("Per head",),)
    sheet = Sheet("By place", titles, spare=spare, note=AGAINST if against else "")
    for year in years:
        for name, row, style in _tree(plan, year):
            cells = [name, *([year] if several else [])]
            cells += _money_cells(row["baseline"], row["spend"], row["change"], currency, millions)
            cells.append(pounds(row.get("per_head", math.nan), currency))
            shares = [row.get(column, math.nan) for column in ("distance_before", "distance_after")]
            cells += [per_cent(share, signed=True) for share in shares] if against else []
            sheet.rows.append((cells, style))
    return sheet


def _tree(plan: Plan, year: str) -> Iterator[tuple[str, pd.Series, str]]:
    """A year's places with money, each before those inside it: name, row of figures, style. What is spent on a place
    as a whole has a row beside those inside, and the total one where no single place holds all."""
    frame, places = plan.places, plan.scenario.places
    here = frame[frame["year"] == year].set_index("place")
    own = plan.by("place", "year")
    own = own[own["year"] == year].set_index("place")
    inside: dict[str, list[str]] = {}
    for place, parent in zip(places["id"], places["parent"], strict=True):
        inside.setdefault(parent if isinstance(parent, str) else "", []).append(place)

    def branch(place: str, depth: int) -> Iterator[tuple[str, pd.Series, str]]:
        row, name = here.loc[place], plan.scenario.name_of("places", place)
        if row["spend"] > 0 or row["baseline"] > 0:
            yield "  " * depth + name, row, "" if depth else "bold"
            if place in inside and place in own.index and own.loc[place, ["baseline", "spend"]].any():
                yield f"{'  ' * (depth + 1)}{name} as a whole", own.loc[place], ""
            for smaller in inside.get(place, []):
                yield from branch(smaller, depth + 1)

    roots = inside.get("", [])
    for root in roots:
        yield from branch(root, 0)
    if len(roots) != 1:
        yield "Total", here.loc[roots, ["baseline", "spend", "change"]].sum(), "bold"


def _sums(plan: Plan, column: str, names: str, title: str, millions: bool) -> Sheet:
    currency, sums = plan.scenario.heading.currency, plan.by(column)
    sheet = Sheet(f"By {title.lower()}", [title, "Now", "Proposed", "Change", "%"])
    for key, baseline, spend, change in sums.itertuples(index=False):
        cells = _money_cells(baseline, spend, change, currency, millions)
        sheet.rows.append(([plan.scenario.name_of(names, key), *cells], ""))
    total = sums[["baseline", "spend", "change"]].sum()
    cells = _money_cells(total["baseline"], total["spend"], total["change"], currency, millions)
    sheet.rows.append((["Total", *cells], "bold"))
    return sheet


def _money_cells(baseline: float, spend: float, change: float, currency: str, millions: bool) -> list[str]:
    share = per_cent(change / baseline, signed=True) if baseline else ""
    now, proposed = (pounds(amount, currency, millions=millions) for amount in (baseline, spend))
    return [now, proposed, pounds(change, currency, signed=True, millions=millions), share]


def _and(titles: list[str]) -> str:
    return " and ".join(title.split(",")[0].lower() for title in titles if title != "proposed")
