#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An INVITE that rings at several contacts of one user."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import OUTER_OUT, Bed, until  # noqa: E402
from sipua import Call, sdp, unique  # noqa: E402


class Fork(Bed):
    def setUp(self):
        super().setUp()
        self.alice = self.agent("alice", 10)
        self.carrier = self.agent("carrier", 99, inside=False,
                                  registered=False)

    def phones(self, *places):
        """Bob's, each (inside, q)."""
        result = []
        for i, (inside, q) in enumerate(places):
            phone = self.agent("bob", 20 + i, inside=inside, registered=False)
            phone.register(params=f";q={q}")
            result.append(phone)
        return result

    def call(self):
        call = Call(self.alice, "bob")
        call.invite(sdp(self.alice.address, 30000))
        return call

    def ring(self, phone, tag):
        invite = phone.expect("INVITE")
        phone.respond(invite, 180, tag=tag)
        self.alice.expect(180)
        return invite

    def taken(self, call, phone, invite, tag):
        phone.respond(invite, 200, tag=tag, body=sdp(phone.address, 40000))
        answer = call.learn(self.alice.expect(200, "INVITE"))
        self.assertEqual(answer.tag, tag)
        call.ack()
        phone.expect("ACK")
        return answer

    def cancelled(self, phone, invite, tag):
        phone.respond(phone.expect("CANCEL"), 200)
        phone.respond(invite, 487, tag=tag)
        phone.expect("ACK")

    def test_all_of_one_q_ring_and_the_first_that_answers_has_the_call(self):
        one, two = self.phones((False, 1), (False, 1))
        call = self.call()
        first, second = self.ring(one, "t1"), self.ring(two, "t2")
        self.assertEqual(len(self.leases()), 2)
        answer = self.taken(call, two, second, "t2")
        self.assertEqual(answer.media(), [(two.address, 40000)])
        until(lambda: len(self.leases()) == 1, "the loser keeps its lease")
        self.assertEqual(self.leases()[0]["remote"], f"{two.address}:40000")
        self.assertNotEqual(first.media(), second.media())
        self.cancelled(one, first, "t1")
        self.alice.expect_none(487)
        self.end(call, two)
        self.nothing_left()

    def test_into_two_realms_each_with_its_own_media(self):
        far, near = self.phones((False, 1), (True, 1))
        call = self.call()
        outside, inside = self.ring(far, "t1"), self.ring(near, "t2")
        self.assertEqual(outside.media()[0][0], OUTER_OUT)
        self.assertEqual(inside.media(), [(self.alice.address, 30000)])
        answer = self.taken(call, near, inside, "t2")
        self.assertEqual(answer.media(), [(near.address, 40000)])
        until(lambda: not self.leases(), "the loser keeps its lease")
        self.cancelled(far, outside, "t1")
        self.end(call, near)
        self.nothing_left()

    def test_a_caller_outside_reaches_both_realms(self):
        far, near = self.phones((False, 1), (True, 1))
        call = Call(self.carrier, "bob")
        call.cseq, call.branch = 1, unique("z9hG4bK")
        call.send("INVITE", body=sdp(self.carrier.address, 30000),
                  branch=call.branch)
        near_invite = near.expect("INVITE")
        far_invite = far.expect("INVITE")
        near.respond(near_invite, 200, tag="n", body=sdp(near.address, 40000))
        answer = call.learn(self.carrier.expect(200, "INVITE"))
        self.assertEqual(answer.media()[0][0], OUTER_OUT)
        call.ack()
        near.expect("ACK")
        far.respond(far_invite, 180, tag="f")
        self.cancelled(far, far_invite, "f")
        self.end(call, near)
        self.nothing_left()

    def test_the_next_q_rings_when_all_before_have_refused(self):
        low, one, two = self.phones((False, "0.3"), (False, 1), (True, 1))
        call = self.call()
        first, second = one.expect("INVITE"), two.expect("INVITE")
        one.respond(first, 486, tag="t1")
        one.expect("ACK")
        low.expect_none("INVITE", within=0.2)
        two.respond(second, 480, tag="t2")
        two.expect("ACK")
        third = self.ring(low, "t3")
        self.alice.expect_none(486, within=0.1)
        self.taken(call, low, third, "t3")
        self.end(call, low)
        self.nothing_left()

    def test_the_best_refusal_is_told(self):
        one, two, low = self.phones((False, 1), (False, 1), (False, "0.5"))
        call = self.call()
        invites = [phone.expect("INVITE") for phone in (one, two)]
        one.respond(invites[0], 503, tag="t1")
        two.respond(invites[1], 486, tag="t2")
        low.respond(low.expect("INVITE"), 480, tag="t3")
        refused = self.alice.expect(486)
        self.assertEqual(refused.tag, "t2")
        call.ack_failure(refused)
        self.nothing_left()

    def test_a_6xx_ends_all(self):
        one, two, low = self.phones((False, 1), (False, 1), (False, "0.5"))
        call = self.call()
        first, second = self.ring(one, "t1"), self.ring(two, "t2")
        one.respond(first, 603, tag="t1")
        call.ack_failure(self.alice.expect(603))
        self.cancelled(two, second, "t2")
        low.expect_none("INVITE", within=0.2)
        self.nothing_left()

    def test_a_cancel_reaches_all_that_ring(self):
        one, two, low = self.phones((False, 1), (True, 1), (False, "0.5"))
        call = self.call()
        first, second = self.ring(one, "t1"), self.ring(two, "t2")
        call.cancel()
        self.alice.expect(200, "CANCEL")
        self.cancelled(one, first, "t1")
        self.cancelled(two, second, "t2")
        call.ack_failure(self.alice.expect(487))
        low.expect_none("INVITE", within=0.2)
        self.nothing_left()

    def test_an_answer_that_crosses_is_ended(self):
        one, two = self.phones((False, 1), (False, 1))
        call = self.call()
        first, second = self.ring(one, "t1"), self.ring(two, "t2")
        self.taken(call, one, first, "t1")
        two.expect("CANCEL")
        two.respond(second, 200, tag="t2", body=sdp(two.address, 40000))
        two.expect("ACK")
        two.respond(two.expect("BYE"), 200)
        self.alice.expect_none(200, "INVITE")
        self.assertEqual(len(self.leases()), 1)
        self.end(call, one)
        self.nothing_left()

    def test_early_media_of_each_branch_has_its_own_lease(self):
        one, two = self.phones((False, 1), (False, 1))
        call = self.call()
        for phone, tag, port in ((one, "t1", 41000), (two, "t2", 42000)):
            phone.respond(phone.expect("INVITE"), 183, tag=tag,
                          body=sdp(phone.address, port))
            early = self.alice.expect(183)
            self.assertEqual(early.media(), [(phone.address, port)])
        self.assertEqual(sorted(lease["remote"] for lease in self.leases()),
                         [f"{one.address}:41000", f"{two.address}:42000"])
        call.cancel()
        self.alice.expect(200, "CANCEL")
        for phone in (one, two):
            self.cancelled(phone, next(m for m in phone.seen
                                       if m.method == "INVITE"), "t")
        call.ack_failure(self.alice.expect(487))
        self.nothing_left()

    def test_a_contact_left_over_from_before_a_restart_does_not_ring(self):
        phone = self.agent("bob", 20, inside=False)
        phone.register(contact=f"<sip:bob-after@{phone.address}:5060>")
        call = self.call()
        invite = phone.expect("INVITE")
        phone.expect_none("INVITE", within=0.3)
        self.taken(call, phone, invite, "t")
        self.end(call, phone)
        self.nothing_left()

    def test_two_flows_of_one_phone_ring_once(self):
        phone = self.agent("bob", 20, inside=False, registered=False)
        other = self.agent("bob", 20, inside=False, registered=False,
                           port=5070)
        for flow, number in ((phone, 1), (other, 2)):
            flow.register(params=';+sip.instance="<urn:uuid:0-1>"'
                          f";reg-id={number}")
        call = self.call()
        invite = other.expect("INVITE")
        phone.expect_none("INVITE", within=0.3)
        self.taken(call, other, invite, "t")
        self.end(call, other)
        self.nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
