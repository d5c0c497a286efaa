"""tito: the command line and curriculum engine of TinyTorch."""

__version__ = "0.1.0"
