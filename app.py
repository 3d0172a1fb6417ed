"""The explorer's table of contents. Start it with `allocate explore`, or `streamlit run app.py`."""

from allocate.ui.contents import Chapter, open_book

open_book(
    Chapter("plan", "The plan", "What should we do with the money?", ":material/dashboard:"),
    Chapter("money", "The money", "Who holds what, and what may move?", ":material/account_tree:"),
    Chapter("rules", "The rules", "What have we agreed, and what does it cost?", ":material/rule:"),
    Chapter("places", "Places", "Which places, and what is fair for each?", ":material/map:"),
    Chapter("fair", "Fair shares", "What would fairer cost, and who would feel it?", ":material/balance:"),
    Chapter("deal", "The deal", "Is it worth signing, and who might walk?", ":material/handshake:"),
    # The year and the years stand here once their engines do.
    Chapter("compare", "Compare", "Which plan, and what differs?", ":material/compare_arrows:"),
    Chapter("evidence", "Evidence", "Where does every figure come from?", ":material/fact_check:"),
)
