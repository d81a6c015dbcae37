# SPDX-License-Identifier: GPL-2.0-or-later
"""Realms of IPv6, and pairings of IPv4 with IPv6 (header translation)."""

import errno
import socket

import capture
import netns
from applications import (Application, ask_one, check_checksums,
                          check_nothing_left, release, seen)
from context import Steps, equal, require

IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 10, 0, 2
IPV6_MTU_DISCOVER, IP_MTU, IPV6_MTU = 23, 14, 24
A = "[2001:db8:1::a]:1111"
R = "[2001:db8:9::5]:2020"


class Families(Steps):
    """What the two cases share."""

    def prepare(self):
        self.edge = self.lab.edges["nat"]
        self.captures = {segment: [] for segment in self.lab.taps}
        self.lab.take()

    def look(self):
        for segment, packets in self.lab.take().items():
            self.captures[segment] += packets
        return self.captures

    def fresh(self):
        """What comes from now on."""
        self.look()
        self.captures = {segment: [] for segment in self.lab.taps}

    def gone(self, application, to, words):
        """Sending ends with the refusal that came back as an ICMP error."""
        application.send(to, words)

        def refused():
            try:
                application.socket.send(b"again")
            except ConnectionRefusedError:
                return True
            return False
        address, port = to.rsplit(":", 1)
        application.socket.connect((address.strip("[]"), int(port)))
        netns.wait_until(f"{application.name}: {to} is refused", refused, 3.0)

    def sends(self, data):
        """Past the errors that are still told of what was sent before."""
        for _ in range(4):
            try:
                self.a.socket.send(data)
                return
            except OSError as error:
                equal("why it is not sent", error.errno, errno.EMSGSIZE)
        require(False, f"{len(data)} bytes are too big")

    def errors(self, segment, icmp):
        return [p for p in self.captures[segment]
                if p.kind == "ip" and p.quoted and p.icmp == icmp]

    def finish(self):
        release(self.edge, self.name)
        captures = self.look()
        check_nothing_left(self.edge)
        check_checksums(captures)
        self.context.check_no_leak(captures)


class Ipv6(Families):
    name = "ipv6"
    POOLS = {"onlink": "[2001:db8:9::41]:3000", "routed": "[2001:db8:ffff::77]:4000",
             "own": "[2001:db8:9::1]:40000"}

    def s1_packets_both_ways_for_each_kind_of_pool(self):
        self.r = Application(self.lab, "r", "2001:db8:9::5", 2020)
        self.a = Application(self.lab, "a", "2001:db8:1::a", 1111)
        for kind, outer in self.POOLS.items():
            lease = ask_one(self.edge, A + "@inside", outer, self.name)
            equal("outer", lease["outer"], outer + "@outside")
            self.r.send(outer, f"to {kind}")
            self.a.gets(f"to {kind}", R)
            self.a.send(R, f"from {kind}")
            self.r.gets(f"from {kind}", outer)
            equal(f"{kind}: packets outside",
                  len(seen(self.look(), "outside", R, outer, f"to {kind}")), 1)
            release(self.edge, self.name)
        self.outer = self.POOLS["routed"]
        ask_one(self.edge, A + "@inside", self.outer, self.name)

    def s2_fragments_both_ways(self):
        for words in ("f" * 3000, "g" * 5001):
            self.r.send(self.outer, words)
            self.a.gets(words, R)
            self.a.send(R, words)
            self.r.gets(words, self.outer)

    def s3_errors_both_ways(self):
        self.a.socket.close()
        self.gone(self.r, self.outer, "nobody there")
        self.look()
        require(self.errors("outside", (1, 4)), "no port unreachable outside")
        self.r.socket.close()
        self.a = Application(self.lab, "a", "2001:db8:1::a", 1111)
        self.gone(self.a, R, "nobody there")
        self.look()
        error = self.errors("inside", (1, 4))[-1]
        equal("quoted", (error.quoted.source, error.quoted.destination), (A, R))

    def s4_too_big_is_told_and_heeded(self):
        """The link to R carries less than that to A."""
        nat = self.lab.namespace("nat")
        netns.command(["ip", "-n", nat, "link", "set", "outside", "mtu", "1400"])
        netns.command(["ip", "-n", self.lab.namespace("r"), "link", "set", "outside",
                       "mtu", "1400"])
        self.a.socket.close()
        self.r = Application(self.lab, "r", "2001:db8:9::5", 2020)
        self.a = Application(self.lab, "a", "2001:db8:1::a", 1111)
        self.fresh()
        self.a.socket.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO)
        self.a.socket.connect(("2001:db8:9::5", 2020))
        self.a.socket.send(b"b" * 1420)

        def told():
            try:
                self.a.socket.send(b"b" * 1420)
            except OSError as error:
                return error.errno == errno.EMSGSIZE
            return False
        netns.wait_until("A is told that it is too big", told, 3.0)
        equal("path MTU", self.a.socket.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU), 1400)
        self.look()
        error = self.errors("inside", (2, 0))[0]
        equal("quoted", (error.quoted.source, error.quoted.destination), (A, R))
        self.sends(b"s" * 1300)
        self.r.gets("s" * 1300, self.outer)

    def s5_what_no_rule_takes_goes_nowhere(self):
        stranger = Application(self.lab, "a", "2001:db8:1::a", 1999)
        stranger.send(R, "let me out")
        self.r.send("[2001:db8:ffff::78]:4000", "let me in")
        self.r.hears_nothing()
        require(self.edge.verdicts()["no_source"] >= 1, "no_source is not counted")
        require(self.edge.verdicts()["no_rule"] >= 1, "no_rule is not counted")


class Crossing(Families):
    """A is of IPv4, R of IPv6. A knows R as R4, R knows A as A6."""
    name = "v4v6"
    A4, R4 = "10.0.0.2:1111", "10.9.0.7:4000"
    A6, R6 = "[2001:db8:ffff::33]:3000", R

    def ask(self, protocol="udp"):
        for inner, outer, realm in ((self.A4 + "@inside", self.A6, "outside"),
                                    (self.R6 + "@outside", self.R4, "inside")):
            ask_one(self.edge, inner, outer, self.name, realm=realm, protocol=protocol)

    def open(self):
        self.a = Application(self.lab, "a", "10.0.0.2", 1111)
        self.r = Application(self.lab, "r", "2001:db8:9::5", 2020)

    def s1_packets_both_ways_with_true_checksums(self):
        self.ask()
        self.open()
        self.a.send(self.R4, "hello")
        self.r.gets("hello", self.A6)
        self.r.send(self.A6, "hello yourself")
        self.a.gets("hello yourself", self.R4)
        captures = self.look()
        equal("packets outside", len(seen(captures, "outside", self.A6, R, "hello")), 1)
        equal("packets inside",
              len(seen(captures, "inside", self.R4, self.A4, "hello yourself")), 1)

    def s2_without_a_checksum(self):
        """IPv6 demands one."""
        self.a.socket.setsockopt(socket.SOL_SOCKET, 11, 1)      # SO_NO_CHECK
        self.a.send(self.R4, "unsummed")
        self.r.gets("unsummed", self.A6)
        self.a.socket.setsockopt(socket.SOL_SOCKET, 11, 0)
        found = [p for p in self.look()["inside"] if p.faults == ["udp checksum missing"]]
        equal("packets without a checksum inside", len(found), 1)
        self.captures["inside"].remove(found[0])

    def s3_fragments_both_ways(self):
        self.a.socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
        for words in ("f" * 1450, "g" * 3000, "h" * 5001):
            self.a.send(self.R4, words)
            self.r.gets(words, self.A6)
            self.r.send(self.A6, words)
            self.a.gets(words, self.R4)

    def s4_errors_become_those_of_the_other_version(self):
        self.a.socket.close()
        self.gone(self.r, self.A6, "nobody there")
        self.look()
        error = self.errors("outside", (1, 4))[0]
        equal("quoted", (error.quoted.source, error.quoted.destination), (R, self.A6))
        self.r.socket.close()
        self.a = Application(self.lab, "a", "10.0.0.2", 1111)
        self.gone(self.a, self.R4, "nobody there")
        self.look()
        error = self.errors("inside", (3, 3))[-1]
        equal("quoted", (error.quoted.source, error.quoted.destination),
              (self.A4, self.R4))

    def s5_too_big_is_told_both_ways(self):
        """20 bytes fewer fit on the side of IPv6."""
        self.a.socket.close()
        self.open()
        self.fresh()
        self.a.socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        self.a.socket.connect(("10.9.0.7", 4000))
        self.a.socket.send(b"b" * 1472)

        def told():
            try:
                self.a.socket.send(b"b" * 1472)
            except OSError as error:
                return error.errno == errno.EMSGSIZE
            return False
        netns.wait_until("A is told that it is too big", told, 3.0)
        equal("path MTU", self.a.socket.getsockopt(socket.IPPROTO_IP, IP_MTU), 1480)
        self.sends(b"s" * 1452)
        self.r.gets("s" * 1452, self.A6)

    def s6_tcp_both_ways(self):
        release(self.edge, self.name)
        self.ask(protocol="tcp")
        for caller, called, there, here in (
                (("a", "10.0.0.2", 1111), ("r", "2001:db8:9::5", 2020), self.R4, self.A6),
                (("r", "2001:db8:9::5", 2020), ("a", "10.0.0.2", 1111), self.A6, self.R4)):
            listener, sock = self.stream(*called), self.stream(*caller)
            listener.listen(1)
            self.connect(sock, there)
            answer, (address, port, *_) = listener.accept()
            equal("caller, as seen", capture.endpoint(address, port), here)
            sock.sendall(b"x" * 20000)
            sock.shutdown(socket.SHUT_WR)
            received = b""
            answer.settimeout(5.0)
            while chunk := answer.recv(65536):
                received += chunk
            equal("bytes", received, b"x" * 20000)
            # The called side closes last: its endpoint is free again at once.
            answer.close()
            sock.close()
            listener.close()

    @staticmethod
    def connect(sock, to):
        """The same two endpoints may still be at the end of their last talk."""
        address, port = to.rsplit(":", 1)

        def is_free():
            try:
                sock.connect((address.strip("[]"), int(port)))
            except OSError as error:
                equal("why there is no connection", error.errno, errno.EADDRNOTAVAIL)
                return False
            return True
        netns.wait_until(f"a connection to {to}", is_free, 5.0)

    def stream(self, node, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = netns.make_socket(self.lab.namespace(node), socket.SOCK_STREAM, family)
        self.lab.sockets.append(sock)
        sock.settimeout(5.0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        return sock
