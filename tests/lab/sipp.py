# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls between two SIPp with the scenarios of sipp-scenarios/."""

import os
import subprocess

import netns
import sip
from calls import finish
from context import equal, require
from report import Failed

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "sipp-scenarios")
SECONDS = 15


def scenario(name):
    path = os.path.join(FOLDER, name + ".xml")
    if not os.path.exists(path):
        raise Failed(f"there is no scenario {name}.xml")
    return path


def arguments(phone, name, auth_uri, *options, **keys):
    """SIPp's command line for one scenario played by one phone. SIPp signs the
    address it sends to unless it is told the Request-URI."""
    address, port = phone.sip.split(":")
    argv = ["sipp", phone.proxy, "-sf", scenario(name), "-i", address, "-p", port,
            "-m", "1", "-nostdin", "-au", phone.user, "-ap", phone.password,
            "-auth_uri", auth_uri, "-timeout", str(SECONDS), "-timeout_error",
            "-trace_err", *options]
    for key, value in keys.items():
        argv += ["-key", key, value]
    return argv


def said(phone):
    """What a phone writes into its SDP."""
    return dict(zip(("sdp_ip", "sdp_port"), phone.media.split(":")))


def start(lab, phone, argv, name):
    folder = os.path.join(lab.folder, f"sipp-{phone.name}")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(lab.folder, f"sipp-{phone.name}-{name}.log")
    with open(path, "wb") as log:
        return path, lab.popen(phone.node, argv, stdin=subprocess.DEVNULL, stdout=log,
                               stderr=log, cwd=folder, env={**os.environ, "TERM": "dumb"})


def finished(started, what):
    path, process = started
    try:
        code = process.wait(SECONDS + 5)
    except subprocess.TimeoutExpired:
        netns.end(process, kill=True)
        code = "no end"
    if code != 0:
        with open(path, errors="replace", encoding="utf-8") as file:
            lines = [l.strip() for l in file.read().split("\n") if l.strip()]
        errors = [l for l in lines if "rror" in l or "nexpected" in l] or lines[-5:]
        raise Failed(f"{what} ended with {code}: {' | '.join(errors[-4:])[:600]}")


def sipp(context, name, transport="u1"):
    """One call of the scenario pair; each side checks the SDP it receives. The
    caller speaks so with its edge (u1: UDP, t1: TCP; Debian's SIPp has no TLS),
    the callee UDP."""
    lab, case = context.lab, context.case
    a, b = case.phones["a"], case.phones["b"]
    expected = {}
    for what, party in (("offer", b), ("answer", a)):
        last = [e for s, e in case.expected(what) if s == party.segment][-1]
        expected[party.name] = dict(zip(("expect_ip", "expect_port"), last.split(":")))
    label = name if transport == "u1" else f"{name}_{transport}"
    with context.test(f"sipp_{label}"):
        lab.take()
        for phone in (a, b):
            argv = arguments(phone, "register", phone.domain, user=phone.user,
                             domain=phone.domain)
            finished(start(lab, phone, argv, "register"), f"register of {phone.name}")
        argv = arguments(b, name + "_uas", b.aor[4:], "-d", "300", **said(b),
                         **expected["b"])
        callee = start(lab, b, argv, "uas")
        try:
            netns.wait_until("the callee's SIPp is bound",
                             lambda: bound(lab, b), timeout=3)
            argv = arguments(a, name + "_uac", b.aor[4:], "-d", "300", **said(a),
                             **expected["a"], user=a.user, domain=a.domain,
                             peer=b.user, peer_domain=b.domain)
            argv += ["-t", transport]
            finished(start(lab, a, argv, "uac"), "the caller")
            finished(callee, "the callee")
        finally:
            netns.end(callee[1], kill=True)
        captures = lab.take()
        for what, party in (("offer", b), ("answer", a)):
            segment = party.segment
            if party is a and transport != "u1":
                continue            # its SIPp has checked it
            equal(f"{what} on {segment}", sip.shown(captures[segment], what),
                  [e for s, e in case.expected(what) if s == segment])
        context.check_no_leak(captures)
        require(any(captures.values()), "nothing was captured")
        finish(context)


def bound(lab, phone):
    """Is a UDP socket bound to the phone's SIP port?"""
    port = int(phone.sip.split(":")[1])
    with netns.entered(lab.namespace(phone.node)):
        with open("/proc/thread-self/net/udp", encoding="ascii") as file:
            return any(int(line.split()[1].split(":")[1], 16) == port
                       for line in file.readlines()[1:])
