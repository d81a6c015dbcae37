#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls through the proxy: bodies, leases, CANCEL in every phase, refusals."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import (IN, OUT, OUTER_IN, OUTER_OUT, Bed,  # noqa: E402
                      until)
from sipua import Call, Message, peer_request, sdp, unique  # noqa: E402


class Calls(Bed):
    def test_both_see_endpoints_of_their_own_realm(self):
        alice, bob = self.pair()
        call, invite, answer = self.talk(alice, bob)
        self.assertEqual(invite.media(), [(OUTER_OUT, 20000)])
        self.assertNotIn(alice.address, invite.raw.decode())
        self.assertEqual(answer.media(), [(bob.address, 40000)])
        self.assertTrue(invite.contact.endswith(f"@{OUT}:5060"))
        self.assertTrue(answer.contact.endswith(f"@{IN}:5060"))
        (lease,) = self.leases()
        self.assertEqual(lease["inner"], f"{alice.address}:30000@inside")
        self.assertEqual(lease["ports"], 2)
        self.assertEqual(lease["remote"], f"{bob.address}:40000")
        self.assertEqual([c["source"] for c in lease["conditions"]],
                         [f"{bob.address}/32"])
        self.assertEqual(self.calls()[0]["groups"], [lease["group"]])
        self.end(call, bob)
        self.nothing_left()

    def test_the_offer_is_open_to_anyone_until_it_is_answered(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        (lease,) = self.leases()
        self.assertFalse(lease.get("conditions"))
        bob.respond(invite, 183, tag="bt", body=sdp(bob.address, 40000))
        alice.expect(183)
        (lease,) = self.leases()
        self.assertEqual(lease["remote"], f"{bob.address}:40000")
        bob.respond(invite, 486, tag="bt")
        call.ack_failure(alice.expect(486))
        bob.expect("ACK")
        self.nothing_left()

    def test_the_callee_hangs_up(self):
        alice, bob = self.pair()
        self.talk(alice, bob)
        invite = [m for m in bob.seen if m.method == "INVITE"][0]
        peer_request(bob, invite, "BYE", 1, "bt")
        bye = alice.expect("BYE")
        self.assertEqual(bye.uri, alice.contact[1:-1])
        alice.respond(bye, 200)
        bob.expect(200, "BYE")
        self.nothing_left()

    def test_a_bye_without_answer_releases_within_a_second(self):
        alice, bob = self.pair()
        call, _, _ = self.talk(alice, bob)
        call.bye()
        bob.expect("BYE")
        until(lambda: not self.leases(), "leases outlive the BYE", 1.5)

    def test_an_outside_caller_reaches_inside(self):
        alice, bob = self.pair()
        call, invite, answer = self.talk(bob, alice)
        self.assertEqual(invite.media(), [(bob.address, 30000)])
        self.assertEqual(answer.media(), [(OUTER_OUT, 20000)])
        self.assertNotIn(alice.address, answer.raw.decode())
        self.end(call, alice)
        self.nothing_left()

    def test_media_in_one_realm_passes_byte_for_byte(self):
        alice = self.agent("alice", 10)
        carol = self.agent("carol", 11)
        body = sdp(alice.address, 30000, extra="a=candidate:1 1 UDP 1 "
                   f"{alice.address} 30000 typ host\r\n")
        call = Call(alice, "carol")
        call.invite(body)
        invite = carol.expect("INVITE")
        self.assertEqual(invite.body, body)
        answer = sdp(carol.address, 40000)
        carol.respond(invite, 200, tag="ct", body=answer)
        self.assertEqual(call.learn(alice.expect(200, "INVITE")).body, answer)
        call.ack()
        carol.expect("ACK")
        self.assertEqual(self.leases(), [])
        self.end(call, carol)

    def test_several_streams_are_one_ask_and_a_refused_one_is_mirrored(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000, 30010))
        invite = bob.expect("INVITE")
        self.assertEqual(invite.media(), [(OUTER_OUT, 20000),
                                          (OUTER_OUT, 20002)])
        self.assertEqual(self.asked()["ask"], 1)
        self.assertEqual(len(self.leases()), 2)
        bob.respond(invite, 200, tag="bt", body=sdp(bob.address, 40000, 0))
        answer = call.learn(alice.expect(200, "INVITE"))
        self.assertEqual([port for _, port in answer.media()], [40000, 0])
        call.ack()
        bob.expect("ACK")
        self.end(call, bob)
        self.nothing_left()

    def test_a_late_offer_is_answered_in_the_ack(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite()
        invite = bob.expect("INVITE")
        self.assertEqual(invite.body, "")
        bob.respond(invite, 200, tag="bt", body=sdp(bob.address, 40000))
        answer = call.learn(alice.expect(200, "INVITE"))
        self.assertEqual(answer.media(), [(bob.address, 40000)])
        call.ack(sdp(alice.address, 30000))
        self.assertEqual(bob.expect("ACK").media(), [(OUTER_OUT, 20000)])
        call.ack(sdp(alice.address, 30000))
        self.assertEqual(bob.expect("ACK").media(), [(OUTER_OUT, 20000)])
        self.assertEqual(self.asked()["ask"], 1)
        self.end(call, bob)
        self.nothing_left()

    def test_reliable_answer_and_prack_pass(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000), headers=("Require: 100rel",))
        invite = bob.expect("INVITE")
        self.assertEqual(invite.get("Require"), "100rel")
        bob.respond(invite, 183, tag="bt", body=sdp(bob.address, 40000),
                    headers=("RSeq: 7", "Require: 100rel"))
        progress = call.learn(alice.expect(183))
        self.assertEqual(progress.get("RSeq"), "7")
        call.cseq += 1
        call.send("PRACK", headers=(f"RAck: 7 {call.cseq - 1} INVITE",))
        prack = bob.expect("PRACK")
        bob.respond(prack, 200)
        alice.expect(200, "PRACK")
        bob.respond(invite, 200, tag="bt")
        call.learn(alice.expect(200, "INVITE"))
        call.cseq -= 1
        call.ack()
        call.cseq += 1
        bob.expect("ACK")
        self.end(call, bob)
        self.nothing_left()


class TimerC(Bed):
    conf = "ring_time = 1\n" + Bed.conf

    def test_a_call_that_rings_for_ever_is_ended(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        bob.respond(invite, 180, tag="bt")
        alice.expect(180)
        cancel = bob.expect("CANCEL")
        bob.respond(cancel, 200, tag="bt")
        bob.respond(invite, 487, tag="bt")
        bob.expect("ACK")
        call.ack_failure(alice.expect(487))
        self.nothing_left()


class Changes(Bed):
    def reinvite(self, call, port):
        call.cseq += 1
        call.branch = unique("z9hG4bK")
        call.send("INVITE", body=sdp(call.agent.address, port),
                  branch=call.branch)

    def test_an_unchanged_endpoint_keeps_its_lease(self):
        alice, bob = self.pair()
        call, _, _ = self.talk(alice, bob)
        before = self.leases()
        self.reinvite(call, 30000)
        invite = bob.expect("INVITE")
        self.assertEqual(invite.media(), [(OUTER_OUT, 20000)])
        bob.respond(invite, 200, body=sdp(bob.address, 40000))
        call.learn(alice.expect(200, "INVITE"))
        call.ack()
        bob.expect("ACK")
        self.assertEqual(self.leases(), before)
        self.assertEqual(self.asked()["ask"], 1)
        self.end(call, bob)

    def test_media_that_moves_gets_a_lease_before_the_old_one_goes(self):
        alice, bob = self.pair()
        call, _, _ = self.talk(alice, bob)
        self.reinvite(call, 31000)
        invite = bob.expect("INVITE")
        self.assertEqual(invite.media(), [(OUTER_OUT, 20002)])
        self.assertEqual(len(self.leases()), 2)
        bob.respond(invite, 200, body=sdp(bob.address, 41000))
        call.learn(alice.expect(200, "INVITE"))
        call.ack()
        bob.expect("ACK")
        until(lambda: len(self.leases()) == 1, "the old lease is left")
        (lease,) = self.leases()
        self.assertEqual(lease["inner"], f"{alice.address}:31000@inside")
        self.assertEqual(lease["remote"], f"{bob.address}:41000")
        self.end(call, bob)
        self.nothing_left()

    def test_a_refused_change_leaves_the_old_media_untouched(self):
        alice, bob = self.pair()
        call, _, _ = self.talk(alice, bob)
        before = self.leases()
        self.reinvite(call, 31000)
        bob.respond(bob.expect("INVITE"), 488)
        call.ack_failure(alice.expect(488))
        bob.expect("ACK")
        until(lambda: self.leases() == before, "not as before")
        self.end(call, bob)
        self.nothing_left()

    def test_a_change_that_is_not_granted_keeps_the_call(self):
        alice, bob = self.pair()
        self.manager("--refuse", "2")
        call, _, _ = self.talk(alice, bob)
        self.reinvite(call, 31000)
        refused = alice.expect(503)
        self.assertIn("NO_ENDPOINT", refused.get("Reason"))
        call.ack_failure(refused)
        bob.expect_none("INVITE")
        self.assertEqual(len(self.leases()), 1)
        self.end(call, bob)
        self.nothing_left()

    def test_the_callee_may_change_as_well(self):
        alice, bob = self.pair()
        call, invite, _ = self.talk(alice, bob)
        peer_request(bob, invite, "UPDATE", 5, "bt", sdp(bob.address, 42000))
        update = alice.expect("UPDATE")
        self.assertEqual(update.media(), [(bob.address, 42000)])
        alice.respond(update, 200, body=sdp(alice.address, 30000))
        self.assertEqual(bob.expect(200, "UPDATE").media(),
                         [(OUTER_OUT, 20000)])
        self.assertEqual(self.leases()[0]["remote"], f"{bob.address}:42000")
        self.end(call, bob)

    def test_requests_within_the_dialog_pass_both_ways(self):
        alice, bob = self.pair()
        call, invite, _ = self.talk(alice, bob)
        call.cseq += 1
        call.send("INFO", headers=("X-Unknown:  as  it is",))
        info = bob.expect("INFO")
        self.assertEqual(info.get("X-Unknown"), " as  it is")
        bob.respond(info, 200)
        alice.expect(200, "INFO")
        peer_request(bob, invite, "OPTIONS", 9, "bt")
        alice.respond(alice.expect("OPTIONS"), 200)
        bob.expect(200, "OPTIONS")
        self.end(call, bob)


class Forks(Bed):
    def test_each_fork_is_admitted_and_the_winner_remains(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        for tag, last in (("one", 30), ("two", 31)):
            bob.respond(invite, 183, tag=tag,
                        body=sdp(bob.address.rsplit(".", 1)[0] + f".{last}",
                                 40000))
            self.assertEqual(alice.expect(183).tag, tag)
        sources = {c["source"].rsplit(".", 1)[1]
                   for c in self.leases()[0]["conditions"]}
        self.assertEqual(sources, {"30/32", "31/32"})
        bob.respond(invite, 200, tag="two",
                    body=sdp(bob.address.rsplit(".", 1)[0] + ".31", 40000))
        self.assertEqual(call.learn(alice.expect(200, "INVITE")).tag, "two")
        call.ack()
        bob.expect("ACK")
        sources = {c["source"].rsplit(".", 1)[1]
                   for c in self.leases()[0]["conditions"]}
        self.assertEqual(sources, {"31/32"})
        self.end(call, bob)
        self.nothing_left()

    def test_a_repeated_answer_is_the_same_without_another_ask(self):
        alice, bob = self.pair()
        call, invite, answer = self.talk(bob, alice)
        asks = self.asked()
        alice.respond(invite, 200, tag="bt", body=sdp(alice.address, 40000))
        again = bob.expect(200, "INVITE")
        self.assertEqual(again.raw, answer.raw)
        self.assertEqual(self.asked(), asks)
        self.end(call, alice)
        self.nothing_left()

    def test_two_answers_of_a_fork_both_arrive(self):
        alice, bob = self.pair()
        call = Call(bob, "alice")
        call.invite(sdp(bob.address, 30000))
        invite = alice.expect("INVITE")
        alice.respond(invite, 200, tag="one", body=sdp(alice.address, 40000))
        first = bob.expect(200, "INVITE")
        alice.respond(invite, 200, tag="two", body=sdp(alice.address, 41000))
        second = bob.expect(200, "INVITE")
        self.assertEqual((first.tag, second.tag), ("one", "two"))
        self.assertEqual(first.media(), [(OUTER_OUT, 20000)])
        self.assertEqual(second.media(), [(OUTER_OUT, 20002)])
        self.assertEqual(len(second.all("Via")), 1)
        for answer in (second, first):
            call.learn(answer)
            call.ack()
            alice.expect("ACK")
        call.learn(second)
        self.end(call, alice)
        until(lambda: len(self.leases()) == 1, "the loser's lease is left")
        call.learn(first)
        self.end(call, alice)
        self.nothing_left()


class Cancels(Bed):
    def test_while_the_manager_is_asked(self):
        alice, bob = self.pair()
        self.manager("--delay", "500")
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        alice.expect(100)
        call.cancel()
        alice.expect(200, "CANCEL")
        call.ack_failure(alice.expect(487))
        bob.expect_none("INVITE", within=0.8)
        self.nothing_left()

    def test_before_the_callee_says_anything(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        call.cancel()
        alice.expect(200, "CANCEL")
        bob.expect_none("CANCEL")
        bob.respond(invite, 180, tag="bt")
        cancel = bob.expect("CANCEL")
        self.assertEqual(cancel.get("Via").split("branch=")[1].split(";")[0],
                         invite.get("Via").split("branch=")[1].split(";")[0])
        bob.respond(cancel, 200)
        bob.respond(invite, 487, tag="bt")
        bob.expect("ACK")
        call.ack_failure(alice.expect(487))
        self.nothing_left()

    def test_while_it_rings(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        bob.respond(invite, 180, tag="bt")
        alice.expect(180)
        call.cancel()
        bob.respond(bob.expect("CANCEL"), 200)
        bob.respond(invite, 487, tag="bt")
        bob.expect("ACK")
        call.ack_failure(alice.expect(487))
        self.nothing_left()

    def test_an_answer_that_crosses_it_passes(self):
        alice, bob = self.pair()
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        invite = bob.expect("INVITE")
        bob.respond(invite, 180, tag="bt")
        alice.expect(180)
        call.cancel()
        bob.respond(bob.expect("CANCEL"), 200)
        bob.respond(invite, 200, tag="bt", body=sdp(bob.address, 40000))
        call.learn(alice.expect(200, "INVITE"))
        call.ack()
        bob.expect("ACK")
        self.end(call, bob)
        self.nothing_left()

    def test_of_nothing_is_481(self):
        alice, _ = self.pair()
        call = Call(alice, "bob")
        call.cseq, call.branch = 1, unique("z9hG4bK")
        call.cancel()
        alice.expect(481, "CANCEL")


class Refusals(Bed):
    def test_an_offer_that_is_not_granted(self):
        alice, bob = self.pair()
        self.manager("--refuse", "1")
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        refused = alice.expect(503)
        self.assertEqual(refused.get("Reason"),
                         'SIP;cause=503;text="address manager: NO_ENDPOINT"')
        call.ack_failure(refused)
        bob.expect_none("INVITE")
        self.nothing_left()

    def test_an_answer_that_is_not_granted(self):
        alice, bob = self.pair()
        self.manager("--refuse", "1")
        call = Call(bob, "alice")
        call.invite(sdp(bob.address, 30000))
        invite = alice.expect("INVITE")
        alice.respond(invite, 200, tag="at", body=sdp(alice.address, 40000))
        alice.expect("ACK")
        bye = alice.expect("BYE")
        alice.respond(bye, 200)
        refused = bob.expect(503)
        self.assertIn("NO_ENDPOINT", refused.get("Reason"))
        call.ack_failure(refused)
        self.nothing_left()

    def test_early_media_that_is_not_granted(self):
        alice, bob = self.pair()
        self.manager("--refuse", "1")
        call = Call(bob, "alice")
        call.invite(sdp(bob.address, 30000))
        invite = alice.expect("INVITE")
        alice.respond(invite, 183, tag="at", body=sdp(alice.address, 40000))
        call.ack_failure(bob.expect(503))
        alice.respond(alice.expect("CANCEL"), 200)
        alice.respond(invite, 487, tag="at")
        alice.expect("ACK")
        self.nothing_left()

    def test_an_answer_in_the_ack_that_is_not_granted(self):
        alice, bob = self.pair()
        self.manager("--refuse", "1")
        call = Call(alice, "bob")
        call.invite()
        invite = bob.expect("INVITE")
        bob.respond(invite, 200, tag="bt", body=sdp(bob.address, 40000))
        call.learn(alice.expect(200, "INVITE"))
        call.ack(sdp(alice.address, 30000))
        bob.expect("ACK")
        for agent in (bob, alice):
            agent.respond(agent.expect("BYE"), 200)
        self.nothing_left()

    def test_a_manager_that_is_silent_costs_one_second(self):
        alice, bob = self.pair()
        self.manager("--mute", "1")
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        start = time.monotonic()
        refused = alice.expect(503)
        self.assertLess(time.monotonic() - start, 1.3)
        self.assertIn("no answer in time", refused.get("Reason"))
        call.ack_failure(refused)
        bob.expect_none("INVITE")
        self.manager()
        call, _, _ = self.talk(alice, bob)
        self.end(call, bob)
        self.nothing_left()

    def test_a_manager_that_dies_is_missed_at_once_and_found_again(self):
        alice, bob = self.pair()
        self.manager("--die", "1")
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        call.ack_failure(alice.expect(503, within=1.0))
        call = Call(alice, "bob")
        call.invite(sdp(alice.address, 30000))
        refused = alice.expect(503, within=1.0)
        self.assertIn("not connected", refused.get("Reason"))
        call.ack_failure(refused)
        bob.expect_none("INVITE")

    def test_a_bye_passes_without_a_manager(self):
        alice, bob = self.pair()
        call, _, _ = self.talk(alice, bob)
        self.stop_manager()
        self.end(call, bob)

    def test_a_new_manager_is_told_what_is_in_use(self):
        alice, bob = self.pair()
        call, _, _ = self.talk(alice, bob)
        (before,) = self.leases()
        self.manager()
        until(lambda: len(self.leases()) == 1, "not asked for again")
        (after,) = self.leases()
        for key in ("inner", "group", "remote", "ports", "conditions"):
            self.assertEqual(after[key], before[key])
        self.assertEqual(after["request"], {
            "outer": before["outer"].split("@")[0], "mode": "strict"})
        self.end(call, bob)
        self.nothing_left()

    def test_users_that_are_not_there(self):
        alice = self.agent("alice", 10)
        for user, status in (("nobody", 404), ("dave", 480)):
            call = Call(alice, user)
            call.invite(sdp(alice.address, 30000))
            call.ack_failure(alice.expect(status))
        self.nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
