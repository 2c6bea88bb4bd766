"""The few errors a person of this lab can meet; each says what is wrong, where, and what to do."""

import errno
import os


class LabError(Exception):
    """A sentence for a person: shown once, at the edge (page, terminal, run result), without a traceback."""


class BadInput(LabError):
    """A file, setting or argument that cannot be used as it is."""


class ModelUnavailable(LabError):
    """A model that cannot be found, loaded or trusted."""


class StoreBusy(LabError):
    """The database belongs to another process of this lab at the moment."""


class RunStopped(LabError):
    """Somebody asked this run to stop; what it had produced is kept."""


class Damaged(LabError):
    """A file of the lab's state that cannot be read: which one, what is wrong with it, and what to do."""


class DiskRefuses(LabError):
    """The disk takes nothing: it is full, a quota is used up, or nothing may be written there."""


REFUSALS = {
    errno.ENOSPC: "The disk is full{at}: free space, then do it again. What was asked for last is not kept.",
    errno.EDQUOT: "The disk quota is used up{at}: free space, then do it again. What was asked for last is not kept.",
    errno.EFBIG: "A file may not grow as far as this needs{at}: raise the limit on file sizes (`ulimit -f`). What was "
    "asked for last is not kept.",
    errno.EROFS: "The disk is read-only{at}: what is there can be viewed, and nothing can be changed or added. "
    "To work on, copy the state folder to a disk that can be written and name it in ANCHORLAB_HOME.",
    errno.EACCES: "This is not permitted{at}: give the user that runs the lab the right to read and write there.",
    errno.EPERM: "This is not permitted{at}: give the user that runs the lab the right to read and write there.",
}
"""What the disk refuses, by the error's number → the sentence; `at`: the file, where it is known."""


SAID = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Those that are looked for in the text of an error of another kind."""


def disk_refusal(error: BaseException) -> DiskRefuses | None:
    """The sentence for an error by which the disk took nothing; None for any other.

    Libraries pass such errors on as texts: those are found by the system's own words.
    """
    if isinstance(error, DiskRefuses):
        return error
    if isinstance(error, OSError) and error.errno is not None:
        at = f" ({error.filename})" if isinstance(error.filename, str) else ""
        return DiskRefuses(REFUSALS[error.errno].format(at=at)) if error.errno in REFUSALS else None
    if isinstance(error, LabError):
        return None
    said = str(error)
    number = next((number for number in SAID if os.strerror(number) in said), None)
    return DiskRefuses(REFUSALS[number].format(at="")) if number is not None else None
