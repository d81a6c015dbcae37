#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How many calls a trunk, a user and a realm may have."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import CONF, Bed, rpc, until  # noqa: E402
from sipua import Call, sdp  # noqa: E402

LIMITS = CONF.replace("route default {{ to = carrier }}", """
trunk second {{ realm = outside host = "{net}.2.98" }}
route default {{ to = carrier }}
route world {{ number = "+" to = {{"carrier 1", "second 2"}} }}
emergency = {{"112"}}
""")


class Limits(Bed):
    def setUp(self):
        super().setUp()
        self.alice = self.agent("alice", 10)
        self.first, self.second = (
            self.agent(name, last, inside=False, registered=False)
            for name, last in (("first", 99), ("second", 98)))

    def call(self, number, caller=None):
        caller = caller or self.alice
        call = Call(caller, number)
        call.invite(sdp(caller.address, 30000))
        return call

    def taken(self, number, callee, caller=None):
        call = self.call(number, caller)
        callee.respond(callee.expect("INVITE"), 200, tag="bt",
                       body=sdp(callee.address, 40000))
        call.learn(call.agent.expect(200, "INVITE"))
        call.ack()
        callee.expect("ACK")
        return call

    def refused(self, call, status):
        answer = call.agent.expect(status, "INVITE")
        call.ack_failure(answer)
        return answer

    def trunk(self):
        return rpc(f"{self.dir}/proxy.sock", "trunks")["trunks"][0]


class OfTrunks(Limits):
    conf = LIMITS.replace("2.99\" port = 5060", "2.99\" max_calls = 1")

    def test_the_next_target_gets_what_is_too_much(self):
        call = self.taken("+49", self.first)
        self.assertEqual(self.trunk()["calls"], 1)
        other = self.taken("+49", self.second)
        self.end(call, self.first)
        until(lambda: self.trunk()["calls"] == 0, "still counted")
        self.end(other, self.second)
        self.end(self.taken("+49", self.first), self.first)
        self.assertEqual(self.trunk()["refused"], 1)
        self.nothing_left()

    def test_what_the_trunk_calls_counts_as_well(self):
        calls = []
        for status in (200, 503):
            call = Call(self.first, "alice")
            call.cseq, call.branch = 1, f"z9hG4bKlimit{status}"
            call.send("INVITE", body=sdp(self.first.address, 30000),
                      branch=call.branch)
            calls.append(call)
            if status == 503:
                refused = self.refused(call, 503)
                self.assertEqual(refused.get("Retry-After"), "5")
            else:
                self.alice.respond(self.alice.expect("INVITE"), 200, tag="at",
                                   body=sdp(self.alice.address, 40000))
                call.learn(self.first.expect(200, "INVITE"))
                call.ack()
                self.alice.expect("ACK")
        self.end(calls[0], self.alice)
        self.nothing_left()

    def test_a_call_that_fails_gives_its_place_back(self):
        for _ in range(3):
            call = self.call("+49")
            self.first.respond(self.first.expect("INVITE"), 486, tag="x")
            self.refused(call, 486)
        self.assertEqual(self.trunk()["refused"], 0)
        call = self.call("+49")
        self.first.respond(self.first.expect("INVITE"), 503, tag="x")
        invite = self.second.expect("INVITE")
        self.assertEqual(self.trunk()["calls"], 0)
        self.second.respond(invite, 486, tag="x")
        self.refused(call, 486)

    def test_an_emergency_passes_every_limit(self):
        call = self.taken("+49", self.first)
        help_call = self.call("112")
        self.first.respond(self.first.expect("INVITE"), 200, tag="bt",
                           body=sdp(self.first.address, 40002))
        help_call.learn(self.alice.expect(200, "INVITE"))
        help_call.ack()
        self.first.expect("ACK")
        self.assertEqual(self.trunk()["calls"], 2)
        self.end(help_call, self.first)
        self.end(call, self.first)


class OfUsers(Limits):
    conf = LIMITS.replace('users = "{dir}/users"',
                        'users = "{dir}/users" max_calls = 1')

    def test_a_user_has_one_call(self):
        carol = self.agent("carol", 11)
        call = self.taken("+49", self.first)
        self.refused(self.call("+49"), 503)
        # and is busy to others
        self.refused(self.call("alice", carol), 486)
        # others are not concerned
        other = self.taken("+49", self.first, carol)
        self.end(other, self.first)
        self.end(call, self.first)
        self.end(self.taken("alice", self.alice, carol), self.alice)
        self.nothing_left()

    def test_what_is_no_call_is_not_limited(self):
        call = self.taken("+49", self.first)
        message = Call(self.alice, "+49")
        message.cseq = 1
        message.send("MESSAGE")
        challenge = self.alice.expect(407)
        message.cseq = 2
        message.send("MESSAGE", headers=(self.alice.authorization(
            challenge, "MESSAGE", message.to),))
        self.first.respond(self.first.expect("MESSAGE"), 200)
        self.alice.expect(200, "MESSAGE")
        self.end(call, self.first)


class OfRealms(Limits):
    conf = LIMITS.replace(
        "realm inside {{", "realm inside {{ calls_per_second = 2")

    def test_a_burst_is_cut(self):
        for _ in range(2):
            call = self.call("+49")
            self.first.respond(self.first.expect("INVITE"), 486, tag="x")
            self.refused(call, 486)
        self.assertEqual(self.refused(self.call("+49"), 503)
                         .get("Retry-After"), "5")
        self.first.expect_none("INVITE", within=0.1)
        time.sleep(0.7)
        call = self.call("+49")
        self.first.respond(self.first.expect("INVITE"), 486, tag="x")
        self.refused(call, 486)


if __name__ == "__main__":
    unittest.main(verbosity=2)
