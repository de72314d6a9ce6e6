"""Sessions: one per open page, isolated from all others, with a folder that is deleted with it."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from splatzip import SplatzipError, Views, orbit_views
from splatzip_viewer.jobs import Job
from splatzip_viewer.opened import Device, OpenScene
from splatzip_viewer.pose import Pose

MOST_SESSIONS = 16  # pages at a time; beyond, the one that nobody has touched for longest is closed
_MOST_WAITING = 3  # pictures of a session that wait for one another


@dataclass(frozen=True)
class Whole:
    """What a source is a part of: its file, and the box of the part, two opposite corners."""

    path: Path
    name: str
    axes: str | None
    box: tuple[float, ...]


@dataclass
class Session:
    """One open page.

    Attributes:
        token: names it in addresses; nobody can guess it.
        folder: its uploads and results.
        device: what draws.
        ref, test: the source, and what is compared with it.
        capture: cameras that came with the source, and where from; None: orbit views.
        whole: what the source was cropped from; None: it was not.
        box: that is drawn in the view, two opposite corners.
        home: where to look from first.
        homes: how many of those there were: a view keeps its camera until there is another.
        opened: how many sources were opened.
        measured: what `compare` found of the two scenes, as JSON; None before.
        measuring: the scene that was measured last, or begun to be: once is enough.
        points: of the rate-distortion curve, as they come.
        lost: what formats of converted files could not hold, by file name.
        looks: how often the view was told something.
        site: a folder with the web client and what it shows.
        sites: how many of those were made.
        jobs: what is being computed for it, by what it is for.
    """

    token: str
    folder: Path
    device: Device = "cpu"
    ref: OpenScene | None = None
    test: OpenScene | None = None
    capture: tuple[Views, Path] | None = None
    whole: Whole | None = None
    box: list[float] | None = None
    home: Pose | None = None
    homes: int = 0
    opened: int = 0
    measured: dict[str, Any] | None = None
    measuring: OpenScene | None = None
    points: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[str, list[str]] = field(default_factory=dict)
    looks: int = 0
    _suggested: dict[str, int] = field(default_factory=dict)
    site: Path | None = None
    sites: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    is_closed: bool = False
    _at_work: set[Path] = field(default_factory=set)
    receiving: threading.Lock = field(default_factory=threading.Lock)
    drawing: threading.Lock = field(default_factory=threading.Lock)
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_MOST_WAITING))

    @property
    def scenes(self) -> dict[str, OpenScene]:
        """What is open, by the names that pages use."""
        return {name: scene for name, scene in (("ref", self.ref), ("test", self.test)) if scene is not None}

    @property
    def views_path(self) -> Path | None:
        """What `compare` takes as views."""
        return None if self.capture is None else self.capture[1]

    @property
    def has_training_photos(self) -> bool:
        """Whether compressing may learn from photos of the capture, and measure on them what is lost."""
        return self.capture is not None and _has_training_photos(self.capture[1])

    def views(self) -> Views:
        """From where the source is measured.

        Raises: SplatzipError if nothing is open.
        """
        if self.ref is None:
            raise SplatzipError("open a scene first")
        return orbit_views(self.ref.known) if self.capture is None else self.capture[0]

    def is_first(self, what: str, *, of: int | None = None) -> bool:
        """Whether this is asked for the first time since the source was opened, or since a count has grown."""
        now = self.opened if of is None else of
        was, self._suggested[what] = self._suggested.get(what), now
        return was != now

    def file(self, name: str) -> Path | None:
        """A file of its own by name; None for anything that is not there, or anywhere else."""
        entries = {entry.name: entry for entry in self.folder.iterdir()} if self.folder.is_dir() else {}
        path = entries.get(name)
        return path if path is not None and path.is_file() and not path.is_symlink() else None

    @contextmanager
    def work_folder(self, prefix: str) -> Iterator[Path]:
        """A folder of its own for some work, whatever is opened meanwhile; it goes after that, unless it is open.

        Raises: OSError.
        """
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder))
        self._at_work.add(folder)
        try:
            yield folder
        finally:
            self._at_work.remove(folder)
            if folder not in self._open_paths():
                shutil.rmtree(folder, ignore_errors=True)

    def open_ref(
        self, scene: OpenScene, capture: tuple[Views, Path] | None = None, *, home: Pose | None = None,
        whole: Whole | None = None,
    ) -> None:  # fmt: skip
        """Look at another source; what was made of the last one goes.

        Args:
            capture: cameras that came with it.
            home: where to look from first; None: as `OpenScene.pose` has it.
            whole: what it is a part of.
        """
        self.stop()
        home = home or scene.pose(None if capture is None else capture[0])
        self.ref, self.test, self.capture, self.whole = scene, None, capture, whole
        if home is not self.home:
            self.home, self.homes = home, self.homes + 1
            self.box = None if self.box is None else scene.bounds
        self.opened += 1
        self.measured, self.measuring, self.points = None, None, []
        self._drop_files()

    def open_test(self, scene: OpenScene | None) -> None:
        """Compare the source with another scene."""
        self.stop("measure")
        self.stop("site")
        self.test, self.measured, self.measuring = scene, None, None
        self._drop_files()

    def start(self, purpose: str, job: Job) -> Job:
        """Let a job be the one for a purpose; another one for the same is stopped."""
        self.stop(purpose)
        self.jobs[purpose] = job
        return job

    def stop(self, purpose: str | None = None) -> None:
        """Stop what is being computed: for one purpose, or all of it."""
        for name in list(self.jobs) if purpose is None else [purpose]:
            job = self.jobs.pop(name, None)
            if job is not None:
                job.cancel()

    def is_busy(self, purpose: str) -> bool:
        """Whether something is being computed for a purpose."""
        job = self.jobs.get(purpose)
        return job is not None and not job.is_done

    def close(self) -> None:
        """Let go of everything."""
        self.is_closed = True
        self.stop()
        self.ref = self.test = self.measuring = self.capture = self.site = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open_paths(self) -> set[Path]:
        files = [opened.path for opened in (*self.scenes.values(), self.whole) if opened is not None]
        return {path for file in files for path in (file, file.parent)}

    def _drop_files(self) -> None:
        """Keep nothing but the files that are open, and those of work under way."""
        kept = self._open_paths() | self._at_work
        self.site = None
        for entry in self.folder.iterdir() if self.folder.is_dir() else ():
            if entry in kept:
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


class Sessions:
    """All open pages, by the name that Gradio gives each, and by token."""

    def __init__(
        self, folder: Path, *, most: int = MOST_SESSIONS, device: Device = "cpu",
        begin: Callable[[Session], None] | None = None,
    ) -> None:  # fmt: skip
        """
        Args:
            folder: for the folders of sessions.
            most: pages at a time.
            device: what draws.
            begin: called with each new session.
        """
        self._folder, self._most, self._device, self._begin = folder, most, device, begin
        self._by_page: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._by_page)

    def of_page(self, page: str) -> Session:
        """The session of a page; a new one for a page that is not known."""
        crowded = []
        with self._lock:
            found = self._by_page.get(page)
            is_new = found is None
            if found is None:
                token = secrets.token_urlsafe(16)
                folder = self._folder / token
                folder.mkdir(parents=True)
                found = self._by_page[page] = Session(token, folder, self._device)
                while len(self._by_page) > self._most:
                    crowded.append(self._by_page.popitem(last=False)[1])
            self._by_page.move_to_end(page)
        for session in crowded:
            session.close()
        if is_new and self._begin is not None:
            self._begin(found)
        return found

    def of_token(self, token: str) -> Session:
        """The session that an address names.

        Raises: SplatzipError if there is none (any more).
        """
        with self._lock:
            for page, session in self._by_page.items():
                if secrets.compare_digest(session.token.encode(), token.encode()):
                    self._by_page.move_to_end(page)
                    return session
        raise SplatzipError("this page was closed on the server; load it again")

    def stored_bytes(self) -> int:
        """Of all files of all sessions; what is being deleted may count or not."""
        size = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with suppress(FileNotFoundError):
                    size += os.stat(os.path.join(folder, name)).st_size
        return size

    def close(self, page: str | None = None) -> None:
        """Close a page, or all of them."""
        with self._lock:
            pages = list(self._by_page) if page is None else [page]
            gone = [self._by_page.pop(name) for name in pages if name in self._by_page]
        for session in gone:
            session.close()


@lru_cache
def _has_training_photos(capture: Path) -> bool:
    try:
        return Views.load(capture, split="train").photos is not None
    except SplatzipError:  # a sample may have the photos of its test views alone
        return False
