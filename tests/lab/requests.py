# SPDX-License-Identifier: GPL-2.0-or-later
"""What else happens to calls: requests within the dialog, new media, hold,
late offers, and calls that come to nothing. Each ends with no rule left and no
address leaked."""

import sip
from applications import pairs
from calls import Pair, finish, first_packets, hang_up, ring, talk
from context import equal, require
from netns import LabError, wait_until
from report import Failed

BODY = "Signal=5 at 7; \u00fcber alles = gleich"


def requests(context):
    for name, test in (("info", info), ("options", options), ("hold", hold),
                       ("moved_media", moved_media), ("late_offer", late_offer),
                       ("cancelled", cancelled), ("rejected", rejected),
                       ("unknown_user", unknown_user)):
        with context.test(name):
            test(context)
            finish(context)


def info(context):
    """An INFO with its body arrives as sent, both ways."""
    with Pair(context) as (a, b):
        talk(a, b)
        for sender, receiver in ((a, b), (b, a)):
            sender.tell(f"info {BODY}")
            request = receiver.wait("request", method="INFO")
            equal("body", request["body"], BODY)
            equal("status", sender.wait("response", method="INFO")["status"], 200)
            faults = sip.compare(sender.messages("sent", "INFO")[-1],
                                 receiver.messages("received", "INFO")[-1],
                                 context.views[receiver.setup.segment],
                                 len(context.lab.edges))
            require(not faults, "; ".join(faults))
        hang_up(a, b)


def options(context):
    """OPTIONS outside a dialog reaches the other phone."""
    with Pair(context) as (a, b):
        a.tell(f"options {b.setup.aor}")
        b.wait("request", method="OPTIONS")
        equal("status", a.wait("response", method="OPTIONS")["status"], 200)


def endpoints_shown(phone, since):
    """The endpoints in the last offer that a phone received after a mark."""
    found = [m for m in phone.messages("received", "INVITE", since)]
    require(found, f"{phone.name} received no re-INVITE")
    return sip.endpoints(sip.Message(found[-1]).body)


def hold(context):
    """Hold and resume keep the leases and the endpoints."""
    with Pair(context) as (a, b):
        incoming, _ = talk(a, b)
        first_packets(a, b)
        rules = {name: pairs(e.rules()) for name, e in context.lab.edges.items()}
        for command, attribute in (("hold", "a=sendonly"), ("unhold", "a=sendrecv")):
            since = b.mark()
            a.tell(command)
            request = b.wait("request", method="INVITE", since=since)
            require(attribute in request["body"] or command == "unhold"
                    and "a=sendonly" not in request["body"],
                    f"{command}: the offer has no {attribute}: {request['body']!r}")
            equal("status", a.wait("response", method="INVITE")["status"], 200)
            equal("endpoints offered", endpoints_shown(b, since),
                  sip.endpoints(incoming["sdp"]))
        equal("rules", {name: pairs(e.rules()) for name, e in context.lab.edges.items()},
              rules)
        first_packets(b, a)
        hang_up(a, b)


def moved_media(context):
    """A takes another port by re-INVITE: media follows, both ways, and as many
    rules are in force as before."""
    with Pair(context) as (a, b):
        talk(a, b)
        first_packets(a, b)
        before = {name: len(e.rules()) for name, e in context.lab.edges.items()}
        address = a.setup.media.split(":")[0]
        a.tell(f"reinvite {address}:1121")
        equal("status", a.wait("response", method="INVITE")["status"], 200)
        counts = a.received(), b.received()
        b.tell("media once")
        a.wait_received(counts[0] + 1)
        a.tell("media once")
        b.wait_received(counts[1] + 1)

        def as_many():
            now = {name: len(e.rules()) for name, e in context.lab.edges.items()}
            return now == before
        try:
            wait_until("as many rules as before", as_many, timeout=2)
        except LabError:
            now = {name: pairs(e.rules()) for name, e in context.lab.edges.items()}
            raise Failed(f"rules {now}, before there were {before}") from None
        hang_up(a, b)


def late_offer(context):
    """The INVITE has no SDP; the offer comes in the 200, the answer in the ACK."""
    with Pair(context, "--late-offer") as (a, b):
        talk(a, b)
        first_packets(a, b)
        hang_up(a, b)


def cancelled(context):
    with Pair(context) as (a, b):
        ring(a, b)
        a.tell("cancel")
        equal("status", a.wait("ended")["status"], 487)
        b.wait("ended")


def rejected(context):
    with Pair(context) as (a, b):
        ring(a, b)
        b.tell("reject 486")
        equal("status", a.wait("ended")["status"], 486)


def unknown_user(context):
    with Pair(context) as (a, b):
        a.tell(f"call sip:nobody@{b.setup.domain}")
        status = a.wait("ended")["status"]
        require(400 <= status < 500, f"status {status}")


def refused(context):
    """V3.9: when one of the asks fails, the caller gets 503 with a Reason, and
    no rule and no lease is left on any NAT. Once for each ask of the case."""
    require(context.case.blocks, "the case blocks no endpoint")
    for number, (name, outer, inner) in enumerate(context.case.blocks, 1):
        edge = context.lab.edges[name]
        with context.test(f"ask_{number}_fails_on_{name}", ["V3.9"]):
            endpoint, realm = outer.split("@")
            lease = {"inner": inner, "realm": realm, "ports": 1, "protocol": "udp",
                     "request": {"outer": endpoint, "mode": "strict"}}
            with edge.channel("natctl") as channel:
                channel.call("ask", group="somebody", lifetime=60, leases=[lease])
            try:
                with Pair(context) as (a, b):
                    since = a.mark()
                    a.tell(f"call {b.setup.aor}")
                    if number > 2:             # the asks for the answer
                        b.wait("incoming")
                        b.tell("answer")
                    ended = a.wait("ended")
                    equal("status", ended["status"], 503)
                    response = sip.Message(a.messages("received", "INVITE", since, 503)[-1])
                    require(response.value("reason"), "the 503 has no Reason")
                    if number > 2:
                        b.wait("ended")
                nothing_but(context, edge, inner)
            finally:
                with edge.channel("natctl") as channel:
                    channel.call("release", group="somebody")
            finish(context)


def nothing_but(context, edge, inner):
    """No rule and no lease on any NAT but the one that was there before."""
    wanted = {e.name: [inner] if e is edge else [] for e in context.lab.edges.values()}

    def now(what):
        return {e.name: [entry["inner"] for entry in getattr(e, what)()]
                for e in context.lab.edges.values()}
    try:
        wait_until("nothing left", lambda: now("rules") == wanted
                   and now("leases") == wanted, timeout=3, step=0.05)
    except LabError:
        raise Failed(f"left behind: rules {now('rules')}, leases "
                     f"{now('leases')}") from None
