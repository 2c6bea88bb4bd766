"""Run folders, the processes that fill them, and pipelines of them."""
