"""The published report: one self-contained HTML page, and tables for papers beside it."""
