"""Two people have their own scenes, and nothing is left when they go."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import weakref
from pathlib import Path

import pytest

from splatzip import SplatzipError, Views
from splatzip_viewer.opened import OpenScene

from .conftest import CHAIR


def test_two_pages_have_scenes_of_their_own(sessions, ply, coarse):
    one, two = sessions.of_page("one"), sessions.of_page("two")
    one.open_ref(OpenScene.load(ply))
    two.open_ref(OpenScene.load(coarse))
    assert sessions.of_page("one") is one
    assert (one.ref.name, two.ref.name) == ("given.ply", "coarse.splatz")
    assert sessions.of_token(one.token) is one
    assert one.folder != two.folder


def test_a_token_that_is_not_known_is_refused(sessions):
    sessions.of_page("one")
    for token in ("", "one", "é"):
        with pytest.raises(SplatzipError, match="load it again"):
            sessions.of_token(token)


def test_the_page_that_nobody_touched_for_longest_gives_way(sessions):
    one, two, three = (sessions.of_page(page) for page in ("one", "two", "three"))
    sessions.of_token(one.token)
    sessions.of_page("four")
    assert len(sessions) == 3
    assert (one.is_closed, two.is_closed, three.is_closed) == (False, True, False)
    assert not two.folder.exists()


def test_closing_a_page_takes_its_files_and_scenes_away(sessions, session):
    (session.folder / "result.splatz").write_bytes(b"x")
    scene = weakref.ref(session.ref.scene)
    sessions.close("one")
    gc.collect()
    assert not session.folder.exists()
    assert scene() is None
    assert len(sessions) == 0


def test_another_source_takes_what_was_made_of_the_last_one_away(session, ply):
    (session.folder / "result.splatz").write_bytes(b"x")
    (session.folder / "site").mkdir()
    session.open_ref(OpenScene.load(ply))
    assert session.test is None
    assert list(session.folder.iterdir()) == []


def test_work_keeps_its_folder_whatever_is_opened_meanwhile(session, ply):
    with session.work_folder("curve-") as curve, session.work_folder("in-") as arriving:
        uploaded = Path(shutil.copy(ply, arriving))
        session.open_test(None)
        session.open_ref(OpenScene.load(uploaded))
        assert curve.is_dir()
    assert list(session.folder.iterdir()) == [arriving]  # it is open
    with pytest.raises(SplatzipError), session.work_folder("in-"):
        raise SplatzipError("not a scene")
    session.open_ref(OpenScene.load(ply))
    assert list(session.folder.iterdir()) == []


def test_only_files_of_the_session_itself_can_be_asked_for(session, tmp_path):
    (session.folder / "result.splatz").write_bytes(b"x")
    (session.folder / "way-out").symlink_to(tmp_path / "given.ply")
    (session.folder / "folder").mkdir()
    assert session.file("result.splatz") == session.folder / "result.splatz"
    for name in ("../../given.ply", "way-out", "folder", "", ".", "..", "/etc/passwd", "result.splatz/"):
        assert session.file(name) is None


def test_an_error_names_the_file_as_the_page_does(tmp_path):
    path = tmp_path / "bad.ply"
    path.write_bytes(b"ply\nformat binary_little_endian 1.0\nelement vertex 9\nend_header\n")
    with pytest.raises(SplatzipError, match=r"bad\.ply") as caught:
        OpenScene.load(path)
    assert str(tmp_path) not in str(caught.value)


def test_memory_stays_bounded_after_fifty_scenes(sessions):
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    session = sessions.of_page("one")
    sizes = []
    for _ in range(50):
        session.open_ref(OpenScene.load(CHAIR))
        session.ref.picture(session.home.camera(160, 120))
        session.ref.picture(session.home.camera(160, 120), "ellipsoids")
        sizes.append(resident())
    arrays = sum(array.nbytes for array in session.ref.scene.arrays().values())
    # Buffers and the allocator settle where they like, up to four scenes higher: one that stays each time would be 40.
    assert min(sizes[40:]) < min(sizes[3:13]) + 8 * arrays


def test_a_scene_without_splats_is_refused(tmp_path):
    path = tmp_path / "none.ply"
    names = [*"xyz", "opacity", *(f"{n}_{i}" for n, k in (("scale", 3), ("rot", 4), ("f_dc", 3)) for i in range(k))]
    header = ["ply", "format ascii 1.0", "element vertex 0", *(f"property float {n}" for n in names), "end_header", ""]
    path.write_text("\n".join(header))
    with pytest.raises(SplatzipError, match=r"none\.ply"):
        OpenScene.load(path)


def test_stored_bytes_are_counted_while_pages_close(sessions, session):
    stored = sum(entry.stat().st_size for entry in session.folder.rglob("*") if entry.is_file())
    (session.folder / "made.splatz").write_bytes(b"12345")
    over = threading.Event()

    def come_and_go():
        for _ in range(1000):
            (sessions.of_page("another").folder / "in-1").mkdir()
            sessions.close("another")
        over.set()

    coming = threading.Thread(target=come_and_go)
    coming.start()
    while not over.is_set():
        assert sessions.stored_bytes() == stored + 5
    coming.join()


def test_photos_of_test_views_are_not_to_learn_from(session, ply):
    session.open_ref(OpenScene.load(ply), (Views.load(CHAIR.parent), CHAIR.parent))
    assert session.capture[0].photos is not None
    assert not session.has_training_photos
