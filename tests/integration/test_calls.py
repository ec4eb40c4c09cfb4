# SPDX-License-Identifier: Apache-2.0
"""Calls of clients: within a cluster and through both bridges."""
import mpreg
from case import SharedTest
from world import await_that


class CallTest(SharedTest):
    def test_both_directions(self):
        self.assertEqual(self.world.us_node_1.call("eu.text.upper", "hello"), "HELLO")
        self.assertEqual(self.world.us_node_2.call("eu.text.reverse", "abc"), "cba")
        self.assertEqual(self.world.eu_node_1.call("us.math.add", 2, 3), 5)
        self.assertEqual(self.world.eu_node_2.call("us.math.square", 12), 144)

    def test_keyword_arguments_and_any_json_pass_unchanged(self):
        value = {"ü": ["\u0000\u2028\"\\", 1.5, -7, True, None, {"": {}}], "big": 12345678901234567890}
        self.assertEqual(self.world.eu_node_1.call("us.slow.echo", seconds=0, value=value), value)

    def test_a_large_value_passes_in_both_directions(self):
        # On a connection that only the far side dialed, a server of the reference takes no more than 1 MiB.
        world = self.world
        for one, other in ((world.us_node_1, world.us_bridge), (world.eu_node_1, world.eu_bridge),
                           (world.eu_node_2, world.eu_bridge)):
            one.await_dialed(other)
            other.await_dialed(one)
        value = "x" * 3_000_000
        self.assertEqual(self.world.eu_node_1.call("us.slow.echo", 0, value), value)
        self.assertEqual(self.world.us_node_1.call("eu.text.upper", value), value.upper())

    def test_a_result_that_is_too_large_for_the_way_is_an_error_at_once(self):
        answer = self.world.eu_node_1.call("us.data.make", 20 * 1024 * 1024 - 1000)
        self.assertIsInstance(answer, dict)
        self.assertIn("error", answer)
        self.assertEqual(self.world.eu_node_1.call("us.math.add", 1, 1), 2)

    def test_what_a_far_function_raises_is_a_value_as_in_the_reference(self):
        answer = self.world.eu_node_1.call("us.fail.now", "kaboom")
        self.assertEqual(answer["error_type"], "ValueError")
        self.assertIn("kaboom", answer["error"])

    def test_what_is_not_exported_does_not_exist(self):
        for name in ("us.vault.open", "vault.open", "us.list_peers", "us.rpc_list", "us.echo"):
            with self.subTest(name), self.assertRaises(mpreg.CallError) as raised:
                self.world.eu_node_1.call(name)
            self.assertEqual((raised.exception.code, raised.exception.message, raised.exception.details),
                             (1001, "Command not found", f"Command not found: {name}"))
        self.assertNotIn("vault.open", self.world.executed(self.world.us_node_2))

    def test_a_slow_call_delays_no_other_on_the_same_connection(self):
        with self.world.eu_node_1.client() as client:
            slow = client.begin_call("us.gate.pass", self.world.path("gate"), "slow")
            fast = {client.begin_call("us.math.add", number, 1): number + 1 for number in range(200)}
            for _ in range(len(fast)):
                answer = client.next_answer()
                self.assertEqual(answer["r"]["result_of_call"], fast.pop(answer["u"]))
            self.world.open_gate("gate")
            self.assertEqual(client.finish(slow)["r"]["result_of_call"], "slow")

    def test_many_slow_calls_run_at_the_same_time(self):
        with self.world.eu_node_1.client() as client:
            calls = [client.begin_call("us.gate.pass", self.world.path("gates"), number) for number in range(40)]
            await_that("all of them run", lambda: self.world.executed(self.world.us_node_1).count("gate.pass") >= 40)
            self.world.open_gate("gates")
            for number, u in enumerate(calls):
                self.assertEqual(client.finish(u)["r"]["result_of_call"], number)

    def test_commands_that_depend_on_each_other_over_the_bridge(self):
        with self.world.us_node_1.client() as client:
            self.assertEqual(client.ask([
                {"name": "word", "fun": "eu.text.reverse", "args": ["cba"]},
                {"name": "loud", "fun": "eu.text.upper", "args": ["word"]},
                {"name": "sum", "fun": "math.add", "args": [2, 3]},
                {"name": "end", "fun": "slow.echo", "args": [0, ["loud", {"square": "sum"}]]},
            ]), {"end": ["ABC", {"square": 5}]})

    def test_a_client_of_the_bridge_is_told_to_ask_a_node(self):
        with self.world.us_bridge.client() as client, self.assertRaises(mpreg.CallError) as raised:
            client.call("eu.text.upper", "hello")
        self.assertIn("node", f"{raised.exception.message} {raised.exception.details}")
