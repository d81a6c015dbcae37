# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests that a case file may name in its `run` lines."""

import inspect

import interchanges
import rules
from context import Context
from netns import LabError
from topology import Lab

TESTS = {
    "server_interchange": interchanges.Server.run,
    "client_interchange": interchanges.Client.run,
    "server_for_another": interchanges.ServerForAnother.run,
    "client_for_another": interchanges.ClientForAnother.run,
    "conditions": rules.Conditions.run,
    "kinds": rules.Kinds.run,
    "read_your_writes": rules.read_your_writes,
}


def run_case(report, case, only=""):
    """Builds the case's topology once and runs its tests on it, one after the
    other; `only` picks one of them."""
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
    if not runs:
        return
    try:
        with Lab(case) as lab:
            try:
                lab.start_edges()
            except LabError as error:
                report.fail(f"{case.name}/start", f"{error}; kept in "
                            f"{lab.keep_evidence(case.name + '/start')}")
                return
            context = Context(report, lab)
            for name, words in runs:
                TESTS[name](context, *words)
    except LabError as error:
        report.fail(f"{case.name}/lab", error)
