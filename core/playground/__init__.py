"""Live rounds: a question, two to four variants that answer it side by side, a judge, and the room's vote.

    records.py    what is asked (a wish) and what came of it
    rounds.py     the folder that pages and the worker share: wishes in, lines out, queue, cancel
    serving.py    the worker: one process a home, started on demand, warm until it has been idle
    answering.py  one wish: variants streamed interleaved, forced answers, verdicts
    sessions.py   what is kept: sessions, votes, reveals, as lines of the journal
    tally.py      what the room said so far; exporting.py  a session as JSON, CSV, Markdown

Nothing here imports streamlit, and nothing imports torch before the worker loads a model.
"""
