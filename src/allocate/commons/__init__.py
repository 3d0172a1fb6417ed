"""Deciding together: proposals and what becomes of everyone, votes and their weight, rival rule books, versions."""
