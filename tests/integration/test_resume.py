# SPDX-License-Identifier: Apache-2.0
"""A link that is cut again and again, or goes dead for a while, under load: no call is lost, none is executed twice."""
import os
from collections import Counter

from case import SharedTest
from fault_proxy import Proxy
from load import Load, Names
from world import POLICIES, Federations, await_that, free_port

CUTS = 20


class CutFederations(Federations):
    """us and eu, a node and a bridge each; us-1 dials eu-1 through a proxy."""

    FUNCTIONS = (("text.upper", "public"), ("text.reverse", "public"))

    def _describe(self):
        self.make_authority()
        link_port, proxy_port = free_port(), free_port()
        self.proxy = Proxy(proxy_port, link_port)
        self.helpers.append(self.proxy)
        self.us_node, self.us_bridge = self.federation(
            "us", self.FUNCTIONS, [f'{{name: eu, federation: eu, connect: ["127.0.0.1:{proxy_port}"]}}'],
            [os.path.join(POLICIES, "us-eu.yaml")], more="retry: {base: 20ms, cap: 100ms}\n")
        self.eu_node, self.eu_bridge = self.federation(
            "eu", self.FUNCTIONS, ["{name: us, federation: us, accept: true}"], [os.path.join(POLICIES, "eu-us.yaml")],
            link_port)

    def await_whole(self):
        self.us_bridge.await_link("eu")
        self.eu_bridge.await_link("us")
        self.us_node.await_knows("eu.text.upper", "eu.text.reverse")
        self.eu_node.await_knows("us.text.upper", "us.text.reverse")

    def ends(self):
        return ((self.us_bridge, "eu"), (self.eu_bridge, "us"))


class ResumeTest(SharedTest):
    @classmethod
    def make_world(cls):
        return CutFederations()

    def setUp(self):
        self.world.await_whole()
        self.before = [self.counts(bridge, link) for bridge, link in self.world.ends()]
        self.loads = []

    def counts(self, bridge, link):
        """Sessions, resumes, and whole tables that were asked for again."""
        return tuple(bridge.metric(f"mpreg_link_{what}_total", link=link) for what in ("sessions", "resumes", "resyncs"))

    def load_both_ways(self):
        self.loads = [Load(self.world.us_node, "eu.text.upper", str.upper), Load(self.world.us_node, "eu.text.reverse", reverse),
                      Load(self.world.eu_node, "us.text.upper", str.upper), Load(self.world.eu_node, "us.text.reverse", reverse)]
        for load in self.loads:
            self.addCleanup(load.stop)
        self.await_more(1)

    def await_more(self, count):
        for load in self.loads:
            load.await_more(count)

    def check_every_call_was_answered_and_ran_once(self):
        for load in self.loads:
            load.stop()
        for load in self.loads:
            self.assertEqual(load.unanswered(), 0, load.function)
            self.assertEqual(load.failed, [], load.function)
            serving = self.world.eu_node if load.node is self.world.us_node else self.world.us_node
            ran = Counter(arguments[0] for _, arguments in self.world.executed_calls(serving)
                          if arguments[0].startswith(load.name + "-"))
            self.assertEqual(ran, Counter(load.called), load.function)

    def check_resumed(self, at_least):
        for (bridge, link), (sessions, resumes, resyncs) in zip(self.world.ends(), self.before):
            now = self.counts(bridge, link)
            self.assertEqual((now[0], now[2]), (sessions, resyncs), f"{bridge.name}: another session, or a resync")
            self.assertGreaterEqual(now[1], resumes + at_least, bridge.name)

    def test_twenty_cuts_under_load_lose_no_call(self):
        self.load_both_ways()
        for _ in range(CUTS):
            self.world.proxy.cut()
            self.await_more(3)
        self.check_every_call_was_answered_and_ran_once()
        self.check_resumed(CUTS)

    def test_a_stall_longer_than_the_hold_time_loses_no_call(self):
        self.load_both_ways()
        self.world.proxy.stall()
        for bridge, link in self.world.ends():
            bridge.await_link(link, "suspended")
        self.world.proxy.go_on()
        self.await_more(3)
        self.check_every_call_was_answered_and_ran_once()
        self.check_resumed(1)

    def test_a_restart_of_the_far_bridge_takes_no_function_away(self):
        world = self.world
        watched = Names(world.us_node, ["eu.text.upper", "eu.text.reverse"])
        self.addCleanup(watched.stop)
        load = Load(world.us_node, "eu.text.upper", str.upper)
        self.addCleanup(load.stop)
        load.await_more(1)
        prunes = world.us_bridge.metric("mpreg_prunes_total", port="eu")
        self.assertEqual(world.eu_bridge.stop(), 0)
        await_that("its functions are stale", lambda: world.us_bridge.metric("mpreg_functions_stale", link="eu") == 2)
        world.eu_bridge.start()
        world.await_whole()
        await_that("nothing is stale", lambda: world.us_bridge.metric("mpreg_functions_stale", link="eu") == 0)
        load.await_more(3)
        load.stop()
        watched.stop()
        self.assertEqual(watched.missed, [])
        self.assertEqual(world.us_bridge.metric("mpreg_prunes_total", port="eu"), prunes)
        kinds = {answer["r"]["result_of_call"]["error_type"] for _, answer in load.failed}
        self.assertLessEqual(kinds, {"draining", "link_down"})


def reverse(text):
    return text[::-1]
