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
from streamua import StreamAgent  # noqa: E402


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


class Flows(Bed):
    conf = CONF.replace('udp = "{net}.1.1:5060"',
                        'udp = "{net}.1.1:5060" tcp = "{net}.1.1:5060"')
    instance = "urn:uuid:00000000-0000-1000-8000-000a95a0e128"

    def params(self, number=1, instance=None):
        return f';+sip.instance="<{instance or self.instance}>";reg-id={number}'

    def connect(self, last):
        agent = StreamAgent("alice", f"{NET}.1.{last}", IN)
        self.agents.append(agent)
        return agent

    def test_a_flow_is_granted_and_replaced_by_its_next(self):
        flows = []
        for last in (10, 11):
            flow = self.connect(last)
            answer = flow.register(params=self.params(), headers=(
                "Supported: outbound",))
            self.assertEqual(answer.get("Require"), "outbound")
            self.assertEqual(answer.get("Flow-Timer"), "3900")
            self.assertEqual(len(answer.all("Contact")), 1)
            self.assertIn(f"<sip:alice@{flow.address}", answer.get("Contact"))
            self.assertIn(";reg-id=1", answer.get("Contact"))
            flows.append(flow)
        bob = self.agent("bob", 20)
        call = Call(bob, "alice")
        call.invite(sdp(bob.address, 30000))
        flows[1].respond(flows[1].expect("INVITE"), 486, tag="t")
        call.ack_failure(bob.expect(486))
        flows[0].expect_none("INVITE", within=0.1)

    def test_a_flow_that_breaks_is_no_way_any_more(self):
        flow = self.connect(10)
        flow.register(params=self.params(), headers=("Supported: outbound",))
        flow.hang_up()
        self.assertTrue(flow.connection.closed.wait(2))
        time.sleep(0.2)
        bob = self.agent("bob", 20)
        call = Call(bob, "alice")
        call.invite(sdp(bob.address, 30000))
        call.ack_failure(bob.expect(480))

    def test_what_is_required_and_not_there_is_refused(self):
        alice = self.agent("alice", 10, registered=False)
        for name in ("teleport", "outbound"):
            answer = alice.register(params=self.params(), status=420,
                                    headers=(f"Require: {name}",))
            self.assertEqual(answer.get("Unsupported"), name)
        self.assertEqual(self.status()["registrations"], 0)

    def test_a_gruu_names_one_phone(self):
        one = self.agent("alice", 10, registered=False)
        two = self.agent("alice", 11, registered=False)
        other = self.instance.replace("e128", "e129")
        one.register(params=self.params(), headers=("Supported: gruu",))
        answer = two.register(params=self.params(instance=other),
                              headers=("Supported: gruu",))
        for instance in (self.instance, other):
            self.assertTrue(any(
                f';pub-gruu="sip:alice@example.com;gr={instance}"' in contact
                for contact in answer.all("Contact")), answer.headers)
        self.assertNotIn("pub-gruu", one.register(
            params=self.params()).get("Contact"))
        bob = self.agent("bob", 20)
        for instance, phone in ((self.instance, one), (other, two),
                                ("urn:uuid:none", None)):
            call = Call(bob, "alice")
            call.to = call.target = f"sip:alice@example.com;gr={instance}"
            call.invite(sdp(bob.address, 30000))
            if phone:
                phone.respond(phone.expect("INVITE"), 486, tag="t")
            call.ack_failure(bob.expect(486 if phone else 480))
        for phone in (one, two):
            phone.expect_none("INVITE", within=0.1)


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
