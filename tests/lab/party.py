# SPDX-License-Identifier: GPL-2.0-or-later
"""A party whose every message a test writes, with sockets for its media: for
offers and answers that no phone would make at the test's wish."""

import os
import re
import sys
import threading
import time

from context import equal, require
from report import Failed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "proxy"))

from sipua import Agent, Message, unique  # noqa: E402

QUIET = 0.15             # seconds after which nothing more is under way


def sdp(address, *streams, version=1, session=""):
    """A description: each stream is its m= line without "m=", and what follows
    it."""
    text = (f"v=0\r\no=- 4711 {version} IN IP4 {address}\r\ns=-\r\n"
            f"c=IN IP4 {address}\r\nt=0 0\r\n{session}")
    for stream in streams:
        text += f"m={stream}\r\n" if not stream.endswith("\r\n") else f"m={stream}"
    return text


def audio(port, *attributes):
    return "\r\n".join([f"audio {port} RTP/AVP 0 8", *attributes])


class Party(Agent):
    """One end of a dialog, caller or callee."""

    def __init__(self, lab, setup):
        address, port = setup.sip.split(":")
        user, domain = setup.aor.removeprefix("sip:").split("@")
        edge, edge_port = setup.proxy.split(":")
        self.lab, self.setup = lab, setup
        super().__init__(user, address, edge, int(port), setup.password, domain,
                         lab.udp(setup.node, address, int(port), timeout=0.1),
                         int(edge_port))
        self.sockets = {}              # of media, by our port
        self.far = []                  # (address, port) of each stream, as told
        self.far_rtcp = []
        self.forget()

    def forget(self):
        """Before the next call."""
        self.call_id, self.ours, self.theirs = unique("call"), unique("t"), None
        self.cseq, self.branch, self.target, self.invite = 0, None, None, None
        self.kept.clear()
        self.far, self.far_rtcp = [], []
        while not self.inbox.empty():
            self.inbox.get()

    def close(self):
        super().close()
        for sock in self.sockets.values():
            sock.close()

    def media(self, port):
        """Our socket of a media port."""
        if port not in self.sockets:
            self.sockets[port] = self.lab.udp(self.setup.node, self.address, port,
                                              timeout=1.0)
        return self.sockets[port]

    def learn(self, message):
        """Where the other one is, and what its description says."""
        if message.contact:
            self.target = message.contact
        if message.is_response and message.tag:
            self.theirs = message.tag
        if message.body and "m=" in message.body:
            self.far = message.media()
            self.far_rtcp = rtcp_of(message.body, self.far)
        return message

    # As the caller
    def call(self, other, body="", headers=()):
        """INVITE, and the answer to the challenge that comes first."""
        self.to = other.setup.aor
        for attempt in range(2):
            self.request_in(method="INVITE", body=body, headers=headers)
            if attempt == 0:
                challenge = self.expect(407)
                self.acknowledge(challenge)
                headers = (*headers, self.authorization(challenge, "INVITE", self.to))

    def answer_to(self, other, body="", headers=()):
        """The callee gets the INVITE."""
        self.invite = self.learn(self.expect("INVITE"))
        self.call_id = self.invite.get("Call-ID")
        self.theirs = re.search(r";tag=([^;]+)", self.invite.get("From")).group(1)
        self.to = re.search(r"<([^>]+)>", self.invite.get("From")).group(1)
        self.cseq = 100
        return self.invite

    def request_in(self, method, body="", headers=(), cseq=None, branch=None):
        """A request within the call, or its first one."""
        if cseq is None:
            self.cseq += 1
        self.branch = branch or unique("z9hG4bK")
        if self.invite is None:
            own, uri = self.setup.aor, self.target or self.to
        else:
            own = re.search(r"<([^>]+)>", self.invite.get("To")).group(1)
            uri = self.target
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.address}:{self.port};rport;branch={self.branch}",
                 "Max-Forwards: 70", f"From: <{own}>;tag={self.ours}",
                 f"To: <{self.to}>" + (f";tag={self.theirs}" if self.theirs else ""),
                 f"Call-ID: {self.call_id}", f"CSeq: {cseq or self.cseq} {method}"]
        if method not in ("ACK", "BYE", "CANCEL"):
            lines.append(f"Contact: {self.contact}")
        lines += headers
        if body and not any(h.startswith("Content-Type") for h in headers):
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)

    def acknowledge(self, response, body=""):
        cseq = int(response.get("CSeq").split()[0])
        if response.status < 300:
            self.request_in("ACK", body, cseq=cseq)
            return
        target, theirs = self.target, self.theirs
        if theirs is None:
            self.target, self.theirs = self.to, response.tag
        self.request_in("ACK", cseq=cseq, branch=self.branch)
        self.target, self.theirs = target, theirs

    def respond(self, request, status, phrase="-", *, body="", headers=(), tag=None):
        super().respond(request, status, phrase, tag=tag or self.ours, body=body,
                        headers=headers)


def rtcp_of(body, far):
    """(address, port) of each stream's RTCP: a=rtcp (RFC 3605), rtcp-mux, or
    the next port."""
    found, stream = [(address, port + 1) for address, port in far], -1
    for line in body.split("\r\n"):
        if line.startswith("m="):
            stream += 1
        elif stream >= 0 and line.startswith("a=rtcp:"):
            words = line[len("a=rtcp:"):].split()
            found[stream] = (words[3] if len(words) > 3 else far[stream][0], int(words[0]))
        elif stream >= 0 and line == "a=rtcp-mux":
            found[stream] = far[stream]
    return found


class Parties:
    """The case's two phones as scripted parties, registered."""

    def __init__(self, context, caller="a", callee="b"):
        self.context = context
        self.setups = context.case.phones[caller], context.case.phones[callee]
        self.parties = []

    def __enter__(self):
        try:
            for setup in self.setups:
                self.parties.append(Party(self.context.lab, setup))
                self.parties[-1].register()
                self.parties[-1].forget()
        except BaseException:
            self.__exit__()
            raise
        return self.parties

    def __exit__(self, failure=None, *_):
        if failure and len(self.parties) == 2:
            give_up(*self.parties)
        for party in self.parties:
            party.close()


def give_up(a, b):
    """Whatever became of the call must not disturb the next test."""
    if a.theirs:
        a.request_in("BYE")
    elif a.branch:
        a.target = None
        a.request_in("CANCEL", cseq=a.cseq, branch=a.branch)
        if b.invite:
            b.respond(b.invite, 487)
    try:
        b.respond(b.expect("BYE", within=0.5), 200)
    except AssertionError:
        pass                               # it never was a call
    time.sleep(0.5)


def drain(sock):
    """All that is there."""
    found = []
    sock.settimeout(QUIET)
    while True:
        try:
            data, source = sock.recvfrom(4096)
        except TimeoutError:
            return found
        found.append((data, source))


def passes(sender, ours, far, receiver, theirs, named, what):
    """One packet from our port to `far` reaches their port, and comes from the
    endpoint that they were named."""
    payload = unique("media ").encode() + b"." * 150
    into = receiver.media(theirs)
    sender.media(ours).sendto(payload, far)
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline:
        into.settimeout(max(deadline - time.monotonic(), 0.01))
        try:
            data, source = into.recvfrom(4096)
        except TimeoutError:
            break
        if data == payload:
            equal(f"{what}: the source that {receiver.user} sees", source, named)
            return
    raise Failed(f"{what}: what {sender.user} sent from port {ours} to {far} did not "
                 f"reach port {theirs} of {receiver.user}")


def both_ways(a, ports_a, b, ports_b, rtcp=True):
    """Media of every stream, and its RTCP, in both directions, by what each was
    told last. A port of 0 is a stream that is refused."""
    equal(f"streams that {a.user} was told", len(a.far), len(ports_b))
    equal(f"streams that {b.user} was told", len(b.far), len(ports_a))
    for i, (mine, theirs) in enumerate(zip(ports_a, ports_b)):
        if mine == 0 or theirs == 0:
            equal(f"port of the refused stream {i}", (a.far[i][1], b.far[i][1]), (0, 0))
            continue
        ways = [(a, mine, b, theirs, a.far[i], b.far[i], "media")]
        if rtcp:
            ways.append((a, mine + 1, b, theirs + 1, a.far_rtcp[i], b.far_rtcp[i], "RTCP"))
        for one, port, other, far_port, to, back, kind in ways:
            what = f"{kind} of stream {i}"
            passes(one, port, to, other, far_port, back, what)
            passes(other, far_port, back, one, port, to, what)


def silent(sender, ours, far, receiver, theirs, what):
    """What is sent there does not arrive."""
    payload = unique("late ").encode()
    into = receiver.media(theirs)
    drain(into)
    sender.media(ours).sendto(payload, far)
    require(payload not in [data for data, _ in drain(into)],
            f"{what}: it reached port {theirs} of {receiver.user}")


class Flow:
    """Packets both ways, one each 5 ms, until the block is left: none is lost,
    and each comes from the same place."""

    def __init__(self, a, port_a, b, port_b):
        self.ends = [(a, port_a), (b, port_b)]
        self.targets = [a.far[0], b.far[0]]
        self.running = True
        self.sent = [0, 0]
        self.threads = [threading.Thread(target=self.send, args=(i,)) for i in (0, 1)]

    def send(self, i):
        party, port = self.ends[i]
        sock = party.media(port)
        while self.running and self.sent[i] < 4000:
            sock.sendto(b"%d" % self.sent[i] + b"." * 160, self.targets[i])
            self.sent[i] += 1
            time.sleep(0.005)

    def __enter__(self):
        for party, port in self.ends:
            drain(party.media(port))
        for thread in self.threads:
            thread.start()
        time.sleep(0.1)
        return self

    def __exit__(self, failure, *_):
        time.sleep(0.1)
        self.running = False
        for thread in self.threads:
            thread.join()
        if failure:
            return
        for i in (0, 1):
            party, port = self.ends[1 - i]
            found = drain(party.media(port))
            numbers = [int(data.split(b".")[0]) for data, _ in found]
            require(self.sent[i] > 20, f"only {self.sent[i]} packets were sent")
            equal(f"packets that {party.user} received", numbers,
                  list(range(self.sent[i])))
            equal(f"places that {party.user} received from",
                  {source for _, source in found}, {self.targets[1 - i]})


__all__ = ["Flow", "Message", "Parties", "Party", "audio", "both_ways", "drain", "passes",
           "sdp", "silent", "unique"]
