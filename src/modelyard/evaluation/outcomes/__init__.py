"""Outcomes of cases, as any harness writes them: read, paired by case, and judged by the gates."""
