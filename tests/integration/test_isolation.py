# SPDX-License-Identifier: Apache-2.0
"""Who is no member of the cluster gets in by no message: neither into a node nor into a bridge.

Each stranger's connection must be answered as documented, closed and counted; it must have learnt nothing, and
nothing may have run for it.
"""
import ws
import mpreg
from case import SharedTest
from world import await_that, free_port

FOREIGN_URL = "ws://127.0.0.1:9"


def mismatch(local, remote):
    return (f"Connection rejected: cluster_id mismatch. Local: {local}, Remote: {remote}. "
            "Cross-federation connections not allowed in current federation mode.")


class IsolationTest(SharedTest):
    def targets(self):
        return self.world.us_node_1, self.world.us_bridge

    def refused(self, member, reason, *messages):
        """Say that as the first words; the answers, and how the connection was closed. Counted by `reason`."""
        counted = member.metric("mpreg_isolation_rejects_total", reason=reason)
        connection = ws.connect(member.url)
        self.addCleanup(connection.abort)
        for message in messages:
            connection.send(message)
        answers, closed = connection.receive_close()
        await_that(f"{member.name} counts {reason}",
                   lambda: member.metric("mpreg_isolation_rejects_total", reason=reason) == counted + 1)
        self.assertTrue(member.facts("peer.refused", reason=f"^{reason}$"))
        self.assert_nothing_leaked(answers)
        return answers, closed

    def assert_nothing_leaked(self, answers):
        for answer in answers:
            self.assertIsNone(answer.get("r"), answer)
            self.assertNotIn("role", answer)
        for secret in ("math.add", "vault.open", self.world.us_node_2.url):
            self.assertNotIn(secret, str(answers))

    def executed(self):
        return self.world.executed(self.world.us_node_1) + self.world.executed(self.world.us_node_2)

    def test_a_foreign_status_gets_the_words_of_the_reference_and_is_closed(self):
        for member in self.targets():
            with self.subTest(member.name):
                status = mpreg.status(FOREIGN_URL, "ap")
                answers, closed = self.refused(member, "foreign_cluster", status)
                self.assertEqual(answers, [{
                    "r": None, "error": {"code": 1003, "message": mismatch("us", "ap"), "details": None},
                    "u": status["u"], "intermediate_results": [], "execution_summary": None}])
                self.assertEqual(closed.code, 1000)
                self.assertIn("use a bridge", closed.reason)

    def test_gossip_as_the_first_message_teaches_nothing_and_learns_nothing(self):
        for member in self.targets():
            for cluster_id in ("ap", "us"):  # a stranger, and one that claims to be of the house
                with self.subTest(member.name, cluster_id=cluster_id):
                    _, closed = self.refused(member, "first_gossip", mpreg.gossip(
                        FOREIGN_URL, cluster_id, nodes=[mpreg.describe_node(FOREIGN_URL, cluster_id)],
                        functions=[mpreg.endpoint("trojan.run", FOREIGN_URL, cluster_id)]))
                    self.assertEqual(closed.code, 1008)
                    self.assertFalse(self.world.us_node_1.knows("trojan.run"))
                    self.assertFalse(self.world.us_node_2.knows("trojan.run"))

    def test_a_call_as_the_first_message_runs_nothing(self):
        for member in self.targets():
            for cluster_id, url in (("ap", FOREIGN_URL), ("us", FOREIGN_URL), ("", FOREIGN_URL),
                                    ("ap", self.world.us_node_2.url)):
                with self.subTest(member.name, cluster_id=cluster_id, url=url):
                    before = self.executed()
                    function = "eu.text.upper" if member is self.world.us_bridge else "math.add"
                    _, closed = self.refused(member, "first_fabric",
                                             mpreg.request(url, cluster_id, function, [2, 3]))
                    self.assertEqual(closed.code, 1008)
                    self.assertEqual(self.executed(), before)

    def test_a_goodbye_as_the_first_message_evicts_nobody(self):
        for member in self.targets():
            for cluster_id, reason in (("ap", "foreign_cluster"), ("us", "first_goodbye")):
                with self.subTest(member.name, cluster_id=cluster_id):
                    self.refused(member, reason, mpreg.goodbye(self.world.us_node_2.url, cluster_id))
                    self.assertTrue(self.world.us_node_1.knows("only.here"))
                    self.assertEqual(self.world.us_node_1.call("only.here"), "only here")

    def test_a_client_cannot_turn_into_a_peer(self):
        for member in self.targets():
            with self.subTest(member.name), member.client() as client:
                client.finish(client.begin([{"name": "a", "fun": "echo", "args": [1]}]))
                counted = member.metric("mpreg_isolation_rejects_total", reason="client_as_peer")
                client.connection.send(mpreg.gossip(FOREIGN_URL, "us"))
                _, closed = client.connection.receive_close()
                self.assertEqual(closed.code, 1008)
                self.assertEqual(member.metric("mpreg_isolation_rejects_total", reason="client_as_peer"), counted + 1)

    def test_nobody_takes_the_url_of_a_living_node(self):
        for member in self.targets():
            with self.subTest(member.name):
                # Before that, nobody has a better claim to the URL than another.
                member.await_dialed(self.world.us_node_2)
                self.refused(member, "url_taken", mpreg.status(self.world.us_node_2.url, "us", "impostor"))
                self.assertEqual(self.world.us_node_1.call("only.here"), "only here")


class MemberTest(SharedTest):
    """A peer that shook hands is still no one else."""

    def setUp(self):
        self.url = f"ws://127.0.0.1:{free_port()}"
        self.node = self.world.us_node_1
        self.connection = ws.connect(self.node.url)
        self.addCleanup(self.connection.abort)
        self.connection.send(mpreg.status(self.url, "us", "one"))
        self.connection.receive_until(lambda message: message.get("r") == "STATUS")

    def refused(self, reason, message):
        counted = self.node.metric("mpreg_isolation_rejects_total", reason=reason)
        self.connection.send(message)
        _, closed = self.connection.receive_close()
        self.assertEqual(closed.code, 1008)
        self.assertEqual(self.node.metric("mpreg_isolation_rejects_total", reason=reason), counted + 1)

    def test_a_later_status_cannot_change_the_cluster(self):
        self.refused("identity_changed", mpreg.status(self.url, "ap", "one"))

    def test_gossip_must_be_in_the_own_name(self):
        self.refused("forged_sender", mpreg.gossip(self.world.us_node_2.url, "us"))

    def test_a_goodbye_must_be_the_own_one(self):
        self.refused("forged_goodbye", mpreg.goodbye(self.world.us_node_2.url, "us"))
        self.assertEqual(self.node.call("only.here"), "only here")

    def test_advertisements_of_another_cluster_are_left_out(self):
        counted = self.node.metric("mpreg_isolation_rejects_total", reason="foreign_entry")
        self.connection.send(mpreg.gossip(self.url, "us", functions=[
            mpreg.endpoint("good.function", self.url, "us"), mpreg.endpoint("trojan.run", self.url, "ap")]))
        self.node.await_knows("good.function")
        self.assertFalse(self.node.knows("trojan.run"))
        self.assertEqual(self.node.metric("mpreg_isolation_rejects_total", reason="foreign_entry"), counted + 1)

    def test_nobody_removes_what_is_the_nodes_own(self):
        key = {"cluster_id": "us", "node_id": self.node.url, "resources": [],
               "identity": {"name": "math.square", "function_id": "math.square", "version": "1.0.0"}}
        self.connection.send(mpreg.gossip(self.url, "us", function_removals=[key],
                                          node_removals=[{"cluster_id": "us", "node_id": self.node.url}],
                                          functions=[mpreg.endpoint("good.sign", self.url, "us")]))
        self.node.await_knows("good.sign")
        self.assertEqual(self.node.call("math.square", 3), 9)
        # In the node's first two minutes it may be about its former life; then it is a lie.
        self.assertTrue(self.node.metric("mpreg_outdated_total", what="own_entry")
                        + self.node.metric("mpreg_isolation_rejects_total", reason="forged_own_entry") >= 2)

    def test_a_call_in_the_name_of_another_cluster_is_not_run(self):
        before = self.world.executed(self.node)
        asked = mpreg.request(self.url, "ap", "math.square", [3])
        self.connection.send(asked)
        answer = self.connection.receive_until(mpreg.is_response_to(asked["payload"]["message_id"]))
        self.assertFalse(answer["payload"]["payload"]["success"])
        self.assertEqual(self.world.executed(self.node), before)
