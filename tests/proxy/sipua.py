# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP messages by hand, for tests that send what no phone would."""

import hashlib
import queue
import re
import socket
import threading
import time

PATIENCE = 4.0
COMPACT = {"call-id": "i", "from": "f", "to": "t", "via": "v", "contact": "m",
           "content-type": "c", "content-length": "l", "subject": "s"}
_count = [0]


def unique(word):
    _count[0] += 1
    return f"{word}{_count[0]}x{time.monotonic_ns():x}"


class Message:
    """A message as received: first line, headers in order, body."""

    def __init__(self, data, source=None):
        self.raw, self.source = data, source
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.first, self.body = lines[0], body.decode("latin-1")
        self.headers = [tuple(line.split(": ", 1)) if ": " in line
                        else (line.rstrip(":"), "") for line in lines[1:]]
        words = self.first.split(" ", 2)
        self.is_response = words[0] == "SIP/2.0"
        self.status = int(words[1]) if self.is_response else 0
        self.method = self.get("CSeq").partition(" ")[2]
        self.uri = "" if self.is_response else words[1]

    def all(self, name):
        names = (name.lower(), COMPACT.get(name.lower()))
        return [v for k, v in self.headers if k.lower() in names]

    def get(self, name, default=""):
        return (self.all(name) or [default])[0]

    @property
    def tag(self):
        found = re.search(r";tag=([^;]+)", self.get("To"))
        return found.group(1) if found else None

    @property
    def contact(self):
        found = re.search(r"<([^>]+)>", self.get("Contact"))
        return found.group(1) if found else None

    def media(self):
        """(address, port) of every stream."""
        address, result = None, []
        for line in self.body.split("\r\n"):
            if line.startswith("c="):
                if result and result[-1][2]:
                    result[-1][0] = line.split()[2]
                    continue
                address = line.split()[2]
            elif line.startswith("m="):
                result.append([address, int(line.split()[1]), True])
        return [(a, p) for a, p, _ in result]


def sdp(address, *ports, extra=""):
    text = (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\n"
            f"c=IN IP4 {address}\r\nt=0 0\r\n")
    for port in ports:
        text += f"m=audio {port} RTP/AVP 0\r\n{extra}"
    return text


class Agent:
    """A user agent on one UDP socket, without any transaction layer."""

    transport = "UDP"

    def __init__(self, user, address, edge, port=5060, password="pw",
                 domain="example.com", bound=None, edge_port=5060):
        """`bound`: a socket that is bound there already, to be taken over."""
        self.user, self.address, self.edge = user, address, (edge, edge_port)
        self.port, self.password, self.domain = port, password, domain
        self.socket = bound or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if not bound:
            self.socket.bind((address, port))
        self.socket.settimeout(0.1)
        self.inbox = queue.Queue()
        self.seen = []
        self.kept = []
        self.alive = True
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def close(self):
        self.alive = False
        self.thread.join()
        self.socket.close()

    def _read(self):
        while self.alive:
            try:
                data, source = self.socket.recvfrom(65535)
            except (TimeoutError, ConnectionError):
                continue
            if data.strip():
                message = Message(data, source)
                self.seen.append(message)
                self.inbox.put(message)

    def send(self, text, to=None):
        data = text if isinstance(text, bytes) else text.encode("latin-1")
        self.socket.sendto(data, to or self.edge)

    def expect(self, what, method=None, within=PATIENCE):
        """The next response of that status, or request of that method; what
        else arrives is kept for later."""
        end = time.monotonic() + within
        for message in list(self.kept):
            if self._is(message, what, method):
                self.kept.remove(message)
                return message
        while True:
            left = end - time.monotonic()
            try:
                message = self.inbox.get(timeout=max(left, 0.001))
            except queue.Empty:
                raise AssertionError(
                    f"{self.user}: no {what} {method or ''} came; kept: "
                    f"{[m.first for m in self.kept]}") from None
            if self._is(message, what, method):
                return message
            self.kept.append(message)

    def expect_none(self, what, method=None, within=0.4):
        try:
            message = self.expect(what, method, within)
        except AssertionError:
            return
        raise AssertionError(f"{self.user}: unexpected {message.first}")

    @staticmethod
    def _is(message, what, method):
        if isinstance(what, int):
            return message.status == what and method in (None, message.method)
        return not message.is_response and message.method == what

    @property
    def contact(self):
        return f"<sip:{self.user}@{self.address}:{self.port}>"

    def request(self, method, uri, *, to, from_tag, call_id, cseq=1,
                to_tag=None, body="", headers=(), branch=None, via_extra="",
                from_user=None, contact=True, maxforwards=70):
        """The text of a request."""
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/{self.transport} "
                 f"{self.address}:{self.port};rport;branch="
                 f"{branch or unique('z9hG4bK')}{via_extra}",
                 f"Max-Forwards: {maxforwards}",
                 f"From: <sip:{from_user or self.user}@{self.domain}>"
                 f";tag={from_tag}",
                 f"To: <{to}>" + (f";tag={to_tag}" if to_tag else ""),
                 f"Call-ID: {call_id}", f"CSeq: {cseq} {method}"]
        if contact and method not in ("ACK", "BYE", "CANCEL"):
            lines.append(f"Contact: {self.contact}")
        lines += headers
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def authorization(self, challenge, method, uri):
        """The header that answers a 401 or 407."""
        is_proxy = challenge.status == 407
        value = challenge.get("Proxy-Authenticate" if is_proxy
                              else "WWW-Authenticate")
        realm = re.search(r'realm="([^"]*)"', value).group(1)
        nonce = re.search(r'nonce="([^"]*)"', value).group(1)

        def md5(text):
            return hashlib.md5(text.encode()).hexdigest()
        ha1 = md5(f"{self.user}:{realm}:{self.password}")
        ha2 = md5(f"{method}:{uri}")
        response = md5(f"{ha1}:{nonce}:00000001:c0ffee:auth:{ha2}")
        name = "Proxy-Authorization" if is_proxy else "Authorization"
        return (f'{name}: Digest username="{self.user}", realm="{realm}", '
                f'nonce="{nonce}", uri="{uri}", response="{response}", '
                f'algorithm=MD5, cnonce="c0ffee", qop=auth, nc=00000001')

    def register(self, expires=300, *, params="", headers=(), status=200,
                 contact=None):
        """`params`: further ones of the Contact; `contact`: another one."""
        uri = f"sip:{self.domain}"
        call = dict(to=f"sip:{self.user}@{self.domain}", contact=False,
                    from_tag=unique("r"), call_id=unique("reg"))
        headers = (f"Contact: {contact or self.contact}{params}", *headers)
        self.send(self.request("REGISTER", uri, headers=headers, **call))
        challenge = self.expect(401)
        auth = self.authorization(challenge, "REGISTER", uri)
        self.send(self.request("REGISTER", uri, cseq=2, headers=(
            auth, f"Expires: {expires}", *headers), **call))
        return self.expect(status, "REGISTER")

    def respond(self, request, status, phrase="-", *, tag=None, body="",
                headers=()):
        """Answers a request that came."""
        lines = [f"SIP/2.0 {status} {phrase}"]
        lines += [f"Via: {via}" for via in request.all("Via")]
        lines += [f"Record-Route: {r}" for r in request.all("Record-Route")]
        to = request.get("To")
        if tag and ";tag=" not in to:
            to += f";tag={tag}"
        lines += [f"From: {request.get('From')}", f"To: {to}",
                  f"Call-ID: {request.get('Call-ID')}",
                  f"CSeq: {request.get('CSeq')}"]
        if 100 < status < 300:
            lines.append(f"Contact: {self.contact}")
        lines += headers
        if body and not any(h.startswith("Content-Type:") for h in headers):
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines) + "\r\n\r\n" + body, request.source)


class Call:
    """What a caller must remember of its dialog."""

    def __init__(self, agent, to):
        self.agent, self.to = agent, f"sip:{to}@{agent.domain}"
        self.call_id, self.from_tag = unique("call"), unique("t")
        self.cseq, self.to_tag, self.target = 0, None, self.to
        self.branch, self.auth = None, ()

    def text(self, method, *, cseq=None, uri=None, **more):
        return self.agent.request(
            method, uri or self.target, to=self.to, from_tag=self.from_tag,
            call_id=self.call_id, cseq=cseq or self.cseq,
            to_tag=more.pop("to_tag", self.to_tag), **more)

    def send(self, method, **more):
        self.agent.send(self.text(method, **more))

    def invite(self, body="", **more):
        """INVITE, answers the challenge; leaves the answers to the test."""
        self.cseq += 1
        first = unique("z9hG4bK")
        self.send("INVITE", body=body, branch=first, **more)
        challenge = self.agent.expect(407)
        self.send("ACK", branch=first, to_tag=challenge.tag)
        self.auth = (self.agent.authorization(challenge, "INVITE", self.to),)
        self.cseq += 1
        self.branch = unique("z9hG4bK")
        self.send("INVITE", body=body, branch=self.branch,
                  headers=self.auth + tuple(more.pop("headers", ())), **more)

    def learn(self, response):
        self.to_tag, self.target = response.tag, response.contact
        return response

    def ack(self, body=""):
        self.send("ACK", body=body)

    def ack_failure(self, response):
        self.send("ACK", branch=self.branch, to_tag=response.tag,
                  uri=self.to if self.to_tag is None else None)

    def cancel(self):
        self.send("CANCEL", branch=self.branch, uri=self.to)

    def bye(self):
        self.cseq += 1
        self.send("BYE")


def peer_request(agent, invite, method, cseq, tag, body="", headers=()):
    """A request of the callee within the dialog of an INVITE that came."""
    caller = re.search(r"<([^>]+)>;tag=([^;]+)", invite.get("From"))
    lines = [f"{method} {invite.contact} SIP/2.0",
             f"Via: SIP/2.0/{agent.transport} "
             f"{agent.address}:{agent.port};rport;branch="
             f"{unique('z9hG4bK')}", "Max-Forwards: 70",
             f"From: {invite.get('To')};tag={tag}",
             f"To: <{caller.group(1)}>;tag={caller.group(2)}",
             f"Call-ID: {invite.get('Call-ID')}", f"CSeq: {cseq} {method}",
             *headers]
    if method not in ("ACK", "BYE"):
        lines.append(f"Contact: {agent.contact}")
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    agent.send("\r\n".join(lines) + "\r\n\r\n" + body)
