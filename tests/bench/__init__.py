"""Figures, as ratios to the bare thing measured side by side in one run.

``make bench`` prints them as a table and as JSON.  Nothing here asserts a
time: machines differ, and this one may be busy.
"""
