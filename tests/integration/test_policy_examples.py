# SPDX-License-Identifier: Apache-2.0
"""The examples in policies/: they are what they say, their tests and asserts can fail, and two of them run."""
import json
import os
import re
import shutil
import subprocess

from case import PolicyCase, SharedTest
from mpreg import CallError
from world import POLICIES, Federations, ThreeFederations, await_that, free_port, programs_folder

PAIR = "."
FOLDERS = (PAIR, "hub-and-spoke", "tenants", "migration", "transit")


def policies_of(folder):
    """The policies of an example; what they share lies in a folder below."""
    path = os.path.normpath(os.path.join(POLICIES, folder))
    return [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(".yaml")]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def idle(rule_id):
    """The change after which a rule matches nothing. One that is not there at all would be an error of the tests."""
    return rf"(id: {rule_id}(?:,|\n     ) match: ).*?(, action|\n)", r"\1{origin: nowhere}\2"


WITHOUT_INTERNAL = (", none: internal", "")
LETS_SITES_THROUGH = (r"(tags: {any: for-sites}}\n)", r"\1      transit: true\n")

# Each is what somebody might do to an example, and what says that it is wrong: (folder, file, changes, verb, words).
MISTAKES = (
    (PAIR, "us-eu.yaml", [WITHOUT_INTERNAL], "test", "FAILED .* internal wins over public"),
    (PAIR, "us-eu.yaml", [WITHOUT_INTERNAL], "prove", "broken .* nothing internal leaves"),
    (PAIR, "eu-us.yaml", [(r'function: "us\.\*\*"', 'function: "**"')], "prove",
     "broken .* what comes in is called us.something"),
    ("hub-and-spoke", "shared/hub.yaml", [idle("of-a-site")], "test",
     "FAILED .* what a site published goes to no site"),
    ("hub-and-spoke", "shared/hub.yaml", [idle("of-a-site"), LETS_SITES_THROUGH], "prove",
     "broken .* no site sees another"),
    ("hub-and-spoke", "shared/never.yaml", [idle("internal")], "prove", "broken .* nothing internal leaves"),
    ("hub-and-spoke", "shared/site.yaml", [idle("machines")], "prove",
     "broken .* no machine is moved from outside"),
    ("tenants", "shared/cloud.yaml", [idle("of-others")], "test", "FAILED .* what belongs to tenant-b stays"),
    ("tenants", "shared/cloud.yaml", [idle("of-others")], "prove",
     "broken .* nothing of another tenant leaves"),
    ("tenants", "shared/cloud.yaml", [idle("of-nobody"), (r", tags: {any: \[.*?\]}", "")], "prove",
     "broken .* what leaves is tagged for the tenant"),
    ("tenants", "cloud-tenant-a.yaml", [("others: tenant-b", "others: tenant-c")], "test",
     "FAILED .* what belongs to tenant-b stays"),
    ("tenants", "cloud-tenant-a.yaml", [(', remove: \\["@others", all-tenants\\]', "")], "test",
     "FAILED .* what tenant-a brings is its own"),
    ("migration", "old-new.yaml", [("(?s)      merge: true\n(.*      merge: true\n)", r"\1")], "check",
     "several functions get one name: 'pay.x' by rule 'pay' and 'billing.pay_x' by this one"),
    ("migration", "east-old.yaml", [("2027-04-01}", "2027-05-01}")], "test",
     "FAILED .* from April on under the new one"),
    ("migration", "east-old.yaml", [idle("new-name")], "prove",
     "broken .* at no moment is a payment of the platform kept from old"),
    ("transit", "eu-ap.yaml", [(r"tags: {all: .*?}, (origin: us), path: {max_hops: 2}}\n", r"\1}\n")], "prove",
     "broken .* what us did not mark is not passed on"),
    ("transit", "eu-ap.yaml", [("      transit: true\n", "")], "prove", "broken .* what us marked is passed on"),
    ("transit", "eu-us.yaml", [(r'(set: {function: "eu\.{name}"}\n)', r"\1      transit: true\n")], "prove",
     "broken .* nothing of ap goes to us"),
    ("transit", "eu-us.yaml", [("links: us\n", "links: [us, ap]\n")], "prove", "broken .* nobody but us gets anything"),
    ("transit", "us-eu.yaml", [(r"only: \[eu, ap\]", "only: eu")], "prove", "broken .* reaches ap through eu"),
    ("transit", "ap-eu.yaml", [idle("of-us-through-eu")], "test", "FAILED .* a function of us comes in through eu"),
)

# What nothing passes, whatever the policies of all the federations together make of it.
CLOSED_WAYS = (
    ("hub-and-spoke", "site1", "hub", "site2"),
    ("hub-and-spoke", "site2", "hub", "site1"),
    ("tenants", "tenant-a", "cloud", "tenant-b"),
    ("tenants", "tenant-b", "cloud", "tenant-a"),
    ("migration", "east", "old", "west"),
    ("transit", "ap", "eu", "us"),
)


class ExampleTest(PolicyCase):
    def test_check_test_and_prove_are_content(self):
        for folder in FOLDERS:
            with self.subTest(folder):
                files = policies_of(folder)
                self.ctl(0, "check", *files)
                self.assertIn("(100%)", self.ctl(0, "test", "--coverage-min", "100", *files).stdout)
                self.ctl(0, "prove", *files)

    def test_no_file_is_without_an_assert_or_its_federation(self):
        for file in (file for folder in FOLDERS for file in policies_of(folder)):
            with self.subTest(file):
                self.assertRegex(read(file), "(?m)^federation: ")
                self.assertIn('"holds":', self.ctl(0, "prove", "-o", "json", file).stdout)

    def way(self, folder, origin, through, to):
        """Whether anything passes from federation to federation."""
        ways = [json.loads(line) for line in self.ctl(0, "prove", "-o", "json", *policies_of(folder)).stdout.splitlines()]
        return next(way["passes"] for way in ways if (way.get("from"), way.get("through"), way.get("to")) == (
            origin, [through], to))

    def test_ways_from_federation_to_federation(self):
        for folder, origin, through, to in CLOSED_WAYS:
            with self.subTest(folder, origin=origin, to=to):
                self.assertIs(self.way(folder, origin, through, to), False)
        self.assertIs(self.way("transit", "us", "eu", "ap"), True)

    def test_they_are_written_as_fmt_would(self):
        """But for comments, and for empty lines, which set the parts apart."""
        for file in (file for folder in FOLDERS for file in policies_of(folder)):
            with self.subTest(file):
                formatted = self.ctl(0, "fmt", file).stdout.splitlines()
                written = [line for line in read(file).splitlines() if not line.lstrip().startswith("#")]
                self.assertEqual([line for line in written if line], [line for line in formatted if line])

    def test_commands_of_the_readmes_work(self):
        path = f"{programs_folder()}:{os.environ['PATH']}"
        for folder in FOLDERS[1:]:
            text = read(os.path.join(POLICIES, folder, "README.md"))
            commands = re.findall(r"(?m)^    (mpregctl policy .*)$", text)
            self.assertGreaterEqual(len(commands), 4)
            for command in commands:
                with self.subTest(folder, command=command):
                    done = subprocess.run(["sh", "-c", command], cwd=os.path.join(POLICIES, folder), timeout=60,
                                          env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            for file in policies_of(folder):
                self.assertIn(os.path.basename(file), text)


class MistakeTest(PolicyCase):
    def changed(self, folder, file, changes):
        """The policies of an example in a folder of their own, with that file changed."""
        copy = os.path.join(self.folder.name, "policies")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(os.path.join(POLICIES, folder), copy)
        path = os.path.join(copy, file)
        text = read(path)
        for pattern, replacement in changes:
            text, count = re.subn(pattern, replacement, text)
            self.assertEqual(count, 1, pattern)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return [os.path.join(copy, os.path.basename(policy)) for policy in policies_of(folder)]

    def test_each_mistake_is_found(self):
        for folder, file, changes, verb, words in MISTAKES:
            with self.subTest(folder, file=file, words=words):
                files = self.changed(folder, file, changes)
                self.assertRegex(self.ctl(1, verb, *files).stdout, words)

    def test_what_only_seems_to_let_sites_see_each_other_does_not(self):
        """As shared/hub.yaml says: either of the two safeguards is enough."""
        files = self.changed("hub-and-spoke", "shared/hub.yaml", [idle("of-a-site")])
        self.ctl(0, "prove", *files)
        files = self.changed("hub-and-spoke", "shared/hub.yaml", [LETS_SITES_THROUGH])
        self.ctl(0, "prove", *files)
        self.ctl(0, "test", *files)


class TransitTest(SharedTest):
    """policies/transit, with real programs: us and ap know each other through eu."""

    @classmethod
    def make_world(cls):
        return ThreeFederations()

    def assert_refused(self, answer, code, reason):
        """A failure on the way is a value (docs/cli.md); it tells which bridge refused the call, and by which rule."""
        self.assertIsInstance(answer, dict)
        self.assertEqual((answer["code"], answer["error_type"]), (code, reason))
        self.assertEqual(answer["details"], {"hop": "eu-1", "side": "far", "reason": reason, "rule": "through-to-ap"})

    def test_each_federation_knows_what_it_may(self):
        world = self.world
        self.assertEqual({name for name in world.ap_node.functions() if name.startswith(("us.", "eu."))},
                         {"us.math.add", "eu.text.upper"})
        self.assertEqual({name for name in world.eu_node.functions() if name.startswith(("us.", "ap."))},
                         {"us.math.add", "us.math.square", "ap.text.reverse"})
        self.assertEqual({name for name in world.us_node.functions() if name.startswith(("eu.", "ap."))},
                         {"eu.text.upper"})

    def test_a_call_of_ap_reaches_us_through_eu_until_the_rule_of_eu_refuses(self):
        world = self.world
        self.assertEqual(world.ap_node.call("us.math.add", 2, 3), 5)
        self.assertIn("math.add", world.executed(world.us_node))
        refused = await_that("a call beyond the rate", self.refusal)
        self.assert_refused(refused, 2004, "rate_limited")
        self.assertIn("120 calls in 60 s", refused["error"])
        self.assertEqual(world.ap_node.call("eu.text.upper", "another rule"), "ANOTHER RULE")
        self.assertEqual(world.eu_node.call("us.math.add", 2, 3), 5)
        await_that("calls go through again", lambda: world.ap_node.call("us.math.add", 2, 3) == 5)

    def refusal(self):
        """What a call was answered with that did not get through; none while all do."""
        answer = self.world.ap_node.call("us.math.add", 2, 3)
        return None if answer == 5 else answer

    def test_arguments_that_are_too_large_end_in_eu(self):
        executed = len(self.world.executed(self.world.us_node))
        answer = self.world.ap_node.call("us.math.add", "x" * 65536)
        self.assert_refused(answer, 2006, "payload_too_large")
        self.assertEqual(len(self.world.executed(self.world.us_node)), executed)


class Moving(Federations):
    """policies/migration, between its second step and its fourth: east has payments, west has none yet."""

    def _describe(self):
        self.make_authority()
        folder = self.copy_with_the_last_day_far_away()
        ports = {name: free_port() for name in ("east", "west")}
        self.old_node, self.old_bridge = self.federation(
            "old", (), [f'{{name: {name}, federation: {name}, connect: ["127.0.0.1:{port}"]}}'
                        for name, port in ports.items()], [os.path.join(folder, "old-new.yaml")])
        self.provider = self.node("provider", "old", free_port(), [self.old_node.url], (("pay.charge", "payments"),))
        self.east_node, _ = self.region("east", ports, folder, (("payment.charge", "payments"),))
        self.west_node, _ = self.region("west", ports, folder, ())

    def region(self, name, ports, folder, functions):
        return self.federation(name, functions, ["{name: old, federation: old, accept: true}"],
                               [os.path.join(folder, f"{name}-old.yaml")], ports[name])

    def copy_with_the_last_day_far_away(self):
        folder = self.path("policies")
        shutil.copytree(os.path.join(POLICIES, "migration"), folder)
        for path in policies_of(folder):
            text = read(path)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("{until: 2027-04-01}", "{until: 2200-01-01}"))
        return folder

    def await_whole(self):
        self.old_node.await_knows("pay.charge")
        self.east_node.await_knows("payment.charge")
        self.west_node.await_knows("payment.charge")
        await_that("old has what east exports, as a spare",
                   lambda: self.old_bridge.link("east")["functions"]["imported"] == 1)

    def who_charges(self, node, function):
        """Calls; the node that ran it."""
        members = (self.provider, self.east_node)
        before = [len(self.executed(member)) for member in members]
        if node.call(function, 100) != 100:
            return None
        return next(member for member, count in zip(members, before) if len(self.executed(member)) > count)


class MigrationTest(SharedTest):
    @classmethod
    def make_world(cls):
        return Moving()

    def await_charged_by(self, member, node, function):
        def probe():
            try:
                return self.world.who_charges(node, function) is member
            except CallError:
                return False
        await_that(f"{function} of {node.name} is charged by {member.name}", probe)

    def test_the_platform_takes_over_from_the_last_old_provider_and_gives_back_to_it(self):
        world = self.world
        self.assertIs(world.who_charges(world.old_node, "pay.charge"), world.provider)
        self.assertIs(world.who_charges(world.east_node, "payment.charge"), world.east_node)
        self.assertIs(world.who_charges(world.west_node, "payment.charge"), world.provider)
        self.assertEqual(world.provider.stop(), 0)
        self.await_charged_by(world.east_node, world.old_node, "pay.charge")
        world.west_node.await_forgets("payment.charge")
        world.provider.start()
        self.await_charged_by(world.provider, world.old_node, "pay.charge")
        self.await_charged_by(world.provider, world.west_node, "payment.charge")
