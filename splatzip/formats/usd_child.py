"""OpenUSD in a process of its own.

    verb and path -> [child: usd_stage.main] -> messages: JSON and arrays

Files come from anywhere, and the library's parsers can be crashed: then only the child ends. It also brings threads and
allocators that other libraries in this process have in other versions, and memory that goes with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from splatzip.errors import BackendError, CorruptError, FormatError
from splatzip.formats.usd_stage import LAYERS, Message, receive, send

# Without the folder that this was started in: nothing there is to be imported.
_CODE = "import sys; del sys.path[0]; from splatzip.formats.usd_stage import main; main()"
# Memory is bounded, so it must not grow with the cores of a machine.
_FEW_THREADS = {"PXR_WORK_THREAD_LIMIT": "2", "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}


def messages(
    verb: str, path: Path, name: Path, about: Mapping[str, Any] = MappingProxyType({}),
    arrays: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> Iterator[Message]:  # fmt: skip
    """Run a verb of `usd_stage`.

    Args:
        name: of the file, for errors.
        about, arrays: a message to the child.
    Raises: FormatError with the child's words, CorruptError if it crashed, BackendError without usd-core.
    """
    pipe = subprocess.PIPE
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-c", _CODE, verb, os.path.abspath(path)], stdin=pipe, stdout=pipe, stderr=said,
            env={**os.environ, **_FEW_THREADS},
        )  # fmt: skip
        with child:
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                with suppress(BrokenPipeError):  # it says why, or ends by a signal
                    send(child.stdin, about, arrays)
                while (message := receive(child.stdout)) is not None:
                    if "refused" in message[0]:
                        raise _refusal(message[0]["refused"], name)
                    yield message
                child.wait()
            finally:
                if child.poll() is None:
                    child.kill()
        if child.returncode:
            said.seek(0)
            raise _crash(child.returncode, said.read().decode(errors="replace"), name)


def _refusal(words: str, name: Path) -> FormatError | BackendError:
    if words.startswith("usd-core "):
        return BackendError(f"{name}: {words}; pip install 'splatzip[usd]'")
    return FormatError(f"{name}: {words}")


def _crash(code: int, said: str, name: Path) -> CorruptError:
    if code < 0:
        why = f"ended OpenUSD by signal {-code}"
    else:
        why = f"made OpenUSD fail ({(said.strip().splitlines() or ['no message'])[-1][:200]})"
    return CorruptError(
        f"{name}: the file {why}; it is damaged, or needs more memory or time than a file of its size may"
    )


@contextmanager
def rightly_named(path: Path, suffix: str | None) -> Iterator[Path]:
    """A path that OpenUSD takes for what the file is: it goes by extensions, and by brackets, which are packages.

    Args:
        suffix: what the content asks for; None where any of USD's will do.
    Yields: the path itself, or that of a link alone in a folder, from which no other layer is reached.
    """
    own = path.suffix.lower()
    fits = own in LAYERS if suffix is None else own in (suffix, ".usd" if suffix != ".usdz" else suffix)
    with suppress(UnicodeEncodeError):
        str(path).encode()
        if fits and not any(part in path.name for part in ("[", "]", "`", ":SDF_FORMAT_ARGS:")):
            yield path
            return
    with tempfile.TemporaryDirectory(prefix="usd-") as folder:
        link = Path(folder) / f"scene{suffix or '.usd'}"
        link.symlink_to(os.path.abspath(path))
        yield link
