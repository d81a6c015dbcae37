# SPDX-License-Identifier: GPL-2.0-or-later
"""rtpengine in userspace mode, and its ng protocol (a cookie, then bencode,
in one UDP packet)."""

import itertools
import re
import resource
import socket

import netns
from netns import LabError


def encode(value):
    """Bencode; text is UTF-8."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, dict):
        return b"d" + b"".join(encode(key) + encode(value[key])
                               for key in sorted(value)) + b"e"
    return b"l" + b"".join(encode(item) for item in value) + b"e"


def decode(data):
    """The value; texts as bytes, keys as str."""
    value, rest = _decode(data)
    if rest:
        raise ValueError("bytes after the value")
    return value


def _decode(data):
    kind = data[:1]
    if kind == b"i":
        number, rest = data[1:].split(b"e", 1)
        return int(number), rest
    if kind in (b"l", b"d"):
        items, rest = [], data[1:]
        while rest[:1] != b"e":
            item, rest = _decode(rest)
            items.append(item)
        if kind == b"l":
            return items, rest[1:]
        return {key.decode(): item for key, item in
                zip(items[::2], items[1::2])}, rest[1:]
    length, rest = data.split(b":", 1)
    return rest[:int(length)], rest[int(length):]


class Client:
    """Asks one daemon, one request at a time."""

    def __init__(self, namespace, port):
        self.socket = netns.make_socket(namespace)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))
        self.serial = itertools.count(1)

    def close(self):
        self.socket.close()

    def call(self, command, **words):
        cookie = b"c%d" % next(self.serial)
        request = {"command": command,
                   **{key.replace("_", "-"): word for key, word in words.items()}}
        self.socket.send(cookie + b" " + encode(request))
        while True:
            answer_to, answer = self.socket.recv(65536).split(b" ", 1)
            if answer_to == cookie:
                break
        answer = decode(answer)
        if answer.get("result") not in (b"ok", b"pong"):
            raise LabError(f"rtpengine: {command}: {answer}")
        return answer


def sdp(address, port):
    return (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\n"
            f"t=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
            "a=rtcp-mux\r\na=sendrecv\r\n")


def media_port(body):
    found = re.search(rb"^m=audio (\d+) ", body, re.MULTILINE)
    if not found:
        raise LabError(f"rtpengine: no audio in its SDP: {body}")
    return int(found.group(1))


class Engine:
    """One running rtpengine in a box of its own."""
    CONTROL_PORT = 22222

    def __init__(self, lab, node, threads, inside, outside):
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]   # four a call
        self.log = open(lab.folder + "/rtpengine.log", "wb")
        self.process = lab.popen(node, [
            "prlimit", f"--nofile={files}:{files}", "rtpengine", "--config-file=none",
            "--table=-1", "--foreground", "--log-stderr", "--log-level=3",
            f"--num-threads={threads}", "--media-num-threads=1",
            f"--interface=inside/{inside}", f"--interface=outside/{outside}",
            f"--listen-ng=127.0.0.1:{self.CONTROL_PORT}",
            "--port-min=10000", "--port-max=60000", "--timeout=3600",
            "--silent-timeout=3600"],
            stdout=self.log, stderr=self.log)
        self.client = Client(lab.namespace(node), self.CONTROL_PORT)
        netns.wait_until("rtpengine answers", self._answers, timeout=10, step=0.1)

    def _answers(self):
        if self.process.poll() is not None:
            with open(self.log.name, encoding="utf-8", errors="replace") as log:
                raise LabError(f"rtpengine ended: {log.read().strip()[-300:]}")
        try:
            return self.client.call("ping")
        except OSError:
            return None

    def connect(self, call, inside, outside):
        """A call between two (address, port): the ports of the engine that the
        party inside and the one outside send to."""
        offer = self.client.call(
            "offer", call_id=call, from_tag="a", sdp=sdp(*inside),
            direction=["inside", "outside"], replace=["origin", "session-connection"],
            ICE="remove", rtcp_mux=["accept"])
        answer = self.client.call(
            "answer", call_id=call, from_tag="a", to_tag="b", sdp=sdp(*outside),
            replace=["origin", "session-connection"], ICE="remove")
        return media_port(answer["sdp"]), media_port(offer["sdp"])


def version():
    done = netns.command(["rtpengine", "--version"], check=False)
    return done.replace("Version:", "").strip() or "of unknown version"
