# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests that a case file may name in its `run` lines."""

import inspect

import baresip
import calls
import cascade
import channel
import events
import explain
import fast
import firewall
import foreign
import interchanges
import ipv6
import nat
import negotiation
import overlap
import pools
import remote
import requests
import robust
import rules
import services
import silent
import sipp
import sources
from context import Context, require
from netns import LabError
from topology import Lab

TESTS = {
    "calls": calls.calls,
    "early": calls.early,
    "before_answer": calls.before_answer,
    "stranger": calls.stranger,
    "after_bye": calls.after_bye,
    "cut_transit": calls.cut_transit,
    "at_once": overlap.at_once,
    "requests": requests.requests,
    "refused": requests.refused,
    "sipp": sipp.sipp,
    "baresip": baresip.baresip,
    "foreign": foreign.foreign,
    "on_link": pools.on_link,
    "own_address": pools.own_address,
    "behind_router": pools.behind_router,
    "host_firewall": firewall.host_firewall,
    "kill": robust.kill,
    "kill_unnoticed": robust.kill_unnoticed,
    "stopped": robust.stopped,
    "fails_closed": robust.fails_closed,
    "many_calls": robust.many_calls,
    "server_interchange": interchanges.Server.run,
    "client_interchange": interchanges.Client.run,
    "server_for_another": interchanges.ServerForAnother.run,
    "client_for_another": interchanges.ClientForAnother.run,
    "conditions": rules.Conditions.run,
    "kinds": rules.Kinds.run,
    "packets": rules.Packets.run,
    "fastpath": fast.FastPath.run,
    "restarts": rules.Restarts.run,
    "read_your_writes": rules.read_your_writes,
    "example": channel.example,
    "limits": channel.limits,
    "events": events.events,
    "media_timeout": silent.media_timeout,
    "remote": remote.remote,
    "explain": explain.explain,
    "services": services.Services.run,
    "recovered": services.recovered,
    "whole_address": services.whole_address,
    "cascade": cascade.cascade,
    "tcp_leases": nat.Tcp.run,
    "static_entry": nat.Static.run,
    "dynamic": nat.Dynamic.run,
    "dscp": nat.Dscp.run,
    "sources": sources.sources,
    "bleed": sources.bleed,
    "far_nat": sources.far_nat,
    "ipv6": ipv6.Ipv6.run,
    "v4v6": ipv6.Crossing.run,
    "negotiation": negotiation.negotiation,
}


def run_case(report, case, only=""):
    """Builds the case's topology and runs its tests on it, one after the other;
    those that break what they run on get a topology of their own. `only` picks
    one of them."""
    print(f"== {case.name}: {case.title}", flush=True)
    runs = [(name, words) for name, words in case.runs if only in ("", name)]
    if not runs:
        report.fail(f"{case.name}/{only}", "the case has no such test")
    for name, words in runs:
        try:
            inspect.signature(TESTS[name]).bind(None, *words)
        except KeyError:
            report.fail(f"{case.name}/{name}", "no such test")
            return
        except TypeError as error:
            report.fail(f"{case.name}/{name}", error)
            return
    shared = []
    for name, words in runs:
        if getattr(TESTS[name], "own_lab", False):
            run_in_lab(report, case, [(name, words)])
        else:
            shared.append((name, words))
    while shared:
        shared = run_in_lab(report, case, shared)


def run_in_lab(report, case, runs):
    """The tests that are left: after a failure the others get a fresh lab."""
    left = list(runs)
    try:
        with Lab(case) as lab:
            if not any(getattr(TESTS[name], "starts_itself", False) for name, _ in runs):
                try:
                    lab.start_edges()
                except LabError as error:
                    folder = lab.keep_evidence(case.name + "/start")
                    report.fail(f"{case.name}/start", f"{error}; kept in {folder}")
                    return []
            context = Context(report, lab)
            before = report.failed
            while left and report.failed == before:
                name, words = left.pop(0)
                TESTS[name](context, *words)
            if report.failed == before and not left:
                with context.test("daemons_end_cleanly"):
                    end_daemons(lab)
    except LabError as error:
        report.fail(f"{case.name}/lab", error)
        return []
    return left


def end_daemons(lab):
    """Told to end, each daemon does so with status 0: under the sanitizers that
    also says that nothing leaked."""
    for edge in lab.edges.values():
        words = edge.alive()
        require(not words, words)
        for daemon, code in edge.stop().items():
            require(code == 0, f"edge {edge.name}: viaduct-{daemon} ended with "
                               f"{code}: {edge.last_words(daemon)}")
