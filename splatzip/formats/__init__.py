"""Foreign formats: one file each, one row in the table of `registry`.

A format's file offers (see `registry.Format`):

    sniff(head: bytes, path: Path) -> bool          by content; `head` is the first 64 KB, empty for a folder
    read(path: Path, *, repair: bool) -> Scene      raises FormatError with one line: what, where, what to do
    write(scene: Scene, path: Path) -> list[str]    what was lost, one line each ("SH above degree 0: ...")
"""
