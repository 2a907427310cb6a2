"""What a request costs: the gateway, the usual stack and the raw limit, in one run.

The rule: each server is a process of its own, one at a time, before services that cost next to
nothing, and all of them are asked for the same data. Every answer is looked at; a row with one
wrong answer has no figures. Rounds go through all servers in turn, so that a machine that is
shared is unfair to all of them alike.
"""
