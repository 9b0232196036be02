#!/usr/bin/env python3
"""Receives Reelgate's notices: verifies the signature, stores each notice once, and only then answers.

    REELGATE_WEBHOOK_SECRET=... webhook_receiver.py FILE [PORT]

FILE gets one notice a line. Without PORT, or with 0, any free one is taken. docs/reference/notices.md says what is promised.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

BODY_BYTES_MAX = 1 << 20
CLOCKS_APART_S_MAX = 300


def verified(secret: bytes, header: str, body: bytes) -> bool:
    """Whether this body was signed with our secret, not long ago."""
    try:
        fields = dict(part.split("=", 1) for part in header.split(","))
        sent_s, signature = int(fields["t"]), fields["v1"]
    except (KeyError, ValueError):
        return False
    expected = hmac.new(secret, fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - sent_s) <= CLOCKS_APART_S_MAX
    # In constant time: a comparison that stops at the first difference reveals how much of a guess was right.
    return hmac.compare_digest(expected.encode(), signature.encode()) and fresh


class Inbox:
    """Notices in a file, each once: a notice may be delivered again, under the same id."""

    def __init__(self, path: str):
        self.file = open(path, "a+b")
        self.file.seek(0)
        self.ids = {json.loads(line)["id"] for line in self.file}

    def store(self, body: bytes) -> bool:
        """Stores a notice that is new, so that it survives a power cut; says whether it was."""
        notice = json.loads(body)
        if notice["id"] in self.ids:
            return False
        self.file.write(json.dumps(notice).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.ids.add(notice["id"])
        return True


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # seconds that a silent client may hold us up
    secret = b""
    inbox: Inbox

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= BODY_BYTES_MAX:
            return self.answer(413)
        # The raw bytes are what was signed. Nothing is parsed before they are verified.
        body = self.rfile.read(length)
        if not verified(self.secret, self.headers.get("Reelgate-Signature", ""), body):
            return self.answer(403)
        new = self.inbox.store(body)
        print("stored" if new else "seen before", self.headers.get("Reelgate-Notice"), flush=True)
        return self.answer(204)

    def answer(self, status: int):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    secret = os.environ.get("REELGATE_WEBHOOK_SECRET", "").encode()
    if not secret:
        sys.exit("REELGATE_WEBHOOK_SECRET: expected the secret of notices.webhook_secret")
    Receiver.secret, Receiver.inbox = secret, Inbox(sys.argv[1])
    server = HTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) == 3 else 0), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
