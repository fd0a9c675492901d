"""Starts the real programs on loopback ports, speaks raw SMPP to them, and drives peers written by others."""
