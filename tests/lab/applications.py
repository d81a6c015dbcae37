# SPDX-License-Identifier: GPL-2.0-or-later
"""Plain UDP applications on the lab's nodes, and their requests to natctl."""

import os
import socket
import time

import capture
import netns
import rpc
from context import require
from report import Failed


class Application:
    """One UDP endpoint of one node."""

    def __init__(self, lab, node, address, port):
        self.name = f"{node} {capture.endpoint(address, port)}"
        self.socket = lab.udp(node, address, port)
        self.address, self.port = self.socket.getsockname()[:2]
        self.endpoint = capture.endpoint(self.address, self.port)

    def send(self, to, data):
        address, port = to.rsplit(":", 1)
        self.socket.sendto(data.encode(), (address.strip("[]"), int(port)))

    def receive(self, timeout=2.0):
        """(text, source endpoint) of the next datagram."""
        self.socket.settimeout(timeout)
        try:
            data, (address, port, *_) = self.socket.recvfrom(65535)
        except socket.timeout:
            raise Failed(f"{self.name}: nothing came in {timeout} s") from None
        return data.decode(), capture.endpoint(address, port)

    def gets(self, data, source, timeout=2.0):
        seen = self.receive(timeout)
        require(seen == (data, source),
                f"{self.name}: got {seen!r}, expected {(data, source)!r}")

    def hears_nothing(self, seconds=0.2):
        self.socket.settimeout(seconds)
        try:
            data, source = self.socket.recvfrom(65535)
        except socket.timeout:
            return
        raise Failed(f"{self.name}: got {data!r} from {source}, expected nothing")


def ask_one(edge, inner, outer, group, realm="outside", lifetime=600, **more):
    """Asks for one lease of one port with exactly that outer endpoint; the
    lease as granted."""
    lease = {"inner": inner, "realm": realm, "ports": 1, "kind": "both",
             "protocol": "udp", **more}
    if outer:
        lease["request"] = {"outer": outer, "mode": "strict"}
    with edge.channel("natctl") as channel:
        answer = channel.call("ask", group=group, lifetime=lifetime, leases=[lease])
    require(len(answer["leases"]) == 1, f"one lease asked, got {answer}")
    return answer["leases"][0]


def ask_as(uid, edge, inner, group, outer=None, **more):
    """The same from a process of another user: "granted", or the error."""
    return as_user(uid, lambda: ask_one(edge, inner, outer, group, **more), "granted")


def as_user(uid, action, words):
    """Carries it out in a process of that user; the words, or the error."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setuid(uid)
            action()
        except rpc.RpcError as error:
            words = f"error {error.code}"
        except BaseException as error:      # the child must not live on
            words = f"{type(error).__name__} {error}"
        os.write(write, words.encode())
        os._exit(0)
    os.close(write)
    limit = time.monotonic() + 10
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > limit:
            os.kill(child, 9)
            os.waitpid(child, 0)
        time.sleep(0.01)
    with os.fdopen(read, "rb") as pipe:
        return pipe.read().decode()


def release(edge, group):
    with edge.channel("natctl") as channel:
        return channel.call("release", group=group)["released"]


def pairs(leases):
    """What a list of leases or rules says, in a form to compare."""
    return sorted((entry["inner"], entry["outer"], entry["ports"]) for entry in leases)


def check_nothing_left(edge):
    """No rule in the translator and no lease in the manager; waits a moment,
    since a release travels."""
    def empty():
        return not edge.rules() and not edge.leases()
    try:
        netns.wait_until("no rule and no lease", empty, timeout=3.0, step=0.05)
    except netns.LabError:
        raise Failed(f"edge {edge.name}: left behind: rules {pairs(edge.rules())}, "
                     f"leases {pairs(edge.leases())}") from None


def seen(captures, segment, source, destination, data=None):
    """The UDP packets with that source and destination on a segment."""
    return [p for p in captures[segment] if p.kind == "ip" and p.proto == capture.UDP
            and p.source == source and p.destination == destination
            and (data is None or p.payload == data.encode())]


def check_checksums(captures):
    for segment, packets in captures.items():
        for packet in packets:
            require(not packet.faults, f"{segment}: {packet}: {packet.faults}")
