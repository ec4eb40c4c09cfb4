# SPDX-License-Identifier: Apache-2.0
"""A cluster that speaks wss: who has no certificate of its authority does not even get to say a first message."""
import ssl
import unittest

import mpreg
import ws
from world import World, await_that, free_port


class WssTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.world.make_authority()
        ports = [free_port(), free_port()]
        urls = [f"wss://127.0.0.1:{port}" for port in ports]
        for number in (1, 2):
            self.world.ctl_ok("cert", "issue", "--ca", self.world.folder, "--name", f"node-{number}", "--ip",
                              "127.0.0.1", "--out", self.world.path(f"node-{number}"))
        self.first = self.world.node("node-1", "us", ports[0], urls[1:], [("math.add", "public")], "node-1")
        self.second = self.world.node("node-2", "us", ports[1], urls[:1], [("math.square", "public")], "node-2")
        for node in (self.first, self.second):
            node.tls = self.context("node-2")
            node.start()
        for node in (self.first, self.second):
            node.await_fact("node.ready")
            node.await_knows("math.add", "math.square")

    def context(self, name=None, folder=None):
        made = ssl.create_default_context(cafile=self.world.path("ca.pem"))
        if name:
            made.load_cert_chain(f"{folder or self.world.folder}/{name}.pem", f"{folder or self.world.folder}/{name}.key")
        return made

    def test_nodes_and_clients_with_certificates_call_each_other(self):
        self.assertEqual(self.first.call("math.square", 7), 49)
        self.assertEqual(self.second.call("math.add", 2, 3), 5)
        done = self.world.ctl_ok("call", "--url", self.first.url, "--ca", self.world.path("ca.pem"), "--cert",
                                 self.world.path("node-1.pem"), "--key", self.world.path("node-1.key"), "math.square", "6")
        self.assertEqual(done, "36\n")

    def test_strangers_do_not_get_in(self):
        rogue = World()
        self.addCleanup(rogue.close)
        rogue.make_authority(name="rogue")
        rogue.ctl_ok("cert", "issue", "--ca", rogue.folder, "--name", "node-2", "--ip", "127.0.0.1", "--out",
                     rogue.path("node-2"))
        for name, url, tls in (
                ("plain", self.first.url.replace("wss", "ws"), None),
                ("no certificate", self.first.url, self.context()),
                ("a certificate of another authority", self.first.url, self.context("node-2", rogue.folder))):
            with self.subTest(name), self.assertRaises((OSError, ws.Closed, ws.Silent)):
                connection = ws.connect(url, tls)
                self.addCleanup(connection.abort)
                connection.send(mpreg.status("ws://127.0.0.1:9", "us"))
                connection.receive()
        peers = self.first.get_json("/v1/status")["cluster"]
        self.assertNotIn("ws://127.0.0.1:9", str(peers))

    def test_a_node_that_dies_is_noticed_and_comes_back(self):
        self.second.kill()
        self.first.await_forgets("math.square")
        self.second.start()
        self.first.await_knows("math.square")
        await_that("its answer", lambda: self.first.call("math.square", 3) == 9)
