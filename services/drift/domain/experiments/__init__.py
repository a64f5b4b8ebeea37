"""Versions compared by the truths of what they answered: arms, splits, and a test that holds whenever one looks."""
