# SPDX-License-Identifier: Apache-2.0
"""A link that is up, and a function behind it that hangs: its probe says so, and says when it answers again."""
import os

from case import SharedTest
from world import POLICIES, Federations, await_that, free_port

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
