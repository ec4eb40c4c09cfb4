# SPDX-License-Identifier: Apache-2.0
"""A wrong certificate: the link stays down, both sides say why, nothing passes."""
import os
import subprocess
import unittest

import tls_peer
from world import POLICIES, World, await_that, free_port, program


class CertificateTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.world.make_authority()
        self.world.make_certificate("us", "us-1")
        self.world.make_certificate("eu", "eu-1")
        self.link_port = free_port()

    def start_eu(self):
        bridge = self.world.bridge("eu-1", "eu", free_port(), [], ["{name: us, federation: us, accept: true}"],
                                   link_port=self.link_port)
        bridge.start().await_fact("bridge.ready")
        return bridge

    def start_dialer(self, name, federation, certificate=None):
        bridge = self.world.bridge(
            name, federation, free_port(), [],
            [f'{{name: eu, federation: eu, connect: ["127.0.0.1:{self.link_port}"]}}'],
            certificate=certificate)
        bridge.start().await_fact("bridge.ready")
        return bridge

    def assert_link_tells(self, bridge, words):
        """The link does not come up, and `mpregctl links` says why."""
        await_that(f"{bridge.name} tells of {words!r}",
                   lambda: words in (bridge.link("eu")["session"]["last_reason"] or ""))
        self.assertNotEqual(bridge.link("eu")["state"], "up")
        self.assertEqual(bridge.link("eu")["session"]["count"], 0)
        self.assertIn(words, self.world.ctl_ok("--admin", bridge.admin_url, "links"))

    def assert_rejected(self, bridge, words):
        """It counts and logs who came and was not let in."""
        await_that(f"{bridge.name} counts", lambda: bridge.metric("mpreg_link_handshakes_total", result="failed") >= 1)
        bridge.await_fact("link.rejected", reason=words)

    def test_the_right_certificates_make_a_link(self):
        eu = self.start_eu()
        us = self.start_dialer("us-1", "us")
        us.await_link("eu")
        eu.await_link("us")
        self.assertEqual(us.link("eu")["far_bridge"], "eu-1")
        self.assertEqual(eu.link("us")["far_bridge"], "us-1")

    def test_a_certificate_of_another_authority(self):
        os.mkdir(self.world.path("rogue"))
        self.world.make_authority(self.world.path("rogue"), "rogue")
        self.world.make_certificate("us", "us-1", out="rogue-us-1", authority=self.world.path("rogue"))
        eu = self.start_eu()
        us = self.start_dialer("us-1", "us", certificate="rogue-us-1")
        self.assert_rejected(eu, "certificate")
        self.assert_link_tells(us, "does not trust the authority of our certificate")
        self.assertEqual(eu.link("us")["session"]["count"], 0)

    def test_a_certificate_of_a_federation_that_nobody_expects(self):
        self.world.make_certificate("ap", "ap-1")
        eu = self.start_eu()
        ap = self.start_dialer("ap-1", "ap")
        self.assert_link_tells(ap, "no link is configured for your federation")
        eu.await_fact("link.not_wanted", federation="^ap$", bridge="^ap-1$")
        ap.await_fact("link.asked_to_wait", link="^eu$", asked_ms="^30000$")
        self.assertGreaterEqual(eu.metric("mpreg_links_refused_total"), 1)
        self.assertEqual(eu.link("us")["state"], "down")

    def test_another_federation_answers_where_eu_is_expected(self):
        self.world.make_certificate("ap", "ap-1")
        ap = self.world.bridge("ap-1", "ap", free_port(), [], ["{name: us, federation: us, accept: true}"],
                               link_port=self.link_port)
        ap.start().await_fact("bridge.ready")
        us = self.start_dialer("us-1", "us")
        self.assert_link_tells(us, "the certificate names another federation: ap")
        self.assertEqual(ap.link("us")["session"]["count"], 0)

    def test_an_expired_certificate_of_who_dials(self):
        tls_peer.make_expired(self.world, "us", "us-1", "old-us-1")
        eu = self.start_eu()
        tls_peer.dial(self.world, self.link_port, "us-1")
        answer = tls_peer.dial(self.world, self.link_port, "old-us-1")
        self.assertIsInstance(answer, OSError)
        self.assertIn("expired", str(answer).lower())
        self.assert_rejected(eu, "expired")
        self.assertEqual(eu.link("us")["session"]["count"], 0)

    def test_an_expired_certificate_of_who_is_dialed(self):
        tls_peer.make_expired(self.world, "eu", "eu-1", "old-eu-1")
        self.world.helpers.append(tls_peer.Server(self.world, self.link_port, "old-eu-1"))
        us = self.start_dialer("us-1", "us")
        self.assert_link_tells(us, "certificate has expired")

    def check_refuses(self, certificate, words):
        bridge = self.world.bridge("us-1", "us", free_port(), [],
                                   [f'{{name: eu, federation: eu, connect: ["127.0.0.1:{self.link_port}"]}}'],
                                   policies=[os.path.join(POLICIES, "us-eu.yaml")], certificate=certificate)
        done = subprocess.run([program("mpreg-bridge"), "--check", "--config", bridge.config_file],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn(words, done.stderr)

    def test_a_bridge_does_not_start_with_an_expired_certificate(self):
        tls_peer.make_expired(self.world, "us", "us-1", "old-us-1")
        self.check_refuses("old-us-1", "expired")

    def test_a_bridge_does_not_start_with_the_certificate_of_another_federation(self):
        self.check_refuses("eu-1", "certificate names federation eu, expected us")
