"""The entry script: `streamlit run app/main.py`, or `anchorlab app`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # streamlit puts app/ itself there, not its parent

from app.navigation import run

run()
