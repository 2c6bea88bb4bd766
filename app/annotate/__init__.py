"""Parts of the Annotate page: who works through a queue, tasks by keys, agreement; and annotating in place."""
