#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages as real phones send them (tests/data/phone-messages/sanitised) pass
with only those headers and SDP lines changed that must.

The addresses that a message has for its phone (in Via, Contact and c=) become
the one that it is sent from, that of its proxy ours; a Via of TCP one of UDP."""

import glob
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../lab")]
from proxybed import IN, NET, OUT, Bed  # noqa: E402
from sipua import Agent, Call, Message, sdp  # noqa: E402
import scan  # noqa: E402
import sip  # noqa: E402

FOLDER = os.path.join(HERE, "../data/phone-messages/sanitised")
PHONE, CARRIER = f"{NET}.1.77", f"{NET}.2.99"

MESSAGES = ("cisco-cp8961-invite-tcp", "grandstream-gxp2200-invite-savpf",
            "grandstream-gxv3175-invite", "linphone-android-5.0-200-rtcp-port",
            "linphone-desktop-4.4-invite", "linphone-via-kamailio-double-rr",
            "polycom-ip650-invite", "snom360-invite-late-offer-utf8",
            "yealink-t22p-invite")

CONF = """
rundir = "{dir}"
realm inside {{ networks = {{"{net}.1.0/24"}} reaches = {{"outside"}} }}
realm outside {{ networks = {{"{net}.2.0/24"}}
    pool = {{"{net}.4.0/30:20000-29999"}} }}
listen in  {{ realm = inside  udp = "{net}.1.1:5060" }}
listen out {{ realm = outside udp = "{net}.2.1:5060" }}
trunk pbx     {{ realm = inside  host = "{net}.1.77" port = 5060 }}
trunk carrier {{ realm = outside host = "{net}.2.99" port = 5060 }}
route default {{ to = carrier }}
"""


def adapted(text):
    """The message, sent from here. Only the topmost Via is a phone's own."""
    head, _, body = text.partition("\r\n\r\n")
    phones = {re.search(rf"(?m)^{what}([\d.]+)", text).group(1)
              for what in (r"Via: SIP/2\.0/\w+ ", r"Contact: .*?@", "c=IN IP4 ")
              if re.search(rf"(?m)^{what}([\d.]+)", text)}
    proxy = re.search(r"^\w+ sip:[^@ ]*@([\d.]+)", head)

    def moved(part):
        for phone in phones:
            part = part.replace(phone, PHONE)
        return part.replace(proxy.group(1), IN) if proxy else part
    body = moved(body)
    head = re.sub(r"(?m)^(Via: SIP/2\.0/)TCP", r"\1UDP", moved(head), count=1)
    head = re.sub(r"(?m)^(Content-Length:\s*)\d+", rf"\g<1>{len(body.encode('latin-1'))}",
                  head)
    return head + "\r\n\r\n" + body


class Phones(Bed):
    conf = CONF

    def setUp(self):
        super().setUp()
        self.phone = Agent("phone", PHONE, IN)
        self.carrier = Agent("carrier", CARRIER, OUT)
        self.agents += [self.phone, self.carrier]

    def view(self, segment):
        valid = [f"{NET}.1.0/24", f"{NET}.2.0/24", f"{NET}.4.0/30"]
        if segment == "outside":
            valid.remove(f"{NET}.1.0/24")
        return scan.View(segment, valid, {PHONE, IN} if segment == "outside" else set(),
                         set(), set())

    def check(self, sent, received, segment):
        faults = sip.compare(sent.encode("latin-1"), received.raw, self.view(segment), 1)
        self.assertFalse(faults, "\n".join(faults))

    def request_passes(self, text):
        self.phone.send(text)
        invite = self.carrier.expect("INVITE")
        self.check(text, invite, "outside")
        own = Message(text.encode("latin-1"))
        self.assertEqual(len(invite.media()), len(own.media()))
        for address, port in invite.media():
            self.assertTrue(port == 0 or address.startswith(f"{NET}.4."), invite.body)
        self.carrier.respond(invite, 480, tag="none")
        refused = self.phone.expect(480)
        self.phone.send("\r\n".join([
            f"ACK {own.uri} SIP/2.0", f"Via: {own.all('Via')[0]}",
            f"From: {own.get('From')}", f"To: {refused.get('To')}",
            f"Call-ID: {own.get('Call-ID')}", f"CSeq: {own.get('CSeq').split()[0]} ACK",
            "Max-Forwards: 70", "Content-Length: 0", "", ""]))
        self.carrier.expect("ACK")

    def answer_passes(self, text):
        """As the answer of the phone to a call from the carrier's side; what
        names the dialog is the call's."""
        call = Call(self.carrier, "x")
        call.cseq = 1
        call.target = call.to = f"sip:B@{NET}.1.77"
        call.send("INVITE", body=sdp(CARRIER, 30000))
        invite = self.phone.expect("INVITE")
        head, _, body = text.partition("\r\n\r\n")
        names = ("via", "from", "to", "call-id", "cseq", "record-route")
        lines = [line for line in head.split("\r\n")
                 if line.split(":")[0].lower() not in names]
        lines[1:1] = [f"Via: {via}" for via in invite.all("Via")] + [
            f"Record-Route: {r}" for r in invite.all("Record-Route")] + [
            f"From: {invite.get('From')}", f"To: {invite.get('To')};tag=phone",
            f"Call-ID: {invite.get('Call-ID')}", f"CSeq: {invite.get('CSeq')}"]
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        self.phone.send(text)
        answer = call.learn(self.carrier.expect(200, "INVITE"))
        self.check(text, answer, "outside")
        call.ack()
        self.phone.expect("ACK")
        call.bye()
        self.phone.respond(self.phone.expect("BYE"), 200)
        self.carrier.expect(200, "BYE")

    def test_none_is_forgotten(self):
        self.assertEqual(sorted(map(os.path.basename, glob.glob(f"{FOLDER}/*.sip"))),
                         sorted(name + ".sip" for name in MESSAGES))


def test_of(name):
    def test(self):
        with open(f"{FOLDER}/{name}.sip", encoding="latin-1", newline="") as file:
            text = adapted(file.read())
        if text.startswith("SIP/2.0"):
            self.answer_passes(text)
        else:
            self.request_passes(text)
        self.nothing_left()
    return test


for message in MESSAGES:
    setattr(Phones, "test_" + re.sub(r"\W", "_", message), test_of(message))


if __name__ == "__main__":
    unittest.main(verbosity=2)
