"""What people say of explanations: the work laid before them, their ratings, and what comes of them.

    queue = open_queue(store, settings)             # drawn once by seed, then a record (queues.py, drawing.py)
    desk = Desk.of(store, queue, "kim")             # this annotator's order, what is done, what comes next
    rate(store, desk.rater, queue, task, labels)    # a journal line, then a row (writing.py)
    judge_agreement(store, …)                       # judges against people (agreeing.py)

Every act is a line of the home's journal before it is anything else (`core.store.journal`); views over table
`journal` give it columns: `queues`, `annotations`, `annotation_history`, `pair_votes`, `drafts`.  What a person
has seen revealed can no longer be changed by that person; this is checked here and not by a page.
Not covered: judgements made elsewhere (`core.data.judgements`).
"""
