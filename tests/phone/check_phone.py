#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The phone against itself and against a peer that does what phones must stand:
challenges, repetitions, crossings, garbage, and media with planted faults."""

import hashlib
import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import unittest

PID = os.getpid()
HOST = f"127.{100 + PID % 100}.{PID // 100 % 250}.{PID % 250 + 1}"
PROGRAM = os.path.abspath(os.environ.get("PHONE", "tests/phone/phone"))
PATIENCE = 5.0


class Phone:
    """A phone process: commands in, events out."""

    def __init__(self, name, port, proxy, *options, media=None):
        self.name, self.port = name, port
        self.media = media or port + 1000
        argv = [PROGRAM, "--sip", f"{HOST}:{port}", "--aor",
                f"sip:{name}@{name}.example", "--proxy", f"{HOST}:{proxy}",
                "--media", f"{HOST}:{self.media}", *options]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.events = queue.Queue()
        self.messages = []
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        self.wait("ready")

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] in ("sent", "received"):
                self.messages.append(event)
            else:
                self.events.put(event)

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, name, timeout=PATIENCE, **fields):
        """The next event of that name; others before it are an error."""
        try:
            event = self.events.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"{self.name}: no {name}") from None
        if event["event"] != name:
            raise AssertionError(f"{self.name}: {event} instead of {name}")
        for key, value in fields.items():
            if event.get(key) != value:
                raise AssertionError(f"{self.name}: {event}: {key} is not {value!r}")
        return event

    def stats(self, stream=0):
        self.tell("stats")
        return self.wait("stats")["streams"][stream]

    def wait_stats(self, test):
        """Stats as soon as the test holds for them."""
        limit = time.monotonic() + PATIENCE
        while True:
            stats = self.stats()
            if test(stats):
                return stats
            if time.monotonic() > limit:
                raise AssertionError(f"{self.name}: {stats}")
            time.sleep(0.02)

    def count(self, event, start):
        return sum(m["event"] == event and m["message"].startswith(start)
                   for m in self.messages)

    def end(self):
        if self.process.poll() is None:
            try:
                self.tell("quit")
            except OSError:
                pass
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.thread.join()
        self.process.stdin.close()
        self.process.stdout.close()
        return code


class Peer:
    """A SIP endpoint without any logic of its own: the tests are its logic."""

    def __init__(self, port):
        self.port = port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, port))
        self.branch = 0

    def receive(self, start, timeout=PATIENCE):
        """The next message, which must start so."""
        self.socket.settimeout(timeout)
        try:
            text = self.socket.recvfrom(65535)[0].decode()
        except socket.timeout:
            raise AssertionError(f"peer: no {start}") from None
        if not text.startswith(start):
            raise AssertionError(f"peer: {text} instead of {start}")
        return text

    def nothing(self, seconds):
        self.socket.settimeout(seconds)
        try:
            text = self.socket.recv(65535)
        except socket.timeout:
            return
        raise AssertionError(f"peer: unexpected {text}")

    def send(self, text, port):
        self.socket.sendto(text.encode() if isinstance(text, str) else text,
                           (HOST, port))

    def answer(self, request, status, port, *lines, tag="peer", body=""):
        """A response to the request, with further header lines."""
        self.send(response(request, status, *lines, tag=tag, body=body), port)

    def accept(self, invite, port, media_port):
        """200 with SDP, and the ACK for it."""
        self.answer(invite, "200 OK", port, self.contact(), SDP_TYPE,
                    body=sdp(media_port))
        return self.receive("ACK")

    def contact(self):
        return f"Contact: <sip:peer@{HOST}:{self.port}>"

    def request(self, method, port, *lines, cseq=1, to_tag="", call="peercall",
                body="", branch=None):
        """Sends a request of a dialog-to-be (or with to_tag of a dialog)."""
        self.branch += 1
        tag = f";tag={to_tag}" if to_tag else ""
        head = [f"{method} sip:phone@{HOST}:{port} SIP/2.0",
                f"Via: SIP/2.0/UDP {HOST}:{self.port};rport;branch="
                f"{branch or f'z9hG4bKpeer{call}{self.branch}'}",
                "Max-Forwards: 70", "From: <sip:peer@p.example>;tag=peer",
                f"To: <sip:phone@p.example>{tag}", f"Call-ID: {call}",
                f"CSeq: {cseq} {method}", self.contact(), *lines,
                f"Content-Length: {len(body)}"]
        text = "\r\n".join(head) + "\r\n\r\n" + body
        self.send(text, port)
        return text

    def end(self):
        self.socket.close()


SDP_TYPE = "Content-Type: application/sdp"


def sdp(port, more="", session=1):
    return (f"v=0\r\no=peer {session} {session} IN IP4 {HOST}\r\ns=-\r\n"
            f"c=IN IP4 {HOST}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n{more}")


def header(message, name):
    found = re.search(rf"^{name}: *(.*?)\r$", message, re.M | re.I)
    return found.group(1) if found else ""


def tag_of(message, name="To"):
    return header(message, name).partition(";tag=")[2]


def body_of(message):
    return message.partition("\r\n\r\n")[2]


def response(request, status, *lines, tag="peer", body=""):
    to = header(request, "To")
    if ";tag=" not in to:
        to += f";tag={tag}"
    head = [f"SIP/2.0 {status}", f"Via: {header(request, 'Via')}",
            f"From: {header(request, 'From')}", f"To: {to}",
            f"Call-ID: {header(request, 'Call-ID')}",
            f"CSeq: {header(request, 'CSeq')}", *lines,
            f"Content-Length: {len(body)}"]
    return "\r\n".join(head) + "\r\n\r\n" + body


class PhoneTest(unittest.TestCase):
    next_port = 20000

    def ports(self, count):
        first = PhoneTest.next_port
        PhoneTest.next_port += 10
        return range(first, first + count)

    def phone(self, *args, **kwargs):
        phone = Phone(*args, **kwargs)

        def end():
            self.assertEqual(phone.end(), 0, f"phone {phone.name} failed")
        self.addCleanup(end)
        return phone

    def peer(self, port):
        peer = Peer(port)
        self.addCleanup(peer.end)
        return peer

    def pair(self, *options_b, options_a=()):
        port_a, port_b = self.ports(2)
        a = self.phone("a", port_a, port_b, *options_a, media=port_a + 2000)
        b = self.phone("b", port_b, port_a, *options_b, media=port_b + 3001)
        return a, b

    def up(self, *options_b, options_a=()):
        """Two phones in a call."""
        a, b = self.pair("--auto", "answer", *options_b, options_a=options_a)
        a.tell("call sip:b@b.example")
        b.wait("incoming")
        a.wait("ringing")
        a.wait("established")
        b.wait("established")
        return a, b

    def dialled(self, *options):
        """A phone whose INVITE the peer has just received."""
        port_a, port_p = self.ports(2)
        peer = self.peer(port_p)
        a = self.phone("a", port_a, port_p, *options)
        a.tell("call sip:b@b.example")
        return a, peer, peer.receive("INVITE sip:b@b.example SIP/2.0")

    def called(self, *options, body=None, lines=()):
        """A phone that the peer has called, and its answers up to `incoming`."""
        port_a, port_p = self.ports(2)
        peer = self.peer(port_p)
        a = self.phone("a", port_a, port_p, *options)
        body = sdp(port_p + 5000) if body is None else body
        kind = (SDP_TYPE,) if body else ()
        invite = peer.request("INVITE", port_a, *kind, *lines, body=body)
        return a, peer, invite


class Calls(PhoneTest):
    """Two phones, nothing between them."""

    def media_both_ways(self, a, b):
        a.tell("media start")
        b.tell("media start")
        a.wait_stats(lambda s: s["rtp"]["received"] >= 20 and s["rtcp"]["received"])
        b.wait_stats(lambda s: s["rtp"]["received"] >= 20 and s["rtcp"]["received"])
        a.tell("media stop")
        b.tell("media stop")
        for one, other in ((a, b), (b, a)):
            sent = other.stats()
            got = one.wait_stats(
                lambda s: s["rtp"]["received"] == sent["rtp"]["sent"] and
                s["rtcp"]["received"] == sent["rtcp"]["sent"])
            for kind, port in (("rtp", other.media), ("rtcp", other.media + 1)):
                for fault in ("lost", "reordered", "duplicate", "corrupt", "other"):
                    self.assertEqual(got[kind][fault], 0, fault)
                self.assertEqual([s["from"] for s in got[kind]["sources"]],
                                 [f"{HOST}:{port}"])
            self.assertEqual(got["rtp"]["bytes"], 172 * got["rtp"]["received"])

    def test_call_media_and_hangup_by_the_caller(self):
        a, b = self.up()
        self.media_both_ways(a, b)
        a.tell("hangup")
        a.wait("response", method="BYE", status=200)
        a.wait("ended", by="local", status=200)
        b.wait("ended", by="remote")

    def test_hangup_by_the_callee_then_another_call(self):
        a, b = self.up()
        b.tell("hangup")
        b.wait("response", method="BYE", status=200)
        b.wait("ended", by="local")
        a.wait("ended", by="remote")
        b.tell("call sip:a@a.example")
        a.wait("incoming")
        b.wait("ringing", status=180)
        a.tell("answer")
        a.wait("established")
        b.wait("established")
        self.media_both_ways(a, b)

    def test_both_are_told_the_sdp_of_the_other(self):
        a, b = self.pair()
        a.tell("call sip:b@b.example")
        offer = b.wait("incoming")
        self.assertIn("sip:a@a.example", offer["from"])
        self.assertIn("sip:b@b.example", offer["to"])
        a.wait("ringing", status=180, sdp="")
        b.tell("answer")
        at_a, at_b = a.wait("established"), b.wait("established")
        self.assertEqual(at_a["sdp"], at_b["local_sdp"])
        self.assertEqual(at_b["sdp"], at_a["local_sdp"])
        self.assertEqual(at_b["sdp"], offer["sdp"])
        self.assertIn(f"m=audio {a.media} RTP/AVP 0", offer["sdp"])

    def test_the_callee_may_send_before_it_answers(self):
        a, b = self.pair()
        a.tell("call sip:b@b.example")
        b.wait("incoming")
        a.wait("ringing")
        b.tell("media once")
        stats = a.wait_stats(lambda s: s["rtp"]["received"])
        self.assertEqual(stats["rtp"]["received"], 1)
        a.tell("media once")
        a.wait("error")

    def test_early_media(self):
        a, b = self.pair("--early", "yes")
        a.tell("call sip:b@b.example")
        b.wait("incoming")
        early = a.wait("ringing", status=183)
        a.wait_stats(lambda s: s["rtp"]["received"] > 3)
        b.tell("answer")
        self.assertEqual(a.wait("established")["sdp"], early["sdp"])

    def test_late_offer(self):
        a, b = self.up(options_a=("--late-offer",))
        self.assertEqual(body_of(a.messages[0]["message"]), "")
        self.media_both_ways(a, b)

    def test_reinvite_moves_the_media(self):
        a, b = self.up()
        moved = a.media + 500
        a.tell(f"reinvite {HOST}:{moved}")
        b.wait("request", method="INVITE")
        a.wait("response", method="INVITE", status=200)
        a.media = moved
        self.media_both_ways(a, b)
        b.tell("reinvite")
        a.wait("request", method="INVITE")
        b.wait("response", method="INVITE", status=200)
        self.media_both_ways(a, b)

    def test_hold_stops_the_held_side_only(self):
        a, b = self.up()
        a.tell("hold")
        b.wait("request", method="INVITE")
        answer = a.wait("response", method="INVITE", status=200)
        self.assertIn("a=recvonly", answer["body"])
        b.tell("media once")
        b.wait("error")
        a.tell("media once")
        b.wait_stats(lambda s: s["rtp"]["received"] == 1)
        a.tell("unhold")
        b.wait("request", method="INVITE")
        answer = a.wait("response", method="INVITE", status=200)
        self.assertIn("a=sendrecv", answer["body"])
        b.tell("media once")
        a.wait_stats(lambda s: s["rtp"]["received"] == 1)

    def test_cancel(self):
        a, b = self.pair()
        a.tell("call sip:b@b.example")
        b.wait("incoming")
        a.wait("ringing")
        a.tell("cancel")
        a.wait("ended", by="local", status=487)
        b.wait("ended", by="remote", status=487)

    def test_reject(self):
        a, b = self.pair()
        a.tell("call sip:b@b.example")
        b.wait("incoming")
        a.wait("ringing")
        b.tell("reject 486")
        b.wait("ended", by="local", status=486)
        a.wait("ended", by="remote", status=486, reason="Busy Here")

    def test_ring_ms_delays_the_answer(self):
        a, b = self.pair("--auto", "answer", "--ring-ms", "300")
        start = time.monotonic()
        a.tell("call sip:b@b.example")
        b.wait("incoming")
        a.wait("ringing")
        a.wait("established")
        self.assertGreaterEqual(time.monotonic() - start, 0.3)

    def test_info_and_options(self):
        a, b = self.up()
        a.tell("info 5 # and more")
        b.wait("request", method="INFO", body="5 # and more")
        a.wait("response", method="INFO", status=200)
        a.tell("options sip:b@b.example")
        b.wait("request", method="OPTIONS")
        a.wait("response", method="OPTIONS", status=200)

    def test_two_streams(self):
        port_a, port_b = self.ports(2)
        a = self.phone("a", port_a, port_b, "--media", f"{HOST}:{port_a + 4000}",
                       media=port_a + 2000)
        b = self.phone("b", port_b, port_a, "--auto", "answer",
                       "--media", f"{HOST}:{port_b + 5001}", media=port_b + 3001)
        a.tell("call sip:b@b.example")
        b.wait("incoming")
        a.wait("ringing")
        a.wait("established")
        b.wait("established")
        a.tell("media once")
        b.wait_stats(lambda s: s["rtp"]["received"] == 1)
        second = b.stats(1)
        self.assertEqual(second["rtp"]["received"], 1)
        self.assertEqual(second["rtp"]["corrupt"], 0)
        self.assertEqual(second["rtp"]["sources"][0]["from"],
                         f"{HOST}:{port_a + 4000}")

    def test_every_message_is_reported_as_it_was(self):
        a, b = self.up()
        a.tell("hangup")
        a.wait("response", method="BYE")
        a.wait("ended")
        b.wait("ended")
        for one, other in ((a, b), (b, a)):
            self.assertEqual(
                [m["message"] for m in one.messages if m["event"] == "sent"],
                [m["message"] for m in other.messages if m["event"] == "received"])

    def test_commands_out_of_season_are_errors(self):
        a, _ = self.pair()
        for command in ("answer", "hangup", "ring", "cancel", "hold", "info x",
                        "reject 486", "reinvite", "call", "options", "dance",
                        "media loudly", "media once"):
            a.tell(command)
            self.assertIn(command.split()[0], a.wait("error")["text"])


class Caller(PhoneTest):
    """The phone calls a peer."""

    def test_invite_is_repeated_until_an_answer(self):
        a, peer, invite = self.dialled()
        self.assertEqual(peer.receive("INVITE", 0.8), invite)
        peer.answer(invite, "100 Trying", a.port)
        peer.nothing(1.5)

    def test_challenge_is_answered_once(self):
        a, peer, invite = self.dialled("--user", "a", "--password", "secret")
        challenge = ('Proxy-Authenticate: Digest realm="a.example", nonce="abc", '
                     'qop="auth", algorithm=MD5')
        peer.answer(invite, "407 Proxy Authentication Required", a.port, challenge)
        ack = peer.receive("ACK sip:b@b.example SIP/2.0")
        self.assertEqual(header(ack, "Via"), header(invite, "Via"))
        self.assertEqual(header(ack, "CSeq"), "1 ACK")
        again = peer.receive("INVITE")
        self.assertEqual(header(again, "CSeq"), "2 INVITE")
        self.assertEqual(header(again, "Call-ID"), header(invite, "Call-ID"))
        self.assertEqual(header(again, "From"), header(invite, "From"))
        self.assertNotEqual(header(again, "Via"), header(invite, "Via"))
        self.assertEqual(body_of(again), body_of(invite))
        self.check_digest(header(again, "Proxy-Authorization"), "INVITE",
                          "sip:b@b.example")
        peer.answer(again, "407 Proxy Authentication Required", a.port, challenge)
        peer.receive("ACK")
        a.wait("ended", by="remote", status=407)

    def check_digest(self, line, method, uri):
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', line.partition(" ")[2]))
        self.assertEqual(fields["uri"], uri)
        self.assertEqual(fields["username"], "a")

        def md5(text):
            return hashlib.md5(text.encode()).hexdigest()
        wanted = md5(":".join((md5("a:a.example:secret"), fields["nonce"],
                               fields["nc"], fields["cnonce"], "auth",
                               md5(f"{method}:{uri}"))))
        self.assertEqual(fields["response"], wanted)

    def test_register_with_digest(self):
        port_a, port_p = self.ports(2)
        peer = self.peer(port_p)
        a = self.phone("a", port_a, port_p, "--user", "a", "--password", "secret",
                       "--expires", "120", "--contact-user", "line1")
        a.tell("register")
        register = peer.receive("REGISTER sip:a.example SIP/2.0")
        self.assertEqual(header(register, "Contact"), f"<sip:line1@{HOST}:{port_a}>")
        peer.answer(register, "401 Unauthorized", a.port,
                    'WWW-Authenticate: Digest realm="a.example", nonce="abc", '
                    'qop="auth"')
        register = peer.receive("REGISTER")
        self.check_digest(header(register, "Authorization"), "REGISTER",
                          "sip:a.example")
        peer.answer(register, "200 OK", a.port,
                    f"Contact: {header(register, 'Contact')};expires=90")
        a.wait("registered", expires=90)
        a.tell("unregister")
        register = peer.receive("REGISTER")
        self.assertEqual(header(register, "Expires"), "0")
        peer.answer(register, "200 OK", a.port)
        a.wait("registered", expires=0)
        a.tell("register")
        peer.answer(peer.receive("REGISTER"), "403 Forbidden", a.port)
        a.wait("register_failed", status=403)

    def test_registration_is_refreshed(self):
        port_a, port_p = self.ports(2)
        peer = self.peer(port_p)
        a = self.phone("a", port_a, port_p, "--expires", "1")
        a.tell("register")
        for _ in range(2):
            peer.answer(peer.receive("REGISTER"), "200 OK", a.port, "Expires: 1")
            a.wait("registered", expires=1)

    def test_dialog_requests_follow_record_route_and_contact(self):
        a, peer, invite = self.dialled()
        route = f"<sip:r1@{HOST}:{peer.port};lr>"
        peer.answer(invite, "200 OK", a.port, "Contact: <sip:deep@10.9.9.9:9>",
                    f"Record-Route: <sip:r2@10.8.8.8;lr>, {route}", SDP_TYPE,
                    body=sdp(4000))
        ack = peer.receive("ACK sip:deep@10.9.9.9:9 SIP/2.0")
        self.assertEqual(re.findall(r"^Route: (.*)\r$", ack, re.M),
                         [route, "<sip:r2@10.8.8.8;lr>"])
        a.wait("established")
        a.tell("hangup")
        bye = peer.receive("BYE sip:deep@10.9.9.9:9 SIP/2.0")
        self.assertEqual(header(bye, "CSeq"), "2 BYE")
        peer.answer(bye, "200 OK", a.port)
        a.wait("response", method="BYE")
        a.wait("ended")

    def test_a_repeated_2xx_is_acknowledged_again(self):
        a, peer, invite = self.dialled()
        ack = peer.accept(invite, a.port, 4000)
        a.wait("established")
        self.assertEqual(peer.accept(invite, a.port, 4000), ack)

    def test_a_second_2xx_of_a_fork_is_hung_up(self):
        a, peer, invite = self.dialled()
        peer.accept(invite, a.port, 4000)
        a.wait("established")
        peer.answer(invite, "200 OK", a.port, peer.contact(), SDP_TYPE,
                    tag="other", body=sdp(5000))
        self.assertEqual(tag_of(peer.receive("ACK")), "other")
        bye = peer.receive("BYE")
        self.assertEqual(tag_of(bye), "other")
        peer.answer(bye, "200 OK", a.port)
        self.assertEqual(a.stats()["remote"], f"{HOST}:4000")

    def test_cancel_waits_for_a_provisional_response(self):
        a, peer, invite = self.dialled()
        a.tell("cancel")
        peer.receive("INVITE", 1)
        peer.answer(invite, "180 Ringing", a.port)
        cancel = peer.receive("CANCEL sip:b@b.example SIP/2.0")
        self.assertEqual(header(cancel, "Via"), header(invite, "Via"))
        self.assertEqual(header(cancel, "CSeq"), "1 CANCEL")
        peer.answer(cancel, "200 OK", a.port)
        peer.answer(invite, "487 Request Terminated", a.port)
        peer.receive("ACK")
        a.wait("ended", by="local", status=487)

    def test_an_answer_that_crosses_cancel_is_hung_up(self):
        a, peer, invite = self.dialled()
        peer.answer(invite, "180 Ringing", a.port)
        a.wait("ringing")
        a.tell("cancel")
        peer.answer(peer.receive("CANCEL"), "481 Late", a.port)
        peer.accept(invite, a.port, 4000)
        peer.answer(peer.receive("BYE"), "200 OK", a.port)
        a.wait("response", method="BYE")
        a.wait("ended", by="local")

    def test_a_failure_is_acknowledged_as_often_as_it_comes(self):
        a, peer, invite = self.dialled()
        for _ in range(3):
            peer.answer(invite, "503 Service Unavailable", a.port)
            peer.receive("ACK")
        a.wait("ended", by="remote", status=503, reason="Service Unavailable")

    def test_a_refused_reinvite_leaves_the_call_as_it_was(self):
        a, peer, invite = self.dialled()
        peer.accept(invite, a.port, 4000)
        a.wait("established")
        a.tell(f"reinvite {HOST}:{a.media + 300}")
        peer.answer(peer.receive("INVITE"), "488 Not Acceptable Here", a.port)
        peer.receive("ACK")
        a.wait("response", method="INVITE", status=488)
        self.assertEqual(a.stats()["local"], f"{HOST}:{a.media}")
        a.tell("hold")
        peer.answer(peer.receive("INVITE"), "200 OK", a.port, peer.contact(),
                    SDP_TYPE, body=sdp(4000))
        peer.receive("ACK")
        a.wait("response", method="INVITE", status=200)


class Callee(PhoneTest):
    """A peer calls the phone."""

    def accepted(self, *options):
        a, peer, invite = self.called("--auto", "answer", *options)
        peer.receive("SIP/2.0 100")
        a.wait("incoming")
        peer.receive("SIP/2.0 180")
        ok = peer.receive("SIP/2.0 200")
        return a, peer, invite, tag_of(ok)

    def established(self):
        a, peer, invite, tag = self.accepted()
        peer.request("ACK", a.port, to_tag=tag)
        a.wait("established")
        return a, peer, invite, tag

    def test_2xx_is_repeated_until_the_ack(self):
        a, peer, invite, tag = self.accepted()
        peer.receive("SIP/2.0 200", 0.8)
        peer.send(invite, a.port)
        peer.receive("SIP/2.0 200", 1.3)
        peer.request("ACK", a.port, to_tag=tag)
        a.wait("established")
        peer.nothing(2.5)

    def test_hangup_waits_for_the_ack(self):
        a, peer, _, tag = self.accepted()
        a.tell("hangup")
        peer.receive("SIP/2.0 200", 0.8)
        peer.request("ACK", a.port, to_tag=tag)
        bye = peer.receive("BYE")
        peer.answer(bye, "200 OK", a.port)
        a.wait("established")
        a.wait("response", method="BYE")
        a.wait("ended", by="local")

    def test_a_repeated_invite_repeats_the_answer_only(self):
        a, peer, invite = self.called()
        peer.receive("SIP/2.0 100")
        peer.receive("SIP/2.0 180")
        a.wait("incoming")
        peer.send(invite, a.port)
        peer.receive("SIP/2.0 180")
        self.assertTrue(a.events.empty())

    def test_auto_none_says_nothing_but_100(self):
        a, peer, _ = self.called("--auto", "none")
        peer.receive("SIP/2.0 100")
        a.wait("incoming")
        peer.nothing(0.3)
        a.tell("ring")
        peer.receive("SIP/2.0 180")

    def test_cancel_gets_200_and_the_invite_487(self):
        a, peer, invite = self.called()
        peer.receive("SIP/2.0 100")
        peer.receive("SIP/2.0 180")
        a.wait("incoming")
        branch = header(invite, "Via").rpartition("branch=")[2]
        peer.request("CANCEL", a.port, branch=branch)
        self.assertIn("CANCEL", header(peer.receive("SIP/2.0 200"), "CSeq"))
        terminated = peer.receive("SIP/2.0 487")
        peer.receive("SIP/2.0 487", 0.8)
        peer.request("ACK", a.port, branch=branch, to_tag=tag_of(terminated))
        a.wait("ended", by="remote", status=487)
        peer.nothing(1.5)

    def test_what_belongs_to_no_dialog_gets_481(self):
        a, peer, _, tag = self.established()
        for method in ("BYE", "INFO", "INVITE"):
            peer.request(method, a.port, cseq=9, to_tag="unknown")
            peer.receive("SIP/2.0 481")
        peer.request("CANCEL", a.port, cseq=9)
        peer.receive("SIP/2.0 481")
        peer.request("BYE", a.port, cseq=9, to_tag=tag, call="another")
        peer.receive("SIP/2.0 481")
        peer.request("BYE", a.port, cseq=9, to_tag=tag)
        peer.receive("SIP/2.0 200")
        a.wait("ended", by="remote")
        peer.request("INFO", a.port, cseq=10, to_tag=tag)
        peer.receive("SIP/2.0 481")

    def test_glare_gets_491(self):
        a, peer, _, tag = self.established()
        a.tell("reinvite")
        invite = peer.receive("INVITE")
        peer.request("INVITE", a.port, SDP_TYPE, cseq=2, to_tag=tag, body=sdp(4100))
        a.wait("request", method="INVITE")
        peer.receive("SIP/2.0 491")
        peer.answer(invite, "491 Request Pending", a.port)
        peer.receive("ACK")
        a.wait("response", method="INVITE", status=491)

    def test_reinvite_without_offer_gets_one(self):
        a, peer, _, tag = self.established()
        peer.request("INVITE", a.port, cseq=2, to_tag=tag)
        a.wait("request", method="INVITE", body="")
        ok = peer.receive("SIP/2.0 200")
        self.assertIn(f"m=audio {a.media} ", body_of(ok))
        peer.request("ACK", a.port, SDP_TYPE, cseq=2, to_tag=tag, body=sdp(4200))
        limit = time.monotonic() + PATIENCE
        while a.stats()["remote"] != f"{HOST}:4200":
            self.assertLess(time.monotonic(), limit)

    def test_a_second_call_is_busy(self):
        a, peer, _, _ = self.established()
        peer.request("INVITE", a.port, SDP_TYPE, call="second", body=sdp(4000))
        self.assertIn(";tag=", header(peer.receive("SIP/2.0 486"), "To"))
        self.assertEqual(a.stats()["remote"], f"{HOST}:{peer.port + 5000}")

    def test_an_offer_that_fits_nothing_gets_488(self):
        a, peer, _ = self.called("--auto", "answer",
                                 body="v=0\r\nc=IN IP4 1.1.1.1\r\n"
                                      "m=audio 4000 RTP/SAVP 0\r\n")
        peer.receive("SIP/2.0 100")
        peer.receive("SIP/2.0 180")
        peer.receive("SIP/2.0 488")
        a.wait("incoming")
        a.wait("ended", by="local", status=488)

    def test_unknown_methods_and_extensions_are_refused(self):
        a, peer, _ = self.called("--auto", "none", lines=("Require: 100rel",))
        self.assertEqual(header(peer.receive("SIP/2.0 420"), "Unsupported"), "100rel")
        peer.request("SUBSCRIBE", a.port)
        self.assertIn("INVITE", header(peer.receive("SIP/2.0 405"), "Allow"))

    def test_record_route_of_the_invite_is_obeyed(self):
        a, peer, invite = self.called(
            "--auto", "answer",
            lines=(f"Record-Route: <sip:{HOST}:20009;lr>", "Record-Route: <sip:x;lr>"))
        hop = self.peer(20009)
        peer.receive("SIP/2.0 100")
        peer.receive("SIP/2.0 180")
        ok = peer.receive("SIP/2.0 200")
        self.assertEqual(re.findall(r"^Record-Route: (.*)\r$", ok, re.M),
                         [f"<sip:{HOST}:20009;lr>", "<sip:x;lr>"])
        a.wait("incoming")
        peer.request("ACK", a.port, to_tag=tag_of(ok))
        a.wait("established")
        a.tell("hangup")
        bye = hop.receive(f"BYE sip:peer@{HOST}:{peer.port} SIP/2.0")
        self.assertEqual(re.findall(r"^Route: (.*)\r$", bye, re.M),
                         [f"<sip:{HOST}:20009;lr>", "<sip:x;lr>"])

    def test_garbage_does_no_harm(self):
        a, peer, invite, tag = self.established()
        a.events.queue.clear()
        raw = invite.encode()
        for cut in range(0, len(raw), 7):
            peer.send(raw[:cut], a.port)
        for at in range(0, len(raw), 5):
            peer.send(raw[:at] + b"\0\xff\r\n:;<" + raw[at + 6:], a.port)
        for name in ("Via", "From", "To", "Call-ID", "CSeq", "Contact"):
            peer.send(re.sub(rf"{name}: .*\r\n", "", invite), a.port)
            peer.send(re.sub(rf"{name}: .*\r\n", f"{name}: \r\n", invite), a.port)
            peer.send(re.sub(rf"{name}: .*\r\n", f"{name}: {'<' * 900}\r\n", invite),
                      a.port)
        for raw in (b"\r\n\r\n", os.urandom(1400), b"SIP/2.0 200 OK\r\n\r\n",
                    b"SIP/2.0 99999999999 OK\r\nVia: x\r\n\r\n", b"INVITE " * 5000):
            peer.send(raw, a.port)
        try:
            while True:
                peer.socket.settimeout(0.5)
                peer.socket.recv(65535)
        except socket.timeout:
            pass
        a.events.queue.clear()
        peer.request("BYE", a.port, cseq=99, to_tag=tag)
        peer.receive("SIP/2.0 200")


class Faults(PhoneTest):
    """Media that comes back to its sender with planted faults."""

    def looped(self, fault, packets=40):
        """Stats of a phone to which a relay returns its packets, changed."""
        a, peer, invite = self.dialled()
        relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(relay.close)
        relay.bind((HOST, 0))
        relay.settimeout(PATIENCE)
        peer.accept(invite, a.port, relay.getsockname()[1])
        a.wait("established")
        a.tell("media start")
        batch = [relay.recv(2048) for _ in range(packets)]
        a.tell("media stop")
        batch = fault(batch)
        for packet in batch:
            relay.sendto(packet, (HOST, a.media))
        stats = a.wait_stats(lambda s: s["rtp"]["received"] == len(batch))["rtp"]
        self.assertEqual(sum(s["packets"] for s in stats["sources"]), len(batch))
        return {k: stats[k] for k in ("lost", "reordered", "duplicate", "corrupt")}

    @staticmethod
    def faults(**counts):
        return {"lost": 0, "reordered": 0, "duplicate": 0, "corrupt": 0, **counts}

    def test_no_fault_is_reported_where_there_is_none(self):
        self.assertEqual(self.looped(lambda b: b), self.faults())

    def test_a_flipped_byte(self):
        def flip(batch):
            batch[7] = batch[7][:100] + bytes((batch[7][100] ^ 1,)) + batch[7][101:]
            return batch
        self.assertEqual(self.looped(flip), self.faults(corrupt=1, lost=1))

    def test_a_lost_packet(self):
        self.assertEqual(self.looped(lambda b: b[:7] + b[8:]), self.faults(lost=1))

    def test_a_duplicate(self):
        self.assertEqual(self.looped(lambda b: b[:8] + b[7:]),
                         self.faults(duplicate=1))

    def test_a_reordered_packet(self):
        self.assertEqual(self.looped(lambda b: b[:7] + [b[8], b[7]] + b[9:]),
                         self.faults(reordered=1))

    def test_a_shortened_packet(self):
        self.assertEqual(self.looped(lambda b: b[:-1] + [b[-1][:-1]]),
                         self.faults(corrupt=1))


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        sys.exit(f"{PROGRAM} is not built")
    unittest.main()
