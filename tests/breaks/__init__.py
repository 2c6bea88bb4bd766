"""Defects that the tests guard against, a module an area; each can be planted in a copy of the lab.

    make breaks                             # every defect, some minutes
    python -m tests.breaks "κ" "both bad"   # those whose name holds one of these

First every named test must pass on the copy as it is; then each break is planted alone, and each of its tests must
fail by what it asserts: another error (a broken import, a fixture, a call that does not work) proves nothing and does
not count.  pytest does not collect this package; `test_known_defects.py` keeps the texts to be replaced in place.
"""

from tests.breaks import app_state, engines, known, loading, measures, reading, runs, serving, training

AREAS = (app_state, engines, known, loading, measures, reading, runs, serving, training)
BREAKS = [planted for area in AREAS for planted in area.BREAKS]
