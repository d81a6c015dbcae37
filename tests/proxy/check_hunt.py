#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A request that goes to one place after the other."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import CONF, NET, OUTER_OUT, Bed, until  # noqa: E402
from sipua import Call, peer_request, sdp  # noqa: E402

TABLE = CONF.replace("route default {{ to = carrier }}", """
trunk second {{ realm = outside host = "{net}.2.98" }}
trunk third  {{ realm = outside host = "{net}.2.97" }}
route default {{ to = carrier }}
route world {{ number = "+" to = {{"third 3", "second 2", "carrier 1"}} }}
route quick {{ number = "1" to = {{"carrier 1", "second 2"}} timeout = 1 }}
route picky {{ number = "2" to = {{"carrier 1", "second 2"}}
    failover = {{"486", "600-603"}} }}
route home {{ number = "0049" strip = 4 prefix = "+49"
    to = {{"second 1", "carrier 2"}} }}
route did {{ from = carrier number = "+4930" strip = 5 to = "example.com" }}
""")


class Hunt(Bed):
    conf = TABLE

    def setUp(self):
        super().setUp()
        self.alice = self.agent("alice", 10)
        self.first, self.second = (
            self.agent(name, last, inside=False, registered=False)
            for name, last in (("first", 99), ("second", 98)))

    def call(self, number, body=True):
        call = Call(self.alice, number)
        call.invite(sdp(self.alice.address, 30000) if body else "")
        return call

    def answered(self, call, carrier, invite, tag="bt"):
        """The call is taken there, and ended."""
        carrier.respond(invite, 200, tag=tag,
                        body=sdp(carrier.address, 40000))
        answer = call.learn(self.alice.expect(200, "INVITE"))
        self.assertEqual(answer.media(), [(carrier.address, 40000)])
        call.ack()
        carrier.expect("ACK")
        self.end(call, carrier)
        self.nothing_left()

    def test_the_next_is_tried_after_a_failure(self):
        call = self.call("+4930")
        invite = self.first.expect("INVITE")
        self.assertEqual(invite.uri, f"sip:+4930@{NET}.2.99")
        self.assertEqual(invite.media(), [(OUTER_OUT, 20000)])
        self.first.respond(invite, 503, tag="ft")
        self.first.expect("ACK")
        invite = self.second.expect("INVITE")
        self.assertEqual(invite.uri, f"sip:+4930@{NET}.2.98")
        # The same lease serves again; nothing of the first is left.
        self.assertEqual(invite.media(), [(OUTER_OUT, 20000)])
        self.assertEqual(len(invite.all("Via")), 1)
        self.assertEqual(invite.get("Max-Forwards"), "69")
        self.assertEqual(self.asked()["ask"], 1)
        self.alice.expect_none(503, within=0.1)
        self.assertEqual(self.status()["counters"]["failovers"], 1)
        self.answered(call, self.second, invite)

    def test_early_media_of_the_first_ends_with_it(self):
        call = self.call("+4930")
        invite = self.first.expect("INVITE")
        self.first.respond(invite, 183, tag="ft",
                           body=sdp(self.first.address, 41000))
        self.alice.expect(183)
        self.assertEqual(self.leases()[0]["remote"],
                         f"{self.first.address}:41000")
        self.first.respond(invite, 500, tag="ft")
        invite = self.second.expect("INVITE")
        self.assertEqual([lease.get("remote") for lease in self.leases()],
                         [None])
        self.second.respond(invite, 183, tag="st",
                            body=sdp(self.second.address, 42000))
        self.alice.expect(183)
        self.assertEqual(self.leases()[0]["remote"],
                         f"{self.second.address}:42000")
        self.answered(call, self.second, invite, "st")

    def test_nobody_listens_there(self):
        self.first.close()
        self.agents.remove(self.first)
        call = self.call("+4930")
        self.answered(call, self.second, self.second.expect("INVITE"))

    def test_the_last_failure_is_told(self):
        call = self.call("+4930")
        self.first.respond(self.first.expect("INVITE"), 503, tag="ft")
        self.second.respond(self.second.expect("INVITE"), 502, tag="st")
        # third is not there at all
        refused = self.alice.expect(503)
        call.ack_failure(refused)
        self.nothing_left()

    def test_a_refusal_is_final(self):
        call = self.call("+4930")
        self.first.respond(self.first.expect("INVITE"), 486, tag="ft")
        call.ack_failure(self.alice.expect(486))
        self.second.expect_none("INVITE")
        self.nothing_left()

    def test_the_statuses_are_those_of_the_section(self):
        call = self.call("2222")
        self.first.respond(self.first.expect("INVITE"), 486, tag="ft")
        self.second.respond(self.second.expect("INVITE"), 503, tag="st")
        call.ack_failure(self.alice.expect(503))
        call = self.call("2223")
        self.first.respond(self.first.expect("INVITE"), 503, tag="ft")
        call.ack_failure(self.alice.expect(503))
        self.second.expect_none("INVITE", within=0.2)
        self.nothing_left()

    def test_silence_is_a_failure(self):
        start = time.monotonic()
        call = self.call("1234")
        invite = self.first.expect("INVITE")
        self.first.respond(invite, 100)
        second = self.second.expect("INVITE")
        self.assertLess(0.8, time.monotonic() - start)
        # The first is told, and what it says now is of no use.
        cancel = self.first.expect("CANCEL")
        self.first.respond(cancel, 200, tag="ft")
        self.first.respond(invite, 487, tag="ft")
        self.first.expect("ACK")
        self.answered(call, self.second, second)

    def test_an_answer_that_comes_too_late_is_ended(self):
        call = self.call("1234")
        invite = self.first.expect("INVITE")
        self.first.respond(invite, 100)
        second = self.second.expect("INVITE")
        self.first.respond(self.first.expect("CANCEL"), 200, tag="ft")
        self.first.respond(invite, 200, tag="ft",
                           body=sdp(self.first.address, 41000))
        ack = self.first.expect("ACK")
        self.assertIn(";tag=ft", ack.get("To"))
        bye = self.first.expect("BYE")
        self.first.respond(bye, 200)
        self.assertEqual(bye.uri, self.first.contact[1:-1])
        self.assertNotIn(self.alice.address, bye.raw.decode())
        self.alice.expect_none(200, "INVITE", within=0.2)
        self.answered(call, self.second, second)

    def test_who_rings_has_the_time_to_ring(self):
        call = self.call("1234")
        invite = self.first.expect("INVITE")
        self.first.respond(invite, 180, tag="ft")
        self.alice.expect(180)
        self.second.expect_none("INVITE", within=1.5)
        self.answered(call, self.first, invite, "ft")

    def test_a_cancel_ends_the_search(self):
        call = self.call("+4930")
        self.first.respond(self.first.expect("INVITE"), 503, tag="ft")
        invite = self.second.expect("INVITE")
        self.second.respond(invite, 180, tag="st")
        self.alice.expect(180)
        call.cancel()
        self.alice.expect(200, "CANCEL")
        self.second.respond(self.second.expect("CANCEL"), 200, tag="st")
        self.second.respond(invite, 503, tag="st")
        call.ack_failure(self.alice.expect(503))
        self.nothing_left()

    def test_a_message_goes_the_same_way(self):
        call = Call(self.alice, "004930")
        call.cseq += 1
        call.send("MESSAGE")
        challenge = self.alice.expect(407)
        call.cseq += 1
        call.send("MESSAGE", headers=(self.alice.authorization(
            challenge, "MESSAGE", call.to),))
        message = self.second.expect("MESSAGE")
        self.assertEqual(message.uri, f"sip:+4930@{NET}.2.98")
        self.second.respond(message, 500, tag="x")
        message = self.first.expect("MESSAGE")
        self.first.respond(message, 202, tag="x")
        self.alice.expect(202)
        self.nothing_left()

    def test_a_number_of_the_carrier_becomes_a_user(self):
        phone = self.agent("100", 11)
        for number, status in (("+4930100", 200), ("+4930101", 480)):
            call = Call(self.first, "x")
            call.to = call.target = f"sip:{number}@{NET}.2.1"
            call.cseq = 1
            call.send("MESSAGE")
            if status == 200:
                message = phone.expect("MESSAGE")
                self.assertEqual(message.uri, phone.contact[1:-1])
                phone.respond(message, 200)
            self.first.expect(status, "MESSAGE")
        self.nothing_left()

    def test_a_dialog_after_a_failover_goes_to_who_took_it(self):
        call = self.call("+4930")
        self.first.respond(self.first.expect("INVITE"), 503, tag="ft")
        invite = self.second.expect("INVITE")
        self.second.respond(invite, 200, tag="st",
                            body=sdp(self.second.address, 40000))
        call.learn(self.alice.expect(200, "INVITE"))
        call.ack()
        self.second.expect("ACK")
        peer_request(self.second, invite, "INFO", 5, "st")
        self.alice.respond(self.alice.expect("INFO"), 200)
        self.second.expect(200, "INFO")
        # the one that failed is a stranger
        peer_request(self.first, invite, "BYE", 6, "st")
        self.first.expect(403)
        self.end(call, self.second)
        self.nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
