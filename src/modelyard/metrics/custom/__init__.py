"""Custom metrics: functions and costs that the configuration names."""
