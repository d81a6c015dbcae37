# SPDX-License-Identifier: GPL-2.0-or-later
"""Flows that the kernel translates: given after the first packet, taken back
before a change is acknowledged. Plain UDP applications on the interchange lab;
without the fast path the same must be seen, but for where the packets went."""

import socket
import struct
import threading
import time

import capture
import netns
from applications import Application, ask_one, release
from context import equal, require
from edge import FASTPATH
from rules import OUTER, Rules



class Stream:
    """Numbered datagrams to one endpoint, as fast as a thread sends them."""

    def __init__(self, application, to):
        self.socket = application.socket
        self.to = (to.split(":")[0], int(to.split(":")[1]))
        self.sent = 0                    # number of the last one, set before it is sent
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.done.is_set():
            self.sent += 1
            try:
                self.socket.sendto(b"%d" % self.sent, self.to)
            except OSError:
                pass                     # an ICMP error for one sent before
            if self.sent % 8 == 0:
                time.sleep(0.0005)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        self.thread.join(2)


def numbers(application, seconds=0.1):
    """(source, number) of all that waits in the application's socket."""
    application.socket.settimeout(seconds)
    heard = []
    try:
        while True:
            data, (address, port) = application.socket.recvfrom(100)
            heard.append((f"{address}:{port}", int(data)))
    except socket.timeout:
        return heard


def datagram(source, sport, destination, dport, data):
    """An IPv4 packet; the kernel adds the header's checksum."""
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    length = 8 + len(data)
    udp = struct.pack(">HHHH", sport, dport, length, 0) + data
    udp = udp[:6] + struct.pack(">H", capture.checksum(
        addresses + struct.pack(">HH", capture.UDP, length) + udp)) + data
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, capture.UDP, 0) \
        + addresses + udp


class FastPath(Rules):
    """One inner endpoint, two parties outside."""
    name = "fastpath"
    R, S = "20.20.20.20:2020", "50.50.50.50:5050"

    def prepare(self):
        super().prepare()
        self.b.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def kernel_has(self, *pairs):
        """These flows and no others are the kernel's; none without it."""
        wanted = set(pairs) if FASTPATH == "yes" else set()
        equal("flows in the kernel", set(self.edge.flows()), wanted)

    def exchange(self, other, times=5):
        for number in range(times):
            other.send(OUTER, f"there {number}")
            self.b.gets(f"there {number}", other.endpoint)
            self.b.send(other.endpoint, f"back {number}")
            other.gets(f"back {number}", OUTER)

    def f1_the_kernel_has_a_flow_after_its_first_packets(self):
        self.lease = ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name)
        before = self.edge.paths()
        self.exchange(self.r, 2)
        if FASTPATH == "yes":
            netns.wait_until("the kernel has the flow", self.edge.flows)
        self.exchange(self.r, 48)
        now = self.edge.paths()
        tun = now["tun"] - before["tun"]
        equal("packets in all", tun + now["kernel"] - before["kernel"], 100)
        require(tun <= 4 if FASTPATH == "yes" else tun == 100, f"{tun} packets in the TUN")
        self.kernel_has((self.R, OUTER))

    def f2_the_rule_counts_both_paths(self):
        rule = self.rule()
        equal("packets in and out", (rule["packets_in"], rule["packets_out"]), (50, 50))

    def f3_a_flow_that_starts_inside(self):
        self.b.send(self.S, "from inside")
        self.s.gets("from inside", OUTER)
        self.exchange(self.s)
        self.kernel_has((self.R, OUTER), ("2.2.2.2:2222", self.S))

    def f4_tightening_takes_a_foreign_flow_back(self):
        """S floods the open rule, by the kernel. Once the rule is R's, not one
        packet of S that was sent after the acknowledgement comes in; R's go on.
        Time and again."""
        narrow = [{"source": "20.20.20.20/32"}]
        for _ in range(20):
            with Stream(self.s, OUTER) as foreign:
                netns.wait_until("S floods", lambda: foreign.sent > 50)
                self.tighten(conditions=narrow)
                last = foreign.sent
                netns.wait_until("S goes on", lambda: foreign.sent > last + 50)
            heard = [number for source, number in numbers(self.b, 0.03) if source == self.S]
            require(heard, "nothing of S came while the rule was open")
            late = [number for number in heard if number > last]
            require(not late, f"{len(late)} packets of S after the acknowledgement, "
                              f"{last} sent before: {late[:5]}")
            self.kernel_has((self.R, OUTER))
            self.tighten(conditions=[{"source": "0.0.0.0/0"}])
        require(self.rule()["discarded"] > 0, "none of S was counted as discarded")
        self.exchange(self.r)

    def f5_another_target_holds_from_the_acknowledgement_on(self):
        with Stream(self.r, OUTER) as stream:
            netns.wait_until("R floods", lambda: stream.sent > 50)
            self.tighten(conditions=[{"source": "0.0.0.0/0", "target": "2.2.2.2:1111@inside"}])
            last = stream.sent
            netns.wait_until("R goes on", lambda: stream.sent > last + 50)
        late = [number for _, number in numbers(self.b) if number > last]
        require(not late, f"{len(late)} packets went the old way")
        require(len(numbers(self.other)) >= 50, "the new target got too few")
        self.tighten(conditions=[])
        self.exchange(self.r)

    def f6_errors_within_a_flow_of_the_kernel(self):
        """From the party inside, from one outside, and of the edge itself."""
        self.exchange(self.r)
        self.lab.take()
        self.b.socket.close()
        for _ in range(3):
            self.r.send(OUTER, "nobody is there")
        self.see_errors("outside", "3.3.3.3", "20.20.20.20", self.R, OUTER)
        self.b = Application(self.lab, "b", "2.2.2.2", 2222)
        self.b.socket.connect(("50.50.50.50", 5051))
        for _ in range(3):
            try:
                self.b.socket.send(b"nobody is there")
            except ConnectionRefusedError:
                pass
            time.sleep(0.02)
        self.see_errors("inside", "50.50.50.50", "2.2.2.2", "2.2.2.2:2222", "50.50.50.50:5051")
        self.b.socket.close()
        self.b = Application(self.lab, "b", "2.2.2.2", 2222)

    def see_errors(self, segment, source, destination, quoted_source, quoted_destination):
        time.sleep(0.1)
        captures = self.lab.take()
        self.context.check_no_leak(captures)
        found = {(p.src, p.dst, p.quoted.source, p.quoted.destination)
                 for p in captures[segment] if p.quoted}
        equal(f"ICMP errors {segment}", found,
              {(source, destination, quoted_source, quoted_destination)})

    def f7_a_packet_at_its_end_within_a_flow_leaks_nothing(self):
        self.r.socket.close()
        self.r = Application(self.lab, "r", "20.20.20.20", 2020)
        self.exchange(self.r)
        self.lab.take()
        self.r.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        self.r.send(OUTER, "at its end")
        self.b.hears_nothing()
        self.context.check_no_leak(self.lab.take())
        self.r.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64)

    def f8_the_other_realm_cannot_use_a_flow(self):
        """A packet with a flow's endpoints that comes in on the wrong side is
        not translated by the flow."""
        self.exchange(self.r)
        before = self.edge.verdicts()["no_source"]
        with netns.entered(self.lab.namespace("a")):
            sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        sender.sendto(datagram("20.20.20.20", 2020, "3.3.3.3", 3333, b"forged"),
                      ("3.3.3.3", 0))
        sender.close()
        self.b.hears_nothing()
        equal("verdict no_source", self.edge.verdicts()["no_source"], before + 1)
        # What was forged is no leak of the edge's.
        self.lab.take()

    def f9_a_killed_translator_leaves_flows_that_go_on(self):
        self.exchange(self.r)
        self.edge.kill("translator")
        if FASTPATH == "yes":
            self.exchange(self.r)
            self.s.send(OUTER, "a new flow")
            self.b.hears_nothing()
        self.edge.start("translator")
        netns.wait_until("the rule is back", self.edge.rules, timeout=3)
        self.exchange(self.r)
        if FASTPATH == "yes":
            require((self.R, OUTER) in self.edge.flows(), "the kernel has lost the flow")
            with self.edge.channel("translator") as channel:
                fast = channel.call("verdicts")["fastpath"]
            require(fast["adopted"] >= 1, f"nothing was adopted: {fast}")

    def f10_a_release_stops_it_at_once(self):
        with Stream(self.r, OUTER) as stream:
            netns.wait_until("R floods", lambda: stream.sent > 50)
            release(self.edge, self.name)
            last = stream.sent
            netns.wait_until("R goes on", lambda: stream.sent > last + 50)
        heard = [number for _, number in numbers(self.b)]
        require(heard, "nothing came before")
        late = [number for number in heard if number > last]
        require(not late, f"{len(late)} packets after the acknowledgement")
        self.kernel_has()
        self.lab.take()

    def f11_the_one_way_kinds_stay_in_the_tun(self):
        for kind in ("originating", "terminating"):
            ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name, kind=kind)
            starts, answers = ((self.b, self.R), (self.r, OUTER))
            if kind == "terminating":
                starts, answers = answers, starts
            for number in range(5):
                starts[0].send(starts[1], f"{kind} {number}")
                answers[0].receive()
                answers[0].send(answers[1], f"answer {number}")
                starts[0].receive()
            self.kernel_has()
            if kind == "originating":
                release(self.edge, self.name)
