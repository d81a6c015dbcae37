# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU of the three daemons for a call, and memory for a standing call, by SIPp
over the lab's ordinary edge."""

import os
import subprocess
import time

import netns
import sipp
import topology
import ways

DAEMONS = ("proxy", "natctl", "translator")
CALLS_PER_SECOND = 200
CALL_SECONDS = 20
STANDING_CALLS = 2000


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def over_daemons(lab, read):
    return {name: read(lab.edges["e"].processes[name].pid) for name in DAEMONS}


def register(lab, phone):
    argv = sipp.arguments(phone, "register", phone.domain, **{
        "from": phone.aor, "user": phone.user, "domain": phone.domain, "expires": "3600"})
    sipp.finished(sipp.start(lab, phone, argv, "register"), f"register of {phone.name}")


def load(lab, calls, hold_ms):
    """Starts callee and caller for so many calls; the two processes."""
    a, b = lab.case.phones["a"], lab.case.phones["b"]
    options = ["-m", str(calls), "-timeout", "120", "-d", str(hold_ms)]
    callee = sipp.start(lab, b, sipp.arguments(b, "uas_load", "", *options, **{
        "user": b.user, "domain": b.domain, **sipp.said(b)}), "load-uas")
    netns.wait_until("the callee is bound", lambda: sipp.bound(lab, b), timeout=3)
    caller = sipp.start(lab, a, sipp.arguments(
        a, "uac_load", b.aor[4:], *options, "-r", str(CALLS_PER_SECOND), "-l",
        str(calls), **{"user": a.user, "domain": a.domain, "peer": b.user,
                       "peer_domain": b.domain, **sipp.said(a),
                       **dict(zip(("expect_ip", "expect_port"), b.media.split(":")))}),
        "load-uac")
    return callee, caller


def end_load(callee, caller):
    for path, process in (caller, callee):
        try:
            code = process.wait(150)
        except subprocess.TimeoutExpired:
            netns.end(process, kill=True)
            code = "no end"
        if code != 0:
            raise netns.LabError(f"SIPp ended with {code}: see {path}")


def measure_on(lab):
    for phone in lab.case.phones.values():
        register(lab, phone)
    # First, while the daemons hold nothing that earlier calls have left.
    before = over_daemons(lab, resident)
    running = load(lab, STANDING_CALLS, 25000)
    time.sleep(STANDING_CALLS / CALLS_PER_SECOND + 3)
    after = over_daemons(lab, resident)
    end_load(*running)
    found = {"standing_calls": STANDING_CALLS,
             "bytes_per_standing_call": {
                 n: (after[n] - before[n]) // STANDING_CALLS for n in DAEMONS}}
    calls = CALLS_PER_SECOND * CALL_SECONDS
    before = over_daemons(lab, cpu_seconds)
    end_load(*load(lab, calls, 1000))
    after = over_daemons(lab, cpu_seconds)
    spent = {n: round((after[n] - before[n]) * 1000 / calls, 3) for n in DAEMONS}
    spent["all"] = round(sum(spent.values()), 3)
    found.update(calls=calls, calls_per_second=CALLS_PER_SECOND, cpu_ms_per_call=spent)
    return found


def measure():
    with topology.Lab(ways.the_case()) as lab:
        for tap in lab.taps.values():       # nobody listens while it is measured
            tap.stop()
        lab.taps.clear()
        lab.start_edges()
        return measure_on(lab)
