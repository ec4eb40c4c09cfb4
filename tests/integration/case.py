# SPDX-License-Identifier: Apache-2.0
"""case.py - what the tests have in common: a world for a class, or one for each test; or only a folder of policies."""
import os
import subprocess
import tempfile
import unittest

import world


class SharedTest(unittest.TestCase):
    """The tests of a class share one world, and leave it as they found it."""

    @classmethod
    def make_world(cls):
        return world.TwoFederations()

    @classmethod
    def setUpClass(cls):
        cls.world = cls.make_world()
        cls.addClassCleanup(cls.world.close)

    maxDiff = None

    def kill(self, process):
        """Until the test ends, at the latest: one that fails leaves its world whole too."""
        process.kill()
        self.addCleanup(self.revive, process)

    def revive(self, process):
        if not process.is_running():
            process.start()
        self.world.await_whole()


class PolicyCase(unittest.TestCase):
    """The verbs of mpregctl policy that work on files alone, which need no world."""

    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mpreg-policy-")
        self.addCleanup(self.folder.cleanup)

    def write(self, text, name="p.yaml"):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def ctl(self, code, *arguments):
        done = subprocess.run([world.program("mpregctl"), "policy", *arguments], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done
