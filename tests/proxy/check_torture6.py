#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages of RFC 5118, sent over IPv6 by a trunk, as they are
(tests/data/rfc5118): what passes to the carrier and what is refused."""

import os
import re
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import Bed, until  # noqa: E402
from sipua import Agent, unique  # noqa: E402

FOLDER = os.path.join(os.environ.get("srcdir", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../..")),
    "tests/data/rfc5118")
EDGE_IN, FEEDER = "::1", "::1"
OUT6, CARRIER6 = "fd00:2::1", "fd00:2::99"

# The feeder's realm has no networks, so that the messages' own addresses are
# taken. Its answers come to where it sends from, whatever its Via says.
CONF = """
rundir = "{dir}"
realm world {{ reaches = {{"outside"}} }}
realm outside {{ networks = {{"fd00:2::/64"}}
    pool = {{"[fd00:4::/126]:20000-29999"}} }}
listen in  {{ realm = world    udp = "[::1]:5060" }}
listen out {{ realm = outside  udp = "[fd00:2::1]:5060" }}
domain "our.example" {{ users = "{dir}/users" }}
trunk feeder  {{ realm = world    host = "::1" port = 5077 }}
trunk carrier {{ realm = outside  host = "fd00:2::99" port = 5060 }}
route default {{ to = carrier }}
"""

# As in check_torture.py: REGISTER is for no domain of ours, BYE within no call.
PASSED, NOTHING = 404, 0
EXPECTED = {
    "ipv6-good": 403, "port-ambiguous": 403, "port-unambiguous": 403,
    "via-received-param-no-delim": PASSED,
    "via-received-param-with-delim": 481, "mult-ip-in-header": 481,
    "ipv6-in-sdp": PASSED, "mult-ip-in-sdp": PASSED,
    "ipv4-mapped-ipv6": PASSED,
    "ipv6-correct-abnf-2-colons": PASSED, "ipv6-bug-abnf-3-colons": PASSED,
    # An address without brackets.
    "ipv6-bad": NOTHING,
}


def bound(address, port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind((address, port))
    return sock


class Torture(Bed):
    conf = CONF

    def prepare(self):
        for address in (OUT6, CARRIER6):
            subprocess.run(["ip", "address", "replace", f"{address}/128",
                            "dev", "lo"], check=True)

    def setUp(self):
        super().setUp()
        self.feeder = Agent("feeder", "[::1]", EDGE_IN, 5077,
                            bound=bound(FEEDER, 5077))
        self.carrier = Agent("carrier", f"[{CARRIER6}]", OUT6,
                             bound=bound(CARRIER6, 5060))
        self.agents += [self.feeder, self.carrier]

    def alive(self):
        self.feeder.send(self.feeder.request(
            "OPTIONS", "sip:[::1]:5060", to="sip:[::1]:5060",
            from_tag="o", call_id=unique("alive")))
        self.feeder.expect(200, "OPTIONS")

    def outcome(self, name):
        """The status that the feeder gets in the end."""
        with open(f"{FOLDER}/{name}.dat", "rb") as file:
            data = file.read()
        # Nearly all have one branch, and would be repetitions of each other.
        branch = unique("z9hG4bK").encode()
        self.feeder.send(re.sub(rb"z9hG4bK[-\w]+", branch, data, count=1))
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for message in list(self.carrier.inbox.queue):
                self.carrier.inbox.get()
                if not message.is_response and message.method != "ACK":
                    self.check(message)
                    self.carrier.respond(message, 404, tag="none")
            for message in list(self.feeder.seen):
                if message.status >= 200 and branch in message.raw:
                    self.acknowledge(message)
                    return message.status
            time.sleep(0.01)
        return NOTHING

    def check(self, request):
        """No host of ours without its brackets."""
        for line in (request.uri, request.get("To"), request.get("From")):
            self.assertNotRegex(line, r"@[^\[>;]*::", request.raw)
            self.assertNotIn(":::", line)

    def acknowledge(self, message):
        if message.method == "INVITE":
            lines = ["ACK sip:x@example.com SIP/2.0"]
            lines += [f"{name}: {message.get(name)}" for name in
                      ("Via", "From", "To", "Call-ID")]
            lines += [f"CSeq: {message.get('CSeq').split()[0]} ACK",
                      "Content-Length: 0"]
            self.feeder.send("\r\n".join(lines) + "\r\n\r\n")

    def test_each_is_taken_as_the_rfc_says_and_we_live_on(self):
        self.assertEqual(sorted(n[:-4] for n in os.listdir(FOLDER)
                                if n.endswith(".dat")), sorted(EXPECTED))
        for name, expected in EXPECTED.items():
            with self.subTest(name):
                self.assertEqual(self.outcome(name), expected)
            self.alive()
        until(lambda: not self.leases(), "leases are left")


if __name__ == "__main__":
    unittest.main(verbosity=2)
