"""Where solves begin: at the bases of a scenario before any change, so that the path of what-ifs leaves no trace.

They can be kept in a file beside a plan, for another process to begin at.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import highspy
import numpy as np

from allocate.engine.highs import Impossible, Start
from allocate.engine.live import Reference
from allocate.engine.model import Structure
from allocate.engine.optimum import Options
from allocate.engine.pool import POOL
from allocate.engine.problem import Problem
from allocate.engine.session import Session
from allocate.engine.watch import Watch
from allocate.errors import EngineError
from allocate.scenario.scenario import Scenario

Book = dict[frozenset[int], "Base"]
"""Bases by the curves that must fill in order."""
STATUS = highspy.HighsBasisStatus
KNOWN = {int(status) for status in STATUS.__members__.values()}


@dataclass(frozen=True, eq=False)
class Base:
    """Where the solve of a scenario before any change ended, and what its model is about."""

    reference: Reference
    structure: Structure
    limits: Sequence[str]
    rows: dict[str, slice]
    columns: dict[str, slice]
    bands: dict[str, list]
    """the limit and the number of each band, by family of columns"""

    @cached_property
    def _status(self) -> tuple[list[highspy.HighsBasisStatus], list[highspy.HighsBasisStatus]]:
        """The status of every column and row: whole lists, which HiGHS copies whenever it is asked."""
        basis = self.reference.basis
        return basis.col_status, basis.row_status

    @classmethod
    def of(cls, session: Session, problem: Problem, seconds: float, watch: Watch) -> Base:
        """From a session, for the problem before any change. Raises Impossible, and EngineError where it is not solved
        in time."""
        if session.solve(problem, problem.grids, None, seconds, "nothing", watch).status != "optimal":
            raise EngineError("no time to find where to start")
        reference = Reference(session.solver.basis, session.solver.arrays)
        return cls._at(reference, session)

    @classmethod
    def _at(cls, reference: Reference, session: Session) -> Base:
        matrix, limits = session.matrix, session.sets.names["LIMITS"]
        return cls(reference, session.structure, limits, matrix.rows, matrix.columns, _bands(session))

    @property
    def text(self) -> str:
        """The basis as text: the status of every column and row, a byte each, compressed, in base 64."""
        columns, rows = self._status
        status = np.array([*map(int, columns), *map(int, rows)], dtype=np.uint8)
        return base64.b64encode(zlib.compress(status.tobytes())).decode("ascii")

    @classmethod
    def read(cls, text: str, session: Session, problem: Problem) -> Base:
        """From such text, for a session of the same model. Raises ValueError."""
        arrays = session.arrays(problem, problem.grids)
        columns, rows = len(arrays.cost), len(arrays.row_lower)
        try:
            # No more of it than there should be, however much there is.
            told = zlib.decompressobj().decompress(base64.b64decode(text), columns + rows + 1)
        except (zlib.error, TypeError) as error:
            raise ValueError("this is no basis") from error
        if len(told) != columns + rows or not set(told) <= KNOWN:
            raise ValueError("this is no basis of this model")
        status = [STATUS(byte) for byte in told]
        basis = highspy.HighsBasis()
        basis.col_status, basis.row_status, basis.valid, basis.alien = status[:columns], status[columns:], True, True
        reference = Reference(basis, arrays)
        return cls._at(reference, session)

    def start(self, session: Session) -> Start | Reference:
        """Where to start the solve of a session's model, which may have other limits: those that are new are taken not
        to bind. From nothing where more differs than that."""
        if session.structure == self.structure:
            return self.reference
        if not session.structure.but_for_limits(self.structure):
            return "nothing"
        (_, before), place = self._status, self.rows["limit"]
        known = dict(zip(self.limits, before[place], strict=True))
        status = [known.get(name, highspy.HighsBasisStatus.kBasic) for name in session.sets.names["LIMITS"]]
        mapped = highspy.HighsBasis()
        columns, rows = self._columns(session), [*before[: place.start], *status, *before[place.stop :]]
        mapped.col_status, mapped.row_status = columns, rows
        # HiGHS makes up for the limits that are gone, but not for the columns of totals that went with them.
        mapped.valid = mapped.alien = True
        arrays = session.live.arrays
        fits = len(columns) == len(arrays.cost) and len(rows) == len(arrays.row_lower)
        return mapped if fits else "nothing"

    def _columns(self, session: Session) -> list[highspy.HighsBasisStatus]:
        """The status of each column of a session's model: a limit's bands as they were here, new ones empty."""
        status, mine = self._status[0], _bands(session)
        if mine == self.bands:
            return status
        found: list[highspy.HighsBasisStatus] = []
        for name, place in self.columns.items():
            old = status[place]
            if name in mine:
                known = dict(zip(self.bands[name], old, strict=True))
                old = [known.get(band, highspy.HighsBasisStatus.kLower) for band in mine[name]]
            found += old
        return found


def _bands(session: Session) -> dict[str, list]:
    """See `Base.bands`."""
    limits, places = session.sets.names["LIMITS"], session.sets.places
    rows = {name: places[name.upper()].rows.tolist() for name in ("under", "over")}
    return {name: [(limits[limit], band) for limit, band in pairs] for name, pairs in rows.items()}


def start_of(
    session: Session, problem: Problem, ordered: frozenset[int], options: Options, watch: Watch
) -> Start | Reference:
    """Where a solve begins: where that of the scenario before any change ends, whatever was solved meanwhile. Models
    with choices begin from nothing."""
    if session.has_integers:
        return "nothing"
    scenario = problem.scenario.base or problem.scenario
    book: Book = scenario.shared("bases", dict)
    if ordered not in book:
        # With the usual slices, whatever this problem has: the same base in whatever order changes come.
        mine = scenario is problem.scenario and problem.slices is None
        found = _base(problem if mine else Problem.of(scenario), ordered, options, watch)
        if found is None:
            return "nothing"
        book[ordered] = found
    return book[ordered].start(session)


def _base(problem: Problem, ordered: frozenset[int], options: Options, watch: Watch) -> Base | None:
    """Where the solve of a scenario before any change ends, over its straight slices. None where it does not."""
    session = POOL.borrow(problem, ordered)
    try:
        return Base.of(session, problem, options.seconds, watch)
    except (Impossible, EngineError):
        return None
    finally:
        POOL.give_back(session)


def kept_starts(problem: Problem) -> str:
    """The bases that are known for a problem's scenario before any change, as JSON."""
    scenario = problem.scenario.base or problem.scenario
    book: Book = scenario.shared("bases", dict)
    return json.dumps([
        {"ordered": sorted(ordered), "model": _fingerprint(scenario, base.structure), "basis": base.text}
        for ordered, base in book.items()
    ])  # fmt: skip


def take_starts(problem: Problem, text: str) -> None:
    """Begin at bases that `kept_starts` gave, where they are of the model and the figures of this problem, which no
    change was laid over. Others are of no use, and left. Raises ValueError for any other text, and takes none of it."""
    try:
        read = {
            frozenset(map(int, found["ordered"])): (str(found["model"]), found["basis"]) for found in json.loads(text)
        }
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("these are no starts") from error
    book: Book = problem.scenario.shared("bases", dict)
    taken: Book = {}
    for ordered, (model, basis) in read.items():
        structure = Structure.of(problem, problem.grids, ordered)
        if ordered in book or model != _fingerprint(problem.scenario, structure):
            continue
        session = POOL.borrow(problem, ordered)
        try:
            taken[ordered] = Base.read(basis, session, problem)
        finally:
            POOL.give_back(session)
    book |= taken


def _fingerprint(scenario: Scenario, structure: Structure) -> str:
    told = scenario.digest, structure.labels, structure.limits, structure.slices, structure.choices
    return blake2b(repr(told).encode(), digest_size=16).hexdigest()
