# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP and SDP as far as the lab's checks need them: what a message says, and
what of it must have passed an edge unchanged (the table of headers in the
design: everything that is not named there, byte for byte)."""

import re

import capture
import scan

METHODS = re.compile(rb"[A-Z]+ sips?:\S+ SIP/2\.0\r\n|SIP/2\.0 \d{3} ")

# Set anew on each leg
PER_LEG = {"via", "v", "route", "record-route", "path", "contact", "m"}
# Consumed by the edge that asked for them
CONSUMED = {"authorization", "proxy-authorization"}
# Kept unless they name an address that the other side may not see
KEPT_IF_SEEN = {"call-id", "i", "from", "f", "to", "t", "refer-to", "r",
                "referred-by", "b", "p-asserted-identity", "p-preferred-identity",
                "remote-party-id", "diversion",
                "history-info", "replaces", "join", "in-reply-to", "target-dialog",
                "warning", "reason", "call-info", "alert-info", "error-info",
                "user-agent", "server"}


class Message:
    def __init__(self, data):
        if isinstance(data, str):
            data = data.encode("latin-1", "replace") if data.isascii() else data.encode()
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n")
        self.first = lines[0].decode("latin-1")
        self.lines = lines[1:]
        self.headers = [(name.strip().lower().decode("latin-1"), line)
                        for line in self.lines for name in [line.split(b":", 1)[0]]]

    def value(self, *names):
        for name, line in self.headers:
            if name in names:
                return line.split(b":", 1)[1].strip().decode("latin-1")
        return ""

    @property
    def method(self):
        return self.value("cseq").split(" ")[-1]

    @property
    def status(self):
        return int(self.first.split(" ")[1]) if self.first.startswith("SIP/2.0") else None

    @property
    def has_sdp(self):
        return "application/sdp" in self.value("content-type", "c").lower()


def messages(packets):
    """The SIP messages in UDP packets, with their packets, in order."""
    return [(packet, Message(packet.payload)) for packet in packets
            if packet.kind == "ip" and METHODS.match(packet.payload)]


def endpoints(body):
    """The RTP endpoints that an SDP body names, one for each m= line; and the
    RTCP ones where a=rtcp says so (else None)."""
    if isinstance(body, str):
        body = body.encode()
    session, streams = "", []
    for line in body.decode("latin-1").replace("\r", "").split("\n"):
        connection = re.match(r"c=IN IP[46] ([^\s/]+)", line)
        media = re.match(r"m=\S+ (\d+)", line)
        rtcp = re.match(r"a=rtcp:(\d+)(?: IN IP[46] (\S+))?", line)
        if media:
            streams.append([session, int(media.group(1)), None])
        elif connection and streams:
            streams[-1][0] = connection.group(1)
        elif connection:
            session = connection.group(1)
        elif rtcp and streams:
            streams[-1][2] = (rtcp.group(2), int(rtcp.group(1)))
    return [(capture.endpoint(address, port),
             capture.endpoint(rtcp[0] or address, rtcp[1]) if rtcp else None)
            for address, port, rtcp in streams]


def shown(packets, what):
    """The RTP endpoints of all offers (INVITE) or answers (its responses) on a
    segment, each once, in the order in which they were first seen."""
    found = []
    for _, message in messages(packets):
        if message.method != "INVITE" or not message.has_sdp:
            continue
        if (what == "offer") == (message.status is None):
            for endpoint, _ in endpoints(message.body):
                if endpoint not in found:
                    found.append(endpoint)
    return found


def compare(sent, received, view, edges):
    """What differs between a message as sent and as received behind so many
    edges although it must not. `view`: what may be seen by the receiver."""
    sent, received = Message(sent), Message(received)
    faults = []
    if sent.status is not None and sent.first != received.first:
        faults.append(f"first line {sent.first!r} became {received.first!r}")
    hops = [int(m.value("max-forwards") or -1) for m in (sent, received)]
    if sent.status is None and hops[0] - hops[1] != edges:
        faults.append(f"Max-Forwards {hops[0]} became {hops[1]} over {edges} edges")
    if received.value("content-length", "l") not in (str(len(received.body)), ""):
        faults.append("Content-Length is not the body's length")
    wanted, seen = (_comparable(m, view) for m in (sent, received))
    for line in wanted:
        if line not in seen:
            faults.append(f"header {line.decode('latin-1')!r} lost or changed")
    for line in seen:
        if line not in wanted and not _replaces_hidden(line, sent, view):
            faults.append(f"header {line.decode('latin-1')!r} was not sent")
    # Headers of different names may change places (RFC 3261, 7.3.1).
    for name in {line.split(b":")[0].lower() for line in wanted}:
        rows = [[line for line in lines if line.split(b":")[0].lower() == name
                 and line in other] for lines, other in ((wanted, seen), (seen, wanted))]
        if rows[0] != rows[1]:
            faults.append(f"{name.decode('latin-1')} headers in another order")
    if sent.has_sdp:
        faults += compare_sdp(sent.body, received.body)
    elif sent.body != received.body:
        faults.append(f"body {sent.body!r} became {received.body!r}")
    return faults


def _comparable(message, view):
    kept = []
    for name, line in message.headers:
        if name in PER_LEG | CONSUMED | {"max-forwards", "content-length", "l"}:
            continue
        if name in KEPT_IF_SEEN and scan.scan_text(view, line):
            continue
        kept.append(line)
    return kept


def _replaces_hidden(line, sent, view):
    """Does the line stand for one that the receiver may not see?"""
    name = line.split(b":", 1)[0].strip().lower().decode("latin-1")
    return any(other == name and name in KEPT_IF_SEEN and scan.scan_text(view, text)
               for other, text in sent.headers)


# Of either IP version, with the type that is its own
PLACE = rb"(?:IP4 [^\s:]+|IP6 \S*:\S*)"


def _places_removed(line):
    """An SDP line without the places that an edge may write."""
    line = re.sub(rb"^(c=IN) " + PLACE, rb"\1", line)
    line = re.sub(rb"^(m=\S+) \d+", rb"\1", line)
    line = re.sub(rb"^(a=rtcp:)\d+( IN " + PLACE + rb")?", rb"\1", line)
    return re.sub(rb"^(o=\S+ \S+ \S+ IN) " + PLACE, rb"\1", line)


# What an edge takes out of an offer, all or nothing (ICE, RFC 8839)
ICE = re.compile(rb"a=(candidate|remote-candidates|end-of-candidates|ice-\w+):?")


def compare_sdp(sent, received):
    before, after = sent.split(b"\n"), received.split(b"\n")
    if not any(ICE.match(line) for line in after):
        before = [line for line in before if not ICE.match(line)]
    if len(before) != len(after):
        return [f"SDP of {len(before)} lines became {len(after)}: {received!r}"]
    return [f"SDP line {old!r} became {new!r}" for old, new in zip(before, after)
            if _places_removed(old) != _places_removed(new)]
