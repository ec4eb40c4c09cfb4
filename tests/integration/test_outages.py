# SPDX-License-Identifier: Apache-2.0
"""Outages that no closed connection tells of, and a second bridge that takes over."""
import os
import signal

from case import SharedTest
from world import POLICIES, TwoFederations, free_port


class FrozenTest(SharedTest):
    def check_stale(self, count):
        """However one asks, so many functions of eu are stale."""
        bridge = self.world.us_bridge
        self.assertEqual(bridge.metric("mpreg_functions_stale", link="eu"), count)
        self.assertEqual(bridge.link("eu")["table"]["stale"], count)
        self.assertEqual(bridge.get_json("/v1/status")["functions_stale"], count)
        imported = bridge.get_json("/v1/functions?link=eu&side=imported")["functions"]
        self.assertEqual(sum(item["stale"] for item in imported), count)

    def check_row(self, pattern):
        rows = self.world.ctl_ok("--admin", self.world.us_bridge.admin_url, "links").splitlines()
        self.assertRegex(rows[1], pattern)

    def test_a_frozen_bridge_is_suspended_until_it_wakes_up_and_its_functions_stay(self):
        world = self.world
        world.us_node_1.await_knows("eu.text.upper", "eu.only.here")
        count = int(world.us_bridge.metric("mpreg_functions", port="eu", side="imported"))
        self.check_stale(0)
        world.eu_bridge.popen.send_signal(signal.SIGSTOP)
        try:
            world.us_bridge.await_link("eu", "suspended")
            self.assertIn("silent", str(world.us_bridge.link("eu")["session"]["last_error"]))
            self.assertTrue(world.us_node_1.knows("eu.only.here"))
            self.assertGreater(count, 0)
            self.check_stale(count)
            self.check_row(fr"suspended, \S+ left .* {count}, \S+ left ")
            self.assertEqual(world.us_bridge.metric("mpreg_link_state", link="eu"), 5)
            self.assertEqual(world.us_bridge.metric("mpreg_link_up", link="eu"), 0)
        finally:
            world.eu_bridge.popen.send_signal(signal.SIGCONT)
        world.us_bridge.await_fact("link.resumed", link="eu")
        world.await_whole()
        self.check_stale(0)
        self.check_row(" up ")
        self.assertEqual(world.us_node_1.call("eu.text.upper", "awake"), "AWAKE")
        self.assertEqual(world.eu_node_1.call("us.math.add", 2, 3), 5)


class TwoBridges(TwoFederations):
    """eu has a second bridge, eu-2, and us-1 knows the addresses of both."""

    def _describe(self):
        self.eu_second_port = free_port()
        super()._describe()
        self.make_certificate("eu", "eu-2")
        seeds = [self.eu_node_1.url, self.eu_node_2.url]
        self.eu_second = self.bridge(
            "eu-2", "eu", free_port(), seeds, ["{name: us, federation: us, accept: true}"],
            link_port=self.eu_second_port, policies=[os.path.join(POLICIES, "eu-us.yaml")])
        self.processes.remove(self.us_bridge)
        self.us_bridge = self.bridge(
            "us-1", "us", free_port(), [self.us_node_1.url, self.us_node_2.url],
            ['{name: eu, federation: eu, connect: '
             f'["127.0.0.1:{self.eu_link_port}", "127.0.0.1:{self.eu_second_port}"]}}'],
            policies=[os.path.join(POLICIES, "us-eu.yaml")])

    def await_whole(self):
        """Which of the two bridges has the link is not said."""
        self.us_bridge.await_link("eu")
        self.us_node_1.await_knows("eu.text.upper")
        self.eu_node_1.await_knows("us.math.add")


class FailoverTest(SharedTest):
    @classmethod
    def make_world(cls):
        return TwoBridges()

    def test_the_second_bridge_takes_over_and_what_it_learns_is_not_sent_back(self):
        world = self.world
        for _ in range(3):
            active = world.us_bridge.link("eu")["far_bridge"]
            dead, alive = ((world.eu_bridge, world.eu_second) if active == "eu-1"
                           else (world.eu_second, world.eu_bridge))
            dead.kill()
            alive.await_link("us")
            world.await_whole()
            self.assertEqual(world.us_bridge.link("eu")["far_bridge"], alive.name)
            self.assertEqual(world.us_node_1.call("eu.text.upper", "hello"), "HELLO")
            self.assertEqual(world.eu_node_1.call("us.math.add", 2, 3), 5)
            dead.start()
            dead.await_fact("bridge.ready")
            # It knows us.math.add from its neighbour, and must never tell us of it.
            exported = {item["name"] for item in alive.get_json("/v1/functions?side=exported")["functions"]}
            self.assertFalse([name for name in exported if "us." in name], exported)
