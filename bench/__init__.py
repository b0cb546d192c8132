"""The runner: plan, launch, record, judge, report."""
