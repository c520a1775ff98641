"""The one error that every reader raises, so that callers can catch bad data and nothing else."""


class DataError(ValueError):
    """A data file is missing, damaged or not in the form that was expected.

    The message names the file, the line or field, what was expected, what came, and what to do.
    """


class MissingDataError(DataError):
    """A data set is nowhere to be found; the message says which file to put where."""
