#!/usr/bin/env python3
"""Write uploads that attack, and bytes that are no media: hostile.py OUT [--file PATH] [--url URL].

--file is a local file and --url an address that the uploads point at. A test passes a secret and a listening socket of its own and
asserts that neither was touched. INDEX.tsv says what each file is and with which code it must end.
"""
import argparse
import io
import os
import struct
import zipfile


def write(name, data):
    with open(os.path.join(ARGUMENTS.out, name), "wb") as file:
        file.write(data)


def box(kind, payload):
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def full(kind, version, flags, payload):
    return box(kind, struct.pack(">I", (version << 24) | flags) + payload)


def track(number, samples, delta, width, height, data_reference):
    matrix = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    duration = min(samples * delta, 0xFFFFFFFF)
    header = full(
        b"tkhd", 0, 7,
        struct.pack(">IIIII", 0, 0, number, 0, duration) + bytes(8) + struct.pack(">HHHH", 0, 0, 0, 0) + matrix
        + struct.pack(">II", width << 16, height << 16),
    )
    media_header = full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, 1, duration, 0x55C4, 0))
    handler = full(b"hdlr", 0, 0, struct.pack(">I4s", 0, b"vide") + bytes(12) + b"v\0")
    config = box(b"avcC", bytes([1, 66, 0, 30, 0xFF, 0xE1, 0, 4, 0x67, 66, 0, 30, 1, 0, 2, 0x68, 0xCE]))
    entry = box(
        b"avc1",
        bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HH", width, height)
        + struct.pack(">II", 0x480000, 0x480000) + bytes(4) + struct.pack(">H", 1) + bytes(32)
        + struct.pack(">Hh", 24, -1) + config,
    )
    tables = box(
        b"stbl",
        full(b"stsd", 0, 0, struct.pack(">I", 1) + entry)
        + full(b"stts", 0, 0, struct.pack(">III", 1, samples, delta))
        + full(b"stsc", 0, 0, struct.pack(">IIII", 1, 1, samples, 1))
        + full(b"stsz", 0, 0, struct.pack(">II", 1, samples))
        + full(b"stco", 0, 0, struct.pack(">II", 1, 32)),
    )
    if data_reference is None:
        reference = full(b"url ", 0, 1, b"")
    else:
        reference = full(b"url ", 0, 0, data_reference.encode() + b"\0")
    information = box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", 1) + reference))
    minf = box(b"minf", full(b"vmhd", 0, 1, bytes(8)) + information + tables)
    return box(b"trak", header + box(b"mdia", media_header + handler + minf))


def movie(samples=10, delta=1, width=64, height=64, tracks=1, data_reference=None):
    """An MP4 whose tables claim `samples` samples of `delta` seconds, of one byte each, in each track."""
    matrix = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = full(
        b"mvhd", 0, 0,
        struct.pack(">IIII", 0, 0, 1, min(samples * delta, 0xFFFFFFFF)) + struct.pack(">IH", 0x10000, 0x100)
        + bytes(10) + matrix + bytes(24) + struct.pack(">I", tracks + 1),
    )
    all_tracks = b"".join(track(n + 1, samples, delta, width, height, data_reference) for n in range(tracks))
    return box(b"ftyp", b"isom\0\0\2\0isomavc1") + box(b"mdat", bytes(64)) + box(b"moov", header + all_tracks)


def no_media():
    """No bytes, and bytes that are no media, whatever the name says."""
    write("empty.mp4", b"")
    write("one-byte.mp4", b"\0")
    write("text.mp4", b"this is not a video\n" * 50)
    write("subtitles.mp4", b"WEBVTT\n\n00:00.000 --> 00:01.000\nNo film, only its words.\n")
    write("page.webm", b"<!doctype html><title>no video</title>\n")
    write("program.mp4", b"\x7fELF\2\1\1" + bytes(500))
    write("picture.mov", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(zipfile.ZipInfo("zeros"), bytes(10_000_000), zipfile.ZIP_DEFLATED)
    write("archive.mp4", archive.getvalue())


def playlists():
    """Texts that point at other files and addresses."""
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\n%s\n#EXT-X-ENDLIST\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        '<Representation id="1" bandwidth="1"><BaseURL>%s</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    write("hls-file.mp4", (hls % f"file://{ARGUMENTS.file}").encode())
    write("hls-address.mp4", (hls % ARGUMENTS.url).encode())
    write("hls-address.mkv", (hls % ARGUMENTS.url).encode())
    write("dash-address.mp4", (dash % ARGUMENTS.url).encode())
    write("dash-file.mov", (dash % f"file://{ARGUMENTS.file}").encode())
    write("concat.mp4", f"ffconcat version 1.0\nfile '{ARGUMENTS.file}'\n".encode())
    write("smil.mp4", f'<smil><body><video src="{ARGUMENTS.url}"/></body></smil>'.encode())
    write("address-list.mov", f"{ARGUMENTS.url}\n".encode())
    write("session.mp4", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n")


def references():
    """Movies that keep their media elsewhere."""
    address = ARGUMENTS.url.encode() + b"\0"
    link = box(b"rdrf", struct.pack(">I4sI", 0, b"url ", len(address)) + address)
    redirect = box(b"moov", box(b"rmra", box(b"rmda", link)))
    write("redirect.mov", box(b"ftyp", b"qt  \0\0\2\0qt  ") + redirect)
    write("external-data.mp4", movie(data_reference=f"file://{ARGUMENTS.file}"))


def bombs():
    """Small files that claim much."""
    write("bomb-samples.mp4", movie(samples=0x7FFFFFFF))
    write("bomb-samples-fewer.mp4", movie(samples=8_000_000))
    write("bomb-width.mp4", movie(width=65_535, height=1))
    write("bomb-duration.mp4", movie(samples=10, delta=100_000))
    write("bomb-tracks.mp4", movie(tracks=500))
    nested = b""
    for _ in range(5_000):
        nested = box(b"moov", nested)
    start = box(b"ftyp", b"isom\0\0\2\0isom")
    write("bomb-nesting.mp4", start + nested)
    write("index-to-the-end.mp4", start + struct.pack(">I4s", 0, b"moov"))
    write("index-of-8-exabytes.mp4", start + struct.pack(">I4sQ", 1, b"moov", 2**63 - 1))


PARSER = argparse.ArgumentParser(description=__doc__)
PARSER.add_argument("out")
PARSER.add_argument("--file", default="/etc/passwd")
PARSER.add_argument("--url", default="http://127.0.0.1:9/x.ts")
ARGUMENTS = PARSER.parse_args()
for write_kind in [no_media, playlists, references, bombs]:
    write_kind()
