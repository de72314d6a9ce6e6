"""Every error that splatzip raises on purpose, and the status codes of the native core behind them.

The text of an error is for a person: one line that says what is wrong, where, and what to do. The command
line prints only that line and exits with 2.
"""

from __future__ import annotations


class SplatzipError(Exception):
    """Base of all errors below."""


class SceneError(SplatzipError):
    """A scene breaks its own rules; the message names the row and the attribute."""


class ViewsError(SplatzipError):
    """Cameras or photos cannot be used; the message names the frame."""


class BackendError(SplatzipError):
    """A requested backend is not available, or ran out of memory."""


class FormatError(SplatzipError):
    """A file cannot be read, or a scene cannot be written in a format."""


class NotSplatzipError(FormatError):
    """The bytes are not a .splatz file."""


class UnsupportedVersionError(FormatError):
    """A .splatz version that this reader does not know."""


class UnsupportedFeatureError(FormatError):
    """A required chunk or mode that this reader does not know."""


class TruncatedError(FormatError):
    """The file ends before its header says it does."""


class CorruptError(FormatError):
    """A checksum, size or code is wrong; the message names the chunk and the byte offset."""


def naming(error: SplatzipError, file: object) -> SplatzipError:
    """The same error, saying which of several files it is about."""
    return error if str(file) in str(error) else type(error)(f"{file}: {error}")


# Those of native/include/splatzip/status.h.
STATUS: dict[int, type[SplatzipError]] = {
    -1: SplatzipError,
    -2: SceneError,
    -3: ViewsError,
    -4: BackendError,
    -5: FormatError,
    -6: NotSplatzipError,
    -7: UnsupportedVersionError,
    -8: UnsupportedFeatureError,
    -9: TruncatedError,
    -10: CorruptError,
}
