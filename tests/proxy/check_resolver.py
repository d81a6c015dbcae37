#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Trunks that have names (RFC 3263), with dnsmasq as their DNS server."""

import os
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import NET, OUT, Bed, until  # noqa: E402
from sipua import Call, sdp  # noqa: E402
from streamua import Authority, StreamServer  # noqa: E402

SERVER = f"{NET}.5.1"
CONF = """
rundir = "{dir}"
resolver = "{net}.5.1:53"
realm inside {{ networks = {{"{net}.1.0/24"}} reaches = {{"outside"}}
    pool = {{"{net}.3.0/30:20000-29999"}} }}
realm outside {{ networks = {{"{net}.2.0/24"}}
    pool = {{"{net}.4.0/30:20000-29999"}} }}
listen in  {{ realm = inside  udp = "{net}.1.1:5060" }}
listen out {{ realm = outside udp = "{net}.2.1:5060" tcp = "{net}.2.1:5060"
    tls = "{net}.2.1:5061" certificate = "{dir}/edge.pem" }}
domain "example.com" {{ users = "{dir}/users" }}
"""
TRUNK = """
trunk carrier {{ realm = outside host = "carrier.example" %s }}
route default {{ to = carrier }}
"""
HOSTS = tuple(f"--host-record=h{i}.example,{NET}.2.{i}" for i in (97, 98, 99))


def is_serving():
    """Does the server answer?"""
    query = struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + b"\2up\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        try:
            client.sendto(query, (SERVER, 53))
            return bool(client.recv(512))
        except OSError:
            return False


class Names(Bed):
    conf = CONF + TRUNK % ""
    records = ()

    def prepare(self):
        Authority(self.dir).issue("edge.pem", OUT)
        self.server = None
        self.addCleanup(self.stop_server)
        if self.records:
            self.serve(*self.records)

    def serve(self, *records):
        self.stop_server()
        self.server = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
             "--no-resolv", "--no-hosts", "--bind-interfaces", "--user=root",
             f"--listen-address={SERVER}", "--pid-file=", "--log-facility=-",
             "--local-ttl=1", "--local=/example/", *HOSTS, *records],
            stderr=subprocess.DEVNULL)
        until(is_serving, "dnsmasq does not answer", 5)

    def stop_server(self):
        if self.server:
            self.end_process(self.server)
            self.server = None

    def host(self, last, port=5060):
        return self.agent(f"h{last}", last, inside=False, port=port,
                          registered=False)

    def invite(self, alice):
        call = Call(alice, "4711")
        call.to = call.target = "sip:4711@carrier.example"
        call.invite(sdp(alice.address, 30000))
        return call

    def known(self, count=1, within=5):
        """Waits until the proxy has found that many."""
        until(lambda: f"{count} addresses of" in self.log_text(),
              "the name is not found", within)

    def log_text(self):
        with open(f"{self.dir}/log", encoding="latin-1") as log:
            return log.read()

    def answer(self, call, alice, host, invite):
        host.respond(invite, 200, tag="bt", body=sdp(host.address, 40000))
        call.learn(alice.expect(200, "INVITE"))
        call.ack()
        host.expect("ACK")
        self.end(call, host)
        self.nothing_left()


class Priorities(Names):
    records = ("--srv-host=_sip._udp.carrier.example,h99.example,5099,20,1",
               "--srv-host=_sip._udp.carrier.example,h98.example,5098,10,1")

    def test_the_next_server_is_tried_after_503_and_after_silence(self):
        alice = self.agent("alice", 10)
        first, second = self.host(98, 5098), self.host(99, 5099)
        self.known(2)
        call = self.invite(alice)
        invite = first.expect("INVITE")
        first.respond(invite, 503, tag="f")
        first.expect("ACK")
        self.answer(call, alice, second, second.expect("INVITE"))

    def test_a_server_found_by_its_name_is_the_trunk(self):
        bob, first = self.agent("bob", 20), self.host(98, 5098)
        self.known(2)
        uri = "sip:bob@example.com"
        first.send(first.request("OPTIONS", uri, to=uri, from_tag="1",
                                 call_id="c1", from_user="4711"))
        bob.respond(bob.expect("OPTIONS"), 200, tag="b")
        first.expect(200)


class Weights(Names):
    records = ("--srv-host=_sip._udp.carrier.example,h99.example,5060,10,90",
               "--srv-host=_sip._udp.carrier.example,h98.example,5060,10,10")

    def test_shares_are_as_the_weights(self):
        alice = self.agent("alice", 10)
        hosts = [self.host(99), self.host(98)]
        self.known(2)
        for _ in range(40):
            call = self.invite(alice)
            until(lambda: any(not h.inbox.empty() for h in hosts), "lost")
            host = [h for h in hosts if not h.inbox.empty()][0]
            host.respond(host.expect("INVITE"), 486, tag="b")
            host.expect("ACK")
            call.ack_failure(alice.expect(486))
        seen = [sum(m.method == "INVITE" for m in h.seen) for h in hosts]
        self.assertEqual(sum(seen), 40)
        self.assertGreater(seen[0], 28)
        self.assertGreater(seen[1], 0 if seen[0] < 40 else -1)


class Services(Names):
    records = (
        "--naptr-record=carrier.example,10,10,s,SIP+D2T,,"
        "_sip._tcp.carrier.example",
        "--naptr-record=carrier.example,20,10,s,SIP+D2U,,"
        "_sip._udp.carrier.example",
        "--srv-host=_sip._tcp.carrier.example,h99.example,5070,1,1",
        "--srv-host=_sip._udp.carrier.example,h98.example,5060,1,1")

    def test_the_transport_that_is_preferred_then_the_other(self):
        alice, udp = self.agent("alice", 10), self.host(98)
        self.known(2)
        call = self.invite(alice)       # nobody listens by TCP
        self.answer(call, alice, udp, udp.expect("INVITE"))
        tcp = StreamServer("h99", f"{NET}.2.99", OUT, port=5070)
        self.agents.append(tcp)
        call = self.invite(alice)
        invite = tcp.expect("INVITE")
        self.assertIn("SIP/2.0/TCP", invite.get("Via"))
        self.answer(call, alice, tcp, invite)


class Hosts(Names):
    records = (f"--host-record=carrier.example,{NET}.2.99",)

    def test_without_srv_the_host_itself(self):
        alice, host = self.agent("alice", 10), self.host(99)
        self.known()
        call = self.invite(alice)
        self.answer(call, alice, host, host.expect("INVITE"))

    def test_the_name_is_asked_for_again_and_old_answers_stay(self):
        alice = self.agent("alice", 10)
        old, new = self.host(99), self.host(97)
        self.known()
        self.serve(f"--host-record=carrier.example,{NET}.2.97")

        def has_moved():
            call = self.invite(alice)
            until(lambda: old.inbox.qsize() + new.inbox.qsize(), "lost")
            host = new if new.inbox.qsize() else old
            host.respond(host.expect("INVITE"), 486, tag="b")
            host.expect("ACK")
            call.ack_failure(alice.expect(486))
            return host is new
        until(has_moved, "the old address is still used", 9)
        self.stop_server()
        until(lambda: "the old ones stay" in self.log_text(),
              "it is not asked again", 20)
        self.assertTrue(has_moved())


class Port(Names):
    conf = CONF + TRUNK % "port = 5090"
    records = (f"--host-record=carrier.example,{NET}.2.99",
               "--srv-host=_sip._udp.carrier.example,h98.example,5060,1,1")

    def test_with_a_port_no_srv_is_asked_for(self):
        alice, host = self.agent("alice", 10), self.host(99, 5090)
        self.known()
        call = self.invite(alice)
        self.answer(call, alice, host, host.expect("INVITE"))


class Unknown(Names):
    records = ("--host-record=other.example,127.0.0.1",)

    def test_a_name_that_is_not_there_is_503_and_nothing_blocks(self):
        alice = self.agent("alice", 10)
        until(lambda: "no address for host" in self.log_text(), "not told")
        call = self.invite(alice)
        call.ack_failure(alice.expect(503, within=1))


class Silent(Names):
    """Nobody answers at the address of the server."""

    def test_calls_are_refused_at_once_while_the_name_is_looked_up(self):
        mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        mute.bind((SERVER, 53))
        alice = self.agent("alice", 10)
        for _ in range(3):
            before = time.monotonic()
            call = self.invite(alice)
            call.ack_failure(alice.expect(503, within=1))
            self.assertLess(time.monotonic() - before, 0.5)
            time.sleep(0.5)
        mute.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
