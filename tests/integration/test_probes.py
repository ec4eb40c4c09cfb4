# SPDX-License-Identifier: Apache-2.0
"""Links that are up, and a function behind them that hangs: probes say so, and say when it answers again."""
import os

from case import SharedTest
from world import POLICIES, Federations, NotYet, await_that, free_port

LABELS = {"link": "eu", "function": "eu.gate.pass"}


class ProbedFederations(Federations):
    """us-1 dials eu-1, and probes a function there that answers when a file is there."""

    def _describe(self):
        self.make_authority()
        link_port = free_port()
        probe = (f"{{function: eu.gate.pass, args: [{self.path('gate')}, open], every: 500ms, timeout: 400ms, "
                 "fail_after: 2, ok_after: 2}")
        self.us_node, self.us_bridge = self.federation(
            "us", (), [f'{{name: eu, federation: eu, connect: ["127.0.0.1:{link_port}"], probes: [{probe}]}}'],
            [os.path.join(POLICIES, "us-eu.yaml")])
        self.eu_node, self.eu_bridge = self.federation(
            "eu", (("gate.pass", "public"), ("text.upper", "public")), ["{name: us, federation: us, accept: true}"],
            [os.path.join(POLICIES, "eu-us.yaml")], link_port)

    def await_whole(self):
        self.us_bridge.await_link("eu")
        self.us_node.await_knows("eu.gate.pass", "eu.text.upper")


class ProbeTest(SharedTest):
    @classmethod
    def make_world(cls):
        return ProbedFederations()

    def await_doubt(self, doubted):
        await_that(f"the link is{'' if doubted else ' not'} doubted",
                   lambda: self.world.us_bridge.metric("mpreg_link_doubted", link="eu") == doubted)

    def in_links(self):
        link = self.world.us_bridge.link("eu")
        return link["doubted"], link["probes"][0]["failing"], link["probes"][0]["result"]

    def test_a_function_that_hangs_puts_its_link_in_doubt(self):
        bridge = self.world.us_bridge
        self.await_doubt(True)
        self.assertEqual(bridge.metric("mpreg_probe_success", **LABELS), 0)
        self.assertEqual(bridge.metric("mpreg_link_up", link="eu"), 1)
        bridge.await_fact("link.probe_failed", link="eu", function="eu.gate.pass")
        await_that("it hangs", lambda: bridge.metric("mpreg_probes_total", result="timeout", **LABELS) > 0)
        self.assertRegex(self.world.ctl_ok("--admin", bridge.admin_url, "links"), " up, doubted ")
        self.assertEqual(self.world.us_node.call("eu.text.upper", "there"), "THERE")
        self.world.open_gate("gate")
        self.await_doubt(False)
        bridge.await_fact("link.probe_ok", link="eu", function="eu.gate.pass")
        self.assertGreaterEqual(bridge.metric("mpreg_probes_total", result="ok", **LABELS), 2)
        self.assertGreater(bridge.metric("mpreg_probe_seconds", **LABELS), 0)
        # On a busy machine one may take longer than it may.
        await_that("the last one was answered", lambda: bridge.metric("mpreg_probe_success", **LABELS) == 1)
        await_that("/v1/links says so", lambda: self.in_links() == (False, False, "ok"))
        os.remove(self.world.path("gate"))
        self.await_doubt(True)


PASSES_ON = """policy: {name}
federation: {name}
links: [{links}]
export:
  rules:
    - {{id: pass, match: {{function: "af.**"}}, transit: true, action: accept}}
import: {{rules: [{{id: in, match: {{function: "af.**"}}, action: accept}}]}}
"""

SERVES = """policy: af
federation: af
links: [us, eu]
export:
  rules:
    - {id: out, match: {function: "{f**}"}, set: {function: "af.{f}"}, action: accept}
"""


class Triangle(Federations):
    """us and eu pass on to each other what af serves; both have a link to it, and probe it."""

    def _describe(self):
        self.make_authority()
        self.ports = {"eu": free_port(), "af": free_port()}
        self.us = self.passes_on("us", [self.dials("eu"), self.probed()])
        self.eu = self.passes_on("eu", ["{name: us, federation: us, accept: true}", self.probed()])
        self.af_node, self.af_bridge = self.federation(
            "af", (("gate.pass", "public"), ("text.upper", "public")),
            [f"{{name: {far}, federation: {far}, accept: true}}" for far in ("us", "eu")],
            [self.write("af.yaml", SERVES)], self.ports["af"])

    def dials(self, far, more=""):
        return f'{{name: {far}, federation: {far}, connect: ["127.0.0.1:{self.ports[far]}"]{more}}}'

    def probed(self):
        return self.dials("af", f", probes: [{{function: af.gate.pass, args: [{self.path('gate')}, open], every: 500ms, "
                                "timeout: 400ms, fail_after: 2, ok_after: 2}]")

    def passes_on(self, name, links):
        far = "eu" if name == "us" else "us"
        policy = self.write(f"{name}-policy.yaml", PASSES_ON.format(name=name, links=f"{far}, af"))
        node, bridge = self.federation(name, (), links, [policy], self.ports.get(name))
        bridge.far = far
        bridge.node = node
        return bridge

    def await_whole(self):
        for bridge in (self.us, self.eu):
            bridge.await_link("af")
            bridge.await_link(bridge.far)
            bridge.node.await_knows("af.text.upper")


class DoubtTest(SharedTest):
    @classmethod
    def make_world(cls):
        return Triangle()

    def both_have_two_ways(self, doubted):
        """Their own to af, which serves, and the one by the other; whether each of the ways is doubted."""
        for bridge in (self.world.us, self.world.eu):
            ways = {item["link"]: (item["offer"], item["chosen_link"], item["doubted"])
                    for item in bridge.get_json("/v1/functions?side=imported")["functions"]
                    if item["name"] == "af.text.upper"}
            if ways != {"af": ("offered", "af", doubted), bridge.far: ("standby", "af", doubted)}:
                raise NotYet(f"{bridge.name} has {ways}")
        return True

    def gone_or_changed(self):
        return [bridge.metric("mpreg_prunes_total") for bridge in (self.world.us, self.world.eu)]

    def await_pings(self, count):
        for bridge in (self.world.us, self.world.eu):
            end = bridge.metric("mpreg_link_rtt_seconds_count", link=bridge.far) + count
            await_that(f"{bridge.name} has measured {count} round trips",
                       lambda bridge=bridge, end=end: bridge.metric("mpreg_link_rtt_seconds_count", link=bridge.far) >= end)

    def test_two_that_doubt_their_links_to_a_third_one_come_to_rest(self):
        await_that("both doubt both ways", lambda: self.both_have_two_ways(True))
        for bridge in (self.world.us, self.world.eu):
            told = bridge.get_json(f"/v1/functions?side=exported&link={bridge.far}")["functions"]
            self.assertEqual({item["name"]: item["doubted"] for item in told}, {"af.text.upper": True, "af.gate.pass": True})
        before = self.gone_or_changed()
        self.await_pings(4)
        self.assertTrue(self.both_have_two_ways(True))
        self.assertEqual(self.gone_or_changed(), before)
        self.assertRegex(self.world.ctl_ok("--admin", self.world.us.admin_url, "functions", "--link", "eu"),
                         "af.text.upper .*standby: link af by hops, doubted")
        self.assertEqual(self.world.us.node.call("af.text.upper", "there"), "THERE")
        self.world.open_gate("gate")
        await_that("nobody doubts a way", lambda: self.both_have_two_ways(False))
