"""`scripts/fuzz`: damage files of every format for as long as asked, and report what must not happen."""

from __future__ import annotations

import argparse
import collections
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzzing.formats import FORMATS, ROOT, Files
from fuzzing.pool import Worker

FINDINGS = ROOT / "build" / "fuzz"
# Number of the first case of each format, which nobody damaged: where whole files are refused, damage tests nothing.
_WHOLE = -1


class Campaign:
    """Cases in turn over the formats, shared by a few threads with a worker process each."""

    def __init__(self, formats: Sequence[str], seed: int, per_format: int | None, minutes: float) -> None:
        self._seeds = {name: FORMATS[name].seeds() for name in formats}
        self._seed = seed
        self._lock = threading.Lock()
        self._cases = self._numbered(formats, per_format, time.monotonic() + 60 * minutes)
        self.outcomes: dict[str, collections.Counter[str]] = {name: collections.Counter() for name in formats}
        self.bugs: collections.Counter[str] = collections.Counter()

    def run(self, workers: int) -> None:
        """Until all cases are done or the time is up."""
        threads = [threading.Thread(target=self._work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _numbered(self, formats: Sequence[str], per_format: int | None, end: float) -> Iterator[tuple[str, int]]:
        yield from ((name, _WHOLE) for name in formats)
        number = 0
        while number < per_format if per_format is not None else time.monotonic() < end:
            yield from ((name, number) for name in formats)
            number += 1

    def _work(self) -> None:
        worker = Worker()
        with tempfile.TemporaryDirectory() as folder:
            while True:
                with self._lock:
                    case = next(self._cases, None)
                if case is None:
                    break
                self._try(worker, Path(folder) / "case", *case)
        worker.close()

    def _try(self, worker: Worker, folder: Path, name: str, number: int) -> None:
        fuzzed = FORMATS[name]
        rng = random.Random(f"{self._seed} {name} {number}")
        files, original = fuzzed.case(self._seeds[name], rng)
        check = fuzzed.check
        if number == _WHOLE:
            files, check = original, "whole"
        elif files == original and check == "changed":
            return
        _write(folder, files)
        verdict = worker.judge(check, folder / fuzzed.target)
        with self._lock:
            self.outcomes[name][verdict["outcome"].partition(":")[0]] += 1
            if verdict["bug"] is not None:
                self._report(name, number, files, verdict["bug"])

    def _report(self, name: str, number: int, files: Files, bug: str) -> None:
        """Keep the files; tell each bug once, by its last line without numbers."""
        kept = FINDINGS / f"{name}-{self._seed}-{number}"
        _write(kept, files)
        kind = f"{name} {re.sub(r'[0-9]+', '#', bug.strip().splitlines()[-1])}"
        self.bugs[kind] += 1
        if self.bugs[kind] == 1:
            print(f"BUG {name}, seed {self._seed}, case {number}: {kept}\n{bug}\n", flush=True)


def _write(folder: Path, files: Files) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def main() -> int:
    """Exit code 1 if there was a bug."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Damaged files of every format.")
    parser.add_argument("formats", nargs="*", default=list(FORMATS), help=f"default: all of {' '.join(FORMATS)}")
    parser.add_argument("--minutes", type=float, default=10, help="for how long (default: 10)")
    parser.add_argument("--per-format", type=int, metavar="N", help="so many cases of each format instead")
    parser.add_argument("--seed", type=int, help="decides every case (default: the time)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="(default: one a core)")
    options = parser.parse_args()
    if unknown := set(options.formats) - set(FORMATS):
        parser.error(f"no format is called {unknown.pop()!r}")
    seed = int(time.time()) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    campaign = Campaign(options.formats, seed, options.per_format, options.minutes)
    campaign.run(options.workers)
    for name, outcomes in campaign.outcomes.items():
        print(f"{name}: {sum(outcomes.values())} cases; {', '.join(f'{o} {n}' for o, n in outcomes.most_common())}")
    for bug, times in campaign.bugs.most_common():
        print(f"{times} times: {bug}")
    print(f"{campaign.bugs.total()} bugs")
    return 1 if campaign.bugs else 0


if __name__ == "__main__":
    sys.exit(main())
