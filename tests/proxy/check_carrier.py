#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the edge does with carriers: checks, registration, their challenges."""

import hashlib
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import CONF, NET, OUT, OUTER_OUT, Bed, rpc, until  # noqa: E402
from sipua import Call, peer_request, sdp  # noqa: E402

TRUNKS = """
trunk second {{ realm = outside host = "{net}.2.98" %s }}
route default {{ to = carrier }}
route world {{ number = "+" to = {{"second 1", "carrier 2"}} }}
"""


def with_second(settings):
    return CONF.replace("route default {{ to = carrier }}", TRUNKS % settings)


def challenge(realm="carrier.example", nonce="n1", status=407, more=""):
    name = "Proxy-Authenticate" if status == 407 else "WWW-Authenticate"
    return (f'{name}: Digest realm="{realm}", nonce="{nonce}", qop="auth"'
            f'{more}',)


def is_right(request, user="me", password="secret"):
    """Are the credentials what a registrar wants?"""
    value = request.get("Authorization") or request.get("Proxy-Authorization")
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', value))

    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()
    ha1 = md5(f"{user}:{fields['realm']}:{password}")
    ha2 = md5(f"{request.method}:{request.uri}")
    return fields["uri"] == request.uri and fields["response"] == md5(
        f"{ha1}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth:{ha2}")


class Trunks(Bed):
    def setUp(self):
        super().setUp()
        self.alice = self.agent("alice", 10)
        self.first, self.second = (
            self.agent(name, last, inside=False, registered=False)
            for name, last in (("first", 99), ("second", 98)))

    def trunk(self, name="second"):
        trunks = rpc(f"{self.dir}/proxy.sock", "trunks")["trunks"]
        return [t for t in trunks if t["name"] == name][0]

    def call(self, number):
        call = Call(self.alice, number)
        call.invite(sdp(self.alice.address, 30000))
        return call


class Checks(Trunks):
    conf = with_second("check = 1")

    def test_a_trunk_that_is_silent_is_asked_last(self):
        self.assertEqual(self.trunk("carrier")["state"], "unchecked")
        for _ in range(3):
            options = self.second.expect("OPTIONS")
            self.assertEqual(options.uri, f"sip:{NET}.2.98")
            self.second.respond(options, 404)
        self.assertEqual(self.trunk()["state"], "up")
        # One that is lost changes nothing.
        self.second.expect("OPTIONS")
        self.second.respond(self.second.expect("OPTIONS"), 200)
        self.assertEqual(self.trunk()["state"], "up")
        until(lambda: self.trunk()["state"] == "down", "still up", 5)
        call = self.call("+4930")
        self.first.respond(self.first.expect("INVITE"), 486, tag="x")
        call.ack_failure(self.alice.expect(486))
        self.second.kept.clear()
        while not self.second.inbox.empty():
            self.second.inbox.get()
        # One good answer is not enough.
        self.second.respond(self.second.expect("OPTIONS"), 200)
        until(lambda: self.trunk()["checks_failed"] >= 2, "not counted")
        self.assertEqual(self.trunk()["state"], "down")
        for _ in range(3):
            self.second.respond(self.second.expect("OPTIONS"), 200)
        until(lambda: self.trunk()["state"] == "up", "still down")
        call = self.call("+4930")
        self.second.respond(self.second.expect("INVITE"), 486, tag="x")
        call.ack_failure(self.alice.expect(486))

    def test_when_all_are_down_they_are_tried(self):
        for _ in range(2):
            self.second.respond(self.second.expect("OPTIONS"), 503)
        until(lambda: self.trunk()["state"] == "down", "still up")
        call = self.call("+4930")
        self.first.respond(self.first.expect("INVITE"), 503, tag="x")
        self.second.respond(self.second.expect("INVITE"), 486, tag="y")
        call.ack_failure(self.alice.expect(486))
        self.nothing_left()


class Carrier(Trunks):
    conf = with_second('register = {{me, secret}} expires = 12 '
                       'auth_realm = carrier.example')

    def registered(self, expires=12):
        first = self.second.expect("REGISTER")
        self.second.respond(first, 401, headers=challenge(status=401))
        again = self.second.expect("REGISTER")
        self.assertTrue(is_right(again))
        self.second.respond(again, 200, headers=(
            f"Contact: <sip:me@{OUT}:5060>;expires={expires}",))
        until(lambda: self.trunk()["registration"] == "registered",
              "not registered")
        return first, again


class Registration(Carrier):
    def test_it_registers_and_refreshes(self):
        first, again = self.registered(2)
        self.assertEqual(first.uri, f"sip:{NET}.2.98")
        self.assertEqual(first.get("Contact"), f"<sip:me@{OUT}:5060>")
        self.assertEqual(first.get("Expires"), "12")
        self.assertEqual(first.get("To"), f"<sip:me@{NET}.2.98>")
        self.assertEqual(first.all("Authorization"), [])
        self.assertEqual(first.get("Call-ID"), again.get("Call-ID"))
        self.assertLess(int(first.get("CSeq").split()[0]),
                        int(again.get("CSeq").split()[0]))
        # before the two seconds are over
        refresh = self.second.expect("REGISTER", within=1.8)
        self.second.respond(refresh, 200, headers=("Expires: 600",))

    def test_a_refusal_is_tried_again_later(self):
        self.second.respond(self.second.expect("REGISTER"), 403)
        until(lambda: self.trunk()["registration"] == "failed", "not told")
        self.second.expect_none("REGISTER", within=1)
        self.registered()

    def test_a_foreign_challenge_gets_no_answer(self):
        self.second.respond(self.second.expect("REGISTER"), 401, headers=(
            *challenge("elsewhere.example", status=401),))
        self.second.expect_none("REGISTER", within=1)
        self.assertEqual(self.trunk()["registration"], "failed")
        self.assertEqual(self.trunk()["challenges"], 0)

    def test_wrong_credentials_are_offered_once(self):
        for _ in range(2):
            self.second.respond(self.second.expect("REGISTER"), 401,
                                headers=challenge(status=401))
        self.second.expect_none("REGISTER", within=1)


class Challenges(Carrier):
    """A call to a carrier that wants to know who is calling."""

    def setUp(self):
        super().setUp()
        self.registered()

    def challenged(self, call, status=407):
        """The INVITE with credentials."""
        invite = self.second.expect("INVITE")
        self.assertEqual(invite.all("Proxy-Authorization"), [])
        self.second.respond(invite, status, tag="c1",
                            headers=challenge(status=status))
        self.second.expect("ACK")
        again = self.second.expect("INVITE")
        self.assertTrue(is_right(again))
        self.assertEqual(int(again.get("CSeq").split()[0]),
                         int(invite.get("CSeq").split()[0]) + 1)
        self.assertEqual(again.body, invite.body)
        self.assertEqual(again.get("From"), invite.get("From"))
        self.assertNotEqual(again.get("Via"), invite.get("Via"))
        self.alice.expect_none(status, within=0.1)
        return again

    def test_a_call_with_all_that_follows(self):
        for status in (407, 401):
            call = self.call("+4930")
            invite = self.challenged(call, status)
            self.assertEqual(invite.media()[0][0], OUTER_OUT)
            self.second.respond(invite, 183, tag="bt", headers=(
                "RSeq: 7", "Require: 100rel"))
            progress = call.learn(self.alice.expect(183))
            self.assertEqual(progress.get("CSeq"), f"{call.cseq} INVITE")
            call.cseq += 1
            call.send("PRACK", headers=(f"RAck: 7 {call.cseq - 1} INVITE",))
            prack = self.second.expect("PRACK")
            number = invite.get("CSeq").split()[0]
            self.assertEqual(prack.get("RAck"), f"7 {number} INVITE")
            self.assertEqual(int(prack.get("CSeq").split()[0]),
                             int(number) + 1)
            self.second.respond(prack, 200)
            self.alice.expect(200, "PRACK")
            self.second.respond(invite, 200, tag="bt",
                                body=sdp(self.second.address, 40000))
            answer = call.learn(self.alice.expect(200, "INVITE"))
            self.assertEqual(answer.get("CSeq"), f"{call.cseq - 1} INVITE")
            # and once more, as the ACK has not come
            self.second.respond(invite, 200, tag="bt",
                                body=sdp(self.second.address, 40000))
            self.alice.expect(200, "INVITE")
            call.cseq -= 1
            call.ack()
            call.cseq += 1
            ack = self.second.expect("ACK")
            self.assertEqual(ack.get("CSeq"), f"{number} ACK")
            peer_request(self.second, invite, "INFO", 77, "bt")
            info = self.alice.expect("INFO")
            self.assertEqual(info.get("CSeq"), "77 INFO")
            self.alice.respond(info, 200)
            self.second.expect(200, "INFO")
            # a re-INVITE is challenged as well
            call.cseq += 1
            call.send("INVITE", body=sdp(self.alice.address, 31000))
            again = self.second.expect("INVITE")
            self.second.respond(again, 407, headers=challenge(nonce="n2"))
            self.second.expect("ACK")
            again = self.second.expect("INVITE")
            self.assertTrue(is_right(again))
            self.second.respond(again, 200,
                                body=sdp(self.second.address, 40000))
            call.learn(self.alice.expect(200, "INVITE"))
            call.ack()
            self.assertEqual(self.second.expect("ACK").get("CSeq").split()[0],
                             again.get("CSeq").split()[0])
            self.end(call, self.second)
            self.nothing_left()
            for message in self.second.seen:
                self.assertNotIn(self.alice.address, message.raw.decode())

    def test_a_cancel_has_the_number_of_the_second_one(self):
        call = self.call("+4930")
        invite = self.challenged(call)
        self.second.respond(invite, 180, tag="bt")
        self.alice.expect(180)
        call.cancel()
        cancel = self.second.expect("CANCEL")
        self.assertEqual(cancel.get("CSeq").split()[0],
                         invite.get("CSeq").split()[0])
        self.second.respond(cancel, 200, tag="bt")
        self.second.respond(invite, 487, tag="bt")
        call.ack_failure(self.alice.expect(487))
        self.nothing_left()

    def test_a_challenge_from_behind_the_carrier_is_the_callers(self):
        call = self.call("+4930")
        self.second.respond(self.second.expect("INVITE"), 407, tag="x",
                            headers=challenge("elsewhere.example"))
        refused = self.alice.expect(407)
        self.assertIn("elsewhere.example", refused.get("Proxy-Authenticate"))
        call.ack_failure(refused)
        self.second.expect_none("INVITE", within=0.2)
        self.nothing_left()

    def test_another_carrier_gets_nothing_of_it(self):
        call = self.call("+4930")
        invite = self.challenged(call)
        self.second.respond(invite, 503, tag="c2")
        other = self.first.expect("INVITE")
        self.assertEqual(other.all("Proxy-Authorization"), [])
        self.assertNotIn("secret", other.raw.decode())
        # It may challenge as it likes, with the other's auth realm too.
        self.first.respond(other, 407, tag="f", headers=challenge())
        call.ack_failure(self.alice.expect(407))
        self.first.expect_none("INVITE", within=0.2)
        self.nothing_left()

    def test_credentials_that_are_refused_are_a_failure_of_the_trunk(self):
        call = self.call("+4930")
        invite = self.challenged(call)
        self.second.respond(invite, 407, tag="c2",
                            headers=challenge(nonce="n9"))
        self.first.respond(self.first.expect("INVITE"), 486, tag="f")
        call.ack_failure(self.alice.expect(486))
        self.nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
