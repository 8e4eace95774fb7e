"""Rows that are work: commit a row, wake a worker, drain what is due."""
