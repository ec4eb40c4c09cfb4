# SPDX-License-Identifier: Apache-2.0
"""mpregctl link agree: each side says what it has made of the other's functions."""
import json

from case import SharedTest
from world import TwoFederations, await_that


class PickyWorld(TwoFederations):
    """eu takes no data, and says so."""

    def bridge(self, name, *arguments, **options):
        if name == "eu-1":
            options["policies"] = [self.write("picky.yaml", """\
policy: picky
links: [us]
export: {rules: [{id: all, match: {function: "{f**}", tags: {any: [public]}}, set: {function: "eu.{f}"}, action: accept}]}
import:
  report: names
  rules:
    - {id: no-data, match: {function: "us.data.*"}, action: reject, reason: "we have our own"}
    - {id: names-of-us, match: {function: "us.**"}, action: accept}
""")]
        return super().bridge(name, *arguments, **options)


class AgreeTest(SharedTest):
    @classmethod
    def make_world(cls):
        return PickyWorld()

    def agreement(self, bridge, link):
        done = self.world.ctl("--admin", bridge.admin_url, "-o", "json", "link", "agree", link)
        self.assertIn(done.returncode, (0, 2), done.stderr)
        return done.returncode, json.loads(done.stdout)

    def test_us_is_told_by_eu_which_function_it_does_not_take_and_why(self):
        us, eu = self.world.us_bridge, self.world.eu_bridge
        keys = ("announced", "accepted", "rejected", "rules", "functions")

        def told():
            """What eu has made of everything, and not only of what came before its last word."""
            ours, theirs = self.agreement(us, "eu")[1]["export"], self.agreement(eu, "us")[1]["import"]
            return ours["rejected"] == 1 and all(ours[key] == theirs[key] for key in keys)

        await_that("us is told", told)
        code, ours = self.agreement(us, "eu")
        _, theirs = self.agreement(eu, "us")
        self.assertEqual(code, 2)
        self.assertEqual(ours["export"]["rules"], [{"reason": "policy_rejected", "rule": "no-data", "count": 1}])
        self.assertEqual(ours["export"]["functions"],
                         [{"name": "us.data.make", "reason": "policy_rejected", "rule": "no-data"}])
        for key in keys:
            self.assertEqual(ours["export"][key], theirs["import"][key], key)
        self.assertEqual(ours["export"]["announced"], ours["export"]["accepted"] + 1)
        self.assertEqual((ours["import"]["rejected"], theirs["import"]["report"]), (0, "names"))
        self.assertEqual(theirs["export"]["rejected"], 0)
        said = self.world.ctl("--admin", us.admin_url, "link", "agree", "eu")
        self.assertEqual(said.returncode, 2)
        self.assertRegex(said.stdout, r"they accept \d+, reject 1 \(told .* ago\)\n"
                                      r"  1 rejected by their rule no-data \(policy_rejected\)\n")
        self.assertIn("us.data.make", said.stdout)
