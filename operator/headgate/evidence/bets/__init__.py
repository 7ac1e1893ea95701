"""Bets against a null hypothesis, for many comparisons side by side: the mathematics under every verdict."""
