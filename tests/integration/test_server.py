# SPDX-License-Identifier: Apache-2.0
"""An MPREG server that knows nothing of us joins the cluster us, by a node or by the bridge itself."""
import mpreg
import ws
from case import SharedTest
from world import await_that, free_port


class ServerTest(SharedTest):
    def server(self, seed, functions=None):
        server = mpreg.FakeServer("us", free_port(), functions)
        self.addCleanup(server.close)
        server.dial(seed.url)
        return server

    def seeds(self):
        return self.world.us_node_1, self.world.us_bridge

    def test_it_is_greeted_and_told_of_the_far_functions(self):
        for seed in self.seeds():
            with self.subTest(seed.name):
                server = self.server(seed)
                self.assertEqual(server.await_that("a STATUS", lambda: server.statuses.get(seed.url))["cluster_id"], "us")
                self.assertEqual(server.await_function("eu.text.upper"), self.world.us_bridge.url)
                self.assertEqual(server.await_function("math.square"), self.world.us_node_1.url)
                far = server.catalog[self.world.us_bridge.url, "eu.text.upper"]
                self.assertEqual(far["cluster_id"], "us")
                self.assertIn("mpreg-bridge:origin=eu", far["tags"])
                self.assertFalse(server.providers("eu.hr.salary"))
                server.close()

    def test_it_calls_far_functions_and_gets_the_answer(self):
        for seed in self.seeds():
            with self.subTest(seed.name):
                server = self.server(seed)
                answer = server.call("eu.text.upper", "hello")
                self.assertEqual((answer["success"], answer["result"]), (True, "HELLO"))
                self.assertEqual(answer["responder"], self.world.us_bridge.url)
                self.assertEqual(answer["routing_path"], [server.url, self.world.us_bridge.url])
                server.close()

    def test_its_public_functions_are_called_from_eu_and_its_others_are_not(self):
        for seed in self.seeds():
            with self.subTest(seed.name):
                name = f"{seed.name}.double".replace("-", "_")
                server = self.server(seed, {
                    name: (("public",), lambda number: number * 2),
                    f"{name}_secret": (("internal",), lambda: "secret"),
                })
                self.world.eu_node_1.await_knows(f"us.{name}")
                self.assertEqual(self.world.eu_node_1.call(f"us.{name}", 21), 42)
                self.assertEqual(self.world.us_node_2.call(name, 4), 8)
                self.assertFalse(self.world.eu_node_1.knows(f"us.{name}_secret"))
                server.close()
                self.world.eu_node_1.await_forgets(f"us.{name}")

    def test_what_its_function_raises_reaches_the_far_caller(self):
        def fail():
            raise KeyError("kaboom")
        self.server(self.world.us_node_1, {"server.fails": (("public",), fail)})
        self.world.eu_node_1.await_knows("us.server.fails")
        answer = self.world.eu_node_1.call("us.server.fails")
        self.assertEqual(answer["error_type"], "KeyError")

    def test_it_sees_far_functions_over_a_restart_of_their_bridge(self):
        server = self.server(self.world.us_node_1)
        server.await_function("eu.text.upper")
        self.kill(self.world.eu_bridge)
        self.world.us_bridge.await_link("eu", "suspended")
        self.assertTrue(any(function == "eu.text.upper" for _, function in server.catalog))
        self.revive(self.world.eu_bridge)
        self.assertEqual(server.call("eu.text.upper", "back")["result"], "BACK")

    def quick_server(self, member, functions=None):
        """A server that a client uses before it has dialed `member`: it comes by another node, and calls at once."""
        server = mpreg.FakeServer("us", free_port(), functions, quick_calls=[member.url])
        self.addCleanup(server.close)
        server.dial(self.world.us_node_2.url)
        member.await_fact("peer.up", peer=server.url)
        return server

    def borrowers(self):
        """Each member, with a function of it and what that makes of "b"."""
        return (self.world.us_node_1, "math.square", (9,), 81), (self.world.us_bridge, "eu.text.upper", ("b",), "B")

    def test_all_that_it_says_where_it_reads_nothing_is_heard(self):
        for member, function, arguments, result in self.borrowers():
            with self.subTest(member.name):
                name = f"{member.name}.quick".replace("-", "_")
                counted = member.metric("mpreg_isolation_rejects_total")
                server = self.quick_server(member, {name: (("public",), lambda number: number + 1)})
                # Its call, answered where hands were shaken.
                self.assertEqual(server.call(function, *arguments)["result"], result)
                self.assertEqual(member.metric("mpreg_peers", state="borrowed"), 1)
                # Its answers to calls of the member's side.
                caller = self.world.eu_node_1 if member is self.world.us_bridge else member
                called = f"us.{name}" if member is self.world.us_bridge else name
                caller.await_knows(called)
                self.assertEqual(caller.call(called, 41), 42)
                # Its gossip, of what it did not offer before.
                server.offer(f"{name}_later", ("public",), lambda: "later")
                caller.await_knows(f"{called}_later")
                self.assertEqual(caller.call(f"{called}_later"), "later")
                # Its STATUS, for more than one period; it would not read an answer.
                with self.assertRaises(ws.Silent):
                    server.unread[member.url].receive(11)
                self.assertEqual(server.call(function, *arguments)["result"], result)
                # Its goodbye.
                server.say_goodbye()
                caller.await_forgets(called)
                self.assertEqual(member.metric("mpreg_isolation_rejects_total"), counted)
                server.close()

    def test_its_goodbye_withdraws_its_functions_on_the_far_side(self):
        server = self.server(self.world.us_node_1, {"server.leaves": (("public",), lambda: 1)})
        self.world.eu_node_1.await_knows("us.server.leaves")
        server.await_dialed(self.world.us_bridge.url)
        server.say_goodbye()
        self.world.eu_node_1.await_forgets("us.server.leaves")
        await_that("the reason", lambda: self.world.us_bridge.metric("mpreg_prunes_total", port="cluster",
                                                                      reason="node_goodbye") >= 1)
