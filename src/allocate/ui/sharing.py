"""Keeping a plan, sending it on, and bringing one in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from allocate.errors import AllocateError, ScenarioError
from allocate.plan.plan import Plan
from allocate.plan.writing import changes_text, plan_files
from allocate.ui import parts, state
from allocate.ui.address import Draft, reproduce, to_query
from allocate.ui.desk import View, shelf, store
from allocate.ui.shelf import Book, scenario_zip
from allocate.ui.store import Refused

LONGEST_LINK = 60_000
NOTE = 2000
PROBLEMS = 50
"""Shown of an uploaded scenario."""


def keeping(view: View) -> None:
    """The button that keeps a plan, with a form for its name and who keeps it."""
    if view.plan is None:
        return
    # Not one that runs the page when it closes: what closes it is often a click on another page's name, and the run of
    # this page would come after that one's, and undo it.
    # Another popover once a plan is kept, and so a closed one.
    name = f"keep-{state.kept_so_far()}"
    with (
        st.container(key="keep", width="content"),
        st.popover("Keep this plan", key=name, icon=":material/bookmark_add:"),
    ):
        if store() is None:
            st.html(
                parts.paragraph("Plans cannot be kept here: the store of plans cannot be opened. A link still works.")
            )
            return
        with st.form(f"keep-form-{state.kept_so_far()}", border=False):
            name = st.text_input("Name", max_chars=80, placeholder="Council ask, version 2")
            author = st.text_input("Your name", max_chars=80)
            note = st.text_area("Note", max_chars=NOTE, height=80)
            st.html(parts.paragraph("Everybody who can open this explorer will see it on the Compare page."))
            if st.form_submit_button("Keep", type="primary"):
                _keep(view, view.plan, name, author, note)


def _keep(view: View, plan: Plan, name: str, author: str, note: str) -> None:
    library, draft = store(), view.draft
    assert library is not None
    try:
        if draft.answers and not any(each.id == draft.answers for each in library.all()):
            # The plan that this one answers was taken away, or kept on another computer.
            draft = replace(draft, answers="")
        kept = library.keep(
            name=name, author=author, note=note, scenario=draft.scenario, base=view.book.digest, changes=draft.changes,
            reasons=draft.reasons, answers=draft.answers, headline=headline(plan), digest=view.wanted.digest,
            files=view.book.files,
        )  # fmt: skip
    except Refused as error:
        st.html(parts.verdict("", "bad", "Not kept yet.", list(error.problems.values())))
        return
    except AllocateError as error:
        st.html(parts.verdict(str(error), "bad"))
        return
    state.tell(f"Kept as “{kept.name}”. Compare it with others on the Compare page.")
    state.compare_with(kept.id)
    state.kept()
    st.rerun()


def headline(plan: Plan) -> dict[str, Any]:
    """The figures that a list of kept plans shows."""
    spend = plan.spend
    return {"spend": float(spend["spend"].sum()), "change": float(spend["change"].sum()), "value": plan.value}


def sharing(view: View) -> None:
    """The foot of every page: the link, the command that gives the same plan, files, and what the figures are not."""
    with st.container(key="foot"):
        with st.expander("Share, reproduce and download", key="share", on_change="rerun") as fold:
            if fold.open:
                _share(view)
        with st.expander("Open a scenario of your own", key="upload", on_change="rerun") as fold:
            if fold.open:
                _upload()
        st.html(parts.paragraph(f"{view.agreed.heading.caveat} Solved on this computer; no figure leaves it."))


def _share(view: View) -> None:
    draft, plan = view.draft, view.plan
    st.html(
        parts.title(
            "A link to this view", "Elsewhere, put the address of that explorer before the question mark.", level=3
        )
    )
    address = link(view)
    st.code(address, language=None, wrap_lines=True)
    if len(address) > LONGEST_LINK:
        st.html(parts.verdict("This link is longer than many programs take: send the file of changes instead.", "note"))
    note = "The same plan from a command line"
    note += "." if view.book.origin == "folder" else ", once the scenario below is unzipped."
    st.html(parts.title("Reproduce", note, level=3))
    st.code(reproduce(draft, folder_of(view)), language=None, wrap_lines=True)
    with st.container(horizontal=True):
        st.download_button(
            "Changes (TOML)", changes_file(draft, view.book.name), f"{draft.scenario}-changes.toml",
            "application/toml", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        if plan is not None:
            st.download_button(
                "Every table (zip)", lambda: tables_zip(plan, draft, view.book.name), f"{draft.scenario}-plan.zip",
                "application/zip", on_click="ignore", icon=":material/download:",
            )  # fmt: skip
        st.download_button(
            "The scenario (zip)", lambda: scenario_zip(view.wanted), f"{draft.scenario}.zip", "application/zip",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip


def folder_of(view: View) -> str:
    """The folder of a scenario, as a command line names it."""
    return f"scenarios/{view.book.key}" if view.book.origin == "folder" else view.book.key


def link(view: View) -> str:
    """The address of the page as it stands."""
    query = to_query(view.draft, version=view.book.origin != "folder")
    return f"{(st.context.url or '').split('?')[0]}?{urlencode(query, doseq=True)}"


def changes_file(draft: Draft, name: str) -> str:
    """What was changed, with the reasons, as a file that `allocate solve --changes` reads."""
    said = [_comment(f"What was changed from {name}. Run: allocate solve FOLDER --changes THIS-FILE")]
    for path, value in draft.changes.items():
        if path in draft.reasons:
            said.append(_comment(draft.reasons[path]))
        said.append(changes_text({path: value}).rstrip("\n"))
    return "\n".join(said) + "\n"


def _comment(text: str) -> str:
    """A text as one comment of TOML, whatever is in it."""
    return "# " + "".join(letter if letter.isprintable() else " " for letter in text)


def tables_zip(plan: Plan, draft: Draft, name: str) -> bytes:
    """Every table of a plan, and its changes with their reasons."""
    return zipped(plan_files(plan) | {"changes.toml": changes_file(draft, name)})


def zipped(files: Mapping[str, str]) -> bytes:
    """Texts by the name of their file, as a zip."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return whole.getvalue()


def _upload() -> None:
    """Open a scenario folder that the visitor brings as a zip; everything wrong with it is said at once."""
    st.html(parts.paragraph("A folder of tables as the scenarios' guide describes, zipped. It stays on this computer."))
    given = st.file_uploader("A scenario's folder, zipped", type="zip", key="uploaded")
    if given is None:
        return
    book = state.once("upload", given.file_id, lambda: _brought(given.getvalue(), given.name))
    if isinstance(book, ScenarioError):
        count = len(book.problems)
        lead = "One thing is wrong with it." if count == 1 else f"{count} things are wrong with it."
        more = [f"And {count - PROBLEMS} more."] if count > PROBLEMS else []
        st.html(parts.verdict("Nothing was opened. Put these right and bring it again.", "bad", lead))
        st.html(parts.lines([*map(str, book.problems[:PROBLEMS]), *more]))
        return
    if isinstance(book, AllocateError):
        st.html(parts.verdict(str(book), "bad"))
        return
    st.html(parts.verdict(f"{book.name} is sound.", "good"))
    st.button("Open it", type="primary", on_click=state.put, args=(Draft(book.key, book.digest),))


def _brought(data: bytes, name: str) -> Book | AllocateError:
    """The scenario in a zip, or what is wrong with it."""
    try:
        return shelf().add_upload(data, name)
    except AllocateError as error:
        return error
