# SPDX-License-Identifier: Apache-2.0
"""mpregctl policy, against a bridge that runs: other policies without a restart."""
import json
import os
import re
import signal

from case import SharedTest
from mpreg import CallError
from world import Federations, Watch, await_that, free_port

TOKEN = "a-token-that-nobody-is-to-see"

# %s: the federation's name in what it exports.
POLICY = """policy: us-eu
links: [eu]
guard: {withdraw_max: 20%%}
export:
  rules:
    - {id: public, match: {function: "{name**}", tags: {any: [public]}}, set: {function: "%s.{name}"}, action: accept}
    - {id: rest, match: {function: "**"}, action: reject, reason: not for export}
import:
  rules:
    - {id: names-of-eu, match: {function: "eu.**"}, action: accept}
    - {id: names-of-ap, match: {function: "ap.**"}, action: accept}
"""
USUAL = POLICY % "us"
RENAMED = POLICY % "america"

FAR = """policy: eu-us
links: [us]
export:
  rules: [{id: public, match: {function: "{name**}", tags: {any: [public]}}, set: {function: "eu.{name}"}, action: accept}]
import:
  rules: [{id: all, action: accept}]
"""


class LiveWorld(Federations):
    """One node and one bridge in us and in eu; the policy of us-1 is in the world's folder."""

    MORE = ""  # of us-1's configuration

    def _describe(self):
        self.make_authority()
        self.make_certificate("us", "us-1")
        self.make_certificate("eu", "eu-1")
        us_port, us_bridge_port, eu_port, eu_bridge_port, link_port = (free_port() for _ in range(5))
        self.token_file = self.write("token", TOKEN + "\n")
        os.chmod(self.token_file, 0o600)
        self.policy_file = self.write("us-eu.yaml", USUAL)
        self.us_node = self.node("us-node", "us", us_port, [], (
            ("math.add", "public"), ("math.square", "public"), ("vault.open", "internal")))
        self.eu_node = self.node("eu-node", "eu", eu_port, [], (("text.upper", "public"),))
        self.us_bridge = self.bridge("us-1", "us", us_bridge_port, [self.us_node.url],
                                     [f'{{name: eu, federation: eu, connect: ["127.0.0.1:{link_port}"]}}'],
                                     policies=[self.policy_file], token_file=self.token_file, more=self.MORE)
        self.eu_bridge = self.bridge("eu-1", "eu", eu_bridge_port, [self.eu_node.url],
                                     ["{name: us, federation: us, accept: true}"], link_port=link_port,
                                     policies=[self.write("eu-us.yaml", FAR)])

    def await_whole(self):
        self.eu_node.await_knows("us.math.add", "us.math.square")
        self.us_node.await_knows("eu.text.upper")


class LiveCase(SharedTest):
    @classmethod
    def make_world(cls):
        return LiveWorld()

    def tearDown(self):
        """Whatever a test did, the next one finds the usual policy, and nothing under way."""
        world = self.world
        self.ask("shadow", "--stop")
        if self.shown()["reload"]["state"] == "confirming":
            self.ask("rollback")
        world.write("us-eu.yaml", USUAL)
        self.tell(0, "reload", "--force")
        world.eu_node.await_knows("us.math.add", "us.math.square")
        world.us_node.await_knows("eu.text.upper")

    def ask(self, *arguments):
        """mpregctl policy, of the bridge of us, with its token."""
        done = self.world.ctl("--admin", self.world.us_bridge.admin_url, "--token-file", self.world.token_file,
                              "policy", *arguments)
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done

    def tell(self, code, *arguments):
        done = self.ask(*arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def tell_json(self, code, *arguments):
        return json.loads(self.tell(code, "-o", "json", *arguments).stdout)

    def events(self, code, *arguments):
        done = self.world.ctl("--admin", self.world.us_bridge.admin_url, "events", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def events_json(self, *arguments):
        return json.loads(self.events(0, "-o", "json", *arguments).stdout)["events"]

    def shown(self):
        return self.tell_json(0, "show")

    def version(self):
        return self.shown()["version"]

    def candidate(self, text=RENAMED, name="candidate.yaml"):
        return self.world.write(name, text)

    def await_names(self, here, gone):
        self.world.eu_node.await_knows(*[f"{here}.{name}" for name in ("math.add", "math.square")])
        self.world.eu_node.await_forgets(*[f"{gone}.{name}" for name in ("math.add", "math.square")])

    def keeps(self, version):
        """Nothing has changed."""
        self.assertEqual((self.version(), self.world.eu_node.call("us.math.add", 2, 3)), (version, 5))
        self.assertFalse(self.world.eu_node.knows("america.math.add"))


class ApplyTest(LiveCase):
    def test_functions_get_other_names_while_everything_runs(self):
        version = self.version()
        done = self.tell(0, "apply", "--force", "--author", "alice", self.candidate())
        self.assertRegex(done.stdout, r"(?m)^eu +export +renamed +math\.add +us\.math\.add +america\.math\.add +public +public$")
        self.assertIn("appear 0, vanish 0, change 2, alter 0; ", done.stdout)
        self.assertTrue(done.stdout.endswith(f"\nversion {version + 1} is in use\n"), done.stdout)
        self.await_names("america", "us")
        self.assertEqual(self.world.eu_node.call("america.math.add", 2, 3), 5)
        with self.assertRaises(CallError) as failed:
            self.world.eu_node.call("us.math.add", 2, 3)
        self.assertEqual(failed.exception.code, 1001)
        shown = self.shown()
        self.assertEqual((shown["version"], shown["author"], shown["origin"]), (version + 1, "alice", "apply"))
        self.assertRegex(self.tell(0, "versions").stdout,
                         rf"(?m)^{version + 1} +\S+Z +alice +apply +us-eu +yes\n{version} +\S+Z +\S.* no$")

    def test_a_hangup_reads_the_files(self):
        version = self.version()
        def hang_up():
            self.world.us_bridge.popen.send_signal(signal.SIGHUP)
        self.world.write("us-eu.yaml", "policy: [\n")
        hang_up()
        await_that("the file is refused", lambda: self.shown()["reload"]["outcome"] == "invalid")
        self.keeps(version)
        self.world.write("us-eu.yaml", USUAL.replace("not for export", "stays here"))
        hang_up()
        await_that("the file is in use", lambda: self.version() == version + 1)
        shown = self.shown()
        self.assertEqual((shown["origin"], shown["author"]), ("file", "signal HUP"))
        self.keeps(version + 1)

    def test_diff_says_what_apply_would_do_and_does_nothing(self):
        version = self.version()
        answer = self.tell_json(2, "diff", self.candidate())
        self.assertEqual((answer["appear"], answer["vanish"], answer["alter"]), ([], [], []))
        self.assertEqual(answer["change"][0], {
            "link": "eu", "direction": "export", "function": "math.add", "before": "us.math.add",
            "after": "america.math.add", "rule_before": "public", "rule_after": "public"})
        self.assertEqual(answer["counts"], {"appear": 0, "vanish": 0, "change": 2, "alter": 0})
        self.assertEqual(self.tell(2, "apply", "--dry-run", self.candidate()).stdout,
                         self.tell(2, "diff", self.candidate()).stdout)
        self.assertIn("no differences; ", self.tell(0, "diff", self.candidate(USUAL)).stdout)
        self.keeps(version)

    def test_the_guard_refuses_and_says_what_to_do(self):
        version = self.version()
        done = self.tell(1, "apply", self.candidate())
        self.assertIn("renamed", done.stdout)
        self.assertRegex(done.stderr, r"^mpregctl policy apply: nothing was changed: 2 of \d functions would vanish or change "
                                      r"their name over link 'eu', more than guard\.withdraw_max 20% allows; see the "
                                      r"differences, or say it again with --force\n$")
        answer = self.tell_json(1, "apply", self.candidate())
        self.assertEqual((answer["ok"], answer["outcome"], answer["guarded"]["link"], answer["guarded"]["vanish"],
                          answer["differences"]["counts"]["change"]), (False, "guarded", "eu", 2, 2))
        self.keeps(version)

    def test_files_with_errors_are_not_sent_and_what_the_bridge_refuses_changes_nothing(self):
        version, path = self.version(), self.candidate(RENAMED.replace("action: accept", "action: acept", 1))
        done = self.tell(1, "apply", "--force", path)
        self.assertRegex(done.stderr, r"candidate\.yaml:6:\d+: .*did you mean 'accept'")
        failing = self.candidate(RENAMED + "tests:\n  - {name: as before, export: {function: math.add, tags: [public]}, "
                                           "expect: {function: us.math.add}}\n")
        done = self.tell(1, "apply", "--force", failing)
        self.assertRegex(done.stderr, r"candidate\.yaml:13:\d+: .*as before.*america\.math\.add")
        self.assertIn("mpregctl policy apply: nothing was changed: ", done.stderr)
        self.assertEqual(self.tell_json(1, "apply", "--force", failing)["errors"][0]["line"], 13)
        elsewhere = self.candidate(RENAMED.replace("links: [eu]", "links: [ap]"))
        self.assertIn("ap", self.tell(1, "diff", elsewhere).stderr)
        self.assertIn("cannot be read", self.tell(1, "diff", self.world.path("nothing.yaml")).stderr)
        self.keeps(version)

    def test_included_files_come_along(self):
        os.makedirs(self.world.path("shared"), exist_ok=True)
        self.world.write("shared/never.yaml", "export:\n  rules:\n"
                         "    - {id: never, match: {function: math.square}, action: reject, reason: never}\n")
        path = self.candidate(USUAL.replace("links: [eu]\n", "links: [eu]\ninclude: [shared/never.yaml]\n"))
        answer = self.tell_json(2, "diff", path)
        self.assertEqual([(item["function"], item["rule_after"]) for item in answer["vanish"]], [("math.square", "never")])

    def test_reload_reads_the_files_of_the_configuration_again(self):
        self.candidate(name="us-eu.yaml")
        self.assertIn("would vanish or change", self.tell(1, "reload").stderr)
        self.tell(0, "reload", "--force")
        self.await_names("america", "us")
        self.assertEqual(self.shown()["origin"], "file")


class ConfirmTest(LiveCase):
    def test_what_nobody_confirms_goes_back(self):
        version = self.version()
        answer = self.tell_json(0, "apply", "--force", "--confirm-within", "3s", self.candidate())
        self.assertEqual((answer["ok"], answer["outcome"]), (True, "unconfirmed"))
        self.assertRegex(answer["confirm_until"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        await_that("it went back", lambda: self.shown()["reload"]["outcome"] == "reverted")
        self.await_names("us", "america")
        self.keeps(version)

    def test_what_is_confirmed_stays(self):
        version = self.version()
        done = self.tell(0, "apply", "--force", "--confirm-within", "10m", self.candidate())
        self.assertRegex(done.stdout, rf"applied, and goes back to version {version} at \S+Z \(in \d+m\d+s\) unless somebody "
                                      r"confirms it: mpregctl policy confirm\n$")
        self.assertIn("another change", self.tell(1, "apply", "--force", self.candidate()).stderr)
        self.assertIn("unless somebody confirms it", self.tell(0, "show").stdout)
        self.assertEqual(self.tell(0, "confirm").stdout, f"version {version + 1} is in use\n")
        self.await_names("america", "us")
        self.assertIn("nothing waits for a confirmation", self.tell(1, "confirm").stderr)

    def test_rollback_takes_back_what_waits_then_the_version_before_then_any(self):
        version = self.version()
        self.tell(0, "apply", "--force", "--confirm-within", "10m", self.candidate())
        self.assertEqual(self.tell(0, "rollback").stdout,
                         f"what waited for a confirmation went back: version {version} is in use\n")
        self.await_names("us", "america")
        self.tell(0, "apply", "--force", self.candidate())
        self.await_names("america", "us")
        self.tell(0, "rollback", "--author", "bob")
        self.await_names("us", "america")
        self.assertEqual((self.shown()["author"], self.shown()["origin"]), ("bob", "rollback"))
        self.tell(0, "rollback", str(version + 1))
        self.await_names("america", "us")
        self.assertIn("there is no such version", self.tell(1, "rollback", "4000000").stderr)


class LookTest(LiveCase):
    def await_changes(self, count):
        await_that(f"{count} are counted",
                   lambda: json.loads(self.ask("-o", "json", "shadow").stdout)["counts"]["change"] == count)

    def test_shadow_compares_what_comes_and_changes_nothing(self):
        version = self.version()
        self.assertIn("no files are compared", self.tell(1, "shadow").stderr)
        self.tell(0, "shadow", self.candidate())
        self.await_changes(2)
        late = self.world.node("late", "us", free_port(), [self.world.us_node.url], (("late.add", "public"),)).start()
        self.await_changes(3)
        self.assertRegex(self.tell(2, "shadow").stdout, r"(?m)^eu +export +renamed +late\.add ")
        late.stop()
        self.world.eu_node.await_forgets("us.late.add")
        self.tell(0, "shadow", "--stop")
        self.assertIn("no files are compared", self.tell(1, "shadow").stderr)
        self.keeps(version)

    def test_stats_count_what_each_rule_decided(self):
        rules = {(rule["direction"], rule["rule"]): rule for rule in self.tell_json(0, "stats")["rules"]}
        self.assertEqual(rules["import", "names-of-ap"]["hits"], 0)
        self.assertGreaterEqual(rules["export", "public"]["hits"], 2)
        self.assertRegex(rules["export", "public"]["last_hit"], r"Z$")
        self.assertRegex(self.tell(0, "stats").stdout, r"(?m)^us-eu +eu +import +names-of-ap +0 +-$")
        done = self.tell(2, "stats", "--never-hit", "1h")
        self.assertRegex(done.stdout, r"(?m)^us-eu +eu +import +names-of-ap +0 +-$")
        self.assertNotIn("public", done.stdout)
        self.assertIn("hits are counted for a shorter time", done.stderr)
        self.assertIn("has no unit", self.tell(64, "stats", "--never-hit", "24").stderr)

    def test_events_tell_what_was_not_let_through_and_what_went(self):
        event = next(item for item in self.events_json("--reason", "policy_rejected", "--link", "eu", "--kind", "rejected")
                     if item["function"] == "vault.open")
        self.assertEqual((event["direction"], event["rule"], event["text"], event["age_seconds"]),
                         ("export", "rest", "not for export", None))
        self.assertRegex(self.events(0).stdout,
                         r"(?m)Z rejected eu export vault\.open policy_rejected rule=rest: not for export$")
        for what, arguments in (("did you mean 'policy_rejected'?", ("--reason", "policy_rejectd")),
                                ("--kind is rejected or pruned", ("--kind", "gone")),
                                ("--limit is a number from 1 to 20000", ("--limit", "0")),
                                ("unexpected argument 'x'", ("x",))):
            self.assertIn(what, self.events(64, *arguments).stderr)
        self.assertIn("there is no link of this name", self.events(1, "--link", "ap").stderr)

        last = self.events_json()[-1]["number"]
        self.tell(0, "apply", "--force", self.candidate(USUAL.replace("action: accept", "action: reject", 1)
                                                        .replace('set: {function: "us.{name}"}, ', "")))
        self.world.eu_node.await_forgets("us.math.add", "us.math.square")
        went = [event for event in self.events_json("--kind", "pruned") if event["number"] > last]
        self.assertEqual({(event["function"], event["reason"], event["rule"]) for event in went},
                         {(name, "policy_rejected", "public") for name in ("math.add", "math.square")})
        self.assertGreater(went[0]["age_seconds"], 0)
        self.assertEqual([event["number"] for event in self.events_json("--limit", "1")], [self.events_json()[-1]["number"]])

    def test_events_are_watched_as_they_come(self):
        watch = Watch("--admin", self.world.us_bridge.admin_url, "events", "--watch", "--limit", "1")
        self.addCleanup(watch.close)
        seen = [watch.read()]
        self.tell(0, "apply", "--force", self.candidate(RENAMED))
        while (seen[-1]["kind"], seen[-1]["function"]) != ("pruned", "math.square"):
            seen.append(watch.read())
        numbers = [event["number"] for event in seen]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def explain(self, code, *arguments):
        done = self.world.ctl("--admin", self.world.us_bridge.admin_url, "explain", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_explain_tells_of_functions_that_are_there(self):
        out = self.explain(0, "math.add", "--export", "eu").stdout
        self.assertTrue(out.startswith("math.add 1.0.0, export over link eu: exported\n"), out)
        self.assertRegex(out, r"(?m)^public +\S*us-eu\.yaml:6 +yes +-$")
        self.assertIn("accept by rule 'public'\n  function     us.math.add\n", out)
        out = self.explain(0, "vault.open", "--export", "eu").stdout
        self.assertIn("vault.open 1.0.0, export over link eu: denied: policy_rejected\n", out)
        self.assertRegex(out, r"(?m)^public +\S+:6 +no +tags\.any")
        self.assertIn("reject by rule 'rest': not for export\n", out)
        answer = json.loads(self.explain(0, "-o", "json", "eu.text.upper", "--import", "eu").stdout)
        self.assertEqual((answer["explanations"][0]["state"], answer["explanations"][0]["rule"]),
                         ("imported", "names-of-eu"))
        self.assertIn("no function of this name", self.explain(1, "no.such", "--export", "eu").stderr)
        self.assertIn("there is no link of this name", self.explain(1, "math.add", "--export", "ap").stderr)

    def test_tables_of_what_is_in_use(self):
        out = self.tell(0, "show").stdout
        self.assertRegex(out, rf"(?m)^{self.version()} +\S+Z +\S.* file +idle$")
        self.assertRegex(out, r"(?m)^us-eu +\S+us-eu\.yaml +eu +2 +2$")


class TokenTest(LiveCase):
    def change(self, *arguments, bridge=None, **environment):
        bridge = bridge or self.world.us_bridge
        done = self.world.ctl("--admin", bridge.admin_url, *arguments, "policy", "shadow", "--stop",
                              **{"MPREG_TOKEN": "", "MPREG_TOKEN_FILE": "", **environment})
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done.returncode, done.stderr

    def test_where_it_comes_from_and_what_is_said_without_it(self):
        wrong = self.world.write("wrong", "x" * 20)
        self.assertEqual(self.change(MPREG_TOKEN=TOKEN), (0, ""))
        self.assertEqual(self.change(MPREG_TOKEN_FILE=self.world.token_file, MPREG_TOKEN="wrong"), (0, ""))
        self.assertEqual(self.change("--token-file", self.world.token_file, MPREG_TOKEN_FILE=wrong), (0, ""))
        for words, arguments, environment in (
                ("(HTTP 401); give it with --token-file FILE", (), {}),
                (f"(HTTP 401); what it got is the token of --token-file '{wrong}', which is another", ("--token-file", wrong), {}),
                ("is the token of MPREG_TOKEN, which", (), {"MPREG_TOKEN": "y" * 20}),
                ("cannot read the token: --token-file '/no/such': No such file", ("--token-file", "/no/such"), {}),
                ("there is no token in", ("--token-file", self.world.write("empty", " \n")), {}),
                ("is no token: one line", ("--token-file", self.world.write("two", "a b\n")), {})):
            code, said = self.change(*arguments, **environment)
            self.assertEqual(code, 1)
            self.assertIn(words, said)

    def test_a_bridge_without_a_token_cannot_be_changed(self):
        code, said = self.change("--token-file", self.world.token_file, bridge=self.world.eu_bridge)
        self.assertEqual(code, 1)
        self.assertRegex(said, re.escape("no admin.token_file (HTTP 403); add it there"))


class WatchedWorld(LiveWorld):
    MORE = "watch_policies: true\n"


class FileTest(LiveCase):
    """A file that changes while watch_policies is on."""

    @classmethod
    def make_world(cls):
        return WatchedWorld()

    def test_a_file_that_changes_is_in_use_when_it_is_good(self):
        version = self.version()
        self.world.write("us-eu.yaml", USUAL.replace("export:", "exports:"))
        await_that("the file is refused", lambda: self.shown()["reload"]["outcome"] == "invalid")
        self.assertIn("did you mean 'export'?", json.dumps(self.shown()["reload"]["faults"]))
        self.keeps(version)
        self.world.write("us-eu.yaml", RENAMED)
        await_that("the guard refuses", lambda: self.shown()["reload"]["outcome"] == "guarded")
        self.keeps(version)
        self.world.write("us-eu.yaml", USUAL.replace("not for export", "stays here"))
        await_that("the file is in use", lambda: self.version() == version + 1)
        self.assertEqual(self.shown()["origin"], "file")
        denied = self.world.ctl("--admin", self.world.us_bridge.admin_url, "functions", "--side", "denied")
        self.assertIn("policy_rejected: stays here", denied.stdout)
        self.keeps(version + 1)

    def test_only_the_last_ten_versions_are_kept(self):
        version = self.version()
        for number in range(10):
            self.tell(0, "apply", "--force", self.candidate(RENAMED if number % 2 else USUAL.replace("not for export", "no")))
        versions = [item["version"] for item in self.tell_json(0, "versions")["versions"]]
        self.assertEqual(versions, list(range(version + 10, version, -1)))
        self.assertIn("no such version", self.tell(1, "rollback", str(version)).stderr)
