"""Parts of the Annotate page: who annotates, queues, tasks by keys, agreement; and annotating in place."""
