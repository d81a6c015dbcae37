#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where users are, and whether they still are there."""

import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import CONF, IN, NET, Bed, until  # noqa: E402
from sipua import Agent, Call, sdp, unique  # noqa: E402


class Behind(Agent):
    """A phone that knows nothing of the NAT in front of it."""

    @property
    def contact(self):
        return f"<sip:{self.user}@192.168.77.7:5060>"


class KeepAlive(Bed):
    conf = CONF.replace('udp = "{net}.1.1:5060"',
                        'udp = "{net}.1.1:5060" keepalive = 1')

    def phone(self, user, last):
        phone = Behind(user, f"{NET}.1.{last}", IN)
        self.agents.append(phone)
        phone.register()
        return phone

    def test_who_answers_stays(self):
        alice = self.phone("alice", 10)
        for _ in range(3):
            options = alice.expect("OPTIONS")
            self.assertEqual(options.uri, "sip:alice@192.168.77.7:5060")
            alice.respond(options, 405)
        self.assertEqual(self.status()["registrations"], 1)

    def test_who_does_not_answer_is_removed(self):
        alice, bob = self.phone("alice", 10), self.agent("bob", 20)
        alice.expect("OPTIONS")
        until(lambda: self.status()["registrations"] == 1,
              "the contact stays", 12)
        call = Call(bob, "alice")
        call.invite(sdp(bob.address, 30000))
        call.ack_failure(bob.expect(480))
        # Nobody in front of whom there is no NAT is asked.
        bob.expect_none("OPTIONS", within=0.1)

    def test_who_registers_anew_is_asked_anew(self):
        alice = self.phone("alice", 10)
        alice.expect("OPTIONS")
        time.sleep(4)
        alice.register()
        end = time.monotonic() + 5.5
        while time.monotonic() < end:
            for message in list(alice.seen):
                if message.method == "OPTIONS" and message.get(
                        "Call-ID") != alice.seen[2].get("Call-ID"):
                    alice.respond(message, 200)
            time.sleep(0.3)
        self.assertEqual(self.status()["registrations"], 1)


class Source(Bed):
    def test_the_answer_goes_to_the_port_that_the_request_came_from(self):
        alice = self.agent("alice", 10, port=5099, registered=False)
        text = alice.request("OPTIONS", f"sip:{IN}:5060", to=f"sip:{IN}",
                             from_tag="o", call_id=unique("r"))
        alice.send(re.sub(r"UDP [\d.]+:5099", "UDP 192.168.77.7:5060", text))
        via = alice.expect(200, "OPTIONS").get("Via")
        self.assertIn(f"received={alice.address}", via)
        self.assertIn("rport=5099", via)

    def test_calls_go_where_the_registration_came_from(self):
        bob = self.agent("bob", 20)
        phone = Behind("alice", f"{NET}.1.10", IN, 5099)
        self.agents.append(phone)
        phone.register()
        call = Call(bob, "alice")
        call.invite(sdp(bob.address, 30000))
        invite = phone.expect("INVITE")
        self.assertEqual(invite.uri, "sip:alice@192.168.77.7:5060")
        phone.respond(invite, 486, tag="t")
        call.ack_failure(bob.expect(486))
        self.nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
