"""The few errors a person of this lab can meet; each says what is wrong, where, and what to do."""


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
