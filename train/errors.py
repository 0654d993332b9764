"""What can go wrong on the workstation."""


class TrainError(Exception):
    """Base of every error that digitcam.train raises on purpose."""


class DataError(TrainError, ValueError):
    """A data set that is missing, unreadable or of the wrong form."""


class RunError(TrainError, ValueError):
    """A run folder that is missing, of another recipe, or damaged."""
