"""Damaged files of every format, the same ones each time; `scripts/fuzz` tries others for as long as asked."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from fuzzing.__main__ import Campaign
from fuzzing.formats import FORMATS
from fuzzing.mutate import MUTATIONS
from fuzzing.reseal import resealed, sealed

import splatzip

CASES = 20
SEED = 20


@pytest.fixture(scope="module")
def splatz_files() -> list[bytes]:
    return [file for seed in FORMATS["splatz"].seeds() for file in seed.values()]


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_get_a_named_error_or_give_a_valid_scene(name: str) -> None:
    campaign = Campaign([name], SEED, CASES, minutes=0)
    campaign.run(workers=1)
    assert not campaign.bugs
    assert campaign.outcomes[name].total() >= CASES * 0.8  # a mutation may leave a file as it was


def test_where_whole_files_are_refused_damage_tests_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("fuzzing.__main__.FINDINGS", tmp_path)
    monkeypatch.setitem(FORMATS, "ply", replace(FORMATS["ply"], seeds=lambda: [{"case.ply": b"ply, or not"}]))
    campaign = Campaign(["ply"], SEED, CASES, minutes=0)
    campaign.run(workers=1)
    (bug,) = campaign.bugs
    assert bug.startswith("ply a file that nobody damaged is refused: FormatError")


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_damage_changes_some_file(name: str) -> None:
    fuzzed = FORMATS[name]
    seeds = fuzzed.seeds()
    changed = [case != seed for case, seed in (fuzzed.case(seeds, random.Random(n)) for n in range(CASES))]
    assert sum(changed) > CASES * 0.8
    assert len(MUTATIONS) >= 8


def test_sealing_a_whole_file_changes_nothing(splatz_files: list[bytes]) -> None:
    assert [sealed(file) for file in splatz_files] == splatz_files


def test_sealed_damage_is_past_the_checksums(splatz_files: list[bytes]) -> None:
    rng = random.Random(SEED)
    passed = 0
    for _ in range(200):
        try:
            splatzip.verify(resealed(rng.choice(splatz_files), rng.choice(splatz_files), rng))
            passed += 1
        except splatzip.FormatError:
            pass
    assert passed > 60
