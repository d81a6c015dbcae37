#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is said to be calling, and to whom it is told (RFC 3325)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import CONF, Bed  # noqa: E402
from sipua import Call, unique  # noqa: E402

NAMES = ("P-Asserted-Identity: <sip:boss@example.com>",
         "P-Preferred-Identity: <sip:boss@example.com>")


class Identity(Bed):
    def setUp(self):
        super().setUp()
        self.alice = self.agent("alice", 10)
        self.carrier = self.agent("carrier", 99, inside=False,
                                  registered=False)

    def said(self, *headers):
        """What the carrier is told of alice: asserted, preferred."""
        alice, carrier = self.alice, self.carrier
        call = Call(alice, "x")
        call.to = call.target = "sip:+4930@carrier.example"
        call.cseq = 1
        call.send("MESSAGE")
        challenge = alice.expect(407)
        call.cseq = 2
        call.send("MESSAGE", headers=(alice.authorization(
            challenge, "MESSAGE", call.to), *headers))
        message = carrier.expect("MESSAGE")
        carrier.respond(message, 200, headers=(
            "P-Asserted-Identity: <sip:clerk@carrier.example>",))
        answer = alice.expect(200, "MESSAGE")
        return (message.all("P-Asserted-Identity"),
                message.all("P-Preferred-Identity"),
                answer.all("P-Asserted-Identity"))

    def heard(self, *headers):
        """What alice is told of a caller behind the carrier."""
        alice, carrier = self.alice, self.carrier
        carrier.send(carrier.request(
            "MESSAGE", "sip:alice@example.com", to="sip:alice@example.com",
            from_tag="t", call_id=unique("i"), headers=headers))
        message = alice.expect("MESSAGE")
        alice.respond(message, 200)
        carrier.expect(200)
        return message.all("P-Asserted-Identity")


class TrustedCarrier(Identity):
    conf = CONF.replace("realm inside {{", "realm inside {{ trust = no") \
        .replace("realm outside {{", "realm outside {{ trust = yes")

    def test_who_has_shown_who_he_is_is_named(self):
        self.assertEqual(self.said(*NAMES), (
            ["<sip:alice@example.com>"], [],
            ["<sip:clerk@carrier.example>"]))

    def test_a_private_caller_is_named_to_the_carrier_only(self):
        self.assertEqual(self.said("Privacy: id")[0],
                         ["<sip:alice@example.com>"])
        self.assertEqual(self.heard(NAMES[0], "Privacy: header;id"), [])

    def test_another_one_is_told_of(self):
        self.assertEqual(self.heard(NAMES[0], "Privacy: none"),
                         ["<sip:boss@example.com>"])


class UntrustedCarrier(Identity):
    conf = CONF.replace("realm inside {{", "realm inside {{ trust = yes") \
        .replace("realm outside {{", "realm outside {{ trust = no")

    def test_nobody_is_named_by_it(self):
        self.assertEqual(self.heard(NAMES[0]), [])
        self.assertEqual(self.said()[2], [])

    def test_what_is_private_is_not_told_to_it(self):
        self.assertEqual(self.said(*NAMES, "Privacy: id")[:2], ([], []))


class NotSet(Identity):
    def test_it_passes_as_it_comes(self):
        asserted, preferred, answered = self.said(*NAMES)
        self.assertEqual((asserted, preferred),
                         (["<sip:boss@example.com>"],
                          ["<sip:boss@example.com>"]))
        self.assertEqual(answered, ["<sip:clerk@carrier.example>"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
