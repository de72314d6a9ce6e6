"""Numbers of the container. Part of the format: docs/FORMAT.md section 2 and 3 hold the same tables."""

from __future__ import annotations

from enum import IntEnum

MAGIC = b"SPLATZ\r\n"
VERSION_MAJOR = 0  # until the first release a reader takes exactly its own version
VERSION_MINOR = 4
HEADER_BYTES = 32
MAX_ROOT_BYTES = 4096
MAX_TILES = 1 << 31  # numbers of tiles are below
FLOAT32 = "float32"  # what SOURCE calls the bits of floats; any other name is a quantized format's
REQUIRED_LIMIT = 128  # kinds and streams below are refused when unknown, from here on they are skipped


class Kind(IntEnum):
    """Chunks with a (kind, id) key. 16-63: reserved for scenes in time, required; 160-191: the same, optional."""

    TABLES = 1  # table sets of streams
    STEPS = 2  # parameters of the stepped codec
    SOURCE = 3  # header of a quantized source, JSON
    PALETTE = 4  # palette rows of a quantized source
    COLUMNS = 5  # what codec COLUMNS must know of its columns
    CODEBOOKS = 6  # vectors that codes of the stepped codec are made of
    META = 128  # SceneMeta, JSON
    SETTINGS = 129  # the encoder's settings, JSON
    QUALITY = 130  # measured quality and the views it was measured on, JSON
    TIERS = 131  # how splats stand in for later tiers, JSON


class Booked(IntEnum):
    """Attributes that codebooks can make: ids of CODEBOOKS chunks."""

    SH = 0
    SCALE = 1
    ROTATION = 2


class Codec(IntEnum):
    """How the chunks of tiles are coded."""

    STEPPED = 1  # quantized by steps that follow decoded values
    COLUMNS = 2  # integer codes, lossless: a quantized source or the bits of floats


class Stream(IntEnum):
    """Attribute streams inside a chunk. 96-127: reserved for refinements and scenes in time."""

    OCTREE = 1
    COUNT = 2
    OPACITY = 3
    SCALE = 4
    ROTATION = 5
    POSITION_LOW = 6
    COLOR = 7
    SH_1 = 8  # KLT components 0-2 (codec STEPPED) or SH degree 1
    SH_2 = 9
    SH_3 = 10
    SH_4 = 11
    SH_INDEX = 12  # entries of codebooks that the SH is made of
    ENTRY = 13  # of a codebook; in chunks of that kind
    COLUMN_0 = 32  # codec COLUMNS: column k is COLUMN_0 + k, up to 63


# Which attribute the bytes of a stream count for.
ATTRIBUTE_OF_STREAM = {
    Stream.OCTREE: "position",
    Stream.COUNT: "position",
    Stream.OPACITY: "opacity",
    Stream.SCALE: "scale",
    Stream.ROTATION: "rotation",
    Stream.POSITION_LOW: "position",
    Stream.COLOR: "color",
    Stream.SH_1: "sh",
    Stream.SH_2: "sh",
    Stream.SH_3: "sh",
    Stream.SH_4: "sh",
    Stream.SH_INDEX: "sh",
}

# The same for streams of codec COLUMNS, counted from COLUMN_0: those below the number.
ATTRIBUTE_OF_COLUMN = ((4, "scale"), (8, "rotation"), (12, "color"), (13, "opacity"), (16, "other"), (32, "sh"))
