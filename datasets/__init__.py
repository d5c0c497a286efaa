"""The small data sets that come with TinyTorch: they need no download."""


class DatasetError(Exception):
    """A data set is missing or damaged. The message says which file, and what to do."""
