"""Places drawn as clusters of practices, checked to part the system: every practice in one place, and only one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import pandas as pd

from allocate.errors import Problem, ScenarioError
from allocate.places.claims import Claim, as_claims, claims_in
from allocate.places.practices import Practices, short
from allocate.places.rounding import INDEX, PEOPLE, Rounding, headlines, rounded
from allocate.places.shares import Amounts, distances, fair_shares, indices, targets
from allocate.scenario.words import slug, suggestion

GROUPS = ("district", "pcn", "practice")
UNLIKE = 20
"""Opening positions and money to share that differ by more than this factor are not in the same unit."""
BY_HAND = "by hand"
NAMED = 8
"""Practices named in one sentence; more are counted."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A system's places as clusters of practices; a drawing that exists is a partition.

    practices   the file it was drawn on
    systems     the codes of the systems whose practices it parts
    places      practice code to place id, in the file's order of practices
    names       id to name, of places and of what they lie in
    within      place id to the id of what it lies in, '' for the system itself
    by          how it was drawn: district, pcn, practice, or the file that says
    notes       what the one who drew it should know, such as practices that go by another name now

    Tables have one row a place, indexed by its id in the order of the drawing.
    """

    practices: Practices
    systems: tuple[str, ...]
    places: pd.Series
    names: Mapping[str, str]
    within: Mapping[str, str]
    by: str
    notes: tuple[str, ...] = ()

    @property
    def system_name(self) -> str:
        """The name of the system, or of several joined by 'with'."""
        names = [short(str(self.practices.systems.at[code, "name"])) for code in self.systems]
        return " with ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    @cached_property
    def _sums(self) -> pd.DataFrame:
        table = self.practices.table.loc[self.places.index, self.practices.figures]
        sums = table.groupby(self.places.to_numpy(), sort=False).sum().loc[list(self.within)]
        return sums.rename_axis("place")

    def sums(self, rounding: Rounding = "exact") -> pd.DataFrame:
        """Registered people (`population`) and weighted people by component; with "nhse" to whole people, half up."""
        return rounded(self._sums, PEOPLE) if rounding == "nhse" else self._sums.copy()

    def counts(self) -> pd.Series:
        """How many practices each place has."""
        return self.places.value_counts().loc[list(self.within)].rename_axis("place").rename("practices")

    def indices(self, relative_to: str = "system", rounding: Rounding = "exact") -> pd.DataFrame:
        """Need per head by component relative to the system's average, or to England's ("england").

        With "nhse" to 0.001, half up, with `headline_core` and `headline_primary` as NHS England's page shows them.
        Indices against the system must not be compared with a system's own, which is against England.
        """
        return self._finished(indices(self._sums, self._base(relative_to)), rounding)

    def system_indices(self, rounding: Rounding = "exact") -> pd.Series:
        """The system's own indices, against England."""
        whole = self._sums.sum().to_frame("system").T
        return self._finished(indices(whole, self.practices.england), rounding).loc["system"]

    def shares(self) -> pd.DataFrame:
        """Fair shares: each place's part of the system's registered people and of its weighted people by component.
        Each column sums to one."""
        return fair_shares(self._sums)

    def targets(self, amount: Amounts) -> pd.DataFrame:
        """Fair shares in pounds. A number is shared by core need; a mapping says what each amount is shared by:
        {"core": 1875e6, "primary": 200e6, "population": 21e6}, where `population` is an equal sum a head."""
        return targets(self._sums, amount)

    def distance(self, opening: Mapping[str, float] | pd.Series | str | Path, amount: Amounts | None = None
                 ) -> pd.DataFrame:  # fmt: skip
        """How far each place opens from its fair share of `amount` (None: of what all open with, by core need).

        opening     pounds by place, by id or name; or a CSV file with the columns place and amount
        Columns: opening, target, distance (pounds, above 0 where it has more than its share), rate, distance_per_head,
        opening_per_head, target_per_head. Raises ScenarioError where the two seem to be in different units.
        """
        given = self.opening(opening)
        target = self.targets(float(given.sum()) if amount is None else amount)["target"]
        if min(given.sum(), target.sum()) * UNLIKE < max(given.sum(), target.sum()):
            expected = f"adds to £{given.sum():,.0f}, and the money to share is £{target.sum():,.0f}"
            fix = "is one of them in thousands or millions?"
            raise ScenarioError("opening", [Problem("opening", expected, fix=fix)])
        return distances(given, target, self._sums["population"])

    def opening(self, told: Mapping[str, float] | pd.Series | str | Path) -> pd.Series:
        """Opening positions in pounds by place id, every place once. Raises ScenarioError."""
        from allocate.places.openings import openings

        return openings(told, self.names, list(self.within))

    def putting(self, place: str, entries: Sequence[str]) -> Drawing:
        """The drawing with these practices, districts or PCNs (by code or name) in the place of this name, and out of
        where they were; a place that is left with no practice is gone. Raises ScenarioError."""
        table = self.practices.practices(self.systems)
        alike = {slug(self.names[key]): self.names[key] for key in self.within}
        name = alike.get(slug(place), place.strip())
        claims = [Claim(name, entry.strip(), BY_HAND) for entry in entries]
        meant = [_members(table, claim) for claim in claims]
        found = list(_ambiguous(table, claims)) + [
            _unknown(self.practices, table, claim) for claim, codes in zip(claims, meant, strict=True) if not codes
        ]
        if found or not claims:
            raise ScenarioError(BY_HAND, found or [Problem(BY_HAND, "name at least one practice, district or PCN")])
        holders = self.places.map(self.names)
        holders[[code for codes in meant for code in codes]] = name
        above = {self.names[key]: self.names.get(parent, "") for key, parent in self.within.items()}
        told = {
            held: {"practices": list(codes), "within": above.get(held, "")}
            for held, codes in holders.index.groupby(holders.to_numpy()).items()
        }
        drawn = draw(self.practices, self.systems, {held: told[held] for held in [*above, name] if held in told})
        by = self.by if self.by.endswith(BY_HAND) else f"{self.by}, changed {BY_HAND}"
        return replace(drawn, by=by, notes=self.notes)

    def scenario_tables(self, programmes: Mapping[str, str] | None = None) -> dict[str, pd.DataFrame]:
        """places, needs, evidence and sources of a scenario; see `allocate.places.writing.scenario_tables`."""
        from allocate.places.writing import scenario_tables

        return scenario_tables(self, programmes)

    def _base(self, relative_to: str) -> pd.Series:
        if relative_to not in ("system", "england"):
            fix = suggestion(relative_to, ("system", "england"))
            raise ScenarioError("relative_to", [Problem("relative_to", "is unknown", value=relative_to, fix=fix)])
        return self._sums.sum() if relative_to == "system" else self.practices.england

    def _finished(self, table: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
        if rounding == "exact":
            return table
        shown = headlines(table[[name for name in ("core", "primary") if name in table]])
        return rounded(table, INDEX).join(shown.add_prefix("headline_"))


def draw(
    practices: Practices,
    system: str | Sequence[str] | None = None,
    by: str | Path | Mapping = "district",
    rest: str = "",
) -> Drawing:
    """Places of a system. Raises ScenarioError with every fault: practices in two places, in none, unknown, elsewhere.

    system  a code or name, or several for systems that plan together; may be left out where `by` names practices, all
            of one system
    by      "district", "pcn" or "practice"; a mapping of place to what it holds (codes of practices, codes or names of
            districts and PCNs, and "not M84001" for what it does not), or of practice code to place; or a file that
            says so (.csv with the columns practice and place, .toml, or the .json session of NHS England's tool)
    rest    the name of a place for every practice that no other place holds; '' to refuse such practices
    """
    if isinstance(by, str) and by in GROUPS:
        if system is None:
            raise ScenarioError("system", [Problem("system", "say which system to draw by " + by)])
        return _grouped(practices, practices.codes(system), by, rest)
    found: list[Problem] = []
    if isinstance(by, Mapping):
        claims, where = as_claims(by, found), "places"
    else:
        path = Path(by)
        if not path.exists() and not path.suffix:
            fix = suggestion(str(by), GROUPS) or f"known: {', '.join(GROUPS)}, or a file"
            raise ScenarioError("by", [Problem("by", "is no way to draw places", value=str(by), fix=fix)])
        claims, where = claims_in(path, found), path.name
    if found:
        raise ScenarioError(where, found)
    systems = practices.codes(system) if system is not None else _systems_of(practices, claims, where)
    return _claimed(practices, systems, claims, where, rest)


def _systems_of(practices: Practices, claims: Sequence[Claim], where: str) -> tuple[str, ...]:
    """The one system that the practices told are in."""
    codes = [claim.code for claim in claims if claim.code in practices.table.index]
    systems = tuple(dict.fromkeys(practices.table.loc[codes, "system"]))
    if len(systems) != 1:
        expected = "names practices of several systems" if systems else "names no practice of the file"
        fix = f"say which system: {', '.join(systems)}" if systems else "say which system it draws"
        raise ScenarioError(where, [Problem(where, expected, fix=fix)])
    return systems


# --- by what the file says -------------------------------------------------------------------------------------------


def _grouped(practices: Practices, systems: tuple[str, ...], by: str, rest: str) -> Drawing:
    """A place for each district, PCN or practice; practices lie in their district. What has none is for the rest."""
    table = practices.practices(systems)
    if by == "practice":
        ids = pd.Series([slug(code) for code in table.index], index=table.index)
        districts, inside = _ids(table, "district")
        names = dict(zip(ids, [f"{name} ({code})" for code, name in table["name"].items()], strict=True)) | inside
        within = dict(zip(ids, districts, strict=True))
        return Drawing(practices, systems, ids, names, within, by)
    blank = table.index[table[by] == ""]
    if len(blank) and not rest:
        raise ScenarioError(practices.file, [_without(table, blank, by, practices.file)])
    ids, names = _ids(table, by)
    order = dict(sorted(names.items(), key=lambda item: item[1]))
    if len(blank):
        if not _id(rest) or _id(rest) in order:
            raise ScenarioError("rest", [Problem("rest", "is no name of its own for a place", value=rest)])
        ids[blank], order[_id(rest)] = _id(rest), rest
    return Drawing(practices, systems, ids, order, dict.fromkeys(order, ""), by, tuple(_split(practices, table, by)))


def _ids(table: pd.DataFrame, by: str) -> tuple[pd.Series, dict[str, str]]:
    """Ids by practice, and names by id: what two share a name has its code in both."""
    names = table.groupby(by)[f"{by}_name"].first()
    alike = Counter(map(slug, names))
    shown = {code: f"{name} ({code})" if alike[slug(name)] > 1 else name for code, name in names.items() if code}
    made = {code: _id(name) for code, name in shown.items()} | {"": ""}
    return table[by].map(made), {made[code]: name for code, name in shown.items()}


def _without(table: pd.DataFrame, blank: pd.Index, by: str, file: str) -> Problem:
    fix = "draw them in a file of practice codes and places"
    word = {"pcn": "PCN"}.get(by, by)
    if len(blank) == len(table):
        return Problem(file, f"names no {word} for any practice of this system", fix=fix)
    return Problem(file, f"names no {word} for {_told(table, blank)}", fix=fix)


def _split(practices: Practices, table: pd.DataFrame, by: str) -> Iterator[str]:
    """What to know of districts that lie in several systems: their place has only the practices of this one."""
    everywhere, here = practices.table[by].value_counts(), table[by].value_counts()
    for code, name in table.groupby(by)[f"{by}_name"].first().items():
        if everywhere[code] > here[code]:
            are = "is" if here[code] == 1 else "are"
            yield f"{name}: {here[code]} of its {everywhere[code]} practices {are} in this system, and counted here."


# --- by what somebody says -------------------------------------------------------------------------------------------


def _claimed(practices: Practices, systems: tuple[str, ...], claims: Sequence[Claim], where: str, rest: str) -> Drawing:
    """A drawing out of claims, or every reason why they make none."""
    table = practices.practices(systems)
    found = list(_ambiguous(table, claims))
    meant = [_members(table, claim) for claim in claims]
    found += [_unknown(practices, table, claim) for claim, codes in zip(claims, meant, strict=True) if not codes]
    held: dict[str, dict[str, Claim]] = {code: {} for code in table.index}
    for claim, codes in zip(claims, meant, strict=True):
        for code in codes if not claim.out else ():
            held[code].setdefault(claim.place, claim)
    for claim, codes in zip(claims, meant, strict=True):
        taken = [held[code].pop(claim.place, None) for code in codes if claim.out]
        if taken and not any(taken):
            expected = f"is taken out of {claim.place}, which does not have it"
            found.append(Problem(claim.where, expected, claim.row, value=claim.entry))
    found += _twice(table, held)
    nowhere = [code for code, places in held.items() if not places]
    if rest:
        for code in nowhere:
            held[code][rest] = Claim(rest, code, where)
    elif all(meant):
        # What an entry that means nothing was to hold would be listed here too, and is no second fault.
        found += _nowhere(table, nowhere, where)
    names, within = _named(claims, rest if nowhere else "", found)
    if not found:
        places = pd.Series({code: _id(next(iter(place))) for code, place in held.items()}, dtype=object)
        drawn = set(places)
        found += [Problem(where, "has no practice", value=names[place]) for place in within if place not in drawn]
    if found:
        raise ScenarioError(where, list(dict.fromkeys(found)))
    return Drawing(practices, systems, places, names, within, where, tuple(_renamed(practices, claims)))


def _id(name: str) -> str:
    """The id of a place of this name."""
    return slug(name)[:60].strip("-")


def _members(table: pd.DataFrame, claim: Claim) -> list[str]:
    """The practices of these systems that an entry means: a practice by its code, or a district or PCN by code or
    name; none where it means nothing here."""
    if claim.code in table.index and claim.kind in ("", "practice"):
        return [claim.code]
    for column in ("district", "pcn", "district_name", "pcn_name"):
        if claim.entry and claim.kind in ("", column.removesuffix("_name")):
            is_meant = table[column].str.casefold() == claim.entry.casefold()
            if is_meant.any():
                return list(table.index[is_meant])
    return []


def _ambiguous(table: pd.DataFrame, claims: Sequence[Claim]) -> Iterator[Problem]:
    """Entries that name a district and a PCN alike, which do not have the same practices."""
    alike = set(table["district_name"].str.casefold()) & set(table["pcn_name"].str.casefold()) - {""}
    for claim in claims:
        if claim.entry.casefold() in alike and not claim.kind:
            both = [_members(table, replace(claim, kind=kind)) for kind in ("district", "pcn")]
            if both[0] != both[1]:
                fix = "give its code, or list it under districts or pcns"
                yield Problem(claim.where, "is a district and a PCN", claim.row, value=claim.entry, fix=fix)


def _unknown(practices: Practices, table: pd.DataFrame, claim: Claim) -> Problem:
    """An entry that means nothing here, with what it most likely should be."""
    system = " and ".join(short(name) for name in table["system_name"].unique())
    if claim.code in practices.table.index:
        there = practices.table.loc[claim.code]
        expected = f"is {there['name']} of {short(there['system_name'])}, and not in {system}"
        return Problem(claim.where, expected, claim.row, value=claim.code, fix="take it out, or name both systems")
    if _members(practices.table, claim):
        return Problem(claim.where, f"has no practice in {system}", claim.row, value=claim.entry)
    expected = "is no practice, district or PCN of the file: closed, merged or mistyped?"
    return Problem(claim.where, expected, claim.row, value=_spoken(claim), fix=_likeliest(table, claim))


def _likeliest(table: pd.DataFrame, claim: Claim) -> str:
    """The practice of the same name, or else what is spelt most like the entry."""
    same = table.index[table["name"].map(slug) == slug(claim.name or claim.entry)]
    near = [same[0]] if len(same) == 1 else get_close_matches(claim.code, table.index, n=1, cutoff=0.7)
    if near:
        return f"did you mean {near[0]}, {table.at[near[0], 'name']}?"
    words = {slug(word): word for word in (*table["district_name"], *table["pcn_name"]) if word}
    alike = get_close_matches(slug(claim.entry), words, n=1, cutoff=0.7)
    return f"did you mean {words[alike[0]]}?" if alike else ""


def _spoken(claim: Claim) -> str:
    return f"{claim.entry} {claim.name}".strip()


def _twice(table: pd.DataFrame, held: Mapping[str, Mapping[str, Claim]]) -> Iterator[Problem]:
    """Practices that two places claim, each by name and code."""
    for code, places in held.items():
        if len(places) > 1:
            told = [f"{place} ({_how(code, claim)})" for place, claim in places.items()]
            first = next(iter(places.values()))
            fix = f'write "not {code}" in the place that shall not have it, or take out a row'
            value = f"{code} {table.at[code, 'name']}"
            expected = f"is in {'two' if len(told) == 2 else len(told)} places: {' and '.join(told)}"
            yield Problem(first.where, expected, value=value, fix=fix)


def _how(code: str, claim: Claim) -> str:
    through = "" if claim.code == code else f"through {claim.entry}"
    row = f"row {claim.row}" if claim.row else ""
    return ", ".join(part for part in (row, through) if part) or "by its code"


def _nowhere(table: pd.DataFrame, codes: Sequence[str], where: str) -> Iterator[Problem]:
    """Practices that no place claims, a sentence for each district, since that is how they are put right."""
    for district, rows in table.loc[codes].groupby("district_name", sort=True):
        some = f"{len(rows)} practices of {district or 'no district'} are" if len(rows) > 1 else "a practice is"
        told = "; ".join(f"{code} {name}" for code, name in rows["name"].items())
        fix = "put each in a place, or name a place for the rest"
        yield Problem(where, f"{some} in no place", value=told, fix=fix)


def _named(claims: Sequence[Claim], rest: str, found: list[Problem]) -> tuple[dict[str, str], dict[str, str]]:
    """Names by id, and what each place lies in. Two names that make one id are refused."""
    names: dict[str, str] = {}
    within: dict[str, str] = {}
    above: dict[str, str] = {}
    for claim in (*claims, *([Claim(rest, "", "rest")] if rest else [])):
        place = _id(claim.place)
        other = names.setdefault(place, claim.place)
        if not place or claim.place.startswith(("=", "+", "-", "@")):
            expected = "is not a name for a place: begin with a letter or a digit"
            found.append(Problem(claim.where, expected, claim.row, value=claim.place))
        elif other != claim.place:
            expected = f"is too like {other!r} to be another place"
            found.append(Problem(claim.where, expected, claim.row, value=claim.place, fix="spell both alike"))
        parent = _id(claim.within)
        if within.setdefault(place, parent) != parent:
            told = above[within[place]] if within[place] else "the system"
            expected = f"lies in {told} and in {claim.within or 'the system'}"
            found.append(Problem(claim.where, expected, claim.row, value=claim.place, fix="say one of them"))
        if parent:
            above.setdefault(parent, claim.within)
    for parent, name in above.items():
        if parent in within:
            found.append(Problem("within", "is itself a place with practices", value=name))
    return names | above, within


def _renamed(practices: Practices, claims: Sequence[Claim]) -> Iterator[str]:
    """Practices that were told by another name than the file's: they are matched by code, and that is said."""
    for claim in claims:
        if claim.name and not claim.out and claim.code in practices.table.index:
            now = str(practices.table.at[claim.code, "name"])
            if slug(now) != slug(claim.name):
                yield f"{claim.code} is {now} in {practices.file}, and {claim.name} in {claim.where}: matched by code."


def _told(table: pd.DataFrame, codes: pd.Index) -> str:
    more = f" and {len(codes) - NAMED} more" if len(codes) > NAMED else ""
    return ", ".join(f"{code} {table.at[code, 'name']}" for code in codes[:NAMED]) + more
