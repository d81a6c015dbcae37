#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may speak, what is refused, and what once ended the SIP library."""

import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import IN, NET, OUT, OUTER_OUT, Bed, until  # noqa: E402
from sipua import (Agent, Call, peer_request, sdp,  # noqa: E402
                   unique)


class Speakers(Bed):
    def registration(self, agent, *, to=None, from_user=None, password="pw",
                     contact=None, headers=()):
        """The answer to a REGISTER with credentials."""
        uri, call = "sip:example.com", unique("reg")
        agent.password = password
        more = dict(to=f"sip:{to or agent.user}@example.com", from_tag="x",
                    call_id=call, from_user=from_user, contact=not contact)
        if contact:
            headers = (f"Contact: {contact}", *headers)
        agent.send(agent.request("REGISTER", uri, headers=headers, **more))
        challenge = agent.expect(401)
        auth = agent.authorization(challenge, "REGISTER", uri)
        agent.send(agent.request("REGISTER", uri, cseq=2,
                                 headers=(auth, *headers), **more))
        until(lambda: any(m.get("CSeq") == "2 REGISTER" and
                          m.get("Call-ID") == call for m in agent.seen),
              "no answer to REGISTER")
        return [m for m in agent.seen if m.get("Call-ID") == call][-1]

    def test_a_binding_is_told_refreshed_and_removed(self):
        alice = self.agent("alice", 10, registered=False)
        answer = self.registration(alice)
        self.assertEqual(answer.status, 200)
        self.assertIn(f"{alice.contact};expires=3600", answer.get("Contact"))
        self.assertEqual(self.status()["registrations"], 1)
        answer = self.registration(alice, contact="*",
                                   headers=("Expires: 0",))
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.status()["registrations"], 0)

    def test_a_wrong_password_and_an_unknown_user_look_the_same(self):
        alice = self.agent("alice", 10, registered=False)
        eve = self.agent("eve", 11, registered=False)
        wrong = self.registration(alice, password="no")
        unknown = self.registration(eve)
        self.assertEqual((wrong.status, unknown.status), (403, 403))
        self.assertEqual([k for k, _ in wrong.headers],
                         [k for k, _ in unknown.headers])

    def test_nobody_registers_for_somebody_else(self):
        alice = self.agent("alice", 10, registered=False)
        self.assertEqual(self.registration(alice, to="bob").status, 403)
        self.assertEqual(self.registration(alice, to="bob",
                                           from_user="bob").status, 403)
        self.assertEqual(self.registration(
            alice, contact=f"<sip:alice@{IN}:5060>").status, 400)
        self.assertEqual(self.registration(
            alice, headers=("Expires: 5",)).status, 423)

    def test_the_sender_is_who_from_says(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000), from_user="carol")
        refused = alice.expect(403)
        call.ack_failure(refused)
        bob.expect_none("INVITE")

    def test_a_foreign_domain_is_nobody(self):
        eve = self.agent("eve", 66, inside=False, registered=False)
        eve.domain = "elsewhere.example"
        call = Call(eve, "bob")
        call.to = call.target = "sip:bob@example.com"
        call.cseq = 1
        call.send("INVITE", body=sdp(eve.address, 30000))
        eve.expect(403)

    def test_credentials_for_us_do_not_travel(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        other = ('Proxy-Authorization: Digest username="x", '
                 'realm="elsewhere", nonce="n", uri="sip:y", response="z"')
        call.invite(sdp(alice.address, 30000), headers=(other,))
        invite = bob.expect("INVITE")
        self.assertEqual(invite.all("Proxy-Authorization"),
                         [other.split(": ", 1)[1]])
        call.cancel()

    def test_a_trunk_speaks_by_its_address(self):
        alice = self.agent("alice", 10)
        carrier = self.agent("carrier", 99, inside=False, registered=False)
        call = Call(carrier, "alice")
        call.cseq, call.branch = 1, unique("z9hG4bK")
        call.send("INVITE", body=sdp(carrier.address, 30000),
                  branch=call.branch)
        invite = alice.expect("INVITE")
        alice.respond(invite, 200, tag="at", body=sdp(alice.address, 40000))
        answer = call.learn(carrier.expect(200, "INVITE"))
        self.assertEqual(answer.media(), [(OUTER_OUT, 20000)])
        call.ack()
        alice.expect("ACK")
        self.end(call, alice)
        self.nothing_left()

    def test_a_foreign_number_goes_to_the_trunk(self):
        alice = self.agent("alice", 10)
        carrier = self.agent("carrier", 99, inside=False, registered=False)
        call = Call(alice, "x")
        call.to = call.target = "sip:+4930123@carrier.example"
        call.invite(sdp(alice.address, 30000))
        invite = carrier.expect("INVITE")
        self.assertEqual(invite.uri, "sip:+4930123@carrier.example")
        carrier.respond(invite, 404, tag="ct")
        carrier.expect("ACK")
        call.ack_failure(alice.expect(404))
        self.nothing_left()

    def test_options_and_what_is_not_served(self):
        eve = self.agent("eve", 12, registered=False)
        for method, uri, status in (
                ("OPTIONS", f"sip:{IN}:5060", 200),
                ("UPDATE", "sip:bob@example.com", 481),
                ("INVITE", "mailto:bob@example.com", 416),
                ("INVITE", "sip:bob@example.com?Route=%3Csip:x%3E", 400)):
            eve.send(eve.request(method, uri, to="sip:bob@example.com",
                                 from_tag="e", call_id=unique("o")))
            eve.expect(status, method)
        eve.send(eve.request("INVITE", "sip:bob@example.com",
                             to="sip:bob@example.com", from_tag="e",
                             call_id=unique("o"), maxforwards=0))
        eve.expect(483)
        eve.send(eve.request("INVITE", "sip:bob@example.com",
                             to="sip:bob@example.com", from_tag="e",
                             call_id=unique("o"),
                             headers=("Proxy-Require: teleport",)))
        self.assertEqual(eve.expect(420).get("Unsupported"), "teleport")

    def test_a_request_that_comes_again_is_a_loop(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        again = call.text("INVITE", body=sdp(alice.address, 30000),
                          headers=call.auth, branch=unique("z9hG4bK"))
        again = again.replace("\r\nMax-Forwards",
                              f"\r\nVia: {invite.get('Via')}\r\nMax-Forwards")
        alice.send(again)
        alice.expect(482)
        call.cancel()


class Strangers(Bed):
    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.pair()
        self.call, self.invite, self.answer = self.talk(self.alice, self.bob)

    def alive(self):
        until(lambda: len(self.leases()) == 1, "not one lease")
        self.end(self.call, self.bob)
        self.nothing_left()

    def test_a_bye_from_another_address(self):
        eve = self.agent("alice", 66, registered=False)
        eve.send(self.call.text("BYE", cseq=50).replace(
            self.alice.address, eve.address))
        eve.expect(403)
        self.bob.expect_none("BYE")
        self.assertEqual(self.status()["counters"]["strangers"], 1)
        self.alive()

    def test_a_request_from_another_realm(self):
        eve = self.agent("bob", 66, inside=False, registered=False)
        eve.send(self.call.text("BYE", cseq=50))
        eve.expect(403)
        self.alive()

    def test_another_port_of_the_same_address_is_the_same_party(self):
        other = Agent("alice", self.alice.address, IN, 5066)
        self.agents.append(other)
        other.send(self.call.text("INFO", cseq=50).replace(":5060;", ":5066;"))
        self.bob.respond(self.bob.expect("INFO"), 200)
        other.expect(200, "INFO")
        self.alive()

    def test_wrong_tags_tokens_and_call_ids(self):
        good = self.call.text("BYE", cseq=50)
        token = re.search(r"sip:([0-9a-f]{32})", self.answer.contact).group(1)
        for bad in (good.replace(self.call.from_tag, "zzz"),
                    good.replace(";tag=bt", ";tag=xx"),
                    good.replace(self.call.call_id, "elsewhere"),
                    good.replace(token, "0" * 32),
                    good.replace(token + "a", token + "b"),
                    good.replace(token + "a", token)):
            self.alice.send(bad.replace("branch=", "branch=" + unique("z9hG4bK")))
            until(lambda: any(m.status in (403, 481) for m in self.alice.inbox
                              .queue), "no refusal")
            while not self.alice.inbox.empty():
                self.alice.inbox.get()
        self.bob.expect_none("BYE")
        self.alive()

    def test_after_the_bye_all_is_481(self):
        self.end(self.call, self.bob)
        self.call.cseq += 1
        self.call.send("INFO")
        self.alice.expect(481, "INFO")
        self.call.ack()
        self.bob.expect_none("ACK")
        self.nothing_left()

    def test_a_transfer_to_our_contact_reaches_the_party(self):
        carol = self.agent("carol", 12)
        call = Call(carol, "x")
        call.to = call.target = self.answer.contact
        call.invite(sdp(carol.address, 30000))
        invite = self.bob.expect("INVITE")
        self.assertEqual(invite.uri, self.bob.contact[1:-1])
        self.bob.respond(invite, 486, tag="zz")
        self.bob.expect("ACK")
        call.ack_failure(carol.expect(486))
        self.alive()


class Headers(Bed):
    def test_what_names_a_place_is_ours_and_all_else_passes(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.call_id = f"{unique('c')}@{alice.address}"
        extra = (f"Route: <sip:{IN}:5060;lr>",
                 f"Record-Route: <sip:{alice.address}:5060;lr>",
                 "X-Any:  spaces   kept ;a=b", "s: Subject in compact form",
                 f"P-Asserted-Identity: <sip:alice@{alice.address}>",
                 f"User-Agent: phone at {alice.address}",
                 "Supported: replaces,  timer")
        call.invite(sdp(alice.address, 30000), headers=extra)
        invite = bob.expect("INVITE")
        text = invite.raw.decode()
        self.assertNotIn(alice.address, text)
        self.assertEqual(len(invite.all("Via")), 1)
        self.assertEqual(invite.all("Route") + invite.all("Record-Route"), [])
        self.assertIn("\r\nX-Any:  spaces   kept ;a=b\r\n", text)
        self.assertIn("\r\ns: Subject in compact form\r\n", text)
        self.assertIn("\r\nSupported: replaces,  timer\r\n", text)
        self.assertEqual(invite.get("Max-Forwards"), "69")
        bob.respond(invite, 200, tag="bt", body=sdp(bob.address, 40000),
                    headers=("X-Back: 1", "Record-Route: <sip:10.9.9.9;lr>"))
        answer = call.learn(alice.expect(200, "INVITE"))
        self.assertEqual(answer.get("Call-ID"), call.call_id)
        self.assertEqual(answer.get("X-Back"), "1")
        self.assertEqual(answer.all("Record-Route"),
                         [extra[1].split(": ", 1)[1]])
        call.ack()
        ack = bob.expect("ACK")
        self.assertEqual(ack.get("Call-ID"), invite.get("Call-ID"))
        peer_request(bob, invite, "INFO", 3, "bt")
        info = alice.expect("INFO")
        self.assertEqual(info.get("Call-ID"), call.call_id)
        self.assertEqual(info.all("Route"), [f"<sip:{alice.address}:5060;lr>"])
        alice.respond(info, 200)
        bob.expect(200, "INFO")
        self.end(call, bob)
        self.nothing_left()

    def test_a_redirection_names_no_hidden_address(self):
        alice, bob = self.pair()
        call = Call(bob, "alice")
        call.invite(sdp(bob.address, 30000))
        invite = alice.expect("INVITE")
        alice.respond(invite, 302, tag="at", headers=(
            f"Contact: <sip:other@{alice.address}>",
            f'Warning: 399 {alice.address} "moved"'))
        moved = bob.expect(302)
        self.assertNotIn(alice.address, moved.raw.decode())
        self.assertIn("other@", moved.get("Contact"))
        call.ack_failure(moved)
        self.nothing_left()


class LibraryBugs(Bed):
    """Each of these ends or stops a process that uses the library bare."""

    def alive(self, agent):
        start = time.monotonic()
        agent.send(agent.request("OPTIONS", f"sip:{IN}:5060",
                                 to=f"sip:{IN}", from_tag="o",
                                 call_id=unique("alive")))
        agent.expect(200, "OPTIONS")
        self.assertLess(time.monotonic() - start, 0.5)

    def test_a_final_answer_that_cannot_be_sent(self):
        alice = self.agent("alice", 10)
        for where in ("maddr=255.255.255.255", f"maddr={NET}.250.1",
                      "maddr=host.invalid"):
            call = Call(alice, "dave")
            call.invite(sdp(alice.address, 30000),
                        via_extra=f";{where}")
            call.ack_failure(alice.expect(480))
            call.cancel()
            self.alive(alice)

    def test_a_cancel_before_100_and_its_forged_answer(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        call.cancel()
        alice.expect(200, "CANCEL")
        forged = (f"SIP/2.0 200 OK\r\nVia: {invite.get('Via')}\r\n"
                  f"From: {invite.get('From')}\r\nTo: {invite.get('To')}"
                  f";tag=x\r\nCall-ID: {invite.get('Call-ID')}\r\nCSeq: "
                  f"{invite.get('CSeq').split()[0]} CANCEL\r\n"
                  "Content-Length: 0\r\n\r\n")
        bob.send(forged)
        self.alive(alice)
        bob.respond(invite, 487, tag="bt")
        call.ack_failure(alice.expect(487))
        bob.send(forged)
        self.alive(alice)

    def test_a_host_name_where_an_answer_is_to_go(self):
        alice = self.agent("alice", 10)
        text = alice.request("OPTIONS", f"sip:{IN}:5060", to=f"sip:{IN}",
                             from_tag="o", call_id=unique("n"))
        alice.send(text.replace(f"UDP {alice.address}:5060",
                                "UDP slow.host.invalid:5060"))
        alice.send(text.replace("SIP/2.0\r\n", "SIP/3.0\r\n", 1).replace(
            f"UDP {alice.address}:5060", "UDP slow.host.invalid:5060"))
        self.alive(alice)

    def test_an_answer_to_another_method(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        bob.send("SIP/2.0 200 OK\r\n"
                 f"Via: {invite.get('Via')}\r\nFrom: {invite.get('From')}\r\n"
                 f"To: {invite.get('To')};tag=x\r\n"
                 f"Call-ID: {invite.get('Call-ID')}\r\n"
                 f"CSeq: {invite.get('CSeq').split()[0]} OPTIONS\r\n"
                 "Content-Length: 0\r\n\r\n")
        self.alive(alice)
        bob.respond(invite, 486, tag="bt")
        call.ack_failure(alice.expect(486))

    def test_a_response_that_is_not_ours_goes_nowhere(self):
        alice, bob = self.pair()
        bob.send(f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {OUT}:5060;branch="
                 f"z9hG4bKx\r\nVia: SIP/2.0/UDP {alice.address}:5060;branch="
                 "z9hG4bKy\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\n"
                 "Call-ID: stray\r\nCSeq: 1 INVITE\r\n"
                 "Content-Length: 0\r\n\r\n")
        self.alive(alice)
        self.assertFalse([m for m in alice.seen
                          if m.get("Call-ID") == "stray"])

    def test_bytes_that_are_no_message(self):
        alice = self.agent("alice", 10)
        for junk in (b"\r\n\r\n", b"\0" * 100, b"INVITE", b"SIP/2.0 200\r\n",
                     b"INVITE sip:a SIP/2.0\r\n\r\n", b"x" * 60000,
                     b"INVITE sip:a@b SIP/2.0\r\nVia: \r\n\r\n"):
            alice.send(junk)
        self.alive(alice)

    def test_sdp_that_must_not_pass(self):
        alice, bob = self.pair()
        for body, status in (
                ("v=0\r\nm=audio x RTP/AVP 0\r\n", None),
                (sdp("host.example", 30000), 488),
                (sdp("224.0.0.1", 30000), 488),
                (sdp(alice.address, 22), 488),
                (sdp(alice.address, *range(30000, 30040, 2)), 488)):
            call = Call(alice, "bob")
            call.invite(body)
            until(lambda: any(m.status >= 400 and m.method == "INVITE" and
                              m.status != 407 and
                              m.get("Call-ID") == call.call_id
                              for m in alice.seen), f"not refused: {body}")
            refused = [m for m in alice.seen
                       if m.get("Call-ID") == call.call_id][-1]
            if status:
                self.assertEqual(refused.status, status, body)
            call.ack_failure(refused)
        bob.expect_none("INVITE")
        self.nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
