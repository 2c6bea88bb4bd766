"""Files that somebody gives to a form: kept in the state folder where a browser sent them, and how they are read."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.data.uploads import keep
from core.home import Home
from core.loading.reading import document_fields, is_table

ALL_FIELDS = "(every field with a list of objects)"


def kept(home: Home, upload: UploadedFile) -> Path:
    """The upload as a file under its own name, in a folder that is named by its content."""
    return keep(home, upload.name, upload.getbuffer())


def stamp(path: Path) -> tuple[int, int]:
    """Changes with the file's content; nothing where there is no file, which whoever reads it says."""
    if not path.is_file():
        return 0, 0
    about = path.stat()
    return about.st_mtime_ns, about.st_size


def read_as(file: Path, header: bool = True, field: str | None = None) -> tuple[bool, str | None]:
    """What a file's name does not say, asked where it matters: whether the first row of a table names its columns, and
    which field of a JSON object holds the rows (None: all that do).

    header, field: what the boxes start from, and what comes back where nothing is asked.
    """
    if is_table(file):
        return st.checkbox("The first row names the columns", header, key=f"header_{file.name}"), field
    fields = _fields(stamp(file), str(file))
    if not fields:
        return header, field
    known = {ALL_FIELDS: None} | {f"{name}  ({count:,} rows)": name for name, count in fields.items()}
    shown = next((text for text, name in known.items() if name == field), ALL_FIELDS)
    place = list(known).index(shown)
    return header, known[st.selectbox("Field that holds the rows", list(known), place, key=f"field_{file.name}")]


@st.cache_data(max_entries=16, show_spinner=False)
def _fields(stamp: tuple[int, int], path: str) -> dict[str, int]:
    return document_fields(Path(path))
