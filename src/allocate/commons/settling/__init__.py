"""Settling: plans between those that partners prefer, and plans nearly as good as the best."""
