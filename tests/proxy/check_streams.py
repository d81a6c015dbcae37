#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP and TLS: calls across transports, framing, limits, certificates."""

import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import IN, NET, OUT, Bed, until  # noqa: E402
from sipua import Call, peer_request, sdp, unique  # noqa: E402
from streamua import Authority, StreamAgent, StreamServer  # noqa: E402

HEAD = """
rundir = "{dir}"
realm inside {{ networks = {{"{net}.1.0/24"}} reaches = {{"outside"}}
    pool = {{"{net}.3.0/30:20000-29999"}} }}
realm outside {{ networks = {{"{net}.2.0/24"}}
    pool = {{"{net}.4.0/30:20000-29999"}} }}
domain "example.com" {{ users = "{dir}/users"
    certificate = "{dir}/domain.pem" }}
route default {{ to = carrier }}
"""
LISTEN = """
listen in  {{ realm = inside  udp = "{net}.1.1:5060" tcp = "{net}.1.1:5060"
    tls = "{net}.1.1:5061" certificate = "{dir}/edge.pem"
    message_time = 1 per_source = 8 }}
listen out {{ realm = outside udp = "{net}.2.1:5060" tcp = "{net}.2.1:5060"
    tls = "{net}.2.1:5061" certificate = "{dir}/edge.pem"
    ca = "{dir}/ca.pem" verify = ask }}
"""
CARRIER = f"{NET}.2.99"


class StreamBed(Bed):
    conf = HEAD + LISTEN + """
trunk carrier {{ realm = outside host = "{net}.2.99" transport = tcp }}
"""

    def prepare(self):
        self.authority = Authority(self.dir)
        self.authority.issue("edge.pem", IN)
        self.authority.issue("domain.pem", "example.com")

    def stream(self, user, last, *, registered=True, tls=False, inside=True,
               **more):
        net, edge = (f"{NET}.1", IN) if inside else (f"{NET}.2", OUT)
        if tls:
            more.setdefault("context", self.authority.client())
            more.setdefault("name", "example.com")
            more.setdefault("edge_port", 5061)
        agent = StreamAgent(user, f"{net}.{last}", edge, **more)
        self.agents.append(agent)
        if registered:
            agent.register()
        return agent

    def carrier(self, **more):
        agent = StreamServer("carrier", CARRIER, OUT, **more)
        self.agents.append(agent)
        return agent

    def connections(self):
        return self.status()["connections"]

    def open_until(self, count, within=4):
        until(lambda: self.connections()["open"] == count,
              f"not {count} connections", within)


class Calls(StreamBed):
    def check_call(self, caller, callee, edges, kinds):
        call, invite, answer = self.talk(caller, callee)
        self.assertTrue(invite.get("Via").startswith(
            f"SIP/2.0/{callee.transport} {edges[1].removesuffix(':5060')};"),
            invite.get("Via"))
        self.assertEqual(len(invite.all("Via")), 1)
        self.assertTrue(answer.get("Via").startswith(
            f"SIP/2.0/{caller.transport} {caller.address}:{caller.port};"),
            answer.get("Via"))
        self.assertTrue(invite.contact.endswith(f"@{edges[1]}{kinds[1]}"),
                        invite.contact)
        self.assertTrue(answer.contact.endswith(f"@{edges[0]}{kinds[0]}"),
                        answer.contact)
        return call, invite

    def check_both_hang_up(self, caller, callee, edges, kinds):
        call, _ = self.check_call(caller, callee, edges, kinds)
        self.end(call, callee)
        _, invite = self.check_call(caller, callee, edges, kinds)
        peer_request(callee, invite, "BYE", 1, "bt")
        caller.respond(caller.expect("BYE"), 200)
        callee.expect(200, "BYE")
        self.nothing_left()

    def test_tcp_phone_to_udp_phone(self):
        self.check_both_hang_up(
            self.stream("alice", 10), self.agent("bob", 20, inside=False),
            (f"{IN}:5060", f"{OUT}:5060"), (";transport=tcp", ""))

    def test_udp_phone_to_tcp_phone_by_its_connection(self):
        alice = self.agent("alice", 10)
        bob = self.stream("bob", 20, inside=False)
        self.check_both_hang_up(
            alice, bob, (f"{IN}:5060", f"{OUT}:5060"), ("", ";transport=tcp"))
        self.assertEqual(self.connections()["dialled"], 0)

    def test_tls_phone_to_tcp_phone(self):
        self.check_both_hang_up(
            self.stream("alice", 10, tls=True),
            self.stream("bob", 20, inside=False),
            (f"{IN}:5061", f"{OUT}:5060"),
            (";transport=tls", ";transport=tcp"))

    def test_udp_phone_to_tls_phone_by_its_connection(self):
        alice = self.agent("alice", 10)
        self.authority.issue("edge.pem", OUT)
        bob = self.stream("bob", 20, inside=False, tls=True)
        self.check_both_hang_up(
            alice, bob, (f"{IN}:5060", f"{OUT}:5061"), ("", ";transport=tls"))

    def test_udp_phone_to_tcp_carrier_over_one_connection(self):
        alice, carrier = self.agent("alice", 10), self.carrier()
        for _ in range(2):
            call = Call(alice, "4711")
            call.to = call.target = "sip:4711@carrier.example"
            call.invite(sdp(alice.address, 30000))
            invite = carrier.expect("INVITE")
            self.assertIn("SIP/2.0/TCP", invite.get("Via"))
            carrier.respond(invite, 200, tag="bt",
                            body=sdp(CARRIER, 40000))
            call.learn(alice.expect(200, "INVITE"))
            call.ack()
            carrier.expect("ACK")
            self.end(call, carrier)
        self.assertEqual(len(carrier.connections), 1)
        self.nothing_left()

    def test_a_call_is_cancelled_on_either_transport(self):
        carrier = self.carrier()
        for alice in (self.agent("alice", 10), self.stream("bob", 11),
                      self.stream("carol", 12, tls=True)):
            call = Call(alice, "4711")
            call.to = call.target = "sip:4711@carrier.example"
            call.invite(sdp(alice.address, 30000))
            invite = carrier.expect("INVITE")
            carrier.respond(invite, 180, tag="bt")
            alice.expect(180)
            call.cancel()
            alice.expect(200, "CANCEL")
            cancel = carrier.expect("CANCEL")
            self.assertEqual(cancel.get("Via"), invite.get("Via"))
            self.assertEqual(cancel.uri, invite.uri)
            carrier.respond(cancel, 200)
            carrier.respond(invite, 487, tag="bt")
            carrier.expect("ACK")
            call.ack_failure(alice.expect(487))
            self.nothing_left()

    def test_a_call_is_cancelled_before_anything_is_heard(self):
        alice, carrier = self.stream("alice", 10), self.carrier()
        call = Call(alice, "4711")
        call.to = call.target = "sip:4711@carrier.example"
        call.invite(sdp(alice.address, 30000))
        invite = carrier.expect("INVITE")
        call.cancel()
        alice.expect(200, "CANCEL")
        carrier.expect_none("CANCEL")
        carrier.respond(invite, 100)
        cancel = carrier.expect("CANCEL")
        carrier.respond(cancel, 200)
        carrier.respond(invite, 487, tag="bt")
        carrier.expect("ACK")
        call.ack_failure(alice.expect(487))
        self.nothing_left()

    def test_a_carrier_that_does_not_listen_is_503_at_once(self):
        alice = self.agent("alice", 10)
        call = Call(alice, "4711")
        call.to = call.target = "sip:4711@carrier.example"
        call.invite(sdp(alice.address, 30000))
        call.ack_failure(alice.expect(503, within=1))
        self.nothing_left()

    def test_a_phone_whose_connection_is_gone_is_not_there(self):
        alice, bob = self.agent("alice", 10), self.stream("bob", 20)
        self.assertEqual(self.status()["registrations"], 2)
        bob.hang_up()
        self.open_until(0)
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        call.ack_failure(alice.expect(480, within=1))
        self.assertEqual(self.status()["registrations"], 1)

    def test_a_connection_that_breaks_ends_what_is_asked_on_it(self):
        alice, bob = self.agent("alice", 10), self.stream("bob", 20)
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        bob.expect("INVITE")
        bob.hang_up()
        call.ack_failure(alice.expect(503, within=1))
        self.nothing_left()

    def test_a_call_goes_on_by_a_new_connection(self):
        alice = self.agent("alice", 10)
        bob = self.stream("bob", 20, inside=False)
        call, invite, _ = self.talk(alice, bob)
        bob.hang_up()
        self.open_until(0)
        again = self.stream("bob", 20, inside=False)
        peer_request(again, invite, "INFO", 7, "bt")
        info = alice.expect("INFO")
        alice.respond(info, 200)
        again.expect(200, "INFO")
        self.end(call, again)
        self.nothing_left()


class Big(StreamBed):
    """More than 1300 bytes go by TCP, if the carrier listens so."""

    conf = HEAD + LISTEN + """
trunk carrier {{ realm = outside host = "{net}.2.99" }}
"""

    def invite(self, alice, size):
        call = Call(alice, "4711")
        call.to = call.target = "sip:4711@carrier.example"
        call.invite(sdp(alice.address, 30000),
                    headers=(f"Subject: {'x' * size}",))
        return call

    def answer(self, call, carrier, invite):
        carrier.respond(invite, 200, tag="bt", body=sdp(CARRIER, 40000))
        call.learn(call.agent.expect(200, "INVITE"))
        call.ack()
        carrier.expect("ACK")
        self.end(call, carrier)
        self.nothing_left()

    def test_over_tcp_where_the_carrier_listens(self):
        alice, tcp = self.agent("alice", 10), self.carrier()
        udp = self.agent("carrier", 99, inside=False, registered=False)
        call = self.invite(alice, 1300)
        self.answer(call, tcp, tcp.expect("INVITE"))
        call = self.invite(alice, 10)
        self.answer(call, udp, udp.expect("INVITE"))
        self.assertEqual(len([m for m in udp.seen
                              if m.method == "INVITE"]), 1)

    def test_over_udp_where_it_does_not(self):
        alice = self.agent("alice", 10)
        udp = self.agent("carrier", 99, inside=False, registered=False)
        call = self.invite(alice, 1300)
        invite = udp.expect("INVITE", within=1)
        self.assertIn("SIP/2.0/UDP", invite.get("Via"))
        self.answer(call, udp, invite)


class Six(StreamBed):
    """Signalling over IPv6, between two realms of it."""

    conf = """
rundir = "{dir}"
realm inside {{ networks = {{"fd00:1::/64"}} reaches = {{"outside"}} }}
realm outside {{ networks = {{"fd00:2::/64"}}
    pool = {{"[fd00:4::/126]:20000-29999"}} }}
domain "example.com" {{ users = "{dir}/users" }}
listen in  {{ realm = inside  tcp = "[fd00:1::1]:5060"
    udp = "[fd00:1::1]:5060" }}
listen out {{ realm = outside tls = "[fd00:2::1]:5061"
    certificate = "{dir}/edge.pem" }}
"""

    def prepare(self):
        super().prepare()
        self.authority.issue("edge.pem", "fd00:2::1")
        for address in ("fd00:1::1", "fd00:1::10", "fd00:2::1", "fd00:2::20"):
            subprocess.run(["ip", "address", "replace", f"{address}/128",
                            "dev", "lo"], check=True)

    def test_tcp_phone_to_tls_phone(self):
        alice = StreamAgent("alice", "fd00:1::10", "fd00:1::1")
        bob = StreamAgent("bob", "fd00:2::20", "fd00:2::1", edge_port=5061,
                          context=self.authority.client(), name="fd00:2::1")
        self.agents += [alice, bob]
        alice.register()
        bob.register()
        call = Call(alice, "bob")
        call.invite()
        invite = bob.expect("INVITE")
        self.assertTrue(invite.get("Via").startswith(
            "SIP/2.0/TLS [fd00:2::1]:5061;"), invite.get("Via"))
        self.assertTrue(invite.contact.endswith(
            "@[fd00:2::1]:5061;transport=tls"), invite.contact)
        self.assertNotIn("fd00:1:", invite.raw.decode())
        bob.respond(invite, 180, tag="bt")
        ringing = alice.expect(180)
        self.assertTrue(ringing.contact.endswith(
            "@[fd00:1::1]:5060;transport=tcp"), ringing.contact)
        call.cancel()
        alice.expect(200, "CANCEL")
        cancel = bob.expect("CANCEL")
        bob.respond(cancel, 200)
        bob.respond(invite, 487, tag="bt")
        bob.expect("ACK")
        call.ack_failure(alice.expect(487))
        self.nothing_left()

    def test_a_datagram_is_answered(self):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as phone:
            phone.bind(("fd00:1::10", 5060))
            phone.settimeout(3)
            phone.sendto(
                b"OPTIONS sip:[fd00:1::1] SIP/2.0\r\nVia: SIP/2.0/UDP "
                b"[fd00:1::10]:5060;branch=z9hG4bKsix\r\nFrom: <sip:a@b>;"
                b"tag=1\r\nTo: <sip:[fd00:1::1]>\r\nCall-ID: six\r\n"
                b"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                ("fd00:1::1", 5060))
            self.assertTrue(phone.recv(2000).startswith(b"SIP/2.0 200 "))


class Frames(StreamBed):
    """Test 15 of the design: what is no message on a stream."""

    def options(self, agent, extra="", body="", length=None):
        length = len(body) if length is None else length
        return (f"OPTIONS sip:{IN} SIP/2.0\r\n"
                f"Via: SIP/2.0/{agent.transport} {agent.address}:{agent.port}"
                f";branch={unique('z9hG4bK')}\r\n"
                f"From: <sip:a@example.com>;tag=1\r\nTo: <sip:{IN}>\r\n"
                f"Call-ID: {unique('o')}\r\nCSeq: 1 OPTIONS\r\n"
                f"Max-Forwards: 70\r\n{extra}"
                + (f"Content-Length: {length}\r\n" if length != "" else "")
                + f"\r\n{body}")

    def refused(self, last, text, status, *, tls=False):
        agent = self.stream("alice", last, registered=False, tls=tls)
        agent.send(text(agent))
        agent.expect(status)
        self.assertTrue(agent.connection.closed.wait(3), "not closed")
        agent.expect_none(200, within=0.1)

    def test_two_in_one_segment(self):
        for tls in (False, True):
            agent = self.stream("alice", 10, registered=False, tls=tls)
            agent.send(self.options(agent) + self.options(agent, body="xyz"))
            first, second = agent.expect(200), agent.expect(200)
            self.assertNotEqual(first.get("Call-ID"), second.get("Call-ID"))

    def test_one_in_segments_of_one_byte(self):
        agent = self.stream("alice", 10, registered=False)
        text = self.options(agent, body="hello")
        for byte in text:
            agent.send(byte)
        agent.expect(200)
        agent.expect_none(200, within=0.2)

    def test_keep_alives_are_answered(self):
        for tls in (False, True):
            agent = self.stream("alice", 10, registered=False, tls=tls)
            agent.send("\r\n\r\n")
            self.assertEqual(agent.pongs.get(timeout=2), b"\r\n")
            agent.send("\r\n\r\n" + self.options(agent) + "\r\n\r\n\r\n")
            agent.expect(200)
            self.assertEqual(agent.pongs.get(timeout=2), b"\r\n")
            self.assertEqual(agent.pongs.get(timeout=2), b"\r\n")

    def test_a_length_that_is_missing(self):
        self.refused(10, lambda a: self.options(a, length=""), 400)
        self.refused(11, lambda a: self.options(a, length=""), 400, tls=True)

    def test_a_length_that_is_negative_or_no_number(self):
        self.refused(10, lambda a: self.options(a, length=-1), 400)
        self.refused(11, lambda a: self.options(a, length="0x3"), 400)

    def test_a_length_that_stands_twice(self):
        self.refused(10, lambda a: self.options(a, "l: 3\r\n", "xyz"), 400)

    def test_a_length_beyond_the_limit(self):
        self.refused(10, lambda a: self.options(a, length=70000), 413)

    def test_headers_without_an_end(self):
        agent = self.stream("alice", 10, registered=False)
        agent.send(self.options(agent)[:-24] + "X: " + "y" * 70000)
        self.assertTrue(agent.connection.closed.wait(3), "not closed")

    def test_a_length_that_is_too_short(self):
        """What is left over is no message: nothing is made of it."""
        agent = self.stream("alice", 10, registered=False)
        agent.send(self.options(agent, body="\x01garbage", length=0))
        agent.expect(200)
        self.assertTrue(agent.connection.closed.wait(3), "not closed")

    def test_a_length_that_is_too_long_waits_for_the_rest_in_vain(self):
        agent = self.stream("alice", 10, registered=False)
        agent.send(self.options(agent, body="abc", length=300))
        self.assertTrue(agent.connection.closed.wait(5), "not closed")
        self.assertEqual(agent.seen, [])

    def test_what_is_not_sip(self):
        for text in ("\x16\x03\x01\x02\x00", "GET / HTTP/1.1\r\n\r\n"):
            agent = self.stream("alice", 10, registered=False)
            agent.send(text)
            self.assertTrue(agent.connection.closed.wait(3), "not closed")
            self.assertEqual(agent.seen, [])

    def test_a_bare_cr_ends_no_line(self):
        self.refused(10, lambda a: self.options(
            a, "X: a\rContent-Length: 9\r\n"), 400)


class Limits(StreamBed):
    def test_the_silent_and_the_slow_are_closed(self):
        silent = [self.stream("x", 30 + i // 8, registered=False)
                  for i in range(16)]
        dripping = self.stream("x", 33, registered=False)
        half = socket.create_connection((IN, 5061), 2,
                                        (f"{NET}.1.34", 0))
        half.sendall(b"\x16\x03\x01\x02\x00\x01")
        for _ in range(4):
            if dripping.connection.closed.is_set():
                break
            try:
                dripping.send("O")
            except OSError:
                break
            self.assertEqual(self.stream("alice", 10).expect_none(500), None)
            time.sleep(0.6)
        self.assertTrue(dripping.connection.closed.wait(3))
        for agent in silent:
            self.assertTrue(agent.connection.closed.wait(5))
        half.settimeout(3)
        self.assertEqual(half.recv(10), b"")
        half.close()
        self.assertGreaterEqual(self.connections()["silent"], 18)

    def test_thousands_of_silent_ones_keep_nobody_out(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limit)

        def descriptors():
            return len(os.listdir(f"/proc/{self.proxy.pid}/fd"))
        before, silent = descriptors(), []
        for i in range(1400):
            half = i % 4 == 0
            silent.append(socket.create_connection(
                (IN, 5061 if half else 5060), 2, (f"{NET}.1.{50 + i // 7}", 0)))
            if half:
                silent[-1].sendall(b"\x16\x03\x01\x02\x00\x01")
        start = time.monotonic()
        self.stream("alice", 10)
        self.assertLess(time.monotonic() - start, 1)
        self.open_until(1, 10)
        until(lambda: descriptors() <= before + 3, "descriptors are left")
        for sock in silent:
            sock.close()

    def test_one_source_has_so_many_and_no_more(self):
        many = [self.stream("x", 30, registered=False) for _ in range(8)]
        one_more = self.stream("x", 30, registered=False)
        self.assertTrue(one_more.connection.closed.wait(2))
        self.stream("alice", 10)
        self.assertFalse(any(a.connection.closed.is_set() for a in many))

    def test_who_does_not_read_is_closed(self):
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.bind((f"{NET}.1.30", 0))
        slow.connect((IN, 5060))
        slow.settimeout(0.2)
        text = (f"OPTIONS sip:{IN} SIP/2.0\r\nVia: SIP/2.0/TCP "
                f"{NET}.1.30:5060;branch=%s\r\nFrom: <sip:a@b>;tag=1\r\n"
                f"To: <sip:{IN}>\r\nCall-ID: %s{'c' * 900}\r\n"
                "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
        end = time.monotonic() + 20
        try:
            while time.monotonic() < end:
                slow.sendall(
                    (text % (unique("z9hG4bK"), unique("c"))).encode())
        except OSError:
            pass
        until(lambda: self.connections()["slow"] == 1, "not closed", 5)
        slow.close()
        self.stream("alice", 10)


class Certificates(StreamBed):
    conf = HEAD + LISTEN + """
trunk carrier {{ realm = outside host = "{net}.2.99" transport = tls
    port = 5071 ca = "{dir}/ca.pem" certificate = "{dir}/client.pem" }}
"""

    def prepare(self):
        super().prepare()
        self.authority.issue("client.pem", "edge.example")
        self.authority.issue("carrier.pem", CARRIER)
        self.authority.issue("other.pem", "other.example")

    def call(self, alice):
        call = Call(alice, "4711")
        call.to = call.target = "sip:4711@carrier.example"
        call.invite(sdp(alice.address, 30000))
        return call

    def test_tls_phone_to_tls_carrier_which_sees_our_certificate(self):
        carrier = self.carrier(port=5071, context=self.authority.server(
            f"{self.dir}/carrier.pem", ask=True))
        alice = self.stream("alice", 10, tls=True)
        call = self.call(alice)
        invite = carrier.expect("INVITE")
        self.assertTrue(invite.get("Via").startswith(
            f"SIP/2.0/TLS {OUT}:5061;"))
        peer = list(carrier.connections.values())[0].certificate()
        self.assertIn(("DNS", "edge.example"), peer["subjectAltName"])
        carrier.respond(invite, 200, tag="bt", body=sdp(CARRIER, 40000))
        call.learn(alice.expect(200, "INVITE"))
        call.ack()
        carrier.expect("ACK")
        self.end(call, carrier)
        self.nothing_left()

    def test_a_carrier_with_another_name_is_not_spoken_to(self):
        carrier = self.carrier(port=5071, context=self.authority.server(
            f"{self.dir}/other.pem"))
        alice = self.agent("alice", 10)
        self.call(alice).ack_failure(alice.expect(503, within=2))
        self.assertEqual(carrier.seen, [])

    def test_who_shows_the_carriers_certificate_is_the_carrier(self):
        bob = self.agent("bob", 20)
        context = self.authority.client(f"{self.dir}/carrier.pem")
        context.check_hostname = False
        peer = self.stream("x", 50, inside=False, tls=True, registered=False,
                           context=context)
        uri = "sip:bob@example.com"
        peer.send(peer.request("OPTIONS", uri, to=uri, from_tag="1",
                               call_id=unique("c"), from_user="4711"))
        bob.respond(bob.expect("OPTIONS"), 200, tag="b")
        peer.expect(200)
        for path, status in ((None, 403), (f"{self.dir}/other.pem", 403)):
            context = self.authority.client(path)
            context.check_hostname = False
            other = self.stream("x", 51, inside=False, tls=True,
                                registered=False, context=context)
            other.send(other.request(
                "OPTIONS", uri, to=uri, from_tag="1", call_id=unique("c"),
                from_user="nobody").replace("@example.com>;tag",
                                            "@elsewhere.example>;tag"))
            other.expect(status)

    def test_old_versions_of_tls_are_refused(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.authority.client()
            context.minimum_version = context.maximum_version = version
            self.stream("alice", 10, tls=True, context=context)
        warnings.simplefilter("ignore", DeprecationWarning)
        context = self.authority.client()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(ssl.SSLError):
            self.stream("alice", 10, tls=True, context=context)

    def test_the_name_that_is_asked_for_chooses_the_certificate(self):
        self.stream("alice", 10, tls=True, name="example.com")
        context = self.authority.client()
        self.stream("bob", 11, tls=True, name=IN, context=context)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.stream("carol", 12, tls=True, name="elsewhere.example")

    def test_certificates_are_read_anew_and_no_connection_is_lost(self):
        alice = self.stream("alice", 10, tls=True)
        before = alice.connection.certificate()["serialNumber"]
        self.authority.issue("domain.pem", "example.com")
        self.proxy.send_signal(signal.SIGHUP)
        serials = set()

        def is_new():
            agent = self.stream("x", 11, tls=True, registered=False)
            serials.add(agent.connection.certificate()["serialNumber"])
            agent.hang_up()
            self.open_until(1)
            return serials - {before}
        until(is_new, "the old one is still shown")
        alice.register()
        self.assertFalse(alice.connection.closed.is_set())

    def test_a_broken_certificate_changes_nothing(self):
        with open(f"{self.dir}/domain.pem", "w", encoding="ascii") as out:
            out.write("no certificate\n")
        self.proxy.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.stream("alice", 10, tls=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
