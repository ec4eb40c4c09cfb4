# SPDX-License-Identifier: Apache-2.0
"""TERM: goodbye, the calls under way are answered, exit 0."""
import signal
import unittest

from world import PATIENCE_SECONDS, TwoFederations, await_that


class StopTest(unittest.TestCase):
    def setUp(self):
        self.world = TwoFederations()
        self.addCleanup(self.world.close)

    def test_a_bridge_finishes_its_calls_and_the_other_side_learns_at_once(self):
        world = self.world
        for bridge, far_bridge, link, far_link in ((world.us_bridge, world.eu_bridge, "eu", "us"),
                                                    (world.eu_bridge, world.us_bridge, "us", "eu")):
            with self.subTest(bridge.name), world.us_node_1.client() as client:
                u = client.begin_call("eu.gate.pass", world.path(bridge.name), "in time")
                await_that("the call is under way", lambda: bridge.metric("mpreg_calls_in_flight", port=link) == 1)
                bridge.popen.send_signal(signal.SIGTERM)
                bridge.await_fact("bridge.draining", calls=1)
                world.open_gate(bridge.name)
                self.assertEqual(client.finish(u)["r"]["result_of_call"], "in time")
                self.assertEqual(bridge.popen.wait(PATIENCE_SECONDS), 0)
                far_bridge.await_link(far_link, "down")
                if bridge is world.us_bridge:
                    world.us_node_1.await_forgets("eu.text.upper")
                else:
                    self.keeps_what_it_cannot_reach(world)
                bridge.start()
                world.await_whole()

    def keeps_what_it_cannot_reach(self, world):
        """The far bridge may only be restarted: its functions stay, and calls of them end at once."""
        self.assertTrue(world.us_node_1.knows("eu.text.upper"))
        with world.us_node_1.client() as client:
            answer = client.finish(client.begin_call("eu.text.upper", "x"))
        self.assertIn("link_down", str(answer))

    def test_a_node_finishes_its_calls_and_says_goodbye(self):
        world = self.world
        with world.eu_node_1.client() as far, world.us_node_1.client() as near:
            far_call = far.begin_call("us.gate.pass", world.path("gate"), "far")
            near_call = near.begin_call("gate.pass", world.path("gate"), "near")
            await_that("both calls are under way",
                       lambda: world.executed(world.us_node_1).count("gate.pass") == 2)
            world.us_node_1.popen.send_signal(signal.SIGTERM)
            world.us_node_1.await_fact("node.draining")
            world.open_gate("gate")
            self.assertEqual(far.finish(far_call)["r"]["result_of_call"], "far")
            self.assertEqual(near.finish(near_call)["r"]["result_of_call"], "near")
        self.assertEqual(world.us_node_1.popen.wait(PATIENCE_SECONDS), 0)
        world.us_node_2.await_fact("node.goodbye", node=world.us_node_1.url)
        world.us_bridge.await_fact("node.goodbye", node=world.us_node_1.url)
        world.eu_node_1.await_forgets("us.math.square")
        self.assertTrue(world.eu_node_1.knows("us.math.add"))
        self.assertFalse(world.us_node_2.facts("node.dead"))

    def test_a_node_that_cannot_finish_in_time_refuses_and_exits_all_the_same(self):
        world = self.world
        with world.us_node_1.client() as client:
            u = client.begin_call("slow.echo", 25, "too late")
            await_that("the call is under way", lambda: "slow.echo" in world.executed(world.us_node_1))
            self.assertEqual(world.us_node_1.stop(), 0)
            answer = client.finish(u)
        self.assertTrue(answer["error"], answer)

    def test_everything_stops_at_once_and_cleanly(self):
        for process in self.world.processes:
            process.popen.send_signal(signal.SIGTERM)
        self.assertEqual([process.popen.wait(PATIENCE_SECONDS) for process in self.world.processes],
                         [0] * len(self.world.processes))
