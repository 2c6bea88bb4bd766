"""Parts of the Runs page: the table, one run, comparing, launching, deleting."""
