"""Requests, passes and answers: a simple prompt becomes a detailed one."""
