# SPDX-License-Identifier: GPL-2.0-or-later
"""Several calls at once whose parties may have the same addresses in different
realms. Each call is proved by itself, then all of them together."""

import contextlib
import dataclasses
import types

import media
from calls import (MEDIA_SECONDS, Pair, Record, first_packets, flows_of, hang_up,
                   media_for, passed, proof_empty, proof_media, proof_no_leak,
                   proof_path, proof_rules, proof_sdp, proof_unchanged, talk)
from applications import pairs
from context import require
from report import NotReached

OWN = (("sdp", proof_sdp), ("media", proof_media), ("unchanged", proof_unchanged))


def part_of(case, names):
    """The case with the expectations of these calls only; of a single one,
    a and b are its parties."""
    part = dataclasses.replace(case, expects=[e for e in case.expects if e.call in names])
    if len(names) == 1:
        caller, callee = (case.phones[p] for p in case.calls[names[0]])
        part.phones = {**case.phones, "a": caller, "b": callee}
    return part


def view_of(context, names):
    """What a proof asks of its context, for these calls."""
    return types.SimpleNamespace(lab=context.lab, case=part_of(context.case, names),
                                 views=context.views,
                                 check_no_leak=context.check_no_leak)


def captures_of(context, name, captures):
    """The packets from or to a party of the call, on the parties' segments and
    those of its expectations."""
    case = part_of(context.case, [name])
    parties = [case.phones[p] for p in "ab"]
    segments = {p.segment for p in parties}
    segments |= {values[1] if what == "media" else values[0]
                 for what in ("offer", "answer", "media") for values in case.expected(what)}
    hosts = {endpoint.split(":")[0] for p in parties for endpoint in (p.sip, p.media)}
    return {segment: [p for p in packets if p.kind == "ip" and {p.src, p.dst} & hosts]
            for segment, packets in captures.items() if segment in segments}


def paths_of(lab):
    return {name: edge.paths() for name, edge in lab.edges.items()}


def make_calls(context, names, order):
    """All of the calls are up, with media both ways, at the same time."""
    lab, records = context.lab, {name: Record() for name in names}
    lab.take()
    before = paths_of(lab)
    with contextlib.ExitStack() as stack:
        phones = {}
        for name in names:
            caller, callee = context.case.calls[name]
            phones[name] = stack.enter_context(
                Pair(context, caller=caller, callee=callee))
        marks = {name: [phone.mark() for phone in phones[name]] for name in names}
        for name, record in records.items():
            incoming, established = talk(*phones[name])
            record.offered, record.answered = incoming["sdp"], established["sdp"]
        for a, b in phones.values():
            first_packets(*((a, b) if order == "a_first" else (b, a)))
        media_for([phone for pair in phones.values() for phone in pair], MEDIA_SECONDS)
        rules = {name: pairs(edge.rules()) for name, edge in lab.edges.items()}
        paths = {name: {way: count - before[name][way] for way, count in now.items()}
                 for name, now in paths_of(lab).items()}
        for name, (a, b) in phones.items():
            records[name].rules, records[name].paths = rules, paths
            records[name].stats = {p.name: p.stats() for p in (a, b)}
        for name, (a, b) in phones.items():
            hang_up(*((a, b) if order == "a_first" else (b, a)))
            records[name].messages = passed(a, b, *marks[name], bye=order)
    return records, lab.take()


def all_media(context, captures):
    """No media packet on any segment but those of the calls."""
    result = media.check(flows_of(context.case), captures)
    require(not result.faults, "; ".join(result.faults))


def at_once(context, *names):
    """The calls, for each order of first packets, and the five proofs."""
    for name in names:
        require(name in context.case.calls, f"the case has no call {name}")
    label = "+".join(names)
    for order in ("a_first", "b_first"):
        records, captures = {}, {}
        together = view_of(context, names)
        ids = together.case.ids()
        with context.test(f"{label}/{order}/calls", ids):
            records, captures = make_calls(context, names, order)
        for name in names:
            for what, proof in OWN:
                with context.test(f"{label}/{order}/{name}/{what}", ids):
                    if not records:
                        raise NotReached("the calls")
                    record = dataclasses.replace(
                        records[name], captures=captures_of(context, name, captures))
                    proof(view_of(context, [name]), record)
        for what, proof in (("rules", proof_rules), ("path", proof_path),
                            ("empty_after_bye", proof_empty), ("no_leak", proof_no_leak)):
            with context.test(f"{label}/{order}/{what}", ids):
                if not records:
                    raise NotReached("the calls")
                proof(together, dataclasses.replace(records[names[0]], captures=captures))
        with context.test(f"{label}/{order}/nothing_else", ids):
            if not records:
                raise NotReached("the calls")
            all_media(together, captures)
