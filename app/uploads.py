"""Files that a browser sent: kept in the state folder, so that what is made of them can be made again."""

from pathlib import Path

from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.home import Home


def kept(home: Home, upload: UploadedFile) -> Path:
    """The upload as a file under its own name; one with other content takes the place of an earlier one."""
    home.uploads.mkdir(parents=True, exist_ok=True)
    path = home.uploads / Path(upload.name).name
    if not path.exists() or path.stat().st_size != upload.size or path.read_bytes() != upload.getbuffer():
        path.write_bytes(upload.getbuffer())
    return path


def stamp(path: Path) -> tuple[int, int]:
    """Changes with the file's content; nothing where there is no file, which whoever reads it says."""
    if not path.is_file():
        return 0, 0
    about = path.stat()
    return about.st_mtime_ns, about.st_size
