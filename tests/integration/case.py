# SPDX-License-Identifier: Apache-2.0
"""case.py - what the tests have in common: a world for a class, or one for each test."""
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
