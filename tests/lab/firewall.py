# SPDX-License-Identifier: GPL-2.0-or-later
"""An edge on a host with a life of its own: a stateful firewall, connections
of the host itself, and two interfaces that have nothing to do with calls."""

import socket
import threading

import netns
from calls import calls
from context import equal, require
from report import Failed, NotReached


class Tcp:
    """A TCP connection between two nodes that echoes."""

    def __init__(self, lab, client, server, port):
        self.name = f"{client} > {server[0]}"
        self.listener = netns.make_socket(lab.namespace(server[0]), socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((server[1], port))
        self.listener.listen(4)
        self.listener.settimeout(3)
        self.client = netns.make_socket(lab.namespace(client), socket.SOCK_STREAM)
        self.client.settimeout(3)
        lab.sockets += [self.listener, self.client]
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        self.client.connect((server[1], port))
        thread.join(3)
        self.server.settimeout(3)
        lab.sockets.append(self.server)

    def _accept(self):
        self.server, _ = self.listener.accept()

    def check(self, when):
        try:
            for number in range(5):
                data = f"{when} {number}".encode()
                self.client.sendall(data)
                equal(self.name, self.server.recv(100), data)
                self.server.sendall(data[::-1])
                equal(self.name, self.client.recv(100), data[::-1])
        except OSError as error:
            raise Failed(f"connection {self.name} {when}: {error}") from None


def _udp_pair(lab, client, server, when):
    """A UDP exchange between two nodes that the firewall lets begin on one
    side only."""
    one = lab.udp(client)
    two = lab.udp(server[0], server[1], 7777)
    try:
        one.sendto(when.encode(), (server[1], 7777))
        data, source = two.recvfrom(100)
        two.sendto(data[::-1], source)
        equal("answer", one.recvfrom(100)[0], when.encode()[::-1])
    except socket.timeout:
        raise Failed(f"UDP {client} > {server[0]} {when}: nothing came") from None
    finally:
        one.close()
        two.close()


def _blocked(lab, when):
    """What the host's firewall refuses, it goes on refusing."""
    one, two = lab.udp("y"), lab.udp("x", "7.7.7.1", 7778)
    two.settimeout(0.2)
    try:
        one.sendto(b"from the wrong side", ("7.7.7.1", 7778))
        try:
            two.recvfrom(100)
        except socket.timeout:
            return
        raise Failed(f"{when}: the host's firewall let a packet pass that it refuses")
    finally:
        one.close()
        two.close()


def host_firewall(context):
    """The host's own traffic and its other interfaces see no difference before,
    while and after the edge runs; and calls work behind such a firewall."""
    lab = context.lab
    edge = lab.edges["e"]
    passing, own = None, None

    def ruleset():
        return netns.run(edge.namespace, ["nft", "list", "table", "inet", "hostfw"]).stdout

    def everything(when):
        passing.check(when)
        own.check(when)
        _udp_pair(lab, "x", ("y", "8.8.8.1"), when)
        _udp_pair(lab, "e", ("a", "1.1.1.1"), when)
        _blocked(lab, when)
        equal("the host's ruleset", ruleset(), before)

    with context.test("before_start"):
        before = ruleset()
        require("hostfw" in before, "the host has no firewall")
        passing = Tcp(lab, "x", ("y", "8.8.8.1"), 9001)
        own = Tcp(lab, "e", ("a", "1.1.1.1"), 9002)
        everything("before start")
    with context.test("after_start"):
        lab.start_edges()
        if not own:
            raise NotReached("the start")
        everything("after start")
        Tcp(lab, "x", ("y", "8.8.8.1"), 9003).check("new connection")
        Tcp(lab, "e", ("a", "1.1.1.1"), 9004).check("new connection")
    calls(context)
    with context.test("after_calls"):
        if not own:
            raise NotReached("the start")
        everything("after calls")
    with context.test("after_stop"):
        if not own:
            raise NotReached("the start")
        edge.stop()
        edge.processes.clear()
        everything("after stop")
        Tcp(lab, "x", ("y", "8.8.8.1"), 9005).check("new connection")


host_firewall.starts_itself = True
