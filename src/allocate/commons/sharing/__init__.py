"""Sharing: the deal, its payments, and what every group of partners could have by itself."""
