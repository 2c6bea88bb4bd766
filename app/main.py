"""The entry script: `streamlit run app/main.py`, or `anchorlab app`."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # streamlit puts app/ itself there, not its parent; and this runs at every click
    sys.path.insert(0, ROOT)

from app.navigation import run  # noqa: E402

run()
