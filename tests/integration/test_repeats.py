# SPDX-License-Identifier: Apache-2.0
"""Calls under way when what carries them dies: those of idempotent functions are answered all the same, the others fail."""
import os
import signal

from case import SharedTest
from world import POLICIES, Federations, await_that, free_port


class TwoPairs(Federations):
    """us and eu, joined by two pairs of bridges; eu has two nodes that serve the same."""

    # Within it a call waits for its bridge to come back; what is left of its time is for the other one.
    MORE = "resume_window: 2s\n"
    FUNCTIONS = (("gate.pass", "public, idempotent"), ("slow.echo", "public"))

    def pair(self, number, us_seed, eu_seed):
        us_name, eu_name, link_port = f"us-{number}", f"eu-{number}", free_port()
        self.make_certificate("us", us_name)
        self.make_certificate("eu", eu_name)
        eu = self.bridge(eu_name, "eu", free_port(), [eu_seed], ["{name: us, federation: us, accept: true}"],
                         link_port=link_port, policies=[os.path.join(POLICIES, "eu-us.yaml")], more=self.MORE)
        us = self.bridge(us_name, "us", free_port(), [us_seed],
                         [f'{{name: eu, federation: eu, connect: ["127.0.0.1:{link_port}"]}}'],
                         policies=[os.path.join(POLICIES, "us-eu.yaml")], more=self.MORE)
        return us, eu

    def _describe(self):
        self.make_authority()
        self.us_node = self.node("us-node", "us", free_port(), [])
        self.eu_node = self.node("eu-node", "eu", free_port(), [], self.FUNCTIONS)
        self.pairs = [self.pair(number, self.us_node.url, self.eu_node.url) for number in (1, 2)]

    def await_whole(self):
        for us, eu in self.pairs:
            us.await_link("eu")
            eu.await_link("us")
            us.await_connected((self.us_node,))
            await_that(f"{us.name} offers", lambda: us.metric("mpreg_functions", port="cluster", side="offered") == 2)
        self.us_node.await_knows("eu.gate.pass", "eu.slow.echo")

    def carrier(self):
        """The pair that has the one call under way."""
        def probe():
            for us, eu in self.pairs:
                if us.is_running() and us.metric("mpreg_calls_in_flight", port="eu") == 1:
                    return us, eu
            return None
        return await_that("the call is under way", probe)


class RepeatTest(SharedTest):
    @classmethod
    def make_world(cls):
        return TwoPairs()

    def setUp(self):
        self.world.await_whole()
        self.gate = self.world.path(self.id())

    def tearDown(self):
        for bridge in [bridge for pair in self.world.pairs for bridge in pair]:
            if bridge.is_running():
                bridge.popen.send_signal(signal.SIGCONT)
            else:
                bridge.start()

    def repeated(self):
        return self.world.us_node.metric("mpreg_node_calls_repeated_total")

    def call_through_death(self, end):
        """A call that waits at the gate while end(us, eu) happens to the pair that carries it."""
        world = self.world
        before = self.repeated()
        with world.us_node.client() as client:
            u = client.begin_call("eu.gate.pass", self.gate, "through")
            us, eu = world.carrier()
            end(us, eu)
            await_that("it is repeated", lambda: self.repeated() == before + 1)
            world.open_gate(self.gate)
            answer = client.finish(u)
        self.assertIn("through", str(answer))
        self.assertNotIn("error_type", str(answer))

    def test_bridge_of_the_caller_is_killed(self):
        self.call_through_death(lambda us, eu: us.kill())

    def test_bridge_of_the_function_is_killed(self):
        self.call_through_death(lambda us, eu: eu.kill())

    def test_bridge_of_the_caller_is_frozen(self):
        self.call_through_death(lambda us, eu: us.popen.send_signal(signal.SIGSTOP))

    def test_bridge_of_the_function_is_frozen(self):
        self.call_through_death(lambda us, eu: eu.popen.send_signal(signal.SIGSTOP))

    def test_call_of_another_function_fails_with_its_bridge(self):
        world = self.world
        with world.us_node.client() as client:
            u = client.begin_call("eu.slow.echo", 20, "late")
            us, _ = world.carrier()
            us.kill()
            answer = client.finish(u)
        self.assertIn("broke while it ran eu.slow.echo", str(answer))
