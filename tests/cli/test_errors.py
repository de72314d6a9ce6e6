"""Bad input gets one line that says what, where and what to do, exit code 2, and no output file."""

from __future__ import annotations

import os

import pytest

from splatzip.cli.app import VERBS


@pytest.fixture
def refused(run, tmp_path):
    """Run a command that must be refused; returns its one line. The folder is as it was before."""

    def check(*arguments):
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        result = run(*arguments)
        after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        assert (result.returncode, result.stdout) == (2, "")
        assert after == before
        assert result.stderr.endswith("\n")
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("error: ")
        return lines[0]

    return check


@pytest.mark.parametrize("arguments", [("compress", "no.ply", "out.splatz"), ("convert", "no.ply", "out.ply"),
                                       ("transform", "no.ply", "out.ply"), ("decompress", "no.splatz", "out.ply"),
                                       ("verify", "no.splatz"), ("info", "no.splatz"), ("render", "no.ply", "out.png"),
                                       ("compare", "no.ply", "no.splatz"), ("serve", "no.splatz"), ("view", "no.ply"),
                                       ("export-html", "no.ply", "out.html"), ("export-web", "no.ply", "out")],
                         ids=lambda a: a[0])  # fmt: skip
def test_missing_file_is_named(refused, arguments):
    assert refused(*arguments) == f"error: {arguments[1]}: No such file or directory"


@pytest.mark.parametrize("verb", sorted({*VERBS} - {"view"}))  # which opens its page without a scene
def test_verb_without_arguments_names_what_is_missing(refused, verb):
    assert f"(splatzip {verb} --help)" in refused(verb)


def test_unknown_verb_is_answered_with_the_nearest(refused):
    assert "convert" in refused("conver", "a", "b")


@pytest.mark.parametrize("verb", ["compress", "convert", "transform"])
def test_bad_row_is_named_with_the_way_out(refused, broken_ply, verb):
    line = refused(verb, "broken.ply", "out.splatz" if verb == "compress" else "out.spz")
    assert "row 2" in line
    assert "NaN in positions" in line
    assert "broken.ply" in line
    assert "--repair" in line


@pytest.mark.parametrize("verb", ["compress", "convert", "transform", "decompress"])
def test_existing_target_is_kept_without_force(refused, scene_ply, tmp_path, verb):
    target = tmp_path / ("out.splatz" if verb == "compress" else "out.ply")
    target.write_text("precious")
    assert "--force" in refused(verb, "scene.ply", target.name)
    assert target.read_text() == "precious"


def test_existing_target_is_kept_when_a_forced_run_fails(refused, broken_ply, tmp_path):
    (tmp_path / "out.ply").write_text("precious")
    refused("convert", "broken.ply", "out.ply", "--force")


def test_force_replaces_the_target(run, scene_ply, tmp_path):
    (tmp_path / "out.ply").write_text("precious")
    assert run("convert", "scene.ply", "out.ply", "--force").returncode == 0
    assert (tmp_path / "out.ply").read_bytes() == scene_ply.read_bytes()


def test_a_file_may_replace_itself(run, scene_ply):
    assert run("transform", "scene.ply", "scene.ply", "--scale", "2", "--force").returncode == 0


@pytest.mark.parametrize("name", ["out.xyz", "out", "nowhere/out.ply"])
def test_target_that_cannot_be_written_is_refused(refused, scene_ply, name):
    assert name.partition("/")[0] in refused("convert", "scene.ply", name)


def test_a_version_that_a_format_does_not_have_is_refused(refused, scene_ply, tmp_path):
    assert "choose 2, 3 or 4" in refused("convert", "scene.ply", "out.spz", "--version", "1")
    assert not (tmp_path / "out.spz").exists()


def test_compress_writes_nothing_but_splatz(refused, scene_ply):
    assert "out.ply: expected IN OUT.splatz" in refused("compress", "--preset=fast", "scene.ply", "out.ply")


@pytest.mark.parametrize("value", ["29", "66", "high"])
def test_quality_outside_30_to_65_is_refused(refused, scene_ply, value):
    assert "--quality" in refused("compress", "--preset=fast", "scene.ply", "out.splatz", "--quality", value)


def test_lossless_has_no_quality_to_choose(refused, scene_ply):
    assert "lossless" in refused("compress", "scene.ply", "out.splatz", "--quality", "40", "--preset", "lossless")


def test_crop_that_leaves_nothing_says_where_the_scene_is(refused, scene_ply):
    line = refused("transform", "scene.ply", "out.ply", "--crop", "50", "50", "50", "60", "60", "60")
    assert "no splat is inside" in line


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf"])
def test_scale_must_be_positive(refused, scene_ply, scale):
    assert "scale" in refused("transform", "scene.ply", "out.ply", "--scale", scale)


@pytest.mark.parametrize("verb", ["decompress", "verify", "info"])
def test_foreign_file_is_not_taken_for_a_splatz(refused, scene_ply, verb):
    line = refused(verb, "scene.ply", *(["out.ply"] if verb == "decompress" else []))
    assert line.startswith("error: scene.ply: not a .splatz file")
    assert line.endswith("; it is 3DGS PLY: compress makes a .splatz of it")


@pytest.mark.parametrize("verb", ["decompress", "verify", "info"])
@pytest.mark.parametrize("content", [b"\x7fELF no scene at all", b""], ids=["another", "empty"])
def test_what_is_no_scene_is_not_said_to_become_one(refused, tmp_path, verb, content):
    (tmp_path / "junk").write_bytes(content)
    line = refused(verb, "junk", *(["out.ply"] if verb == "decompress" else []))
    assert line.startswith("error: junk: ")
    assert "compress" not in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("transform", "scene.ply", "out.ply", "--crop", "1", "2"), "(splatzip transform --help)"),
        (("compress", "scene.ply", "out.splatz", "--preset", "best"), "'--preset': 'best' is not one of"),
        (("compare", "scene.ply", "scene.ply", "--html", "report"), "report: expected FILE.html"),
        (("render", "scene.ply", "out.png", "--background", "255", "255", "255"), "expected three numbers from 0 to 1"),
        (("render", "scene.ply", "out.png", "--background", "nan", "0", "0"), "expected three numbers from 0 to 1"),
        (("compress", "scene.ply", "out.splatz", "--threads", "99999999999"), "less than or equal to 9999"),
        (
            ("compress", ".", "out.splatz"),
            ".: a folder that is no SOG; splatzip compress . --to DIR does the scenes in it",
        ),
        (("convert", ".", "out.ply"), "a folder without meta.json, so not a SOG; name the scenes in it"),
        (("compress", "", "--to", "out"), "an argument is empty: perhaps a variable that has no value"),
    ],
    ids=lambda a: a[0] if isinstance(a, tuple) else "",
)
def test_a_slip_is_answered_with_what_was_expected(refused, scene_ply, arguments, says):
    assert says in refused(*arguments)


def test_a_pipe_is_not_taken_for_a_damaged_file(refused, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    line = refused("compress", "pipe", "out.splatz")
    assert line == "error: pipe: a pipe or a device; save it to a file and name that"


@pytest.mark.parametrize(
    "arguments",
    [
        ("scene.ply", "out.splatz", "--report", "./out.splatz"),
        ("scene.ply", "out.splatz", "--report", "scene.ply"),
        ("scene.ply", "--to", ".", "--report", "scene.splatz"),
    ],
    ids=["output", "input", "one of many"],
)
def test_a_report_does_not_replace_a_scene(refused, scene_ply, arguments):
    line = refused("compress", *arguments, "--preset=fast", "--force")
    assert "this is a scene that is read or written" in line


@pytest.mark.parametrize("verb", ["compress", "convert"])
@pytest.mark.parametrize("content", [b"", b"\0" * 1000, b"ply\nformat"], ids=["empty", "zeros", "cut"])
def test_file_that_is_no_scene_is_refused(refused, tmp_path, verb, content):
    (tmp_path / "bad.ply").write_bytes(content)
    assert "bad.ply" in refused(verb, "bad.ply", "out.splatz" if verb == "compress" else "out.spz")


@pytest.mark.parametrize("position", [20, -20], ids=["header", "payload"])
def test_changed_byte_is_found_by_verify_and_decompress(run, refused, scene_ply, tmp_path, position):
    run("compress", "--preset=fast", "scene.ply", "scene.splatz")
    content = bytearray((tmp_path / "scene.splatz").read_bytes())
    content[position] ^= 1
    (tmp_path / "scene.splatz").write_bytes(content)
    refused("verify", "scene.splatz")
    refused("decompress", "scene.splatz", "out.ply")


def test_partial_takes_what_is_whole_and_says_so_in_one_line(run, chair_ply, tmp_path):
    run("compress", "--preset=fast", chair_ply, "chair.splatz")
    whole = (tmp_path / "chair.splatz").read_bytes()
    (tmp_path / "cut.splatz").write_bytes(whole[: len(whole) * 2 // 3])
    result = run("decompress", "cut.splatz", "part.ply", "--partial", "--quiet")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("warning: cut.splatz: incomplete")
    assert " splats, for which others stand in (" in result.stderr
    assert (tmp_path / "part.ply").stat().st_size < chair_ply.stat().st_size


def test_partial_refuses_a_file_with_nothing_whole(run, refused, scene_ply, tmp_path):
    run("compress", "--preset=fast", "scene.ply", "scene.splatz")
    (tmp_path / "cut.splatz").write_bytes((tmp_path / "scene.splatz").read_bytes()[:100])
    refused("decompress", "cut.splatz", "out.ply", "--partial")


@pytest.mark.parametrize("verb", ["compress", "convert"])
def test_full_disk_leaves_no_file_and_names_the_target(run_patched, scene_ply, tmp_path, verb):
    full = """
import errno, os
def full(part, _): raise OSError(errno.ENOSPC, 'No space left on device', part)
os.replace = full
"""
    target = "out.splatz" if verb == "compress" else "out.ply"
    result = run_patched(full, verb, "scene.ply", target, *(["--preset=fast"] if verb == "compress" else []))
    assert (result.returncode, result.stderr) == (2, f"error: {target}: No space left on device\n")
    assert [path.name for path in tmp_path.iterdir()] == ["scene.ply"]


def test_a_name_that_is_no_text_is_no_reason_to_fail(run, scene_ply, tmp_path):
    name = os.fsdecode(b"b\xe4r.splatz")
    result = run("compress", "--preset=fast", "scene.ply", name)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--prune", "most"), "expected a share like 0.6 or 60%, or none"),
        (("--prune", "100%"), "give a share from 0 to less than 1"),
        (("--prune", "none", "--preset", "fast"), "fast keeps every splat"),
        (("--view-weight", "2"), "add --views"),
        (("--view-weight", "2", "--preset", "fast"), "fast does not optimize for views"),
        (("--recipe", "omg", "--prune", "0.5"), "a recipe takes no option but --views"),
    ],
)
def test_a_share_or_a_weight_that_cannot_be_is_named_with_the_way_out(refused, scene_ply, options, says):
    assert says in refused("compress", "scene.ply", "out.splatz", *options)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("compress", "scene.ply", "out.splatz", "--jobs", "1"), "--jobs is for many scenes; add --to DIR"),
        (("render", "scene.ply", "out.png", "--up", "y"), "--up, --seconds and --fps are for a video; add --orbit"),
        (("render", "scene.ply", "out.png", "--seconds", "6"), "add --orbit"),
        (("render", "scene.ply", "out.png", "--fps", "30"), "add --orbit"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(refused, scene_ply, tmp_path, command, says):
    assert says in refused(*command)
    assert [path.name for path in tmp_path.iterdir()] == ["scene.ply"]


@pytest.mark.parametrize(
    ("folder", "arguments"),
    [
        (".", ("convert", "scene.ply", "out.ply")),
        ("sog", ("convert", "scene.ply", "sog/meta.json")),
        ("out", ("compress", "scene.ply", "--to", "out")),
        ("out", ("compress", "scene.ply", "a.splatz", "--report", "out/report.json")),
        (".", ("export-web", "scene.ply", "site")),
    ],
)
def test_a_folder_that_takes_no_file_is_said_before_any_work(run_patched, scene_ply, tmp_path, folder, arguments):
    (tmp_path / folder).mkdir(exist_ok=True)
    patch = f"""
import os
def access(path, mode, *, access=os.access):
    return not (mode & os.W_OK and os.path.samefile(path, {str(tmp_path / folder)!r})) and access(path, mode)
os.access = access
import splatzip
splatzip.load = None
"""
    result = run_patched(patch, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"error: {folder}: nothing can be written to this folder: Permission denied\n"


def test_whether_a_file_may_be_read_is_for_what_opens_it_to_say(run_patched, scene_ply, tmp_path):
    refuse = "import os; os.access = lambda path, mode, **_: mode != os.R_OK"
    result = run_patched(refuse, "compress", "--preset=fast", "scene.ply", "--to", "out")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [("verify", "in"), ("info", "in"), ("decompress", "in", "out.ply")])
def test_a_folder_is_no_splatz(refused, tmp_path, arguments):
    (tmp_path / "in").mkdir()
    assert refused(*arguments) == "error: in: a folder; name a .splatz file in it"


def test_a_folder_is_not_what_a_scene_becomes_unless_asked(refused, scene_ply, tmp_path):
    (tmp_path / "out").mkdir()
    line = refused("convert", "scene.ply", "out")
    assert line == "error: out: a folder; name a file in it, or meta.json for a SOG"


def test_a_name_with_a_dash_in_front_is_answered_with_what_to_write(refused, scene_ply, tmp_path):
    scene_ply.rename(tmp_path / "-scene.ply")
    assert "for the file of that name write ./-scene.ply" in refused("convert", "-scene.ply", "out.ply")


def test_a_wrong_size_names_its_own_option(refused, scene_ply):
    assert "--max-upload much: expected a number of bytes" in refused("view", "scene.ply", "--max-upload", "much")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_what_cannot_be_printed_is_said(run_patched, scene_ply, tmp_path):
    full = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)"
    result = run_patched(full, "convert", "scene.ply", "out.ply")
    assert result.stderr == "error: what is printed: No space left on device\n"


def test_losses_that_add_up_are_said(run, scene_ply):
    for preset, before in (("fast", "scene.ply"), ("lossless", "scene.ply")):
        assert run("compress", f"--preset={preset}", before, f"{preset}.splatz", "--quiet").stderr == ""
    again = run("compress", "--preset=fast", "fast.splatz", "out.splatz")
    assert again.returncode == 0
    assert again.stderr == (
        "warning: fast.splatz: compressed before (fast), so losses add up; the source gives a better file\n"
    )
    assert run("compress", "--preset=fast", "lossless.splatz", "out2.splatz").stderr == ""
