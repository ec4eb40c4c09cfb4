# SPDX-License-Identifier: Apache-2.0
"""mpregctl link: what an operator does to a link of a bridge that runs."""
import json
import os

from case import SharedTest
from world import TwoFederations, await_that

TOKEN = "Kieselstein-4711"


class OperatedWorld(TwoFederations):
    """Both bridges can be changed by whoever has the token."""

    def _describe(self):
        self.token_file = self.write("token", TOKEN + "\n")
        os.chmod(self.token_file, 0o600)
        super()._describe()

    def bridge(self, *arguments, **options):
        return super().bridge(*arguments, token_file=self.token_file, **options)


class LinkCommandTest(SharedTest):
    @classmethod
    def make_world(cls):
        return OperatedWorld()

    def say(self, verb, name="eu", bridge=None, token=True):
        bridge = bridge or self.world.us_bridge
        given = ("--token-file", self.world.token_file) if token else ()
        return self.world.ctl("--admin", bridge.admin_url, *given, "-o", "json", "link", verb, name)

    def done(self, *arguments, **options):
        done = self.say(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def whole_again(self):
        self.assertTrue(self.done("enable")["ok"])
        self.world.await_whole()
        self.assertEqual(self.world.us_node_1.call("eu.text.upper", "hello"), "HELLO")
        self.assertEqual(self.world.eu_node_1.call("us.math.add", 2, 3), 5)

    def test_a_disabled_link_is_gone_on_both_sides_until_it_is_enabled(self):
        world = self.world
        said = self.done("disable")
        self.assertEqual((said["state"], said["imported"]), ("disabled", 0))
        world.us_node_1.await_forgets("eu.text.upper")
        world.eu_node_1.await_forgets("us.math.add")
        self.assertTrue(world.us_bridge.is_ready())
        far = world.eu_bridge.link("us")
        self.assertEqual((far["state"], far["session"]["last_error"]), ("down", "disabled"))
        self.assertEqual(world.us_bridge.metric("mpreg_link_state", link="eu"), 7)
        self.assertGreaterEqual(world.us_bridge.metric("mpreg_prunes_total", port="eu", reason="operator"), 1)
        self.whole_again()

    def test_who_accepts_refuses_the_dialer_while_the_link_is_disabled(self):
        world = self.world
        self.assertEqual(self.done("disable", "us", bridge=world.eu_bridge)["state"], "disabled")
        world.us_bridge.await_fact("link.asked_to_wait", link="eu")
        world.eu_node_1.await_forgets("us.math.add")
        self.assertTrue(self.done("enable", "us", bridge=world.eu_bridge)["ok"])
        self.whole_again()

    def test_a_drained_link_lets_calls_end(self):
        world = self.world
        with world.us_node_1.client() as client:
            under_way = client.begin_call("eu.gate.pass", world.path("drain"), "in time")
            await_that("the call is under way", lambda: world.us_bridge.metric("mpreg_calls_in_flight", port="eu") == 1)
            self.assertEqual(self.done("drain")["state"], "draining")
            world.us_node_1.await_forgets("eu.text.upper")
            world.open_gate("drain")
            self.assertEqual(client.finish(under_way)["r"]["result_of_call"], "in time")
        world.us_bridge.await_link("eu", "drained")
        self.whole_again()

    def test_refresh_asks_again_and_reconnects_nobody(self):
        near, far = self.world.us_bridge, self.world.eu_bridge
        before = near.link("eu")
        answered = far.link("us")["table"]["refreshed"]
        self.assertEqual(self.done("refresh")["state"], "up")
        await_that("it was answered", lambda: far.link("us")["table"]["refreshed"] == answered + 1)
        after = near.link("eu")
        self.assertEqual(after["session"]["count"], before["session"]["count"])
        self.assertEqual(after["session"]["resumes"], before["session"]["resumes"])
        self.assertEqual(after["table"]["resyncs"], before["table"]["resyncs"] + 1)
        self.assertTrue(self.world.us_node_1.knows("eu.text.upper"))

    def test_forget_works_while_the_far_bridge_is_dead(self):
        world = self.world
        world.eu_bridge.kill()
        world.us_bridge.await_link("eu", "suspended")
        self.assertTrue(world.us_node_1.knows("eu.text.upper"))
        self.assertEqual(self.done("forget")["imported"], 0)
        world.us_node_1.await_forgets("eu.text.upper", "eu.only.here")
        world.eu_bridge.start()
        self.whole_again()

    def test_forget_of_a_link_that_is_up_brings_everything_anew(self):
        self.assertEqual(self.done("forget")["state"], "up")
        self.whole_again()

    def test_a_wrong_word_changes_nothing_and_says_what_to_do(self):
        for arguments, options, words in (
                (("disable",), {"token": False}, "--token-file"),
                (("disable", "ap"), {}, "there is no link of this name"),
        ):
            done = self.say(*arguments, **options)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stdout)
        for arguments in (("disable", "a/b"), ("disabel", "eu"), ("disable",)):
            done = self.world.ctl("--admin", self.world.us_bridge.admin_url, "link", *arguments)
            self.assertEqual(done.returncode, 64, done.stdout + done.stderr)
        self.assertEqual(self.world.us_bridge.link("eu")["state"], "up")
