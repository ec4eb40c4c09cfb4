# SPDX-License-Identifier: Apache-2.0
"""mpregctl policy: verbs that work on files alone, so no world is needed."""
import json
import os
import shlex
import xml.etree.ElementTree

from case import PolicyCase

FAILING = """policy: us-eu
links: [eu]
export:
  rules:
    - {id: billing, match: {function: "billing.{op}"}, set: {function: "us.billing.{op}"}, action: accept}
    - {id: rest, match: {function: "**"}, action: reject, reason: not for export}
tests:
  - {name: 'renamed & "sent"', export: {function: billing.charge}, expect: {action: accept, function: us.billing.charge}}
  - {name: 'number #1', export: {function: billing.charge}, expect: {function: "us.<charge>"}}
"""

HIDDEN = """policy: p
links: [eu]
import:
  rules:
    - {id: a, match: {function: "x.**"}, action: accept}
    - {id: b, match: {function: "x.*.z", tags: {any: [public]}}, action: reject}
"""


class PolicyTestTest(PolicyCase):
    def test_table_tells_expected_and_got_and_what_no_test_hit(self):
        path = self.write(FAILING)
        done = self.ctl(1, "test", path)
        self.assertRegex(done.stdout, r"(?m)^FAILED +\S+p\.yaml:9 +number #1 +function +us\.<charge> +us\.billing\.charge$")
        self.assertIn(f"{path}:6:7: no test hits export rule 'rest'\n1 passed, 1 failed; tests hit 1 of 2 rules (50%)\n",
                      done.stdout)

    def test_json(self):
        path = self.write(FAILING)
        answer = json.loads(self.ctl(1, "test", "-o", "json", path).stdout)
        self.assertEqual(answer, {
            "passed": 1, "failed": 1, "coverage": 50,
            "uncovered": [{"file": path, "line": 6, "direction": "export", "rule": "rest"}],
            "failures": [{"file": path, "line": 9, "test": "number #1", "mismatches": [
                {"what": "function", "expected": "us.<charge>", "got": "us.billing.charge"}]}]})

    def test_junit(self):
        path = self.write(FAILING)
        root = xml.etree.ElementTree.fromstring(
            self.ctl(1, "test", "-o", "junit", "-m", "60", path).stdout.encode())
        self.assertEqual((root.get("tests"), root.get("failures")), ("3", "2"))
        cases = [(case.get("classname"), case.get("name"), case.find("failure") is not None)
                 for case in root.iter("testcase")]
        self.assertEqual(cases, [("us-eu.export", 'renamed & "sent"', False), ("us-eu.export", "number #1", True),
                                 ("coverage", "at least 60%", True)])
        self.assertIn("function: expected us.<charge>, got us.billing.charge", root.find(".//failure").text)

    def test_tap(self):
        lines = self.ctl(1, "test", "-o", "tap", "-m", "50", self.write(FAILING)).stdout.splitlines()
        self.assertEqual(lines[:4], ["TAP version 13", "1..3", 'ok 1 - us-eu: renamed & "sent"',
                                     "not ok 2 - us-eu: number \\#1"])
        self.assertIn('  function: {expected: "us.<charge>", got: "us.billing.charge"}', lines)
        self.assertEqual(lines[-2:], ["ok 3 - tests hit at least 50% of the rules", "# coverage 50%"])

    def test_low_coverage_fails(self):
        path = self.write(FAILING.replace("us.<charge>", "us.billing.charge"))
        self.ctl(0, "test", "-m", "50", path)
        done = self.ctl(1, "test", "-m", "51", path)
        self.assertIn("the tests hit 50% of the rules, wanted are 51%", done.stderr)

    def test_wrong_lines_and_files_say_so(self):
        path = self.write(FAILING)
        self.assertIn("is no percentage", self.ctl(64, "test", "-m", "101", path).stderr)
        self.assertIn("allowed: table, json, junit, tap", self.ctl(64, "test", "-o", "xml", path).stderr)
        self.assertIn("FILE is missing", self.ctl(64, "test").stderr)
        broken = self.write("policy: p\n", "broken.yaml")
        self.assertIn("broken.yaml:1:1: key 'links' is missing", self.ctl(1, "test", path, broken).stderr)
        answer = json.loads(self.ctl(1, "test", "-o", "json", broken).stdout)
        self.assertEqual(answer["errors"][0]["message"], "key 'links' is missing in this policy")


COLLIDING = """policy: p
links: [eu]
export:
  rules:
    - {id: a, match: {function: "x.{n}"}, set: {function: "us.{n}"}, action: accept}
    - {id: b, match: {function: "y.{n}"}, set: {function: "us.{n}"}, action: accept}
"""


class PolicyCheckTest(PolicyCase):
    def test_several_exports_onto_one_name_are_an_error_unless_they_are_one_service(self):
        path = self.write(COLLIDING)
        self.assertEqual(self.ctl(1, "check", path).stdout,
                         f"{path}:6:59: several functions get one name: 'x.x' by rule 'a' and 'y.x' by this one both "
                         "become 'us.x'; say merge: true in both rules if they are one service; else keep their names "
                         "apart\n")
        self.ctl(0, "check", self.write(COLLIDING.replace("action", "merge: true, action")))

    def test_check_counts_tests_and_does_not_run_them(self):
        path = self.write(FAILING)
        self.assertEqual(self.ctl(0, "check", path).stdout, "1 file, no errors; 2 tests\n")
        answer = json.loads(self.ctl(0, "check", "-o", "json", path).stdout)
        self.assertEqual(answer, {"errors": [], "warnings": [], "files": 1, "tests": 2})

    def test_warnings_alone_are_a_code_of_their_own(self):
        path = self.write(HIDDEN)
        self.assertEqual(self.ctl(2, "check", path).stdout,
                         f"{path}:6:7: warning: this rule can never match: rule 'a' before it matches all that it does; "
                         f"that rule is at {path}:5:7\n1 file, no errors; 0 tests\n")
        answer = json.loads(self.ctl(2, "check", "-o", "json", path).stdout)
        self.assertEqual((answer["errors"], len(answer["warnings"])), ([], 1))

    def test_errors_and_warnings_as_json(self):
        path = self.write('policy: p\nlinks: eu\nexport: {rules: [{id: a, action: accept, reason: x}]}\nimprot: {}\n')
        answer = json.loads(self.ctl(1, "check", "-o", "json", path).stdout)
        self.assertEqual(answer["errors"], [{
            "file": path, "line": 4, "column": 1, "message": "unknown key 'improt' in this policy",
            "hint": "did you mean 'import'? (allowed: policy, federation, links, "
                    "link_federations, guard, include, define, export, import, tests, assert)"}])
        self.assertEqual([warning["line"] for warning in answer["warnings"]], [3])


EXPLAINED = """policy: us-eu
links: [eu]
export:
  rules:
    - id: other-version
      match: {function: "billing.{op}", version: ">=3.0.0"}
      action: reject
    - id: internal
      match: {tags: {all: [internal]}}
      action: reject
    - id: billing
      match: {function: "billing.{op}", tags: {none: [internal]}}
      set: {function: "us.billing.{op}", tags: {add: [from-us]}, cost: 10, ttl: 60s}
      action: accept
"""


class PolicyExplainTest(PolicyCase):
    QUESTION = ("function=billing.charge", "tags=public,stable", "version=2.1.0", "origin=us")

    def test_json(self):
        path = self.write(EXPLAINED)
        answer = json.loads(self.ctl(0, "explain", "-o", "json", path, "export", *self.QUESTION, "at=2026-12-01").stdout)
        self.assertEqual(answer, {
            "action": "accept", "rule": "billing", "reason": "", "at": "2026-12-01T00:00:00Z", "merge": False,
            "limits": None,
            "advertisement": {
                "function": "us.billing.charge", "function_id": "us.billing.charge", "version": "2.1.0",
                "tags": ["public", "stable", "from-us"], "resources": [], "scope": "zone", "origin": "us",
                "path": ["us"], "cost": 10, "preference": 100, "ttl_seconds": 60},
            "trace": [{"rule": "other-version", "file": path, "line": 5, "matched": False, "failed_on": "version",
                       "item": None},
                      {"rule": "internal", "file": path, "line": 8, "matched": False, "failed_on": "tags.all",
                       "item": "internal"},
                      {"rule": "billing", "file": path, "line": 11, "matched": True, "failed_on": None,
                       "item": None}]})

    def test_table(self):
        path = self.write(EXPLAINED)
        out = self.ctl(0, "explain", path, "export", *self.QUESTION).stdout
        self.assertRegex(out, r"(?m)^internal +\S+p\.yaml:8 +no +tags\.all: internal$")
        self.assertIn("accept by rule 'billing'\n  function     us.billing.charge\n", out)
        self.assertIn("  tags         [public, stable, from-us]\n", out)
        self.assertIn("  ttl          1m\n", out)

    def test_the_default_and_the_other_direction(self):
        path = self.write(EXPLAINED)
        answer = json.loads(self.ctl(0, "explain", "-o", "json", path, "import", "function=a").stdout)
        self.assertRegex(answer.pop("at"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")
        self.assertEqual(answer, {"action": "reject", "rule": "default", "reason": "no rule matches it",
                                  "advertisement": None, "merge": False, "limits": None, "trace": []})
        self.assertEqual(self.ctl(0, "explain", path, "import", "function=a").stdout,
                         "reject by rule 'default': no rule matches it\n")

    def test_wrong_questions_say_what_to_do(self):
        path = self.write(EXPLAINED)
        for words, arguments in (
                ("FILE is missing", ()),
                ("export or import is missing", (path,)),
                ("'exprot' is no direction (allowed: export, import)", (path, "exprot")),
                ("function=NAME is missing", (path, "export")),
                ("'x' is not KEY=VALUE", (path, "export", "x")),
                ("unknown key 'tag'; did you mean 'tags'?", (path, "export", "tag=x")),
                ("tags= is given twice", (path, "export", "tags=x", "tags=y")),
                ("tags= has an empty text", (path, "export", "tags=x,,y")),
                ("version=1.x is not a version", (path, "export", "version=1.x")),
                ("scope=far is no scope", (path, "export", "scope=far")),
                ("path= has more than 32 items", (path, "export", "path=" + ",".join(["a"] * 33))),
                ("at=: 'soon' is not a time; write a time such as", (path, "export", "at=soon")),
                ("path= must begin with origin=", (path, "export", "function=a", "origin=eu", "path=us"))):
            self.assertIn(words, self.ctl(64, "explain", *arguments).stderr)
        broken = self.write("policy: p\n", "broken.yaml")
        self.assertIn("'links' is missing", self.ctl(1, "explain", broken, "export", "function=a").stderr)


WINTER = """policy: p
federation: us
links: [eu-a]
link_federations: {eu-a: "eu"}
guard: {withdraw_max: "20%"}
export:
  rules:
    - action: accept
      limits: {timeout: 5s, rate: 500/s}
      merge: true
      set: {scope: global, function: us.sale}
      transit: true
      valid: {until: "2027-01-01T00:00:00+01:00", from: "2026-12-01"}
      match: {function: ["shop.sale"]}
      id: sale
    - {id: later, valid: {from: "${DAY:-2027-01-01}"}, action: reject}
import: {rules: [], overlap: failover, limits: {functions: {action: block, max: 5}}}
tests:
  - {expect: {scope: global, rule: sale}, name: x, export: {at: 2026-12-24, function: shop.sale}}
"""

WINTER_CANONICAL = """policy: p
federation: us
links: eu-a
link_federations: {eu-a: eu}
guard: {withdraw_max: 20%}

export:
  rules:
    - id: sale
      match: {function: shop.sale}
      valid: {from: 2026-12-01, until: 2027-01-01T00:00:00+01:00}
      transit: true
      set: {function: us.sale, scope: global}
      merge: true
      limits: {rate: 500/s, timeout: 5s}
      action: accept
    - {id: later, valid: {from: "${DAY:-2027-01-01}"}, action: reject}
import: {limits: {functions: {max: 5, action: block}}, overlap: failover, rules: []}

tests:
  - {name: x, export: {function: shop.sale, at: 2026-12-24}, expect: {rule: sale, scope: global}}
"""


class PolicyTimesAndLimitsTest(PolicyCase):
    """One file through all verbs: what holds for a time, for a service of several and for so many calls."""

    def test_check_test_and_fmt(self):
        path = self.write(WINTER)
        self.assertEqual(self.ctl(0, "check", path).stdout, "1 file, no errors; 1 test\n")
        self.assertIn("1 passed, 0 failed", self.ctl(0, "test", path).stdout)
        self.assertEqual(self.ctl(0, "fmt", path).stdout, WINTER_CANONICAL)
        self.assertEqual(self.ctl(0, "fmt", self.write(WINTER_CANONICAL)).stdout, WINTER_CANONICAL)

    def test_explain_asks_about_a_moment(self):
        path = self.write(WINTER)
        question = ("explain", "-o", "json", path, "export", "function=shop.sale")
        answer = json.loads(self.ctl(0, *question, "at=2026-12-24T20:00:00+01:00").stdout)
        self.assertEqual((answer["rule"], answer["at"], answer["merge"], answer["advertisement"]["scope"]),
                         ("sale", "2026-12-24T19:00:00Z", True, "global"))
        self.assertEqual(answer["limits"], {"rate": "500/s", "burst": None, "in_flight": None, "timeout_seconds": 5,
                                            "args_bytes": None, "result_bytes": None})
        answer = json.loads(self.ctl(0, *question, "at=2026-12-31T23:00:00Z").stdout)
        self.assertEqual((answer["rule"], answer["limits"], answer["trace"][0]["failed_on"]),
                         ("default", None, "valid.until"))
        out = self.ctl(0, "explain", path, "export", "function=shop.sale", "at=2026-12-24").stdout
        self.assertIn("  limits       rate 500/s, timeout 5s\n", out)


PROMISING = """policy: p
federation: us
links: [eu]
export:
  rules:
    - {id: no-internal, match: {tags: {any: [internal]}}, action: reject}
    - {id: billing, match: {function: "billing.{op}"}, set: {function: "us.{op}"}, action: accept}
assert:
  - never: {export: {tags: [internal]}}
  - name: billing leaves
    always: {export: {function: "billing.**"}}
"""


class PolicyProveTest(PolicyCase):
    def test_what_holds_and_what_does_not(self):
        path = self.write(PROMISING)
        out = self.ctl(1, "prove", path).stdout
        self.assertRegex(out, r"holds +\S+p.yaml:9 +never: \{export: \{tags: \[internal\]\}\} +- +-\n")
        self.assertRegex(out, r"broken +\S+p.yaml:10 +billing leaves +export function=\S+ .*rejected by rule")
        self.assertIn("1 hold, 1 broken, 0 undecided\n", out)
        path = self.write(PROMISING.replace("always", "never").replace("billing.**", "vault.**"))
        self.assertIn("2 hold, 0 broken, 0 undecided\n", self.ctl(0, "prove", path).stdout)

    def test_json_is_a_line_an_assert(self):
        path = self.write(PROMISING)
        lines = [json.loads(line) for line in self.ctl(1, "prove", "-o", "json", path).stdout.splitlines()]
        self.assertEqual([(line["holds"], line["assert"], line["line"]) for line in lines],
                         [(True, "never: {export: {tags: [internal]}}", 9), (False, "billing leaves", 10)])
        self.assertIsNone(lines[0]["counterexample"])
        self.assertRegex(lines[1]["why"], "^rejected by rule '")

    def test_an_example_is_a_question_for_explain(self):
        path = self.write(PROMISING)
        lines = [json.loads(line) for line in self.ctl(1, "prove", "-o", "json", path).stdout.splitlines()]
        words = shlex.split(lines[1]["counterexample"])
        answer = json.loads(self.ctl(0, "explain", "-o", "json", path, *words).stdout)
        self.assertEqual(lines[1]["why"], f"rejected by rule '{answer['rule']}'")

    NEIGHBOURS = {
        "eu.yaml": """policy: eu
federation: eu
links: [us, ap]
export:
  rules:
    - {id: pass, match: {function: "{f**}"}, transit: true, set: {function: "eu.{f}"}, action: accept}
import: {rules: [{id: in, match: {function: "us.**"}, action: accept}]}
""",
        "ap.yaml": """policy: ap
federation: ap
links: [eu]
import: {rules: [{id: in, match: {function: "eu.us.**"}, action: accept}]}
"""}

    def neighbours(self):
        return [self.write(text, name) for name, text in self.NEIGHBOURS.items()]

    def test_several_files_tell_what_reaches_whom(self):
        us = self.write(PROMISING.replace("always", "never").replace("billing.**", "vault.**") + "  - only: eu\n")
        self.assertIn("3 hold, 0 broken", self.ctl(0, "prove", us).stdout)
        out = self.ctl(1, "prove", us, *self.neighbours()).stdout
        self.assertRegex(out, r"broken .*only: eu +export function=billing.x +accepted by rule 'billing' as us.x, "
                              r"reaches ap through eu\n")
        self.assertRegex(out, r"us +ap +eu +passes +billing.x -> us.x by 'billing' -> us.x by 'in' -> eu.us.x by 'pass' "
                              r"-> eu.us.x by 'in'\n")
        self.assertRegex(out, r"ap +us +- +nothing +-\n")
        lines = [json.loads(line) for line in self.ctl(1, "prove", "-o", "json", us, *self.neighbours())
                 .stdout.splitlines()]
        way = next(line for line in lines if (line.get("from"), line.get("to")) == ("us", "ap"))
        self.assertEqual((way["through"], way["passes"], way["loop"], way["function"]),
                         (["eu"], True, False, "billing.x"))
        self.assertEqual(way["steps"][-1],
                         {"federation": "ap", "direction": "import", "rule": "in", "function": "eu.us.x"})

    def test_files_of_nobody_are_left_out_of_the_network(self):
        us = self.write(PROMISING.replace("federation: us\n", ""))
        done = self.ctl(1, "prove", us, *self.neighbours())
        self.assertIn("p.yaml does not say whose policy it is, and is left out of the network", done.stderr)

    def test_check_warns_of_neighbours_that_pass_on(self):
        us = self.write(PROMISING)
        out = self.ctl(2, "check", us, *self.neighbours()).stdout
        self.assertRegex(out, r"p.yaml:7:7: warning: what rule 'billing' exports to 'eu' is passed on to 'ap': 'billing.x', "
                              r"for example; rule 'pass' at \S+eu.yaml:6:7 has transit; if that is meant, name 'ap' "
                              "in an assert with only\n")
        foreseen = self.write(PROMISING + "  - only: [eu, ap]\n")
        self.assertNotIn("passed on", self.ctl(2, "check", foreseen, *self.neighbours()).stdout)

    def test_wrong_lines_and_files_say_so(self):
        self.assertIn("FILE is missing", self.ctl(64, "prove").stderr)
        broken = self.write(PROMISING.replace("never", "nevr"))
        self.assertIn("unknown key 'nevr' in this assert; did you mean 'never'?", self.ctl(1, "prove", broken).stderr)


class PolicyFmtTest(PolicyCase):
    WRITTEN = """links: ["eu"]
policy: 'p'
export:
  rules:
  - action: accept
    id: a
    match: {version: ">=1.0.0", function: ["${HEAD:-x}.{n}"]}
    set: {cost: 5, function: "us.{n}"}
"""
    CANONICAL = """policy: p
links: eu

export:
  rules:
    - id: a
      match: {function: "${HEAD:-x}.{n}", version: ">=1.0.0"}
      set: {function: "us.{n}", cost: 5}
      action: accept
"""

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_prints_the_canonical_form_which_stays_as_it_is(self):
        path = self.write(self.WRITTEN)
        self.assertEqual(self.ctl(0, "fmt", path).stdout, self.CANONICAL)
        self.assertEqual(self.read(path), self.WRITTEN)
        os.chmod(path, 0o640)
        self.ctl(0, "fmt", "--write", path)
        self.assertEqual(self.read(path), self.CANONICAL)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)
        self.ctl(0, "fmt", "--write", path)
        self.assertEqual(self.read(path), self.CANONICAL)
        self.assertEqual(os.listdir(self.folder.name), ["p.yaml"])

    def test_comments_are_not_lost_in_silence(self):
        text = self.WRITTEN.replace("rules:", "rules: # of ours")
        path = self.write(text)
        done = self.ctl(0, "fmt", path)
        self.assertEqual((done.stdout, done.stderr),
                         (self.CANONICAL, "mpregctl policy fmt: comments on 1 lines are lost\n"))
        self.assertIn("the first is line 4: they would be lost, so nothing is written",
                      self.ctl(1, "fmt", "-w", path).stderr)
        self.assertEqual(self.read(path), text)
        self.ctl(0, "fmt", "-w", "-f", path)
        self.assertEqual(self.read(path), self.CANONICAL)

    def test_files_with_errors_are_not_formatted(self):
        path = self.write(self.WRITTEN.replace("cost", "csot"))
        self.assertIn("unknown key 'csot' in set", self.ctl(1, "fmt", "-w", path).stderr)
        self.assertIn("FILE is missing", self.ctl(64, "fmt").stderr)
