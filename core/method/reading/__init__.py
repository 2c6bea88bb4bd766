"""Reading what a model wrote: answers of responses and verdicts of judges, by one rule, nothing guessed.

`plain` gives text one form, `numbers` and `names` know what an option may be called, `statements` finds where an answer
is stated, `contents` reads what it names, and `answers` decides over the whole response (docs/reading.md).  `verdicts`
reads a judge's reply.
"""
