# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls with SIPp scenarios that were written for another server
(tests/data/drachtio-srf-sipp), and what each must give."""

import os
import re

import netns
import sip
from calls import finish
from context import equal, require
from sipp import SECONDS, bound, finished, start

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "tests", "data", "drachtio-srf-sipp")
CALLED = "4711"

# caller, callee (none: nobody is there), the number that is called, the final
# statuses of INVITE that the caller sees, how many offers and answers pass, the
# requests within the call that the callee sees.
CALLS = (
    ("uac", "uas", CALLED, [200], (1, 1), ["ACK", "BYE"]),
    ("uac-displayname-from", "uas", CALLED, [200], (1, 1), ["ACK", "BYE"]),
    ("uac-proxy", "uas", CALLED, [200], (1, 1), ["ACK", "BYE"]),
    ("uac-nosdp", "uas", CALLED, [200], (0, 1), ["ACK", "BYE"]),
    ("uac-prack", "uas-prack", CALLED, [200], (1, 1), ["PRACK", "ACK", "BYE"]),
    ("uac-cancel", "uas-cancel", CALLED, [487], (1, 0), ["CANCEL", "ACK"]),
    ("uac-expect-404", "uas-404", CALLED, [404], (1, 0), ["ACK"]),
    # The edge answers these itself.
    ("uac-expect-503", None, CALLED, [503], (1, 0), []),
    ("uac-expect-480", None, "4712", [480], (0, 0), []),
)

# Where a scenario is no SIP, or none that Debian's SIPp reads.
CURES = {
    "uac-prack": (("[$2] INVITE", "[$2]"),),            # $2 ends with it
    "uas-prack": (("RSeq: 1", "RSeq: 1\n      Contact: <sip:[local_ip]:[local_port]>"),),
}


def adapted(lab, name):
    """The scenario as it is played: cured; a caller's requests within the call
    go to the callee's Contact, not to the host that the INVITE was sent to; and
    nobody waits for repetitions at the end."""
    with open(os.path.join(FOLDER, name + ".xml"), encoding="utf-8") as file:
        text = file.read()
    for old, new in CURES.get(name, ()):
        require(old in text, f"{name} has no {old}")
        text = text.replace(old, new)
    host = re.escape("sip:[service]@[remote_ip]:[remote_port] SIP/2.0")
    parts = re.split(r'(<recv response="(?:180|200)"(?![^>]*rrs=))', text)
    text = "".join(p + ' rrs="true"' if p.startswith("<recv response=") else p
                   for p in parts)
    if "487" not in text and not re.search(r'<recv response="[45]', text):
        text = re.sub(rf"(ACK|PRACK|BYE) {host}", r"\1 [next_url] SIP/2.0", text)
    text = text.replace('<timewait milliseconds="4000"/>', "")
    path = os.path.join(lab.folder, name + ".xml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def arguments(lab, phone, name, number):
    address, port = phone.sip.split(":")
    media, media_port = phone.media.split(":")
    return ["sipp", phone.proxy, "-sf", adapted(lab, name), "-s", number,
            "-i", address, "-p", port, "-mi", media, "-mp", media_port,
            "-m", "1", "-nostdin", "-timeout", str(SECONDS), "-timeout_error",
            "-trace_err", "-d", "100"]


def final_statuses(packets):
    """Of the INVITEs that a caller sent, repeated answers once."""
    found = {}
    for packet, message in sip.messages(packets):
        words = message.first.split(" ", 2)
        if words[0] == "SIP/2.0" and int(words[1]) >= 200 and packet.dst == "1.1.1.1" \
                and message.method == "INVITE":
            found[message.value("cseq")] = int(words[1])
    return list(found.values())


def requests_to(address, packets):
    """The methods that it received behind the first INVITE, each once."""
    methods = [message.first.split(" ")[0] for packet, message in sip.messages(packets)
               if packet.dst == address and not message.first.startswith("SIP/2.0")]
    return list(dict.fromkeys(m for m in methods if m != "INVITE"))


def foreign(context):
    for caller, callee, number, statuses, (offers, answers), requests in CALLS:
        with context.test(f"sipp_{caller}"):
            play(context, caller, callee, number)
            captures = context.lab.take()
            equal("final answers", final_statuses(captures["inside"]), statuses)
            shown = {what: len(sip.shown(captures["outside"], what))
                     for what in ("offer", "answer")}
            equal("bodies outside", shown, {"offer": offers, "answer": answers})
            equal("requests outside", requests_to("2.2.2.2", captures["outside"]), requests)
            context.check_no_leak(captures)
            require(captures["inside"], "nothing was captured")
            finish(context)


def play(context, caller, callee, number):
    lab, a, b = context.lab, context.case.phones["a"], context.case.phones["b"]
    lab.take()
    answering = None
    try:
        if callee:
            answering = start(lab, b, arguments(lab, b, callee, number), callee)
            netns.wait_until("the callee's SIPp is bound", lambda: bound(lab, b), timeout=3)
        finished(start(lab, a, arguments(lab, a, caller, number), caller), "the caller")
        if answering:
            finished(answering, "the callee")
    finally:
        if answering:
            netns.end(answering[1], kill=True)
