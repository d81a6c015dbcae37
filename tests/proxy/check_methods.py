#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is not INVITE: messages, subscriptions, and what nobody has heard of."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import IN, NET, OUT, Bed, until  # noqa: E402
from sipua import Call, peer_request, unique  # noqa: E402


def start(call, method, *, headers=(), body="", kind=None):
    """A request that starts something, with the answer to the challenge."""
    agent = call.agent
    call.cseq += 1
    call.send(method, headers=headers)
    challenge = agent.expect(407, method)
    call.cseq += 1
    text = call.text(method, body=body, headers=(
        agent.authorization(challenge, method, call.to), *headers))
    if kind:
        text = text.replace("application/sdp", kind)
    agent.send(text)


class Methods(Bed):
    def hidden(self, agent, address):
        """Nothing that the agent saw names the address."""
        for message in agent.seen:
            self.assertNotIn(address, message.raw.decode("latin-1"))

    def test_a_message_passes_with_its_body(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        text = f"call me at {alice.address}\r\n"
        start(call, "MESSAGE", body=text, kind="text/plain")
        message = bob.expect("MESSAGE")
        self.assertEqual(message.body, text)
        self.assertEqual(message.get("Content-Type"), "text/plain")
        self.assertNotIn(alice.address, message.raw.decode().replace(text, ""))
        bob.respond(message, 202)
        alice.expect(202, "MESSAGE")
        self.nothing_left()

    def test_every_method_passes_out_of_a_dialog(self):
        alice, bob = self.pair()
        for method in ("INFO", "OPTIONS", "PUBLISH", "NOTIFY", "TELEPORT"):
            call = Call(alice, "bob")
            start(call, method, headers=("X-Kept:  a  b",))
            request = bob.expect(method)
            self.assertEqual(request.get("X-Kept"), " a  b")
            self.assertEqual(len(request.all("Via")), 1)
            bob.respond(request, 200, headers=("SIP-ETag: e1",))
            self.assertEqual(alice.expect(200, method).get("SIP-ETag"), "e1")
            bob.expect_none(method, within=0.1)
        self.hidden(bob, alice.address)
        self.nothing_left()

    def test_a_failure_of_the_callee_passes(self):
        alice, bob = self.pair()
        start(Call(alice, "bob"), "SUBSCRIBE", headers=("Event: presence",))
        bob.respond(bob.expect("SUBSCRIBE"), 489,
                    headers=("Allow-Events: dialog",))
        self.assertEqual(alice.expect(489).get("Allow-Events"), "dialog")
        self.nothing_left()

    def test_nobody_speaks_without_credentials(self):
        alice, bob = self.pair()
        for method in ("MESSAGE", "SUBSCRIBE", "PUBLISH", "INFO", "REFER",
                       "TELEPORT", "NOTIFY"):
            eve = self.agent("eve", 66, registered=False, port=5070)
            eve.domain = "elsewhere.example"
            eve.send(eve.request(method, "sip:bob@example.com",
                                 to="sip:bob@example.com", from_tag="e",
                                 call_id=unique("e")))
            eve.expect(403, method)
            eve.close()
            self.agents.remove(eve)
        for method in ("BYE", "PRACK", "UPDATE"):
            alice.send(alice.request(method, "sip:bob@example.com",
                                     to="sip:bob@example.com", from_tag="e",
                                     call_id=unique("e")))
            alice.expect(481, method)
        self.assertEqual([m.first for m in bob.seen if not m.is_response], [])


class Subscriptions(Bed):
    def subscribe(self, *, expires=600, granted=None, early=False,
                  event="message-summary"):
        """alice watches bob: the dialog's two ends."""
        alice, bob = self.pair()
        call = Call(alice, "bob")
        start(call, "SUBSCRIBE", headers=(f"Event: {event}",
                                          f"Expires: {expires}"))
        request = bob.expect("SUBSCRIBE")
        if early:
            self.notify(bob, request, 1, "active;expires=600")
            alice.respond(alice.expect("NOTIFY"), 200)
            bob.expect(200, "NOTIFY")
        bob.respond(request, 200, tag="bt",
                    headers=(f"Expires: {granted or expires}",))
        call.learn(alice.expect(200, "SUBSCRIBE"))
        return alice, bob, call, request

    @staticmethod
    def notify(bob, request, cseq, state, body=""):
        peer_request(bob, request, "NOTIFY", cseq, "bt", body, headers=(
            f"Subscription-State: {state}", "Event: message-summary"))

    def test_a_subscription_lives_both_ways_until_it_is_ended(self):
        alice, bob, call, request = self.subscribe()
        self.assertNotIn(alice.address, request.raw.decode())
        self.assertRegex(request.contact, rf"sip:[0-9a-f]{{32}}b@{OUT}:5060")
        self.assertRegex(call.target, rf"sip:[0-9a-f]{{32}}a@{IN}:5060")
        for cseq in (1, 2):
            self.notify(bob, request, cseq, "active;expires=600")
            seen = alice.expect("NOTIFY")
            self.assertEqual(seen.uri, alice.contact[1:-1])
            self.assertEqual(seen.get("Subscription-State"),
                             "active;expires=600")
            alice.respond(seen, 200)
            bob.expect(200, "NOTIFY")
        call.cseq += 1
        call.send("SUBSCRIBE", headers=("Event: message-summary",
                                        "Expires: 600"))
        refresh = bob.expect("SUBSCRIBE")
        self.assertEqual(refresh.uri, bob.contact[1:-1])
        bob.respond(refresh, 200, headers=("Expires: 600",))
        alice.expect(200, "SUBSCRIBE")
        self.assertEqual([c["state"] for c in self.calls()], ["established"])
        self.notify(bob, request, 3, "terminated;reason=noresource")
        alice.respond(alice.expect("NOTIFY"), 200)
        bob.expect(200, "NOTIFY")
        self.nothing_left()
        call.cseq += 1
        call.send("SUBSCRIBE")
        alice.expect(481)

    def test_a_notify_may_come_before_the_answer(self):
        alice, bob, call, request = self.subscribe(early=True)
        self.assertEqual(len(self.calls()), 1)
        call.cseq += 1
        call.send("SUBSCRIBE", headers=("Expires: 0",))
        bob.respond(bob.expect("SUBSCRIBE"), 200, headers=("Expires: 0",))
        alice.expect(200, "SUBSCRIBE")
        self.notify(bob, request, 2, "terminated")
        alice.respond(alice.expect("NOTIFY"), 200)
        bob.expect(200, "NOTIFY")
        self.nothing_left()

    def test_a_body_that_is_no_sdp_passes_as_it_is(self):
        alice, bob, _, request = self.subscribe(event="dialog")
        xml = f"<dialog-info><target uri='sip:x@{bob.address}'/></dialog-info>"
        lines = []
        bob_send, bob.send = bob.send, lambda text, to=None: lines.append(text)
        self.notify(bob, request, 1, "active", body=xml)
        bob.send = bob_send
        bob.send(lines[0].replace("application/sdp",
                                  "application/dialog-info+xml"))
        notify = alice.expect("NOTIFY")
        self.assertEqual(notify.body, xml)
        alice.respond(notify, 200)
        bob.expect(200, "NOTIFY")

    def test_a_stranger_and_wrong_tags_do_not_notify(self):
        alice, bob, _, request = self.subscribe()
        eve = self.agent("bob", 66, inside=False, registered=False)
        self.notify(eve, request, 1, "terminated")
        eve.expect(403)
        peer_request(bob, request, "NOTIFY", 1, "zz", headers=(
            "Subscription-State: terminated",))
        alice.respond(alice.expect("NOTIFY"), 481)  # another fork, refused
        bob.expect(481)
        token = re.search(r"sip:([0-9a-f]{32})", request.contact).group(1)
        bob.send(f"NOTIFY sip:{'0' * 32}b@{OUT} SIP/2.0\r\nVia: SIP/2.0/UDP "
                 f"{bob.address};branch={unique('z9hG4bK')}\r\nFrom: <sip:b@x>"
                 f";tag=bt\r\nTo: <sip:a@x>;tag=q\r\nCall-ID: {token}\r\n"
                 "CSeq: 9 NOTIFY\r\nContent-Length: 0\r\n\r\n")
        bob.expect(481)
        self.assertEqual(len(self.calls()), 1)

    def test_a_subscription_that_is_not_refreshed_ends(self):
        # Its end is Expires and 32 seconds away; nothing is known before.
        alice, bob, call, request = self.subscribe(expires=0, granted=0)
        self.notify(bob, request, 1, "terminated;reason=timeout")
        alice.respond(alice.expect("NOTIFY"), 200)
        bob.expect(200, "NOTIFY")
        self.nothing_left()

    def test_a_referral_out_of_a_dialog_is_told_about(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        start(call, "REFER", headers=(
            f"Refer-To: <sip:carol@{alice.address}>",))
        refer = bob.expect("REFER")
        self.assertNotIn(alice.address, refer.raw.decode())
        self.assertIn("sip:carol@", refer.get("Refer-To"))
        bob.respond(refer, 202, tag="bt")
        call.learn(alice.expect(202))
        peer_request(bob, refer, "NOTIFY", 1, "bt", headers=(
            "Event: refer", "Subscription-State: active;expires=60"))
        alice.respond(alice.expect("NOTIFY"), 200)
        bob.expect(200, "NOTIFY")
        peer_request(bob, refer, "NOTIFY", 2, "bt", headers=(
            "Event: refer", "Subscription-State: terminated"))
        alice.respond(alice.expect("NOTIFY"), 200)
        bob.expect(200, "NOTIFY")
        self.nothing_left()

    def test_a_referral_without_subscription_leaves_nothing(self):
        alice, bob = self.pair()
        start(Call(alice, "bob"), "REFER", headers=(
            "Refer-To: <sip:carol@example.com>", "Refer-Sub: false"))
        bob.respond(bob.expect("REFER"), 202, tag="bt",
                    headers=("Refer-Sub: false",))
        alice.expect(202)
        self.nothing_left()


class Relays(Bed):
    def test_a_route_to_elsewhere_is_refused(self):
        alice, bob = self.pair()
        third = self.agent("third", 70, inside=False, registered=False)
        carrier = self.agent("carrier", 99, inside=False, registered=False)
        for agent, route in ((alice, f"<sip:{third.address};lr>"),
                             (carrier, f"<sip:{third.address};lr>"),
                             (alice, f"<sip:{IN};lr>, <sip:{third.address}>"),
                             (alice, "<sip:elsewhere.example;lr>")):
            for method in ("INVITE", "MESSAGE", "SUBSCRIBE"):
                agent.send(agent.request(
                    method, f"sip:x@{third.address}",
                    to=f"sip:x@{third.address}", from_tag="t",
                    call_id=unique("r"), headers=(f"Route: {route}",)))
                agent.expect(403, method)
        self.assertEqual(third.seen, [])
        self.assertEqual([m for m in bob.seen if not m.is_response], [])

    def test_our_own_route_is_no_obstacle(self):
        alice, bob = self.pair()
        for route in (f"<sip:{IN}:5060;lr>", "<sip:example.com;lr>",
                      "<sip:sip.example.com;lr;transport=udp>"):
            call = Call(alice, "bob")
            start(call, "MESSAGE", headers=(f"Route: {route}",))
            message = bob.expect("MESSAGE")
            self.assertEqual(message.all("Route"), [])
            bob.respond(message, 200)
            alice.expect(200, "MESSAGE")
        self.nothing_left()

    def test_forged_tags_and_tokens_reach_nobody(self):
        alice, bob = self.pair()
        for method in ("INFO", "NOTIFY", "SUBSCRIBE", "BYE", "INVITE"):
            for uri in ("sip:bob@example.com", f"sip:{'a' * 32}a@{IN}",
                        f"sip:x@{NET}.2.70"):
                alice.send(alice.request(
                    method, uri, to="sip:bob@example.com", to_tag="forged",
                    from_tag="t", call_id=unique("f")))
                alice.expect(481, method)
        self.assertEqual([m for m in bob.seen if not m.is_response], [])
        until(lambda: not self.calls(), "calls are left")


if __name__ == "__main__":
    unittest.main(verbosity=2)
