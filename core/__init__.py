"""The explanation-quality lab without its user interface.

Read in the order of the method: `datasets` (items) → `training` (SFT) → `sampling` (explanations) →
`judging` (verdicts) → `categories` → `pairs` → `training` (DPO) → `comparison` → `results`.  `runs`, `work`,
`launcher` and `worker` are how anything that costs compute is run; `pipeline` is the whole loop as one
file; `store`, `ingest` and `queries` are the database over the run folders.
"""

__version__ = "0.1.0"
