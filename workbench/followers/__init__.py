"""Followers: small processes beside the trainer that only read a run, or a study, until it ends.

The trainer knows nothing of them and never waits for one. See `start.start_followers`.
"""
