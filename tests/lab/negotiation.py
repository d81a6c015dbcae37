# SPDX-License-Identifier: GPL-2.0-or-later
"""Offers and answers wherever they ride (RFC 3264, 6337), with media both ways
after every step; and that nothing is left of any of it."""

from applications import check_nothing_left, pairs
from calls import finish
from context import equal, require
from party import (Flow, Parties, audio, both_ways, passes, sdp, silent)

RELIABLE = ("Supported: 100rel", "Require: 100rel")
A, B = 1200, 2300            # first media ports; not those of the case's own call


def negotiation(context):
    for name in sorted(name for name in globals() if name.startswith("when_")):
        with context.test("negotiation/" + name.removeprefix("when_")):
            with Parties(context) as (a, b):
                globals()[name](context, a, b)
            finish(context)


def established(a, b, ports_a=(A,), ports_b=(B,), offer=None, answer=None):
    """A call with these media ports, or with these bodies."""
    a.call(b, offer or sdp(a.address, *map(audio, ports_a)))
    b.answer_to(a)
    b.respond(b.invite, 200, body=answer or sdp(b.address, *map(audio, ports_b)))
    a.acknowledge(a.learn(a.expect(200, "INVITE")))
    b.expect("ACK")


def change(who, other, offer, answer, method="INVITE", status=200):
    """An offer within the call, and its answer. The request as it came."""
    who.request_in(method, offer)
    request = other.learn(other.expect(method)) if status < 300 else other.expect(method)
    other.respond(request, status, body=answer)
    response = who.expect(status, method)
    if status < 300:
        who.learn(response)
    if method == "INVITE":
        who.acknowledge(response)
        other.expect("ACK")
    return request


def hang_up(who, other):
    who.request_in("BYE")
    other.respond(other.expect("BYE"), 200)
    who.expect(200, "BYE")


def rules(context):
    return {name: pairs(edge.rules()) for name, edge in context.lab.edges.items()}


def prack(a, b, provisional, answer="", offered=""):
    """PRACK of a reliable provisional response, and its 200."""
    a.theirs, a.target = provisional.tag, provisional.contact
    rack = f"RAck: {provisional.get('RSeq')} {provisional.get('CSeq')}"
    a.request_in("PRACK", answer, (rack,))
    request = b.expect("PRACK")
    equal("RAck", request.get("RAck").split()[0], provisional.get("RSeq"))
    if answer:
        b.learn(request)
    b.respond(request, 200, body=offered)
    return a.learn(a.expect(200, "PRACK"))


# Offers in the call's set-up
def when_late_offer_in_200_and_ack(_context, a, b):
    a.call(b)
    b.answer_to(a)
    b.respond(b.invite, 200, body=sdp(b.address, audio(B)))
    a.acknowledge(a.learn(a.expect(200, "INVITE")), sdp(a.address, audio(A)))
    b.learn(b.expect("ACK"))
    both_ways(a, (A,), b, (B,))
    hang_up(b, a)


def when_late_offer_in_183_and_prack(_context, a, b):
    a.call(b, headers=RELIABLE[:1])
    b.answer_to(a)
    b.respond(b.invite, 183, body=sdp(b.address, audio(B)),
              headers=(RELIABLE[1], "RSeq: 7"))
    prack(a, b, a.learn(a.expect(183)), sdp(a.address, audio(A)))
    both_ways(a, (A,), b, (B,))
    b.respond(b.invite, 200)
    a.acknowledge(a.expect(200, "INVITE"))
    b.expect("ACK")
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


def when_answer_in_183_then_offer_in_prack(_context, a, b):
    """The PRACK moves the caller's media before the call is answered."""
    a.call(b, sdp(a.address, audio(A)), RELIABLE[:1])
    b.answer_to(a)
    b.respond(b.invite, 183, body=sdp(b.address, audio(B)),
              headers=(RELIABLE[1], "RSeq: 1"))
    provisional = a.learn(a.expect(183))
    both_ways(a, (A,), b, (B,))
    prack(a, b, provisional, sdp(a.address, audio(A + 10), version=2),
          sdp(b.address, audio(B + 10), version=2))
    both_ways(a, (A + 10,), b, (B + 10,))
    b.respond(b.invite, 200)
    a.acknowledge(a.expect(200, "INVITE"))
    b.expect("ACK")
    both_ways(a, (A + 10,), b, (B + 10,))
    hang_up(a, b)


def when_early_media_without_100rel(_context, a, b):
    a.call(b, sdp(a.address, audio(A)))
    b.answer_to(a)
    b.respond(b.invite, 183, body=sdp(b.address, audio(B)))
    a.learn(a.expect(183))
    both_ways(a, (A,), b, (B,))
    b.respond(b.invite, 200, body=sdp(b.address, audio(B)))
    a.acknowledge(a.learn(a.expect(200, "INVITE")))
    b.expect("ACK")
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


def when_update_before_the_answer(_context, a, b):
    a.call(b, sdp(a.address, audio(A)), RELIABLE[:1])
    b.answer_to(a)
    b.respond(b.invite, 183, body=sdp(b.address, audio(B)),
              headers=(RELIABLE[1], "RSeq: 1"))
    prack(a, b, a.learn(a.expect(183)))
    change(a, b, sdp(a.address, audio(A + 10), version=2), sdp(b.address, audio(B)),
           "UPDATE")
    both_ways(a, (A + 10,), b, (B,))
    change(b, a, sdp(b.address, audio(B + 10), version=2),
           sdp(a.address, audio(A + 10), version=2), "UPDATE")
    both_ways(a, (A + 10,), b, (B + 10,))
    b.respond(b.invite, 200)
    a.acknowledge(a.expect(200, "INVITE"))
    b.expect("ACK")
    both_ways(a, (A + 10,), b, (B + 10,))
    hang_up(b, a)


def when_forked_with_two_early_dialogs(_context, a, b):
    """Behind B's proxy two phones ring, each with media of its own; the second
    one answers."""
    a.call(b, sdp(a.address, audio(A)))
    b.answer_to(a)
    heard = []
    for tag, port in (("one", B), ("two", B + 10)):
        b.respond(b.invite, 183, body=sdp(b.address, audio(port)), tag=tag)
        response = a.expect(183)
        heard.append(response.media()[0])
        passes(b, port, b.far[0], a, A, heard[-1], f"early media of fork {tag}")
        passes(a, A, heard[-1], b, port, b.far[0], f"media to fork {tag}")
    require(heard[0] != heard[1], f"both forks show as {heard[0]}")
    b.ours = "two"
    b.respond(b.invite, 200, body=sdp(b.address, audio(B + 10)))
    a.acknowledge(a.learn(a.expect(200, "INVITE")))
    b.expect("ACK")
    equal("endpoint of the fork that answers", a.far[0], heard[1])
    both_ways(a, (A,), b, (B + 10,))
    hang_up(a, b)


# Changes of what is agreed
def when_each_side_moves_its_media(_context, a, b):
    established(a, b)
    both_ways(a, (A,), b, (B,))
    change(a, b, sdp(a.address, audio(A + 10), version=2), sdp(b.address, audio(B)))
    both_ways(a, (A + 10,), b, (B,))
    change(b, a, sdp(b.address, audio(B + 10), version=2),
           sdp(a.address, audio(A + 10), version=2))
    both_ways(a, (A + 10,), b, (B + 10,))
    change(a, b, sdp(a.address, audio(A), version=3),
           sdp(b.address, audio(B), version=3), "UPDATE")
    both_ways(a, (A,), b, (B,))
    hang_up(b, a)


def when_only_the_codec_changes(context, a, b):
    established(a, b)
    before = rules(context)
    with Flow(a, A, b, B):
        change(a, b, sdp(a.address, f"audio {A} RTP/AVP 8", version=2),
               sdp(b.address, f"audio {B} RTP/AVP 8", version=2))
        change(b, a, sdp(b.address, f"audio {B} RTP/AVP 0", version=3),
               sdp(a.address, f"audio {A} RTP/AVP 0", version=3))
    equal("rules", rules(context), before)
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


def when_a_stream_is_added_and_taken_away(_context, a, b):
    """The audio is not disturbed, and no packet of it is lost."""
    established(a, b)
    with Flow(a, A, b, B):
        change(a, b, sdp(a.address, audio(A), f"video {A + 20} RTP/AVP 34", version=2),
               sdp(b.address, audio(B), f"video {B + 20} RTP/AVP 34", version=2))
    both_ways(a, (A, A + 20), b, (B, B + 20))
    to = a.far[1]
    with Flow(a, A, b, B):
        change(b, a, sdp(b.address, audio(B), "video 0 RTP/AVP 34", version=3),
               sdp(a.address, audio(A), "video 0 RTP/AVP 34", version=3))
    both_ways(a, (A, 0), b, (B, 0))
    silent(a, A + 20, to, b, B + 20, "video that has ended")
    hang_up(a, b)


def when_the_answer_refuses_a_stream(_context, a, b):
    offer = sdp(a.address, audio(A), f"video {A + 20} RTP/AVP 34", audio(A + 30))
    established(a, b, offer=offer,
                answer=sdp(b.address, audio(B), "video 0 RTP/AVP 34", audio(B + 30)))
    b.far[1] = (b.far[1][0], 0)
    both_ways(a, (A, 0, A + 30), b, (B, 0, B + 30))
    hang_up(a, b)


def when_held_and_resumed(context, a, b):
    """By each of the ways, from either side; nothing is leased anew."""
    established(a, b)
    before = rules(context)
    version = 1
    for who, other, ours, theirs in ((a, b, A, B), (b, a, B, A)):
        for held, answer in (("a=sendonly", "a=recvonly"), ("a=inactive", "a=inactive")):
            version += 1
            request = change(who, other, sdp(who.address, audio(ours, held), version=version),
                             sdp(other.address, audio(theirs, answer), version=version))
            require(held in request.body, f"the offer lost its {held}")
        version += 1
        request = change(who, other, sdp("0.0.0.0", audio(ours), version=version),
                         sdp(other.address, audio(theirs), version=version))
        require("c=IN IP4 0.0.0.0" in request.body, "hold by 0.0.0.0 was changed")
        version += 1
        change(who, other, sdp(who.address, audio(ours), version=version),
               sdp(other.address, audio(theirs), version=version))
        both_ways(a, (A,), b, (B,))
        equal("rules", rules(context), before)
    hang_up(a, b)


def when_a_change_is_refused(context, a, b):
    """488 and 491: the media of before goes on, not one packet is lost."""
    established(a, b)
    before = rules(context)
    with Flow(a, A, b, B):
        for who, other, port, status in ((a, b, A, 488), (b, a, B, 488), (a, b, A, 491),
                                         (b, a, B, 491)):
            change(who, other, sdp(who.address, audio(port + 10), version=2), "",
                   status=status)
    equal("rules", rules(context), before)
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


def when_two_changes_cross(context, a, b):
    """Glare: each refuses the other's with 491 (RFC 3261, 14.1)."""
    established(a, b)
    before = rules(context)
    with Flow(a, A, b, B):
        a.request_in("INVITE", sdp(a.address, audio(A + 10), version=2))
        b.request_in("INVITE", sdp(b.address, audio(B + 10), version=2))
        for who in (a, b):
            refuse_if_it_comes(who)
        for who in (a, b):
            who.acknowledge(who.expect(491, "INVITE"))
    equal("rules", rules(context), before)
    both_ways(a, (A,), b, (B,))
    for who, other, port, far in ((a, b, A, B), (b, a, B, A)):
        change(who, other, sdp(who.address, audio(port), version=3),
               sdp(other.address, audio(far), version=3))
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


def refuse_if_it_comes(party):
    """An INVITE that crosses its own: the edge may have refused it already. It
    is not waited for until the edge repeats what the other has (T1, 0.5 s)."""
    try:
        request = party.expect("INVITE", within=0.15)
    except AssertionError:
        return
    party.respond(request, 491)
    party.expect("ACK")


def when_audio_becomes_t38(_context, a, b):
    """The m= line becomes an image, on another port; and back again."""
    established(a, b)
    both_ways(a, (A,), b, (B,))
    change(b, a, sdp(b.address, f"image {B + 40} udptl t38\r\na=T38FaxVersion:0", version=2),
           sdp(a.address, f"image {A + 40} udptl t38\r\na=T38FaxVersion:0", version=2))
    both_ways(a, (A + 40,), b, (B + 40,), rtcp=False)
    change(a, b, sdp(a.address, audio(A), version=3), sdp(b.address, audio(B), version=3))
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


# What describes a stream
def when_rtcp_has_a_port_of_its_own(_context, a, b):
    established(a, b, offer=sdp(a.address, audio(A, f"a=rtcp:{A + 51}")),
                answer=sdp(b.address, audio(B, f"a=rtcp:{B + 51} IN IP4 {b.address}")))
    both_ways(a, (A,), b, (B,), rtcp=False)
    for one, port, other, far, to, back in (
            (a, A + 51, b, B + 51, a.far_rtcp[0], b.far_rtcp[0]),
            (b, B + 51, a, A + 51, b.far_rtcp[0], a.far_rtcp[0])):
        passes(one, port, to, other, far, back, "RTCP")
    hang_up(a, b)


def when_rtcp_is_multiplexed(_context, a, b):
    established(a, b, offer=sdp(a.address, audio(A, "a=rtcp-mux")),
                answer=sdp(b.address, audio(B, "a=rtcp-mux")))
    equal("RTCP of the answer", a.far_rtcp, a.far)
    both_ways(a, (A,), b, (B,), rtcp=False)
    hang_up(a, b)


def when_the_sdp_is_part_of_a_multipart_body(_context, a, b):
    """With a part that is nobody's business, which stays as it is."""
    other = "--cut\r\nContent-Type: application/x-anything\r\n\r\nport=1 & more\r\n"

    def wrapped(text):
        return (f"{other}--cut\r\nContent-Type: application/sdp\r\n\r\n{text}\r\n"
                "--cut--\r\n")
    kind = ('Content-Type: multipart/mixed;boundary="cut"',)
    a.call(b, wrapped(sdp(a.address, audio(A))), kind)
    b.answer_to(a)
    require(b.invite.body.startswith(other), "the other part was changed")
    require(b.far, "the SDP is no longer found")
    b.respond(b.invite, 200, body=wrapped(sdp(b.address, audio(B))), headers=kind)
    a.acknowledge(a.learn(a.expect(200, "INVITE")))
    b.expect("ACK")
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


def when_secured_media_keeps_its_attributes(_context, a, b):
    """SDES and DTLS: what they say passes as it is."""
    lines = ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
             "a=setup:actpass", "a=fingerprint:SHA-256 " + ":".join(["5A"] * 32))
    established(a, b, offer=sdp(a.address, "\r\n".join([f"audio {A} RTP/SAVP 0", *lines])),
                answer=sdp(b.address, "\r\n".join([f"audio {B} RTP/SAVP 0", *lines])))
    for line in lines:
        require(line + "\r\n" in b.invite.body, f"{line} did not pass")
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


# The call as a whole
def when_a_session_timer_is_refreshed(context, a, b):
    """RFC 4028: its headers pass; a refresh is as good as any for the leases."""
    timer = ("Supported: timer", "Session-Expires: 1800;refresher=uac", "Min-SE: 90")
    a.call(b, sdp(a.address, audio(A)), timer)
    b.answer_to(a)
    for header in timer[1:]:
        equal("passes", b.invite.get(header.split(":")[0]), header.split(": ")[1])
    b.respond(b.invite, 200, body=sdp(b.address, audio(B)),
              headers=("Require: timer", "Session-Expires: 1800;refresher=uac"))
    answer = a.learn(a.expect(200, "INVITE"))
    equal("Session-Expires of the answer", answer.get("Session-Expires"),
          "1800;refresher=uac")
    a.acknowledge(answer)
    b.expect("ACK")
    before = rules(context)
    with Flow(a, A, b, B):
        change(a, b, "", "", "UPDATE")
        change(a, b, sdp(a.address, audio(A)), sdp(b.address, audio(B)))
    equal("rules", rules(context), before)
    hang_up(a, b)


def when_one_target_fails_and_the_next_answers(_context, a, b):
    """Sequential fork downstream: 181 and a second early dialog."""
    a.call(b, sdp(a.address, audio(A)))
    b.answer_to(a)
    b.respond(b.invite, 183, body=sdp(b.address, audio(B)), tag="first")
    passes(b, B, b.far[0], a, A, a.learn(a.expect(183)).media()[0], "the first target")
    b.respond(b.invite, 181, tag="second")
    a.expect(181)
    b.ours = "second"
    b.respond(b.invite, 200, body=sdp(b.address, audio(B + 10)))
    a.acknowledge(a.learn(a.expect(200, "INVITE")))
    b.expect("ACK")
    both_ways(a, (A,), b, (B + 10,))
    hang_up(b, a)


def when_the_answer_is_repeated(_context, a, b):
    """The ACK is lost: the 200 comes again, and again with the same SDP."""
    a.call(b, sdp(a.address, audio(A)))
    b.answer_to(a)
    b.respond(b.invite, 200, body=sdp(b.address, audio(B)))
    first = a.learn(a.expect(200, "INVITE"))
    b.respond(b.invite, 200, body=sdp(b.address, audio(B)))
    second = a.expect(200, "INVITE")
    equal("the SDP of the repetition", second.body, first.body)
    a.acknowledge(second)
    b.expect("ACK")
    both_ways(a, (A,), b, (B,))
    hang_up(a, b)


def when_an_attended_transfer_replaces_the_call(_context, a, b):
    """REFER with Replaces: the dialog that is named is the one of the receiver,
    on the receiver's side."""
    established(a, b)
    replaces = f"{a.call_id}%3Bto-tag%3D{a.theirs}%3Bfrom-tag%3D{a.ours}"
    a.request_in("REFER", headers=(f"Refer-To: <{a.target}?Replaces={replaces}>",))
    refer = b.expect("REFER")
    require(a.call_id not in refer.get("Refer-To") or b.call_id == a.call_id,
            "the Call-ID of the other side is shown")
    require(b.call_id in refer.get("Refer-To").replace("%40", "@"),
            f"Replaces names no dialog of {b.user}: {refer.get('Refer-To')}")
    b.respond(refer, 202)
    a.expect(202, "REFER")
    b.request_in("NOTIFY", "SIP/2.0 200 OK\r\n",
                 ("Event: refer", "Subscription-State: terminated;reason=noresource",
                  "Content-Type: message/sipfrag"))
    notify = a.expect("NOTIFY")
    equal("body of the NOTIFY", notify.body, "SIP/2.0 200 OK\r\n")
    a.respond(notify, 200)
    b.expect(200, "NOTIFY")
    hang_up(a, b)


def when_the_callee_redirects(context, a, b):
    """302: no address of the other side is shown, nothing is left."""
    a.call(b, sdp(a.address, audio(A)))
    b.answer_to(a)
    b.respond(b.invite, 302, headers=(f"Contact: <sip:elsewhere@{b.address}:5099>",))
    response = a.expect(302, "INVITE")
    a.acknowledge(response)
    b.expect("ACK")
    for edge in context.lab.edges.values():
        check_nothing_left(edge)
