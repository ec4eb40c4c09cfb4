# SPDX-License-Identifier: Apache-2.0
"""mpregctl policy and explain, against an admin interface that answers what a bridge seldom does."""
import http.server
import json
import os
import subprocess
import threading

from test_policy import PolicyCase
from world import PATIENCE_SECONDS, program

TOKEN = "a-token-that-nobody-is-to-see"
POLICY = "policy: p\nlinks: [eu]\nexport:\n  rules: [{id: a, match: {function: 'a.**'}, action: accept}]\n"


class FakeAdmin:
    """Answers each page from a list of (status, body), the last again and again; keeps what it was asked."""

    def __init__(self, **pages):
        self.pages = {"/v1/" + name.replace("__", "/"): answers for name, answers in pages.items()}
        self.asked = []
        admin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(None)

            def do_POST(self):
                self.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def answer(self, sent):
                path, _, query = self.path.partition("?")
                admin.asked.append((self.command, path, query, sent, dict(self.headers)))
                answers = admin.pages[path]
                status, body = answers.pop(0) if len(answers) > 1 else answers[0]
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def posts(self):
        return [(path, sent) for method, path, _, sent, _ in self.asked if method == "POST"]


def state(name, outcome="none", **more):
    return (200, {"version": 3, "reload": {"state": name, "outcome": outcome, "guarded": None, **more}})


NO_DIFFERENCES = [(200, {"links": []})]
ACCEPTED = [(202, {"state": "comparing"})]


class CtlPolicyTest(PolicyCase):
    def admin(self, **pages):
        admin = FakeAdmin(**pages)
        self.addCleanup(admin.close)
        return admin

    def ask(self, code, admin, *arguments, **environment):
        environment = {**os.environ, "MPREG_TOKEN": TOKEN, "MPREG_TOKEN_FILE": "", **environment}
        done = subprocess.run([program("mpregctl"), "--admin", admin.url, *arguments], capture_output=True, text=True,
                              timeout=PATIENCE_SECONDS, check=False, env=environment)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done

    def test_what_is_sent(self):
        os.mkdir(os.path.join(self.folder.name, "shared"))
        self.write("define: {x: 'ä'}\n", "shared/names.yaml")
        path = self.write(POLICY + "include: [shared/names.yaml]\n")
        admin = self.admin(policy__apply=ACCEPTED, policy=[state("idle", "applied")], policy__differences=NO_DIFFERENCES)
        self.ask(0, admin, "policy", "apply", "-f", "-c", "1500ms", path, USER="carol")
        (page, sent), = admin.posts()
        author = sent.pop("author")
        self.assertRegex(author, r"^carol@.+")
        self.assertEqual((page, sent), ("/v1/policy/apply", {"force": True, "confirm_within_seconds": 1.5, "files": [
            {"path": path, "text": POLICY + "include: [shared/names.yaml]\n",
             "includes": [{"path": "shared/names.yaml", "text": "define: {x: 'ä'}\n"}]}]}))
        headers = {key.lower(): value for key, value in admin.asked[0][4].items()}
        self.assertEqual((headers["authorization"], headers["content-type"]), (f"Bearer {TOKEN}", "application/json"))
        self.assertNotIn("expect", headers)

    def test_it_asks_until_the_change_has_ended(self):
        admin = self.admin(policy__reload=ACCEPTED, policy__differences=NO_DIFFERENCES, policy=[
            state("comparing"), state("applying"), state("applying"), state("idle", "applied")])
        self.assertEqual(self.ask(0, admin, "policy", "reload").stdout,
                         "no differences; 0 functions compared, 0 pass today\nversion 3 is in use\n")
        self.assertEqual(sum(path == "/v1/policy" for _, path, *_ in admin.asked), 4)

    def test_what_a_bridge_could_not_do_is_a_failure(self):
        for outcome, words in (("no_memory", "the bridge has not enough memory: version 3 is in use"),
                               ("reverted", "what waited for a confirmation went back: version 3 is in use")):
            admin = self.admin(policy__apply=ACCEPTED, policy=[state("idle", outcome)], policy__differences=NO_DIFFERENCES)
            self.assertIn(words, self.ask(1, admin, "policy", "apply", self.write(POLICY)).stderr)

    def test_a_comparison_that_another_change_overtakes_is_not_told_as_ours(self):
        admin = self.admin(policy__diff=ACCEPTED, policy=[state("idle", "applied")])
        self.assertIn("the comparison was lost to another change: version 3 is in use; say it again",
                      self.ask(1, admin, "policy", "diff", self.write(POLICY)).stderr)

    def test_nothing_is_sent_of_files_with_errors(self):
        admin = self.admin()
        good, bad = self.write(POLICY), self.write(POLICY.replace("links", "lniks"), "bad.yaml")
        for verb in ("diff", "apply", "shadow"):
            self.assertIn("bad.yaml:2:1: unknown key 'lniks'", self.ask(1, admin, "policy", verb, good, bad).stderr)
        errors = json.loads(self.ask(1, admin, "-o", "json", "policy", "diff", bad).stdout)["errors"]
        self.assertIn((2, 1, "unknown key 'lniks' in this policy"), [(error["line"], error["column"], error["message"]) for error in errors])
        large = [self.write(POLICY + "#" * 7 * 1024 * 1024, f"large-{i}.yaml") for i in range(3)]
        self.assertIn("of which 16 MiB is taken at once", self.ask(1, admin, "policy", "diff", *large).stderr)
        self.assertEqual(admin.asked, [])

    def test_errors_that_only_the_bridge_finds(self):
        faults = {"warnings": [], "errors": [
            {"file": "p.yaml", "line": 2, "column": 9, "message": "there is no link 'eu'", "hint": "see links"}]}
        invalid = {"version": 1, "reload": {"state": "idle", "outcome": "invalid", "faults": faults}}
        loading = {"version": 1, "reload": {"state": "loading", "outcome": "none", "faults": None}}
        admin = self.admin(policy__apply=[(202, {"state": "loading"})] * 2,
                           policy=[(200, loading), (200, invalid), (200, invalid)])
        what = "nothing was changed: the bridge does not take these files, or their tests or asserts fail there"
        self.assertEqual(self.ask(1, admin, "policy", "apply", self.write(POLICY)).stderr,
                         f"p.yaml:2:9: there is no link 'eu'; see links\nmpregctl policy apply: {what}\n")
        self.assertEqual(json.loads(self.ask(1, admin, "-o", "json", "policy", "apply", self.write(POLICY)).stdout),
                         {"ok": False, "outcome": "invalid", "error": what, **faults})

    def test_a_function_that_policy_accepts_and_that_does_not_pass(self):
        advertisement = {"function": "us.a", "function_id": "a\n", "version": "1.0.0", "tags": ["x", "y"], "resources": [],
                         "scope": "zone", "origin": "us", "path": ["us"], "cost": 5, "preference": 100,
                         "ttl_seconds": None}
        explanation = {"action": "accept", "rule": "all", "reason": None, "state": "denied",
                       "state_reason": "function_id_conflict", "in": {**advertisement, "function": "a"},
                       "advertisement": advertisement, "limits": {"rate": "5/s", "timeout_seconds": 1.5, "args_bytes": 1024},
                       "trace": [{"rule": "all", "file": "p.yaml", "line": 4, "matched": True, "failed_on": None}]}
        admin = self.admin(policy__explain=[(200, {"explanations": [explanation, explanation]})])
        out = self.ask(0, admin, "explain", "a b", "--export", "e&u").stdout
        self.assertEqual(admin.asked[0][2], "function=a%20b&link=e%26u&direction=export")
        one = ("a 1.0.0, export over link e&u: denied: function_id_conflict, although policy accepts it\n"
               "RULE  WHERE     MATCHED  FAILED ON\n"
               "all   p.yaml:4  yes      -\n"
               "accept by rule 'all'\n"
               "  function     us.a\n"
               "  function_id  a\\n\n"
               "  version      1.0.0\n"
               "  tags         [x, y]\n"
               "  resources    []\n"
               "  scope        zone\n"
               "  path         [us]\n"
               "  cost         5\n"
               "  preference   100\n"
               "  ttl          as it was\n"
               "  limits       rate 5/s, timeout 1500ms, args 1KiB\n")
        self.assertEqual(out, one + "\n" + one)

    def test_wrong_command_lines(self):
        admin = self.admin()
        for words, arguments in (
                ("did you mean 'rollback'?", ("policy", "rolback")),
                ("did you mean --confirm-within?", ("policy", "apply", "--confirm-witin", "5s")),
                ("FILE is missing", ("policy", "diff")),
                ("FILE is missing", ("policy", "apply", "--force")),
                ("unexpected argument 'x'", ("policy", "reload", "x")),
                ("unexpected argument 'x'", ("policy", "confirm", "x")),
                ("unexpected argument '2'", ("policy", "rollback", "1", "2")),
                ("'two' is no version; see mpregctl policy versions", ("policy", "rollback", "two")),
                ("'60' has no unit", ("policy", "apply", "--confirm-within", "60", "x")),
                ("--confirm-within is from 1s to 24h", ("policy", "reload", "--confirm-within", "1ms")),
                ("--confirm-within is from 1s to 24h", ("policy", "reload", "--confirm-within", "2d")),
                ("--author has 1 to 64 bytes", ("policy", "reload", "--author", "x" * 65)),
                ("--stop takes no file 'x'", ("policy", "shadow", "--stop", "x")),
                ("more than 64 files", ("policy", "diff", *["x"] * 65)),
                ("FUNCTION is missing", ("explain", "--export", "eu")),
                ("--export LINK or --import LINK is missing", ("explain", "a")),
                ("one of --export and --import, and once", ("explain", "a", "-e", "x", "-i", "y"))):
            with self.subTest(arguments):
                self.assertIn(words, self.ask(64, admin, *arguments).stderr)
        self.assertEqual(admin.asked, [])
