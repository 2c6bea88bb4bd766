"""The explanation-quality lab without its user interface.

Read in the order of the method: `datasets` (items) → `training` (SFT) → `sampling`
(explanations) → `judging` (verdicts) → `categories` → `pairs` → `training` (DPO) →
`comparison`.  `runs`, `work` and `launcher` are how anything that costs compute is run;
`store` is the DuckDB file that the pages read.
"""

__version__ = "0.1.0"
