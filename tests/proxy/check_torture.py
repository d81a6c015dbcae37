#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages of RFC 4475, sent by a trunk: what passes, what is refused.

Every message goes out as it is (tests/data/rfc4475), over UDP, whatever its
Via names."""

import os
import queue
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxybed import NET, OUT, Bed, until  # noqa: E402
from sipua import Agent, unique  # noqa: E402

FOLDER = os.path.join(os.environ.get("srcdir", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../..")),
    "tests/data/rfc4475")

# A realm without networks, so that the messages' own addresses are taken.
CONF = """
rundir = "{dir}"
realm world {{ reaches = {{"outside"}} }}
realm outside {{ networks = {{"{net}.2.0/24"}}
    pool = {{"{net}.4.0/30:20000-29999"}} }}
listen in  {{ realm = world    udp = "{net}.1.1:5060" }}
listen out {{ realm = outside  udp = "{net}.2.1:5060" }}
domain "our.example" {{ users = "{dir}/users" }}
trunk feeder  {{ realm = world    host = "{net}.1.77" port = 5060 }}
trunk carrier {{ realm = outside  host = "{net}.2.99" port = 5060 }}
route default {{ to = carrier }}
"""

# What became of each: PASSED to the carrier (which answers 404), the status of
# our own answer, or nothing at all. Responses among them go nowhere.
PASSED, NOTHING = 404, 0
EXPECTED = {
    # Valid, and taken as such (RFC 4475, 3.1.1). REGISTER is for us, and for
    # no domain of ours; wsinv is within a dialog that we do not know.
    "dblreq": 403, "esc01": PASSED, "escnull": 403, "lwsdisp": PASSED,
    "semiuri": PASSED, "transports": PASSED, "wsinv": 481,
    # Valid, but wants to be sent on to a place of its sender's choice.
    "mpart01": 403,
    # Valid in form (3.1.2, 3.2 to 3.4): as their sections say.
    "badaspec": PASSED, "badbranch": PASSED, "baddate": PASSED,
    "cparam01": 403, "cparam02": 403, "inv2543": PASSED, "invut": PASSED,
    "lwsstart": PASSED, "regescrt": 403, "sdp01": PASSED, "unksm2": 403,
    "zeromf": 483, "escruri": 400,
    # Invalid.
    "baddn": 400, "clerr": 400, "insuf": 400, "ltgtruri": 400, "mcl01": 400,
    "mismatch01": 400, "mismatch02": 400, "multi01": 400, "ncl": 400,
    "quotbal": 400, "regbadct": 400,
    # Dropped: not even a Via to answer to, another version.
    "badinv01": NOTHING, "badvers": NOTHING, "lwsruri": NOTHING,
    # Via names another transport than the one they come on.
    "bext01": 420, "esc02": PASSED, "longreq": PASSED, "novelsc": 416,
    "regaut01": 403, "scalar02": 400, "trws": PASSED, "unkscm": 416,
    # Valid, but the SIP library takes its control characters for no SIP.
    "intmeth": NOTHING,
    # Responses.
    "bcast": NOTHING, "bigcode": NOTHING, "noreason": NOTHING,
    "scalarlg": NOTHING, "unreason": NOTHING,
}


class Torture(Bed):
    conf = CONF

    def setUp(self):
        super().setUp()
        self.feeder = Agent("feeder", f"{NET}.1.77", f"{NET}.1.1")
        self.carrier = Agent("carrier", f"{NET}.2.99", OUT)
        self.agents += [self.feeder, self.carrier]

    def alive(self):
        self.feeder.send(self.feeder.request(
            "OPTIONS", f"sip:{NET}.1.1:5060", to=f"sip:{NET}.1.1",
            from_tag="o", call_id=unique("alive")))
        self.feeder.expect(200, "OPTIONS")

    def refuse(self):
        """The carrier knows nobody."""
        while True:
            try:
                message = self.carrier.inbox.get_nowait()
            except queue.Empty:
                return
            if message.method != "ACK" and not message.is_response:
                self.carrier.respond(message, 404, tag="none")

    def final(self, call_id):
        """The answer to that message; one to an INVITE is acknowledged."""
        for message in list(self.feeder.seen):
            if message.status < 200 or message.get("Call-ID").strip() != call_id:
                continue
            if message.method == "INVITE":
                self.feeder.send(
                    f"ACK sip:x@example.com SIP/2.0\r\n"
                    f"Via: {message.get('Via')}\r\n"
                    f"From: {message.get('From')}\r\n"
                    f"To: {message.get('To')}\r\nCall-ID: {call_id}\r\n"
                    f"CSeq: {message.get('CSeq').split()[0]} ACK\r\n"
                    "Content-Length: 0\r\n\r\n")
            return message.status
        return NOTHING

    def outcome(self, name):
        with open(f"{FOLDER}/{name}.dat", "rb") as file:
            data = file.read()
        found = re.search(rb"(?im)^(?:call-id|i)\s*:\s*(\S+)", data)
        call_id = found.group(1).decode("latin-1") if found else ""
        self.feeder.send(data)
        end = time.monotonic() + (0.15 if EXPECTED[name] == NOTHING else 3)
        status = NOTHING
        while time.monotonic() < end and status == NOTHING:
            self.refuse()
            time.sleep(0.01)
            status = self.final(call_id)
        return status

    def test_each_is_taken_as_the_rfc_says_and_we_live_on(self):
        self.assertEqual(sorted(n[:-4] for n in os.listdir(FOLDER)
                                if n.endswith(".dat")),
                         sorted(EXPECTED))
        for name, expected in EXPECTED.items():
            with self.subTest(name):
                self.assertEqual(self.outcome(name), expected)
                self.alive()
        until(lambda: not self.leases(), "leases are left")


if __name__ == "__main__":
    unittest.main(verbosity=2)
