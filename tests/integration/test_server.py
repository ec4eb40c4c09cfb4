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
        # Until the bridge has met it, calls from eu for its functions are told that it is not connected.
        self.world.us_bridge.await_fact("peer.up", peer=server.url)
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

    def test_it_learns_at_once_that_the_far_side_is_gone(self):
        server = self.server(self.world.us_node_1)
        server.await_function("eu.text.upper")
        self.world.eu_bridge.kill()
        server.await_no_function("eu.text.upper")
        self.world.eu_bridge.start()
        self.world.await_whole()
        self.assertEqual(server.call("eu.text.upper", "back")["result"], "BACK")

    def test_a_call_on_a_connection_of_its_own_is_answered_where_it_shook_hands(self):
        # Real servers open such a connection while they have dialed nobody yet, and read nothing from it.
        node = self.world.us_node_1
        server = self.server(node)
        server.await_function("math.square")
        raw = ws.connect(node.url)
        self.addCleanup(raw.abort)
        asked = mpreg.request(server.url, "us", "math.square", [9])
        raw.send(asked)
        request_id = asked["payload"]["message_id"]
        answer = server.await_that("the answer", lambda: server.answers.get(request_id))
        self.assertEqual(answer["result"], 81)
        with self.assertRaises(ws.Silent):
            raw.receive(0.5)

    def test_its_goodbye_withdraws_its_functions_on_the_far_side(self):
        server = self.server(self.world.us_node_1, {"server.leaves": (("public",), lambda: 1)})
        self.world.eu_node_1.await_knows("us.server.leaves")
        with server.changed:
            connections = list(server.dialed.values())
        for connection in connections:
            connection.send(mpreg.goodbye(server.url, "us", server.instance_id))
        self.world.eu_node_1.await_forgets("us.server.leaves")
        await_that("the reason", lambda: self.world.us_bridge.metric("mpreg_prunes_total", port="cluster",
                                                                      reason="node_goodbye") >= 1)
