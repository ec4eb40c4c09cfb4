# SPDX-License-Identifier: Apache-2.0
"""mpregctl and the admin interface, against living programs."""
import json

from case import SharedTest
from world import await_that


class CtlTest(SharedTest):
    def json_of(self, *arguments):
        return json.loads(self.world.ctl_ok("-o", "json", *arguments))

    def fails(self, code, words, *arguments):
        done = self.world.ctl(*arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""))
        self.assertIn(words, done.stderr)

    def test_links_and_metrics_and_readiness_tell_the_same(self):
        bridge = self.world.us_bridge
        link = self.json_of("--admin", bridge.admin_url, "links")["links"][0]
        self.assertEqual((link["name"], link["federation"], link["far_bridge"], link["state"]),
                         ("eu", "eu", "eu-1", "up"))
        for side, count in link["functions"].items():
            self.assertEqual(bridge.metric("mpreg_functions", port="eu", side=side), count, side)
        self.assertEqual(bridge.metric("mpreg_link_up", link="eu"), 1)
        self.assertTrue(bridge.is_ready())
        self.assertRegex(self.world.ctl_ok("--admin", bridge.admin_url, "links"), r"(?m)^eu +eu +eu-1 +up ")

    def test_functions_say_what_passes_and_why_the_rest_does_not(self):
        sides = {}
        for item in self.json_of("--admin", self.world.us_bridge.admin_url, "functions", "--link", "eu")["functions"]:
            sides.setdefault(item["side"], {})[item["name"]] = item
        self.assertEqual(set(sides["imported"]), {"eu.text.upper", "eu.text.reverse", "eu.slow.echo", "eu.gate.pass",
                                                 "eu.only.here"})
        self.assertEqual(sides["exported"]["us.math.add"]["source_name"], "math.add")
        self.assertEqual(sides["exported"]["us.math.add"]["rule"], "public-functions")
        denied = sides["denied"]["vault.open"]
        self.assertEqual((denied["reason"], denied["rule"]), ("policy_rejected", "not-public"))
        self.assertIn("not for export", denied["text"])
        self.assertNotIn("rejected", sides)

    def test_status_of_a_node_and_of_a_bridge(self):
        for member, words in ((self.world.us_node_1, "mpreg-node"), (self.world.us_bridge, "us-1 of federation us")):
            self.assertIn(words, self.world.ctl_ok("--admin", member.admin_url, "status"))
            self.assertTrue(self.json_of("--admin", member.admin_url, "status")["ready"])
            self.assertEqual(member.get("/healthz").strip(), "ok")

    def test_calls(self):
        url = self.world.us_node_1.url
        self.assertEqual(self.world.ctl_ok("call", "--url", url, "eu.text.upper", "hello"), '"HELLO"\n')
        self.assertEqual(self.world.ctl_ok("call", "--url", url, "math.add", "-1", "2"), "1\n")
        self.assertEqual(self.json_of("call", "--url", url, "eu.text.upper", "hello"), {"ok": True, "result": "HELLO"})
        self.assertEqual(self.world.ctl_ok("call", "--url", url, "--kwargs", '{"seconds": 0, "value": [1]}', "slow.echo"),
                         "[1]\n")

    def test_calls_that_fail(self):
        url = self.world.us_node_1.url
        self.fails(1, "Command not found (1001)", "call", "--url", url, "eu.hr.salary")
        self.fails(1, "(AttributeError)", "call", "--url", url, "eu.text.upper", "5")
        self.fails(1, "ValueError: kaboom", "call", "--url", url, "fail.now", "kaboom")
        self.fails(1, "has not answered within 200ms", "call", "--url", url, "--timeout", "200ms", "slow.echo", "3", "1")
        self.fails(1, "connection refused", "call", "--url", "ws://127.0.0.1:1", "echo")

    def test_wrong_questions_say_what_to_do(self):
        self.fails(1, "is the bridge or node running? see --admin", "--admin", "http://127.0.0.1:1", "links")
        self.fails(1, "ask a bridge", "--admin", self.world.us_node_1.admin_url, "links")
        self.fails(1, "there is no link of this name", "--admin", self.world.us_bridge.admin_url, "functions", "--link",
                   "ap")
        self.fails(64, "did you mean 'links'?", "lnks")

    def test_calls_over_a_link_are_counted_on_both_sides(self):
        near, far = self.world.us_bridge, self.world.eu_bridge
        before = (near.metric("mpreg_calls_total", port="eu", direction="out", result="ok"),
                  far.metric("mpreg_calls_total", port="us", direction="in", result="ok"))
        for _ in range(3):
            self.world.us_node_1.call("eu.text.upper", "x")
        await_that("both count", lambda: (
            near.metric("mpreg_calls_total", port="eu", direction="out", result="ok") == before[0] + 3
            and far.metric("mpreg_calls_total", port="us", direction="in", result="ok") == before[1] + 3))
