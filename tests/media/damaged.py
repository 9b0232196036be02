#!/usr/bin/env python3
"""Write damaged media: damaged.py FROM TO. make.sh calls it; FROM holds the intact files to damage.

INDEX.tsv says what each file is and with which code it must end.
"""
import os
import random
import struct
import sys

SOURCE, TARGET = sys.argv[1:3]


def intact(name):
    with open(os.path.join(SOURCE, name), "rb") as file:
        return file.read()


def write(name, data):
    with open(os.path.join(TARGET, name), "wb") as file:
        file.write(data)


def box(kind, payload):
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def boxes(data):
    """Kind, start and end of each box at the top level."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at, at + size
        at += size


def cut():
    """Transfers that stopped half-way."""
    for name, target in [
        ("front.mp4", "cut-index-in-front.mp4"), ("behind.mp4", "cut-index-lost.mp4"), ("cut.mkv", "cut.mkv"),
        ("cut.avi", "cut.avi"), ("cut.wav", "cut.wav"), ("cut.ts", "cut.ts"),
    ]:
        data = intact(name)
        write(target, data[: len(data) // 2])


def indexes():
    """Indexes that are missing or make no sense."""
    data = intact("behind.mp4")
    write("no-index.mp4", b"".join(data[start:end] for kind, start, end in boxes(data) if kind != b"moov"))
    data = bytearray(intact("front.mp4"))
    write("index-of-three-bytes.mp4", box(b"ftyp", b"isom\0\0\2\0isom") + struct.pack(">I4s", 3, b"moov") + data[100:400])
    at = data.index(b"mdhd")
    struct.pack_into(">I", data, at + 16, 0)
    write("no-timescale.mp4", bytes(data))
    unknown = bytearray(intact("long.mkv"))
    at = unknown.index(b"matroska")
    unknown[at:at + 8] = b"mystery!"
    write("unknown-document-type.mkv", bytes(unknown))
    write("header-only.flv", b"FLV\x01\x05\0\0\0\x09\0\0\0\0")


def streams():
    """Good indexes over media that is not what they say."""
    noise = random.Random(1)
    data = bytearray(intact("noise.mp4"))
    start, end = next((start, end) for kind, start, end in boxes(data) if kind == b"mdat")
    data[start + 8:end] = noise.randbytes(end - start - 8)
    write("noise-in-place-of-media.mp4", bytes(data))
    data = bytearray(intact("references.mp4"))
    start, _ = next((start, end) for kind, start, end in boxes(data) if kind == b"mdat")
    # The only picture that needs no other becomes filler (ITU-T H.264, table 7-1: type 12).
    at = start + 8
    while data[at + 4] & 31 != 5:
        at += 4 + struct.unpack_from(">I", data, at)[0]
    data[at + 4] = 12
    write("first-picture-lost.mp4", bytes(data))
    data = bytearray(intact("long.mkv"))
    # Duration (RFC 9559, 5.1.2.10), a double in milliseconds.
    at = data.index(b"\x44\x89\x88") + 3
    struct.pack_into(">d", data, at, 60_000.0)
    write("declares-a-minute.mkv", bytes(data))
    data = bytearray(intact("times.mkv"))
    # Every Cluster (RFC 9559, 5.1.3) begins with its Timestamp: all of them begin at 0.
    at = data.find(b"\x1f\x43\xb6\x75")
    while at >= 0:
        stamp = data.index(b"\xe7", at, at + 24)
        length = data[stamp + 1] & 15
        data[stamp + 2:stamp + 2 + length] = bytes(length)
        at = data.find(b"\x1f\x43\xb6\x75", at + 4)
    write("times-repeat.mkv", bytes(data))


def checksums():
    """Uploads that came with a checksum file of their own."""
    data = intact("checksum.mp4")
    write("other-checksum.mp4", data)
    write("other-checksum.mp4.sha256", b"0" * 64 + b"  other-checksum.mp4\n")
    write("unreadable-checksum.mp4", data + box(b"free", b"not the same bytes"))
    write("unreadable-checksum.mp4.sha256", b"not a checksum\n")


for write_kind in [cut, indexes, streams, checksums]:
    write_kind()
