# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON-RPC 2.0 over the daemons' UNIX sockets, one object a line."""

import json
import socket


class RpcError(Exception):
    def __init__(self, error):
        self.code = error.get("code")
        self.message = error.get("message")
        self.reason = (error.get("data") or {}).get("reason")
        super().__init__(f"{self.code} {self.message} ({self.reason})")


class Channel:
    """One connection; calls wait for their answer, bounded."""

    def __init__(self, path, timeout=5.0):
        self.path = path
        self.serial = 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rwb")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def call(self, method, **params):
        self.serial += 1
        request = {"jsonrpc": "2.0", "id": self.serial, "method": method,
                   "params": params}
        self.file.write(json.dumps(request).encode() + b"\n")
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError(f"{self.path}: closed instead of an answer to {method}")
            answer = json.loads(line)
            if answer.get("id") == self.serial:
                break
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def all(self, method, key, cursor="id", **params):
        """All pages of a listing; bounded."""
        found = []
        for _ in range(1000):
            page = self.call(method, **params)
            found += page[key]
            if not page.get("more") or not page[key]:
                return found
            params["after"] = page[key][-1][cursor]
        raise RpcError({"message": f"{method}: pages without end"})


def once(path, method, **params):
    with Channel(path) as channel:
        return channel.call(method, **params)
