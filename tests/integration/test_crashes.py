# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each process in turn: what it served disappears on the other side, and comes back with it."""
import os
import signal

import mpreg
from case import SharedTest
from world import await_that


class CrashTest(SharedTest):
    def setUp(self):
        self.world.await_whole()

    def assert_both_directions(self):
        self.assertEqual(self.world.us_node_1.call("eu.text.upper", "hello"), "HELLO")
        self.assertEqual(self.world.eu_node_1.call("us.math.add", 2, 3), 5)

    def test_the_only_provider_in_us_dies_and_its_function_is_withdrawn_from_eu(self):
        self.kill(self.world.us_node_2)
        self.world.eu_node_1.await_forgets("us.only.here")
        self.assertEqual(self.world.eu_node_1.call("us.math.add", 2, 3), 5)
        with self.assertRaises(mpreg.CallError) as raised:
            self.world.eu_node_1.call("us.only.here")
        self.assertEqual(raised.exception.code, 1001)
        self.revive(self.world.us_node_2)
        self.assertEqual(self.world.eu_node_1.call("us.only.here"), "only here")

    def test_the_only_provider_in_eu_dies_and_its_function_is_withdrawn_from_us(self):
        self.kill(self.world.eu_node_2)
        self.world.us_node_1.await_forgets("eu.only.here")
        self.assertEqual(self.world.us_node_1.call("eu.text.upper", "hello"), "HELLO")
        self.revive(self.world.eu_node_2)
        self.assertEqual(self.world.us_node_1.call("eu.only.here"), "only here")

    def test_one_of_two_providers_dies_and_the_other_one_answers(self):
        self.kill(self.world.us_node_2)
        self.world.eu_node_1.await_forgets("us.only.here")
        self.assertTrue(self.world.eu_node_1.knows("us.math.add"))
        for number in range(5):
            self.assertEqual(self.world.eu_node_1.call("us.math.add", number, 1), number + 1)
        self.revive(self.world.us_node_2)

    def test_the_bridge_of_us_dies_and_its_functions_stay_in_eu_until_it_is_back(self):
        self.kill(self.world.us_bridge)
        self.world.eu_bridge.await_link("us", "suspended")
        self.world.us_node_1.await_forgets("eu.text.upper", "eu.only.here")
        self.assertTrue(self.world.eu_node_1.knows("us.only.here"))
        self.assertEqual(self.world.eu_bridge.metric("mpreg_functions_stale", link="us"),
                         self.world.eu_bridge.metric("mpreg_functions", port="us", side="imported"))
        self.assertEqual(self.world.us_node_1.call("math.add", 2, 3), 5)
        self.revive(self.world.us_bridge)
        self.assert_both_directions()

    def test_the_bridge_of_eu_dies_and_its_functions_stay_in_us_until_it_is_back(self):
        self.kill(self.world.eu_bridge)
        self.world.us_bridge.await_link("eu", "suspended")
        self.assertTrue(self.world.us_bridge.link("eu")["session"]["last_reason"])
        self.world.eu_node_1.await_forgets("us.math.add", "us.only.here")
        self.assertTrue(self.world.us_node_1.knows("eu.only.here"))
        self.revive(self.world.eu_bridge)
        self.assert_both_directions()

    def test_a_bridge_that_dies_during_a_call_ends_it_with_an_error_when_it_is_back(self):
        with self.world.us_node_1.client() as client:
            u = client.begin_call("eu.slow.echo", 20, "late")
            await_that("the call is under way",
                       lambda: self.world.us_bridge.metric("mpreg_calls_in_flight", port="eu") == 1)
            self.kill(self.world.eu_bridge)
            self.world.us_bridge.await_link("eu", "suspended")
            self.revive(self.world.eu_bridge)
            answer = client.finish(u)
        self.assertIn("link_down", str(answer))

    def test_a_worker_dies_its_call_fails_and_the_next_one_finds_a_new_worker(self):
        first = self.world.eu_node_1.call("us.worker.pid")
        with self.world.eu_node_1.client() as client:
            executed = self.world.executed(self.world.us_node_1).count("slow.echo")
            u = client.begin_call("us.slow.echo", 20, "late")
            await_that("the call is under way",
                       lambda: self.world.executed(self.world.us_node_1).count("slow.echo") > executed)
            os.kill(first, signal.SIGKILL)
            answer = client.finish(u)
        self.assertIn("WorkerDied", str(answer))

        def another_answers():
            second = self.world.eu_node_1.call("us.worker.pid")
            return isinstance(second, int) and second != first
        await_that("a new worker", another_answers)
        self.assertEqual(self.world.us_node_1.metric("mpreg_worker_restarts_total"), 1)
